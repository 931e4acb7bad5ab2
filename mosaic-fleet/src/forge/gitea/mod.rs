//! Gitea and Forgejo over their REST API. How a list is read while it moves is in `paging`, which
//! names exist in `names`, how the forge's no is told in `refusal`, its forms in `wire`.

mod lists;
mod names;
mod paging;
mod refusal;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::try_join_all;

use super::{
    Branch, CommitStatus, Forge, ForgeInfo, Issue, IssueFilter, Login, Pull, RepoName, Repository,
};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Answer, Http, HttpOptions, Patience};
use wire::{WireBranch, WireEvent, WireIssue, WireRepository, WireStatus, WireStatuses};

/// Pages of an issue's history that are read at a time, and of which the last ones must be empty.
const HISTORY_AT_ONCE: u64 = 3;

/// So many empty pages in a row are the end of a history.
const EMPTY_PAGES: usize = 2;

/// Nothing has a longer history, in pages.
const HISTORY_PAGES: u64 = 600;

/// A Gitea or Forgejo server, asked as one login.
///
/// Lists are read in pages that overlap, some at a time, so that whatever is open all the while is in
/// them although others open and close. One that closes while a list is read may still be in it. The
/// overlap costs about a fifth more requests: 73 for 3,000 issues at 50 a page. Where a proxy takes
/// `X-Total-Count` away, the promise needs a first page of more than two items. It does not hold for a
/// server that gives fewer than ten items a page (`MAX_RESPONSE_ITEMS`, 50 unless set): there are
/// places then that no two pages overlap, and while one closes and an older one opens again, what
/// stands there may be missed.
#[derive(Debug, Clone)]
pub struct Gitea {
    http: Http,
    login: String,
    has_token: bool,
}

impl Gitea {
    /// The forge of a login. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` if the login's address is none.
    pub fn new(login: &Login) -> Result<Self> {
        Self::with_patience(login, Patience::USUAL)
    }

    pub(crate) fn with_patience(login: &Login, patience: Patience) -> Result<Self> {
        let options = HttpOptions {
            scheme: "token",
            token: login.token.clone(),
            insecure: login.insecure,
            patience,
        };
        Ok(Gitea {
            http: Http::new(&login.url, options)?,
            login: login.name.clone(),
            has_token: login.token.is_some(),
        })
    }

    /// Asks for something of a repository.
    async fn of_repo(
        &self,
        repo: &RepoName,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Answer> {
        self.http.get(&of_repo(repo, path), query).await
    }

    async fn whole_repository(&self, repo: &RepoName) -> Result<WireRepository> {
        let answer = self.of_repo(repo, &[], &[]).await?;
        self.read(&answer, repo)
    }

    /// The events of an issue, a page. The forge leaves out what the login may not see after it has
    /// cut the page, and tells no total: a short page, or an empty one, may have more behind it.
    async fn history(&self, repo: &RepoName, issue: &str, page: u64) -> Result<Vec<WireEvent>> {
        let page = page.to_string();
        let query = [("page", page.as_str()), ("limit", "50")];
        let answer = self
            .of_repo(repo, &["issues", issue, "timeline"], &query)
            .await?;
        let events: Option<Vec<WireEvent>> = self.read(&answer, repo)?;
        Ok(events.unwrap_or_default())
    }

    /// Every open pull request that says it closes the issue, with its repository. More than a hundred
    /// events in a row that the login may not see hide what comes after them.
    async fn closing(&self, repo: &RepoName, issue: &str) -> Result<BTreeSet<(String, u64)>> {
        let mut closing = BTreeSet::new();
        let mut empty = 0;
        for first in (1..HISTORY_PAGES).step_by(HISTORY_AT_ONCE as usize) {
            let pages = first..first + HISTORY_AT_ONCE;
            let pages = try_join_all(pages.map(|page| self.history(repo, issue, page))).await?;
            for events in pages {
                empty = if events.is_empty() { empty + 1 } else { 0 };
                closing.extend(events.into_iter().filter_map(closes));
            }
            if empty >= EMPTY_PAGES {
                return Ok(closing);
            }
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            format!("the history of {repo}#{issue} does not end"),
        ))
    }
}

/// The path of something of a repository.
fn of_repo<'a>(repo: &'a RepoName, path: &[&'a str]) -> Vec<&'a str> {
    let before = ["api", "v1", "repos", repo.owner(), repo.name()];
    before.iter().chain(path).copied().collect()
}

/// The pull request of which the event says that it closes the issue, with its repository. The forge
/// changes the event when the pull request is edited, so it holds now.
fn closes(event: WireEvent) -> Option<(String, u64)> {
    let pull = event.ref_issue?;
    let number = u64::try_from(pull.number).ok().filter(|n| *n > 0)?;
    let holds = event.ref_action == "closes" && pull.pull_request.is_some() && pull.state == "open";
    holds.then_some((pull.repository.full_name, number))
}

#[async_trait]
impl Forge for Gitea {
    fn info(&self) -> ForgeInfo {
        ForgeInfo::new(self.http.base().as_str(), &self.login)
    }

    async fn repository(&self, repo: &RepoName) -> Result<Repository> {
        let found = self.whole_repository(repo).await?;
        let name = RepoName::new(&found.full_name).map_err(|error| {
            Error::unavailable(format!("{} names {repo} strangely", self.http.host()))
                .with_source(error)
        })?;
        Ok(Repository::new(name, found.default_branch))
    }

    async fn open_issues(&self, repo: &RepoName, filter: &IssueFilter) -> Result<Vec<Issue>> {
        let known = self.known(repo, filter).await?;
        let mut query = vec![("state", "open"), ("type", "issues")];
        query.extend(known.query());
        let found: Vec<WireIssue> = match self.of_repo_list(repo, &["issues"], &query).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(self.no_issues(repo, error).await);
            }
            found => found?,
        };
        let mut issues: Vec<Issue> = found
            .into_iter()
            .filter(|issue| issue.is_open() && issue.pull_request.is_none())
            .filter_map(|issue| Some((u64::try_from(issue.number).ok()?, issue)))
            .map(|(number, issue)| issue.into_issue(number))
            .collect();
        known.check(&issues)?;
        issues.retain(|issue| {
            (filter.milestone.is_none() || issue.milestone == filter.milestone)
                && filter
                    .labels
                    .iter()
                    .all(|label| issue.labels.contains(label))
        });
        issues.sort_by_key(|issue| std::cmp::Reverse(issue.number));
        Ok(issues)
    }

    async fn open_pulls(&self, repo: &RepoName) -> Result<Vec<Pull>> {
        // Unlike that of issues, this list has the closed ones too unless told otherwise.
        let query = [("state", "open")];
        let found: Vec<WireIssue> = match self.of_repo_list(repo, &["pulls"], &query).await {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return self.no_pulls(repo, error).await;
            }
            found => found?,
        };
        let mut pulls: Vec<Pull> = found
            .into_iter()
            .filter(WireIssue::is_open)
            .filter_map(|pull| Some((u64::try_from(pull.number).ok()?, pull)))
            .map(|(number, pull)| pull.into_pull(number))
            .collect();
        pulls.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        Ok(pulls)
    }

    async fn closing_pulls(&self, repo: &RepoName, issue: u64) -> Result<Vec<u64>> {
        let number = issue.to_string();
        let found = match self.closing(repo, &number).await {
            Ok(found) => found,
            // For an issue that is not there the forge fails, instead of saying so.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                let answer = self.of_repo(repo, &["issues", &number], &[]).await;
                return Err(match answer {
                    Ok(answer) if answer.status == 404 => {
                        self.not_there(repo, &format!("issue #{issue}")).await
                    }
                    _ => error,
                });
            }
            Err(error) => return Err(error),
        };
        // A name that is not the one asked for is another repository's, or the new name of this one.
        let is_here = |name: &str, here: &RepoName| {
            name.is_empty() || name.eq_ignore_ascii_case(here.as_str())
        };
        let here = match found.iter().all(|(name, _)| is_here(name, repo)) {
            true => repo.clone(),
            false => self.repository(repo).await?.name,
        };
        let pulls: BTreeSet<u64> = found
            .into_iter()
            .filter(|(name, _)| is_here(name, &here))
            .map(|(_, number)| number)
            .collect();
        Ok(pulls.into_iter().collect())
    }

    async fn branch(&self, repo: &RepoName, name: &str) -> Result<Branch> {
        // Such a path would be another one on the way.
        let is_name = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !is_name {
            return Err(Error::invalid_argument(format!("{name:?} is no branch")));
        }
        let answer = self.of_repo(repo, &["branches", name], &[]).await?;
        if answer.status == 404 {
            return Err(self.not_there(repo, &format!("branch {name:?}")).await);
        }
        let found: WireBranch = self.read(&answer, repo)?;
        if found.commit.id.is_empty() {
            let strange = format!("{} names no head of {name:?}", self.http.host());
            return Err(Error::unavailable(strange));
        }
        Ok(Branch {
            name: found.name,
            commit: found.commit.id,
            message: found.commit.message,
        })
    }

    async fn statuses(&self, repo: &RepoName, commit: &str) -> Result<Vec<CommitStatus>> {
        let path = of_repo(repo, &["commits", commit, "status"]);
        let found = self.list(&path, &[], |answer| {
            if answer.status == 404 {
                return Err(Error::invalid_argument("no such commit"));
            }
            let all: Option<WireStatuses> = self.read(answer, repo)?;
            Ok(all.unwrap_or_default().statuses)
        });
        let found = match found.await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::InvalidArgument => {
                return Err(self.not_there(repo, &format!("commit {commit:?}")).await);
            }
            Err(error) => return Err(error),
        };
        // In the order of their ids, so the newest of a context stays.
        let newest: BTreeMap<String, WireStatus> = found
            .into_iter()
            .map(|status| (status.context.clone(), status))
            .collect();
        let base = self.http.base();
        let newest = newest.into_values();
        Ok(newest.map(|status| status.into_status(base)).collect())
    }
}

#[cfg(test)]
mod tests;
