//! The pipelines of the commit at the head of a branch.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Ci, Pipeline};
use crate::error::{Error, Result};
use crate::forge::{Branch, Forge, RepoName};

/// Between two looks for a pipeline that does not exist yet.
const PAUSE: Duration = Duration::from_secs(2);

/// The head of a branch and its pipelines, the newest of each event: one that was run again counts as
/// it is now. Right after a push there is none yet: up to `grace` is waited for one to appear.
///
/// Dropping the call ends it; nothing is left behind.
///
/// # Errors
///
/// `InvalidArgument` if there is no such branch, or no pipeline of its head in time; otherwise as the
/// forge's and the CI service's own.
pub async fn of_head(
    forge: &dyn Forge,
    ci: &dyn Ci,
    repo: &RepoName,
    branch: &str,
    grace: Duration,
) -> Result<(Branch, Vec<Pipeline>)> {
    let begin = Instant::now();
    loop {
        let head = forge.branch(repo, branch).await?;
        let found = ci.of_commit(repo, &head.commit, None).await?;
        let newest = newest_of_each_event(&found);
        if !newest.is_empty() {
            return Ok((head, newest.into_iter().cloned().collect()));
        }
        if begin.elapsed() >= grace {
            let commit = short(&head.commit);
            return Err(Error::invalid_argument(format!(
                "{} has no pipeline of {commit}, the head of {branch}",
                ci.info().instance
            ))
            .with_hint("a commit that says [skip ci], or that no workflow is for, has none"));
        }
        sleep(PAUSE.min(grace)).await;
    }
}

/// The newest of each event, the newest first.
pub(super) fn newest_of_each_event<'a>(
    all: impl IntoIterator<Item = &'a Pipeline>,
) -> Vec<&'a Pipeline> {
    let mut newest: BTreeMap<&str, &Pipeline> = BTreeMap::new();
    for one in all {
        let known = newest.entry(&one.event).or_insert(one);
        if known.number < one.number {
            *known = one;
        }
    }
    let mut newest: Vec<&Pipeline> = newest.into_values().collect();
    newest.sort_by_key(|one| std::cmp::Reverse(one.number));
    newest
}

/// A commit as people write it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
