//! Reading from a web service: deadlines, tries again where that can help, and errors that say what
//! to check. Only `GET`, so that each request may be made again. What the answers mean is for the
//! clients above: `forge::gitea`, `ci::woodpecker`.

mod attempt;
mod token;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, LOCATION, USER_AGENT};
use reqwest::redirect::Policy;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{Error, ErrorKind, Result, Retry};

pub(crate) use attempt::Patience;
pub use token::Token;

/// The longest answer that is read, in bytes. A page of 50 pull requests with long texts is below
/// 4 MB.
const LONGEST: usize = 64 << 20;

/// How a server is reached.
#[derive(Debug, Clone)]
pub(crate) struct HttpOptions {
    /// The word before the token: `token` for Gitea, `Bearer` for others.
    pub(crate) scheme: &'static str,
    pub(crate) token: Option<Token>,
    /// Certificates are not checked, as the user's login says.
    pub(crate) insecure: bool,
    pub(crate) patience: Patience,
}

/// A server, asked as one user.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
    token: Option<Token>,
    patience: Patience,
}

/// What a server answered, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// What was asked for, for messages.
    pub(crate) asked: String,
}

impl Http {
    /// A server at `base`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` for an address that is none, or a token that no header can hold.
    pub(crate) fn new(base: &str, options: HttpOptions) -> Result<Self> {
        let base = server(base)?;
        let mut headers = HeaderMap::new();
        if let Some(token) = &options.token {
            headers.insert(AUTHORIZATION, token.header(options.scheme)?);
        }
        headers.insert(
            USER_AGENT,
            concat!("mosaic-fleet/", env!("CARGO_PKG_VERSION"))
                .parse()
                .map_err(|_| Error::new(ErrorKind::Unexpected, "the version is no header"))?,
        );
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .connect_timeout(options.patience.connect)
            .read_timeout(options.patience.silence)
            .redirect(within_the_server())
            .tls_danger_accept_invalid_certs(options.insecure)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Unexpected, "cannot set up HTTP and TLS")
                    .with_source(error.without_url())
            })?;
        Ok(Http {
            client,
            base,
            token: options.token,
            patience: options.patience,
        })
    }

    /// The server's address, with a slash at the end.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The address of a path, each part of which is escaped.
    pub(crate) fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks, again while that may help: no connection, one that broke, `429`, `500`, `502` to `504`.
    /// Any other answer is the caller's to judge.
    ///
    /// # Errors
    ///
    /// `Unavailable` and `RateLimited`, of the last try. Nothing is lost when it is dropped.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer> {
        let url = self.url(path, query);
        attempt::until_answered(self.patience, &self.host(), || self.once(url.clone())).await
    }

    async fn once(&self, url: Url) -> Result<Answer, reqwest::Error> {
        let asked = url.path().to_owned();
        let mut response = self
            .client
            .get(url)
            .header(ACCEPT, "application/json")
            .timeout(self.patience.request)
            .send()
            .await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                break;
            }
        }
        // Some servers and proxies show the request in their complaint.
        if let (Some(token), false) = (&self.token, (200..300).contains(&status)) {
            body = token.hidden_in(body);
        }
        Ok(Answer {
            status,
            headers,
            body,
            asked,
        })
    }

    /// Opens a stream of events. Not tried again: whoever reads it opens another one.
    #[cfg(feature = "ci")]
    pub(crate) async fn stream(&self, path: &[&str]) -> Result<reqwest::Response> {
        let request = self
            .client
            .get(self.url(path, &[]))
            .header(ACCEPT, "text/event-stream");
        request.send().await.map_err(|error| {
            Error::unavailable(format!("{}: {}", self.host(), attempt::words(&error)))
                .with_source(error.without_url())
        })
    }

    /// The server, as people name it.
    pub(crate) fn host(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

impl Answer {
    /// The body, if all is well; else an error of what the server said.
    ///
    /// # Errors
    ///
    /// `Unauthenticated` for 401, `PermissionDenied` for 403 and 404, `Unavailable` for anything
    /// else that is no success or cannot be read.
    pub(crate) fn read<T: DeserializeOwned>(&self, host: &str) -> Result<T> {
        if !self.is_success() {
            return Err(self.refusal(host));
        }
        if self.body.len() > LONGEST {
            let too_long = format!("{host} answered with more than {} MB", LONGEST >> 20);
            return Err(Error::new(ErrorKind::Unexpected, too_long));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Error::unavailable(format!(
                "{host} answered to {} with something else than expected",
                self.asked
            ))
            .with_hint("check that this is the server's own address, and no page for people")
            .with_source(error)
        })
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the server said no with. It is the caller's to say what to check.
    pub(crate) fn refusal(&self, host: &str) -> Error {
        let kind = match self.status {
            401 => ErrorKind::Unauthenticated,
            403 | 404 => ErrorKind::PermissionDenied,
            429 => ErrorKind::RateLimited,
            _ => ErrorKind::Unavailable,
        };
        if let Some(place) = self.elsewhere() {
            return Error::new(
                ErrorKind::Unavailable,
                format!("{host} sends us elsewhere: {place}"),
            )
            .with_hint("if that is the same server, give this address to the login");
        }
        let words = match self.said() {
            said if said.is_empty() => String::new(),
            said => format!(": {said}"),
        };
        let error = Error::new(
            kind,
            format!("{host} answered {} to {}{words}", self.status, self.asked),
        );
        match kind {
            ErrorKind::Unavailable | ErrorKind::RateLimited => error.with_retry(Retry::Safe),
            _ => error,
        }
    }

    /// Whether it looks like a page for people, not like a service's answer.
    pub(crate) fn is_page(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"<")
    }

    /// The server that a redirect leads to, which was not followed.
    fn elsewhere(&self) -> Option<String> {
        if !(300..400).contains(&self.status) {
            return None;
        }
        let place = self.headers.get(LOCATION)?.to_str().ok()?;
        let place = Url::parse(place).ok()?;
        Some(place.origin().ascii_serialization())
    }

    /// The server's own words: the `message` of a JSON answer, or a short plain text.
    fn said(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Said {
            message: String,
        }
        // A page of a proxy says nothing to a terminal.
        if self.is_page() {
            return String::new();
        }
        let words = match serde_json::from_slice::<Said>(&self.body) {
            Ok(said) => said.message,
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let clean: String = line.chars().filter(|c| !c.is_control()).collect();
        match clean.char_indices().nth(200) {
            Some((end, _)) => format!("{}…", &clean[..end]),
            None => clean,
        }
    }

    /// A header that is a number.
    pub(crate) fn number(&self, header: &str) -> Option<u64> {
        self.headers.get(header)?.to_str().ok()?.trim().parse().ok()
    }
}

/// A repository that was renamed is found by a redirect. One to another server is not followed: it
/// is not known to be meant by whoever gave us the token.
fn within_the_server() -> Policy {
    Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::origin);
        if from != Some(attempt.url().origin()) {
            attempt.stop()
        } else if attempt.previous().len() > 10 {
            attempt.error("redirects without end")
        } else {
            attempt.follow()
        }
    })
}

/// The address of a server, with a slash at the end and without a user's name or password.
///
/// # Errors
///
/// `ConfigInvalid` if it is none.
pub(crate) fn server(text: &str) -> Result<Url> {
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let mut url = Url::parse(text.trim()).ok().filter(is_web).ok_or_else(|| {
        Error::config_invalid("the server's address is none")
            .with_hint("write it with https://, for example https://git.example.com")
    })?;
    // A host has both, so neither fails.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
