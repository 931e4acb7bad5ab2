//! A login: which forge is asked, and as whom; and finding the one that a repository is asked with.
//! The rules are in `choice`; here the files are read, git is asked and the token is taken.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use url::{Host, Url};

use super::choice::{Choice, Known, Need, choose};
use super::forges::Forges;
use super::origin::Origin;
use super::repo::RepoName;
use super::tea::TeaLogins;
use crate::error::Result;
use crate::home::MosaicHome;

pub use crate::http::Token;

/// Where a forge is and what it knows us by.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// What people call it: a name of tea's, or `env:HOST` if `GITEA_INSTANCE_URL` says where.
    pub name: String,
    /// The forge's address.
    pub url: String,
    /// Without one, only what everybody may see is seen.
    pub token: Option<Token>,
    /// The forge's certificate is not checked.
    pub insecure: bool,
    /// What the user should know of it, a sentence each.
    pub warnings: Vec<String>,
}

impl Login {
    /// A login without a token.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Login {
            name: name.into(),
            url: url.into(),
            token: None,
            insecure: false,
            warnings: Vec::new(),
        }
    }

    /// With a token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Says whether the forge's certificate is left unchecked.
    #[must_use]
    pub fn with_insecure(mut self, insecure: bool) -> Self {
        self.insecure = insecure;
        self
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Where a login is looked for.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoginOptions {
    /// The caller's environment: the only one that is looked at, or handed to tea and git.
    pub environment: BTreeMap<String, String>,
    /// Where `forges.yaml` is.
    pub home: MosaicHome,
    /// The name of one of tea's logins, which goes before everything else (`-L`).
    pub login: Option<String>,
    /// The folder whose repository may tell the forge by its `origin`.
    pub directory: PathBuf,
}

impl LoginOptions {
    /// With this environment, from this folder.
    pub fn new(environment: BTreeMap<String, String>, directory: impl Into<PathBuf>) -> Self {
        LoginOptions {
            home: MosaicHome::from_environment(&environment),
            environment,
            login: None,
            directory: directory.into(),
        }
    }

    /// The login of that name and no other.
    #[must_use]
    pub fn with_login(mut self, name: impl Into<String>) -> Self {
        self.login = Some(name.into());
        self
    }

    /// With `forges.yaml` of another home than the environment's.
    #[must_use]
    pub fn with_home(mut self, home: MosaicHome) -> Self {
        self.home = home;
        self
    }
}

/// Names no value of the environment: one may be a token.
impl fmt::Debug for LoginOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginOptions")
            .field("environment", &self.environment.keys())
            .field("home", &self.home)
            .field("login", &self.login)
            .field("directory", &self.directory)
            .finish()
    }
}

/// The login that `repo` is asked with. The first of these that there is:
///
/// 1. the one of tea's that [`LoginOptions::login`] names;
/// 2. the one of tea's that `GITEA_LOGIN` names;
/// 3. the forge at `GITEA_INSTANCE_URL`, with `GITEA_TOKEN` (without it, as nobody) and
///    `GITEA_INSTANCE_INSECURE`; a `GITEA_TOKEN` alone says nothing;
/// 4. the one of tea's that `forges.yaml` names for the repository's owner;
/// 5. the one of tea's whose host is that of the folder's `origin`, if that is this repository;
/// 6. tea's default: the first that is marked so, else the first.
///
/// Only what a rule needs is read, and nothing is written. Nobody is asked anything. The token of one
/// of tea's logins comes from its file or, where it is not there or has expired, from
/// `tea login helper get`.
///
/// May be dropped at any await: whatever program is running is killed then.
///
/// # Errors
///
/// `InvalidArgument` if tea has no login of a name that a rule says, or if there is no login at all;
/// `ConfigInvalid` for a file, an address or a token that cannot be used, or if tea has to be asked
/// and is not there; `Unauthenticated` with its words if tea hands out no token; `Unavailable` if it takes
/// longer than 10 seconds. No error shows a token.
pub async fn find(repo: &RepoName, options: &LoginOptions) -> Result<Login> {
    let environment = &options.environment;
    let (mut forges, mut tea, mut origin) = (None, None, None);
    loop {
        let known = Known {
            repo,
            asked: options.login.as_deref(),
            environment,
            forges: forges.as_ref(),
            tea: tea.as_ref(),
            origin: origin.as_ref().map(Option::as_ref),
        };
        let need = match choose(&known)? {
            Choice::Here(login) => return Ok(warned(login)),
            Choice::Tea(chosen, warnings) => {
                let token = chosen.token(environment, Timestamp::now()).await?;
                let mut login = Login::new(&chosen.name, chosen.address()?.as_str())
                    .with_token(token)
                    .with_insecure(chosen.insecure);
                login.warnings = warnings;
                return Ok(warned(login));
            }
            Choice::Need(need) => need,
        };
        match need {
            Need::Forges => forges = Some(Forges::read(&options.home)?),
            Need::Tea => tea = Some(TeaLogins::read(environment)?),
            Need::Origin => origin = Some(Origin::of(&options.directory, environment).await),
        }
    }
}

fn warned(mut login: Login) -> Login {
    if login.token.is_some() {
        login.warnings.extend(in_the_clear(&login.url));
    }
    login
}

/// A warning, if a token that is sent to this address can be read on its way.
pub(crate) fn in_the_clear(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    (url.scheme() == "http" && !is_here).then(|| {
        format!("the token goes to {address} unencrypted: use https:// if there is a way to")
    })
}

#[cfg(test)]
mod tests;
