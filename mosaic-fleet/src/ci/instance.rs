//! Which CI service is asked about a repository, and with whose token.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Ci, CommitStatusCi, Woodpecker};
use crate::error::{Error, Result};
use crate::forge::login::{Token, in_the_clear};
use crate::forge::{Forge, Forges, RepoName};
use crate::home::MosaicHome;
use crate::http;

/// A CI service and what it knows us by.
#[derive(Clone)]
#[non_exhaustive]
pub struct Instance {
    /// What people call it: a name of `forges.yaml`, or `env` if the environment says where.
    pub name: String,
    /// Its address.
    pub server: String,
    /// What it knows us by.
    pub token: Token,
    /// What the user should know of it, a sentence each.
    pub warnings: Vec<String>,
}

impl Instance {
    /// An instance.
    pub fn new(name: impl Into<String>, server: impl Into<String>, token: Token) -> Self {
        Instance {
            name: name.into(),
            server: server.into(),
            token,
            warnings: Vec::new(),
        }
    }
}

/// Without a user's name or password that the address may hold.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = http::server(&self.server).map(|url| url.to_string());
        f.debug_struct("Instance")
            .field("name", &self.name)
            .field(
                "server",
                &server.unwrap_or_else(|_| "no address".to_owned()),
            )
            .field("token", &self.token)
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// Where an instance is looked for.
#[derive(Clone)]
#[non_exhaustive]
pub struct InstanceOptions {
    /// The caller's environment.
    pub environment: BTreeMap<String, String>,
    /// Where `forges.yaml` is.
    pub home: MosaicHome,
    /// A name of `forges.yaml`, which goes before everything else (`-a`).
    pub instance: Option<String>,
}

impl InstanceOptions {
    /// With this environment.
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        InstanceOptions {
            home: MosaicHome::from_environment(&environment),
            environment,
            instance: None,
        }
    }

    /// The instance of that name and no other.
    #[must_use]
    pub fn with_instance(mut self, name: impl Into<String>) -> Self {
        self.instance = Some(name.into());
        self
    }
}

/// Names no value of the environment: one may be a token.
impl fmt::Debug for InstanceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceOptions")
            .field("environment", &self.environment.keys())
            .field("home", &self.home)
            .field("instance", &self.instance)
            .finish()
    }
}

/// The instance that is asked about `repo`. The first of these that there is:
///
/// 1. the one of `forges.yaml` that [`InstanceOptions::instance`] names;
/// 2. the server at `WOODPECKER_SERVER`, with `WOODPECKER_TOKEN`;
/// 3. the one that `forges.yaml` names for the repository's owner.
///
/// ```
/// use std::collections::BTreeMap;
/// use mosaic_fleet::ci::instance::{InstanceOptions, find};
/// use mosaic_fleet::forge::RepoName;
///
/// let environment = BTreeMap::from([
///     ("WOODPECKER_SERVER".to_owned(), "https://ci.example.com".to_owned()),
///     ("WOODPECKER_TOKEN".to_owned(), "dummy".to_owned()),
/// ]);
/// let instance = find(&RepoName::new("acme/widget")?, &InstanceOptions::new(environment))?;
/// assert_eq!(instance.server, "https://ci.example.com");
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
///
/// # Errors
///
/// `InvalidArgument` if there is none, or none of that name; `ConfigInvalid` for a file or a token that
/// cannot be used, and for a server without its token. No error shows a token.
pub fn find(repo: &RepoName, options: &InstanceOptions) -> Result<Instance> {
    known(repo, options)?.ok_or_else(|| no_instance(repo, &options.home))
}

/// The service that is asked about a repository, and what its user should know. Where nobody names an
/// instance, the statuses on `forge` do.
///
/// # Errors
///
/// As [`find`] without a `forge`, as [`known`] with one.
pub fn service(
    repo: &RepoName,
    options: &InstanceOptions,
    forge: Option<&Arc<dyn Forge>>,
) -> Result<(Arc<dyn Ci>, Vec<String>)> {
    let instance = match forge {
        None => find(repo, options)?,
        Some(forge) => match known(repo, options)? {
            Some(instance) => instance,
            None => return Ok((Arc::new(CommitStatusCi::new(forge.clone())), Vec::new())),
        },
    };
    let service = Woodpecker::new(&instance)?;
    Ok((Arc::new(service), instance.warnings))
}

/// As [`find`], and `None` where nobody says which: then a forge's statuses may do
/// ([`CommitStatusCi`]).
///
/// # Errors
///
/// As [`find`], but for that.
pub fn known(repo: &RepoName, options: &InstanceOptions) -> Result<Option<Instance>> {
    let environment = &options.environment;
    let set = |key: &str| {
        environment
            .get(key)
            .filter(|value| !value.trim().is_empty())
    };
    let named = |name: &str| {
        let forges = Forges::read(&options.home)?;
        let server = forges.ci_server(name)?;
        let mut instance = Instance::new(name, &*server.server, server.token(environment)?);
        instance.warnings = server.warnings(environment);
        Ok(Some(instance))
    };
    if let Some(name) = &options.instance {
        return named(name);
    }
    match (set("WOODPECKER_SERVER"), set("WOODPECKER_TOKEN")) {
        (Some(server), Some(token)) => {
            let token = Token::new(token).map_err(|error| {
                Error::config_invalid(format!("WOODPECKER_TOKEN: {}", error.message()))
                    .with_hint("copy it once more from Woodpecker's user page, alone")
            })?;
            let mut instance = Instance::new("env", server, token);
            instance.warnings.extend(in_the_clear(server));
            return Ok(Some(instance));
        }
        (Some(_), None) => {
            return Err(Error::config_invalid(
                "WOODPECKER_SERVER is set, and WOODPECKER_TOKEN is not",
            )
            .with_hint("set WOODPECKER_TOKEN to a token of that server, or unset both"));
        }
        (None, _) => {}
    }
    let forges = Forges::read(&options.home)?;
    let owner = forges.owner(repo).and_then(|owner| owner.ci.as_deref());
    owner.map_or(Ok(None), named)
}

fn no_instance(repo: &RepoName, home: &MosaicHome) -> Error {
    let owner = repo.owner();
    Error::invalid_argument(format!(
        "cannot infer Woodpecker instance for owner '{owner}' — pass -a <instance>"
    ))
    .with_hint(format!(
        "set WOODPECKER_SERVER and WOODPECKER_TOKEN, or name the owner's instance in {}",
        home.forges().display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const FORGES: &str = "
version: 1
owners:
  acme: {ci: build}
  other: {ci: gone}
ci:
  build: {server: https://ci.example.com, token_env: BUILD_TOKEN}
  second: {server: https://second.example.com, token_env: SECOND_TOKEN}
";

    fn found(
        repo: &str,
        name: Option<&str>,
        environment: &[(&str, &str)],
    ) -> Result<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("forges.yaml"), FORGES).unwrap();
        let pairs = environment.iter();
        let environment = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut options = InstanceOptions::new(environment.collect());
        options.home = MosaicHome::new(folder.path());
        options.instance = name.map(str::to_owned);
        let instance = find(&RepoName::new(repo).unwrap(), &options)?;
        Ok((instance.name, instance.server))
    }

    #[test]
    fn each_rule_beats_the_next() {
        let of_env = [
            ("WOODPECKER_SERVER", "https://env.example.com"),
            ("WOODPECKER_TOKEN", "dummy-env"),
            ("BUILD_TOKEN", "dummy-build"),
            ("SECOND_TOKEN", "dummy-second"),
        ];
        let server = |name, environment: &[_]| found("ACME/widget", name, environment).unwrap();
        assert_eq!(server(Some("second"), &of_env).0, "second");
        assert_eq!(
            server(None, &of_env),
            ("env".to_owned(), "https://env.example.com".to_owned())
        );
        assert_eq!(server(None, &of_env[1..]).0, "build", "a token alone");
    }

    #[test]
    fn what_is_missing_is_told() {
        for (repo, name, environment, kind, words) in [
            (
                "nobody/x",
                None,
                &[][..],
                ErrorKind::InvalidArgument,
                "cannot infer Woodpecker instance for owner 'nobody' — pass -a <instance>",
            ),
            (
                "acme/x",
                Some("secnd"),
                &[],
                ErrorKind::InvalidArgument,
                "did you mean second?",
            ),
            (
                "acme/x",
                None,
                &[],
                ErrorKind::ConfigInvalid,
                "no token for CI server build",
            ),
            (
                "acme/x",
                None,
                &[("WOODPECKER_SERVER", "https://x")],
                ErrorKind::ConfigInvalid,
                "WOODPECKER_TOKEN is not",
            ),
            (
                "acme/x",
                None,
                &[
                    ("WOODPECKER_SERVER", "https://x"),
                    ("WOODPECKER_TOKEN", "dummy 9c1e"),
                ],
                ErrorKind::ConfigInvalid,
                "WOODPECKER_TOKEN",
            ),
        ] {
            let error = found(repo, name, environment).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.message().contains(words), "{error}");
            assert!(error.hint().is_some() && !format!("{error:?}").contains("9c1e"));
        }
    }
}
