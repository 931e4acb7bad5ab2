//! The name of a repository, checked once.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// `owner/name`: letters, digits, `-`, `_` and `.` in both parts. Forges take names for equal that
/// differ in the case of letters only; [`RepoName::is`] does too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RepoName {
    text: String,
    slash: usize,
}

impl RepoName {
    /// Checks a name.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, with the rule.
    pub fn new(text: &str) -> Result<Self> {
        let is_part = |part: &str| {
            (1..=100).contains(&part.len())
                && !part.bytes().all(|b| b == b'.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match text.split_once('/') {
            Some((owner, name)) if is_part(owner) && is_part(name) => Ok(RepoName {
                text: text.to_owned(),
                slash: owner.len(),
            }),
            _ => Err(
                Error::invalid_argument(format!("{text:?} is no repository"))
                    .with_hint("write OWNER/NAME, for example acme/widget"),
            ),
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> &str {
        &self.text[..self.slash]
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.text[self.slash + 1..]
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the same repository.
    pub fn is(&self, other: &RepoName) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RepoName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        RepoName::new(text)
    }
}

impl Serialize for RepoName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_two_parts() {
        let repo = RepoName::new("acme/wid.get_2").unwrap();
        assert_eq!((repo.owner(), repo.name()), ("acme", "wid.get_2"));
        assert!(repo.is(&RepoName::new("ACME/Wid.Get_2").unwrap()));
        for bad in [
            "", "acme", "acme/", "/x", "a/b/c", "a/..", "./b", "a b/c", "a/b?", "a/b%2F", "ä/b",
        ] {
            assert!(RepoName::new(bad).is_err(), "{bad:?}");
        }
    }
}
