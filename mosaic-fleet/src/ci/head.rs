//! The pipelines of the commit at the head of a branch.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ask::ridden_out;
use super::wait::{News, WaitOptions};
use super::{Ci, Pipeline};
use crate::error::{Error, Result};
use crate::forge::{Forge, RepoName};

/// Between two looks for a pipeline that does not exist yet.
const PAUSE: Duration = Duration::from_secs(2);

/// The pipelines of the head of `branch` (of the default branch without one): the newest of each
/// event, since one that was run again counts as it is now. Right after a push there is none yet: up
/// to the options' `grace` is waited for one to appear. Their `timeout` and `outage` hold.
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
    branch: Option<&str>,
    options: &WaitOptions,
    news: &mut (dyn FnMut(News) + Send),
) -> Result<Vec<Pipeline>> {
    let begin = Instant::now();
    let WaitOptions {
        timeout, outage, ..
    } = *options;
    loop {
        let look = || async {
            let branch = match branch {
                Some(branch) => branch.to_owned(),
                None => forge.repository(repo).await?.default_branch,
            };
            let head = forge.branch(repo, &branch).await?.commit;
            let found = ci.of_commit(repo, &head, None).await?;
            Ok((branch, head, found))
        };
        let (branch, head, found) = ridden_out(begin, timeout, outage, news, look).await?;
        let newest = newest_of_each_event(&found);
        if !newest.is_empty() {
            return Ok(newest.into_iter().cloned().collect());
        }
        if begin.elapsed() >= options.grace.min(timeout) {
            let (instance, commit) = (ci.info().instance, short(&head));
            return Err(Error::invalid_argument(format!(
                "{instance} has no pipeline of {commit}, the head of {branch}"
            ))
            .with_hint("a commit that says [skip ci], or that no workflow is for, has none"));
        }
        sleep(PAUSE.min(options.grace)).await;
    }
}

/// The newest of each event, the newest first. Those without an id are kept all: they are of a forge's
/// statuses, which are the newest already, and several workflows are several of one event there.
pub(super) fn newest_of_each_event<'a>(
    all: impl IntoIterator<Item = &'a Pipeline>,
) -> Vec<&'a Pipeline> {
    let mut newest: BTreeMap<(&str, &str, u64), &Pipeline> = BTreeMap::new();
    for one in all {
        let number = if one.id == 0 { one.number } else { 0 };
        let key = (one.event.as_str(), one.branch.as_str(), number);
        let known = newest.entry(key).or_insert(one);
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
