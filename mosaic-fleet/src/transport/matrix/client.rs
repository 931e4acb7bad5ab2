//! The homeserver as one account sees it: the few requests that are made, with their deadlines,
//! tries again and rate limits in one place. No other file here knows HTTP.
//!
//! Each request may be made again: what writes has a transaction id, or writes the same. So an answer
//! that was lost, a restart of the server and a rate limit are all met by asking once more, until the
//! deadline.

use std::borrow::Cow;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use ruma::api::auth_scheme::{AuthScheme, SendAccessToken};
use ruma::api::path_builder::{PathBuilder, VersionHistory};
use ruma::api::{
    IncomingResponse, IncomingResponseExt, OutgoingRequest, OutgoingRequestExt, SupportedVersions,
};
use ruma::exports::http;
use ruma::{OwnedDeviceId, OwnedUserId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::{Instant, sleep, timeout_at};

use super::config::MatrixConfig;
use super::error::MatrixError;
use crate::error::{Error, ErrorKind, Result as PublicResult};

/// How long a server may take to take a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long one try may last where the request itself does not wait.
const TRY: Duration = Duration::from_secs(30);

/// How long a server that takes no connection is tried.
const UNREACHED: Duration = Duration::from_secs(3);

/// The longest pause between two tries, where the server does not ask for one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// An account on a homeserver. Cheap to clone; no I/O until something is asked.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    host: String,
    authorization: HeaderValue,
    versions: SupportedVersions,
}

/// Who we are to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whoami {
    pub(crate) user: OwnedUserId,
    /// Nothing for a token of no device, which is of no use: its transaction ids do not last.
    pub(crate) device: Option<OwnedDeviceId>,
}

/// Until when a request is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) deadline: Instant,
    /// How long one try may last: longer than the server is asked to wait.
    pub(crate) each: Duration,
    /// What of it that failed is tried again.
    pub(crate) again: Again,
}

/// What is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// All that may pass by.
    Any,
    /// Of that, what was surely not done: another try could do it twice.
    Undone,
    /// Nothing: whoever asks does that.
    Nothing,
}

impl Patience {
    /// Tries until `deadline`.
    pub(crate) fn until(deadline: Instant) -> Self {
        Patience {
            deadline,
            each: TRY,
            again: Again::Any,
        }
    }

    /// Tries for `length` from now on.
    pub(crate) fn of(length: Duration) -> Self {
        Self::until(Instant::now() + length)
    }

    /// For what must not be done twice.
    pub(crate) fn once(mut self) -> Self {
        self.again = Again::Undone;
        self
    }

    /// For who tries again in a way of their own.
    pub(crate) fn one_try(mut self) -> Self {
        self.again = Again::Nothing;
        self
    }

    /// For a request that has the server wait this long.
    pub(crate) fn waiting(mut self, wait: Duration) -> Self {
        self.each = wait + TRY / 2;
        self
    }
}

/// What a refusal says, where it is a server of the specification that refuses.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    errcode: String,
    error: String,
    retry_after_ms: Option<u64>,
}

impl Client {
    /// The account of this configuration.
    ///
    /// # Errors
    /// `ConfigInvalid` for a token that no header can hold, or certificates that are none.
    pub(crate) fn new(config: &MatrixConfig) -> PublicResult<Self> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("mosaic-fleet/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            // A redirect would take the token elsewhere.
            .redirect(reqwest::redirect::Policy::none());
        if config.homeserver.scheme() == "http" {
            // It is on this machine: no proxy shall see the token, and no certificates are needed,
            // which take long to read.
            http = http.no_proxy().tls_certs_only([]);
        }
        if let Some(path) = &config.ca_file {
            let bad = |why: String| {
                Error::config_invalid(format!("matrix.ca_file: {}: {why}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| bad("it holds no certificates in PEM".to_owned()))?;
            for certificate in certificates {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = http.build().map_err(|error| {
            Error::new(ErrorKind::Unexpected, "cannot set up HTTP and TLS")
                .with_source(error.without_url())
        })?;
        let base = config.homeserver.as_str().trim_end_matches('/').to_owned();
        Ok(Client {
            http,
            base,
            host: config.host(),
            authorization: config.token.header("Bearer")?,
            versions: SupportedVersions::from_parts(&["v1.11".to_owned()], &Default::default()),
        })
    }

    /// Makes a request until it is answered, refused for good, or the deadline is there.
    pub(super) async fn call<R>(
        &self,
        request: R,
        patience: Patience,
    ) -> Result<R::IncomingResponse, MatrixError>
    where
        R: OutgoingRequest<PathBuilder = VersionHistory> + Send,
        for<'a> R::Authentication: AuthScheme<Input<'a> = SendAccessToken<'a>>,
        for<'a> VersionHistory: PathBuilder<Input<'a> = Cow<'a, SupportedVersions>>,
    {
        // The true token goes into the header below, marked so that nothing prints it.
        let made: Result<http::Request<Vec<u8>>, _> = request.try_into_http_request(
            &self.base,
            SendAccessToken::IfRequired("-"),
            Cow::Borrowed(&self.versions),
        );
        let made = made.map_err(|error| MatrixError::Request(error.to_string()))?;
        self.asked(made, patience).await
    }

    /// What the server has besides the specification.
    pub(super) async fn features(&self, patience: Patience) -> Result<Vec<String>, MatrixError> {
        use ruma::api::client::discovery::get_supported_versions::{Request, Response};
        let none = SendAccessToken::None;
        let made = Request::new().try_into_http_request(&self.base, none, ());
        let made = made.map_err(|error| MatrixError::Request(error.to_string()))?;
        let answer: Response = self.asked(made, patience).await?;
        let has = |(name, has): (String, bool)| has.then_some(name);
        Ok(answer
            .unstable_features
            .into_iter()
            .filter_map(has)
            .collect())
    }

    async fn asked<R: IncomingResponse>(
        &self,
        made: http::Request<Vec<u8>>,
        patience: Patience,
    ) -> Result<R, MatrixError> {
        let mut made = reqwest::Request::try_from(made)
            .map_err(|error| MatrixError::Request(error.without_url().to_string()))?;
        if made.headers().contains_key(AUTHORIZATION) {
            let token = self.authorization.clone();
            made.headers_mut().insert(AUTHORIZATION, token);
        }
        let (parts, body) = self.answered(made, patience).await?;
        R::try_from_http_response(http::Response::from_parts(parts, &body)).map_err(|error| {
            MatrixError::Unreadable {
                host: self.host.clone(),
                words: error.to_string(),
            }
        })
    }

    /// The server's answer, once there is one that another try would not mend.
    async fn answered(
        &self,
        request: reqwest::Request,
        patience: Patience,
    ) -> Result<(http::response::Parts, Vec<u8>), MatrixError> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .with_jitter()
            .build();
        // Whether any try may have arrived: what is said at the end must not forget it.
        let mut lost = false;
        let began = Instant::now();
        loop {
            let again = request
                .try_clone()
                .ok_or_else(|| MatrixError::Request("its body cannot be sent again".to_owned()))?;
            let limit = patience.deadline.min(Instant::now() + patience.each);
            let error = match timeout_at(limit, self.once(again)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => MatrixError::Unreachable {
                    host: self.host.clone(),
                    words: "no answer in time".to_owned(),
                    reached: true,
                },
            };
            let error = error.after_loss(&mut lost);
            let asked_for = match &error {
                MatrixError::Refused { status, after, .. } if passes_by(*status) => *after,
                MatrixError::Unreachable { .. } => None,
                _ => return Err(error),
            };
            // Nobody is there at all: that is said soon, and may be asked again.
            let nobody = matches!(error, MatrixError::Unreachable { reached: false, .. });
            let patient = if nobody {
                began + UNREACHED
            } else {
                patience.deadline
            };
            let pause = asked_for
                .unwrap_or_default()
                .max(pauses.next().unwrap_or(LONGEST_PAUSE));
            let again = match patience.again {
                Again::Any => true,
                Again::Undone => !error.may_be_done(),
                Again::Nothing => false,
            };
            if !again || Instant::now() + pause >= patience.deadline.min(patient) {
                return Err(error);
            }
            tracing::debug!(%error, ?pause, "asks the homeserver again");
            sleep(pause).await;
        }
    }

    async fn once(
        &self,
        request: reqwest::Request,
    ) -> Result<(http::response::Parts, Vec<u8>), MatrixError> {
        let broken = |error: reqwest::Error| MatrixError::Unreachable {
            host: self.host.clone(),
            reached: !error.is_connect() && !error.is_builder(),
            words: words(&error),
        };
        let mut response = self.http.execute(request).await.map_err(broken)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            if body.len() + piece.len() > LONGEST_ANSWER {
                return Err(MatrixError::Unreadable {
                    host: self.host.clone(),
                    words: "it is too long".to_owned(),
                });
            }
            body.extend_from_slice(&piece);
        }
        let status = response.status();
        if status.is_success() {
            // What is cut short, and a page of something on the way, is no answer of the homeserver:
            // its own was lost.
            if let Err(error) = serde_json::from_slice::<IgnoredAny>(&body) {
                return Err(MatrixError::Unreachable {
                    host: self.host.clone(),
                    reached: true,
                    words: format!("its answer is no JSON: {error}"),
                });
            }
            let (parts, _) = http::Response::from(response).into_parts();
            return Ok((parts, body));
        }
        let header = response.headers().get("retry-after");
        let seconds = header.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let said: Said = serde_json::from_slice(&body).unwrap_or_default();
        let asked = said.retry_after_ms.map(Duration::from_millis);
        Err(MatrixError::Refused {
            host: self.host.clone(),
            status: status.as_u16(),
            after: asked.or(seconds.map(Duration::from_secs)),
            // A server that fails may have done it before.
            lost: status.is_server_error(),
            words: plain(if said.error.is_empty() {
                status.canonical_reason().unwrap_or("it refused")
            } else {
                &said.error
            }),
            code: match said.errcode.as_str() {
                "" => status.as_u16().to_string(),
                code => plain(code),
            },
        })
    }
}

/// What another try may mend.
fn passes_by(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// The server's words, fit for a terminal and short.
fn plain(words: &str) -> String {
    let clean: String = words
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    clean.trim().to_owned()
}

/// What became of a request, for people. No address: it says nothing new.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    plain(&cause.to_string())
}
