//! Which login and which CI server belong to which owner of repositories: `$MOSAIC_HOME/forges.yaml`.
//! No owner is known to the code. `document` reads the text strictly; which login follows from it
//! is for [`login`], which CI server is for `ci`.

mod document;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::repo::RepoName;
use super::{login, secret_file};
use crate::error::{Error, Result, nearest};
use crate::home::{MosaicHome, user_home};
use crate::http::Token;

/// The only version of the file that is read.
pub const VERSION: u32 = 1;

/// What `forges.yaml` says.
///
/// ```
/// use mosaic_fleet::forge::{Forges, RepoName};
///
/// let text = "
/// version: 1
/// owners:
///   acme: {login: work, ci: build}
/// ci:
///   build: {server: https://ci.example.com, token_env: BUILD_TOKEN}
/// ";
/// let forges = Forges::parse(text, "forges.yaml")?;
/// let owner = forges.owner(&RepoName::new("ACME/widget")?).unwrap();
/// assert_eq!(owner.login.as_deref(), Some("work"));
/// assert_eq!(forges.ci_server("build")?.server, "https://ci.example.com/");
///
/// let error = Forges::parse("version: 1\nowner: {}\n", "forges.yaml").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "forges.yaml:2:1: unknown field `owner`, did you mean `owners`?",
/// );
/// # Ok::<(), mosaic_fleet::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forges {
    /// The file's name, for messages.
    pub file: String,
    /// Owners by their names, which are equal in any case of letters.
    pub owners: BTreeMap<String, Owner>,
    /// CI servers by their names.
    pub ci: BTreeMap<String, CiServer>,
    /// How lanes read texts, whoever the owner is.
    pub lane: LaneRules,
}

/// What belongs to an owner of repositories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Owner {
    /// The name of one of tea's logins.
    pub login: Option<String>,
    /// The name of a CI server.
    pub ci: Option<String>,
    /// How lanes read texts, where it differs.
    pub lane: LaneRules,
}

/// How a lane finds the issues that a pull request is about. What is not said is the lane's to choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneRules {
    /// The words that close an issue, in small letters; the forge's own list cannot be asked for.
    pub keywords: Option<Vec<String>>,
    /// How many digits a number in a branch's name has at least.
    pub branch_digits: Option<usize>,
}

/// A CI server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CiServer {
    /// Its name in the file.
    pub name: String,
    /// Its address, with a slash at the end.
    pub server: String,
    /// Where its token is.
    pub token: TokenSource,
}

/// Where a token is. The file itself never holds one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// In this variable of the environment.
    Variable(String),
    /// In this file, which has nothing else; absolute, or below the home folder with `~/`.
    File(String),
}

impl Forges {
    /// Reads the file of a user. One that is not there says nothing.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid`, as [`Forges::parse`], and for a file that cannot be read.
    pub fn read(home: &MosaicHome) -> Result<Self> {
        let path = home.forges();
        let file = path.display().to_string();
        // It holds no secret, so that everybody may read it.
        match secret_file::read(&path, &mut Vec::new())? {
            Some(text) => Self::parse(&text, &file),
            None => Ok(Forges {
                file,
                ..Forges::default()
            }),
        }
    }

    /// Reads the text of a file of that name. An empty one says nothing.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` with file, line and column of the first thing that is wrong; the others are in
    /// the hint. Values are never shown.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        document::read(text, file)
    }

    /// What belongs to the owner of a repository.
    pub fn owner(&self, repo: &RepoName) -> Option<&Owner> {
        let is = |name: &str| name.eq_ignore_ascii_case(repo.owner());
        self.owners
            .iter()
            .find_map(|(name, owner)| is(name).then_some(owner))
    }

    /// How lanes of a repository read texts: as its owner says, else as all do.
    pub fn lane_rules(&self, repo: &RepoName) -> LaneRules {
        let own = self.owner(repo).map(|owner| owner.lane.clone());
        let own = own.unwrap_or_default();
        LaneRules {
            keywords: own.keywords.or_else(|| self.lane.keywords.clone()),
            branch_digits: own.branch_digits.or(self.lane.branch_digits),
        }
    }

    /// The CI server of that name.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, with the names that there are.
    pub fn ci_server(&self, name: &str) -> Result<&CiServer> {
        self.ci.get(name).ok_or_else(|| {
            let names = || self.ci.keys().map(String::as_str);
            let near = match nearest(name, names()) {
                Some(near) => format!(" (did you mean {near}?)"),
                None if self.ci.is_empty() => String::new(),
                None => format!("; known: {}", names().collect::<Vec<_>>().join(", ")),
            };
            Error::invalid_argument(format!("no CI server {name:?} in {}{near}", self.file))
                .with_hint(format!(
                    "write it under `ci:` in {}, or set WOODPECKER_SERVER and WOODPECKER_TOKEN",
                    self.file
                ))
        })
    }
}

impl CiServer {
    /// Its token, from the caller's environment or from its file.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid`, with what to do, if the variable is not set, the file is not there, or what
    /// it holds is no token.
    pub fn token(&self, environment: &BTreeMap<String, String>) -> Result<Token> {
        let (text, place, advice) = match &self.token {
            TokenSource::Variable(name) => {
                let advice = format!("set {name} to a token of {}", self.server);
                let text = environment.get(name).cloned().unwrap_or_default();
                (text, format!("the variable {name}"), advice)
            }
            TokenSource::File(path) => {
                let path = expand(path, environment);
                let advice = format!("write a token of {} into it, alone", self.server);
                let text = secret_file::read(&path, &mut Vec::new())?.unwrap_or_default();
                (text, path.display().to_string(), advice)
            }
        };
        let bad = |what: &str| {
            let message = format!("no token for CI server {}: {place} {what}", self.name);
            Error::config_invalid(message).with_hint(advice.clone())
        };
        if text.trim().is_empty() {
            return Err(bad("is empty or not there"));
        }
        Token::new(&text).map_err(|_| bad("holds something else than one token"))
    }

    /// What the user should know: its token's file may be read by others, or the token goes over the
    /// network unencrypted.
    pub fn warnings(&self, environment: &BTreeMap<String, String>) -> Vec<String> {
        let mut warnings = Vec::new();
        if let TokenSource::File(path) = &self.token {
            // What is wrong with it is told when the token is taken.
            let _ = secret_file::read(&expand(path, environment), &mut warnings);
        }
        warnings.extend(login::in_the_clear(&self.server));
        warnings
    }
}

fn expand(path: &str, environment: &BTreeMap<String, String>) -> PathBuf {
    match path.strip_prefix("~/") {
        Some(rest) => user_home(environment).join(rest),
        None => Path::new(path).to_owned(),
    }
}
