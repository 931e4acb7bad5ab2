//! What the forge's no means, and what to check. A repository that a login may not see is answered
//! like one that is not there.

use serde::de::DeserializeOwned;

use super::Gitea;
use crate::error::{Error, ErrorKind, Result};
use crate::forge::{Forge, RepoName};
use crate::http::Answer;

/// What a token must be allowed to, in the forge's words.
const SCOPES: &str = "read:issue and read:repository";

impl Gitea {
    /// What an answer about a repository holds.
    pub(super) fn read<T: DeserializeOwned>(&self, answer: &Answer, repo: &RepoName) -> Result<T> {
        match answer.status {
            404 => Err(self.no_repository(answer, repo)),
            _ => self.read_any(answer),
        }
    }

    /// What an answer about anything holds.
    pub(super) fn read_any<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        answer.read(&self.http.host()).map_err(|error| {
            let login = &self.login;
            match error.kind() {
                ErrorKind::Unauthenticated if self.has_token => error.with_hint(format!(
                    "check the token of login {login}: it may have expired, or be another server's; \
                     a new one needs the scopes {SCOPES}"
                )),
                ErrorKind::Unauthenticated => error.with_hint(format!(
                    "give login {login} a token with the scopes {SCOPES}"
                )),
                ErrorKind::PermissionDenied if answer.status == 403 => error.with_hint(format!(
                    "check that the token of login {login} has the scopes {SCOPES}"
                )),
                _ => error,
            }
        })
    }

    fn no_repository(&self, answer: &Answer, repo: &RepoName) -> Error {
        let (host, login) = (self.http.host(), &self.login);
        let error = Error::new(
            ErrorKind::PermissionDenied,
            format!("{host} has no repository {repo}, or login {login} may not see it"),
        );
        if answer.is_page() {
            return error.with_hint(format!(
                "it answered with a page for people: check that {} is the forge's own address",
                self.http.base()
            ));
        }
        match self.has_token {
            true => error.with_hint("check the name, and whether another login is meant"),
            false => error.with_hint(format!("check the name, or give login {login} a token")),
        }
    }

    /// Why there is no list of issues: they may be switched off.
    pub(super) async fn no_issues(&self, repo: &RepoName, error: Error) -> Error {
        match self.whole_repository(repo).await {
            Ok(found) if found.has_issues == Some(false) => Error::new(
                ErrorKind::PermissionDenied,
                format!("issues are switched off in {repo}"),
            )
            .with_hint("switch them on in its settings, or name another repository"),
            _ => error,
        }
    }

    /// No pull requests where they are switched off, or where there is no commit to ask for: the forge
    /// answers as if there were no repository.
    pub(super) async fn no_pulls<T>(&self, repo: &RepoName, error: Error) -> Result<Vec<T>> {
        match self.whole_repository(repo).await {
            Ok(found) if found.has_pull_requests == Some(false) || found.empty == Some(true) => {
                Ok(Vec::new())
            }
            _ => Err(error),
        }
    }

    /// Why `what` was not found: the repository cannot be seen at all, or it has no such thing.
    pub(super) async fn not_there(&self, repo: &RepoName, what: &str) -> Error {
        match self.repository(repo).await {
            Ok(found) => Error::invalid_argument(format!("there is no {what} in {repo}"))
                .with_hint(format!(
                    "check how it is written; the default branch is {:?}",
                    found.default_branch
                )),
            Err(error) => error,
        }
    }
}
