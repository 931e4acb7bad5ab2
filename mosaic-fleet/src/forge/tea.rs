//! The logins of tea, Gitea's own command line, as its file has them: read, never written. Which of
//! them is used is decided in [`login`](super::login).

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::program::{self, NotRun};
use super::{secret_file, yaml};
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::home::user_home;
use crate::http::{self, Token};

/// How long `tea login helper get` may take: it may ask the forge for a new token.
const LIMIT: Duration = Duration::from_secs(10);

/// What tea knows: its file, in the form of any of its versions.
///
/// ```
/// use mosaic_fleet::forge::TeaLogins;
///
/// let text = "logins: [{name: work, url: https://git.example.com, token: abc, default: true}]";
/// let tea = TeaLogins::parse(text, "config.yml")?;
/// assert_eq!(tea.get("Work").unwrap().url(), Some("https://git.example.com/"));
/// assert!(!format!("{tea:?}").contains("abc"));
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TeaLogins {
    /// The file's name, for messages.
    pub file: String,
    /// The logins, in the order of the file.
    pub all: Vec<TeaLogin>,
    /// What the user should know of the file.
    pub warnings: Vec<String>,
}

/// A login of tea's.
#[derive(Clone)]
#[non_exhaustive]
pub struct TeaLogin {
    /// Its name; names that differ in the case of letters only are equal.
    pub name: String,
    /// It is marked as the default.
    pub default: bool,
    /// The forge's certificate is not to be checked.
    pub insecure: bool,
    /// The host in the addresses of `git clone` over ssh, where it is another one.
    pub ssh_host: Option<String>,
    /// The user's name on the forge.
    pub user: Option<String>,
    url: Option<Url>,
    secret: Option<SecretString>,
    expires: Option<Timestamp>,
    /// By OAuth, whose tokens last an hour.
    oauth: bool,
    /// Another login of the file is on the same host.
    shares_host: bool,
}

/// The file. Whatever we do not use is ignored.
#[derive(Deserialize)]
struct File {
    logins: Option<Vec<Option<Entry>>>,
}

/// Truth values and numbers are taken as texts too: versions differ.
#[derive(Deserialize)]
struct Entry {
    name: Option<String>,
    url: Option<String>,
    token: Option<String>,
    default: Option<String>,
    insecure: Option<String>,
    ssh_host: Option<String>,
    user: Option<String>,
    token_expiry: Option<String>,
    auth_method: Option<String>,
}

impl TeaLogins {
    /// Where tea keeps its file: `tea/config.yml` in `$XDG_CONFIG_HOME` or where the system has
    /// such files; `~/.tea/tea.yml` if only that is there.
    pub fn path(environment: &BTreeMap<String, String>) -> PathBuf {
        let set = environment.get("XDG_CONFIG_HOME").map(Path::new);
        let home = user_home(environment);
        let usual = match cfg!(target_os = "macos") {
            true => "Library/Application Support",
            false => ".config",
        };
        let folder = match set {
            Some(folder) if folder.is_absolute() => folder.to_owned(),
            _ => home.join(usual),
        };
        let path = folder.join("tea/config.yml");
        let old = home.join(".tea/tea.yml");
        match !path.exists() && old.exists() {
            true => old,
            false => path,
        }
    }

    /// Reads tea's file. A file that is not there has no logins.
    ///
    /// # Errors
    ///
    /// As [`TeaLogins::parse`], and `ConfigInvalid` for a file that cannot be read.
    pub fn read(environment: &BTreeMap<String, String>) -> Result<Self> {
        let path = Self::path(environment);
        let file = path.display().to_string();
        let mut warnings = Vec::new();
        let mut tea = match secret_file::read(&path, &mut warnings)? {
            Some(text) => Self::parse(&text, &file)?,
            None => TeaLogins {
                file,
                ..TeaLogins::default()
            },
        };
        tea.warnings = warnings;
        Ok(tea)
    }

    /// Reads the text of a file of that name.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` with the place, if it is none of tea's. No message shows any of the text.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let read: Option<File> = yaml::read(text, file)?;
        let entries = read.and_then(|file| file.logins).unwrap_or_default();
        let mut all: Vec<_> = entries.into_iter().flatten().map(Entry::login).collect();
        let host = |login: &TeaLogin| login.url.as_ref().map(host);
        let hosts: Vec<_> = all.iter().map(host).collect();
        for (login, host) in all.iter_mut().zip(&hosts) {
            login.shares_host = hosts.iter().filter(|other| *other == host).count() > 1;
        }
        Ok(TeaLogins {
            file: file.to_owned(),
            all,
            warnings: Vec::new(),
        })
    }

    /// The login of that name; spelt exactly so, if several differ in the case of letters only.
    pub fn get(&self, name: &str) -> Option<&TeaLogin> {
        let exactly = self.all.iter().find(|login| login.name == name);
        exactly.or_else(|| {
            let same = |login: &&TeaLogin| login.name.to_lowercase() == name.to_lowercase();
            self.all.iter().find(same)
        })
    }

    /// The login that tea uses when nothing speaks for another: the first that is marked, else the
    /// first.
    pub fn default_login(&self) -> Option<&TeaLogin> {
        let marked = self.all.iter().find(|login| login.default);
        marked.or(self.all.first())
    }

    /// What to say of a name that is none of a login.
    pub(super) fn no_such(&self, name: &str) -> String {
        let names = || self.all.iter().map(|login| login.name.as_str());
        match nearest(name, names()) {
            Some(near) => format!("tea has no login {name:?} (did you mean {near}?)"),
            None if self.all.is_empty() => {
                format!("tea has no login {name:?}, nor any other in {}", self.file)
            }
            None => {
                let known: Vec<_> = names().collect();
                format!("tea has no login {name:?}; known: {}", known.join(", "))
            }
        }
    }
}

impl Entry {
    fn login(self) -> TeaLogin {
        let is = |text: Option<String>| text.is_some_and(|text| is_true(&text));
        let set = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let url = self.url.as_deref().and_then(address);
        TeaLogin {
            name: set(self.name)
                .or_else(|| url.as_ref().map(host))
                .unwrap_or_default(),
            default: is(self.default),
            insecure: is(self.insecure),
            ssh_host: set(self.ssh_host),
            user: set(self.user),
            url,
            secret: set(self.token).map(SecretString::from),
            expires: self.token_expiry.as_deref().and_then(moment),
            oauth: self
                .auth_method
                .is_some_and(|method| method.trim().eq_ignore_ascii_case("oauth")),
            shares_host: false,
        }
    }
}

/// The words for "yes" that Go, in which tea is written, takes for it.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text.trim(), "1" | "t" | "T" | "true" | "True" | "TRUE")
}

/// Seconds since 1970 or a date; 0 says nothing.
fn moment(text: &str) -> Option<Timestamp> {
    match text.trim().parse() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.trim().parse().ok(),
    }
    .filter(|moment| moment.as_second() > 0)
}

/// A forge's address. tea takes one without `https://` too.
fn address(text: &str) -> Option<Url> {
    let text = text.trim();
    match text.contains("://") {
        true => http::server(text).ok(),
        false => http::server(&format!("https://{text}")).ok(),
    }
}

/// A host as tea names it: with the port if there is one.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

impl TeaLogin {
    /// The forge's address, with a slash at the end and without a user's name or password; nothing
    /// if the file has none that can be used.
    pub fn url(&self) -> Option<&str> {
        self.url.as_ref().map(Url::as_str)
    }

    /// The forge's address.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid`, naming the login.
    pub(super) fn address(&self) -> Result<&Url> {
        self.url.as_ref().ok_or_else(|| {
            Error::config_invalid(format!("tea's login {} has no usable address", self.name))
                .with_hint("see `tea login list`, and add it once more with `tea login add`")
        })
    }

    /// The token: the file's if it has one that is good at `now`, else what tea hands out.
    ///
    /// Of the environment, tea gets all and nothing else. May be dropped at any await: tea is killed
    /// then.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` if there is no tea to ask, or the token is none; `Unauthenticated` with tea's
    /// words if it hands out none; `Unavailable` if it takes longer than 10 seconds.
    pub(super) async fn token(
        &self,
        environment: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Token> {
        self.token_within(environment, now, LIMIT).await
    }

    async fn token_within(
        &self,
        environment: &BTreeMap<String, String>,
        now: Timestamp,
        limit: Duration,
    ) -> Result<Token> {
        if let Some(secret) = &self.secret
            && self.expires.map_or(!self.oauth, |expires| expires > now)
        {
            return Token::new(secret.expose_secret()).map_err(|error| {
                let message = format!("tea's login {}: {}", self.name, error.message());
                Error::config_invalid(message).with_hint("add it once more with `tea login add`")
            });
        }
        let url = self.address()?;
        let host = host(url);
        let question = format!("protocol={}\nhost={host}\n\n", url.scheme());
        let words = ["login", "helper", "get"].map(OsStr::new);
        let ran = program::run("tea", &words, environment, question.as_bytes(), limit).await;
        let ran = ran.map_err(|why| self.unasked(why, limit))?;
        let answer = String::from_utf8_lossy(&ran.output);
        let field = |key: &str| {
            let line = |line: &'_ str| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned);
            answer.lines().find_map(line)
        };
        let token = field("password").filter(|_| ran.succeeded);
        let Some(token) = token.filter(|token| !token.trim().is_empty()) else {
            let words = match ran.words.as_str() {
                "" => String::new(),
                words => format!(": {words}"),
            };
            return Err(self.no_token(format!("tea hands out none{words}")));
        };
        // tea looks for the host only.
        if let (true, Some(ours), Some(given)) = (self.shares_host, &self.user, field("username"))
            && !ours.eq_ignore_ascii_case(given.trim())
        {
            return Err(self.no_token(format!(
                "tea has several logins for {host}, and hands out that of another user"
            )));
        }
        Token::new(&token).map_err(|_| self.no_token("tea hands out none that can be used".into()))
    }

    fn no_token(&self, why: String) -> Error {
        let name = &self.name;
        let message = format!("no token for tea's login {name}: {why}");
        Error::new(ErrorKind::Unauthenticated, message).with_hint(format!(
            "log in again (`tea login oauth-refresh {name}`), or give the login a token of its own \
             with `tea login add --token`"
        ))
    }

    fn unasked(&self, why: NotRun, limit: Duration) -> Error {
        let name = &self.name;
        match why {
            NotRun::Missing => Error::config_invalid(format!(
                "the token of login {name} has to be asked of tea, and there is no tea in PATH"
            ))
            .with_hint("install tea, or set GITEA_INSTANCE_URL and GITEA_TOKEN"),
            NotRun::Slow => Error::unavailable(format!(
                "`tea login helper get` gave no token for login {name} within {} s",
                limit.as_secs()
            ))
            .with_hint("unlock the keyring that it may be waiting for, or set GITEA_INSTANCE_URL and GITEA_TOKEN"),
            NotRun::Failed(error) => {
                Error::config_invalid(format!("cannot ask tea for the token of login {name}"))
                    .with_source(error)
            }
        }
    }
}

/// Whether there is a token, never which.
impl fmt::Debug for TeaLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeaLogin")
            .field("name", &self.name)
            .field("url", &self.url())
            .field("default", &self.default)
            .field("insecure", &self.insecure)
            .field("ssh_host", &self.ssh_host)
            .field("user", &self.user)
            .field("has_token", &self.secret.is_some())
            .field("oauth", &self.oauth)
            .field("expires", &self.expires)
            .finish()
    }
}

#[cfg(test)]
mod tests;
