//! May I push, may I merge? Waits until nothing is active on a branch and, before a merge, until its
//! head's own pipeline has ended. Asks a [`Forge`] for the head and a [`Ci`] for the pipelines; the
//! decision is in `state.rs`.
//!
//! Nothing here is a lock: two guards can be clear at the same moment.

mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::{StreamExt, try_join};
use serde::{Serialize, Serializer};
use tokio::time::{Instant, timeout_at};

use super::listen::{self, until};
use super::trouble::Trouble;
use super::{Ci, Pipeline, Status, Target};
use crate::error::{Error, ErrorKind, Result};
use crate::forge::{Forge, RepoName};
use crate::text::one_line;
use state::{Guard, Judgement, Look};

/// Between two looks, whatever is hinted at.
const GAP: Duration = Duration::from_secs(1);

/// The longest that one look may take.
const LOOK_LIMIT: Duration = Duration::from_secs(60);

/// What the branch is to be clear for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Nothing may be active on the branch.
    Push,
    /// Also, the head's own pipeline must have succeeded.
    Merge,
}

impl Purpose {
    /// The stable spelling, `push` or `merge`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::Push => "push",
            Purpose::Merge => "merge",
        }
    }
}

impl Serialize for Purpose {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is guarded, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardOptions {
    /// What the branch is to be clear for.
    pub purpose: Purpose,
    /// After this the guard gives up. One look always comes before.
    pub timeout: Duration,
    /// The branch is looked at at least this often; at least every second.
    pub interval: Duration,
    /// How long a head may be without a pipeline: right after a push none exists yet, and one that is
    /// skipped never does.
    pub grace: Duration,
    /// How long forge and CI may be away.
    pub outage: Duration,
    /// The commit whose pipeline must have succeeded, instead of the branch's head.
    pub head: Option<String>,
}

impl GuardOptions {
    /// Fifteen minutes, a look every 15 seconds, 20 seconds for a pipeline to appear; an outage of 5
    /// minutes is ridden out.
    pub fn new(purpose: Purpose) -> Self {
        GuardOptions {
            purpose,
            timeout: Duration::from_secs(900),
            interval: Duration::from_secs(15),
            grace: Duration::from_secs(20),
            outage: Duration::from_secs(300),
            head: None,
        }
    }

    /// Sets after how long the guard gives up.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often the branch is looked at at least.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long a head may be without a pipeline.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how long forge and CI may be away.
    #[must_use]
    pub fn with_outage(mut self, outage: Duration) -> Self {
        self.outage = outage;
        self
    }

    /// Names the commit whose pipeline must have succeeded.
    #[must_use]
    pub fn with_head(mut self, commit: impl Into<String>) -> Self {
        self.head = Some(commit.into());
        self
    }
}

/// How a guard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GuardResult {
    /// Nothing stands against it.
    Clear,
    /// The head did not succeed.
    Otherwise,
    /// It was not clear in time.
    TimedOut,
    /// It cannot be told: a token was refused, or a service was away for too long.
    Unknown,
}

impl GuardResult {
    /// The stable spelling: `clear`, `otherwise`, `timeout`, `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            GuardResult::Clear => "clear",
            GuardResult::Otherwise => "otherwise",
            GuardResult::TimedOut => "timeout",
            GuardResult::Unknown => "unknown",
        }
    }
}

impl Serialize for GuardResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a guard came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Guarded {
    /// Of which repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// The commit at its head, or the one that was named; `null` if it was never seen.
    pub head: Option<String>,
    /// What for.
    pub purpose: Purpose,
    /// How it ended.
    pub result: GuardResult,
    /// Why; or what should be known though all is clear.
    pub why: Option<String>,
    /// The head's pipelines.
    pub own: Vec<Guarding>,
    /// What has not ended on the branch.
    pub active: Vec<Guarding>,
}

impl Guarded {
    /// The line that a guard ends with.
    pub fn summary(&self, options: &GuardOptions) -> String {
        let (repo, purpose) = (&self.repo, self.purpose.as_str());
        let branch = one_line(&self.branch);
        let why = |or: &str| one_line(self.why.as_deref().unwrap_or(or));
        match self.result {
            GuardResult::Clear => {
                let note = self
                    .why
                    .as_ref()
                    .map(|note| format!(" ({})", one_line(note)));
                let note = note.unwrap_or_default();
                format!("ci-guard: CLEAR — {repo} {branch}, for a {purpose}{note}; this is no lock")
            }
            GuardResult::Otherwise => {
                format!(
                    "ci-guard: NOT CLEAR — {repo} {branch}: {}",
                    why("no success")
                )
            }
            GuardResult::TimedOut => format!(
                "ci-guard: TIMEOUT after {}s — {repo} {branch}: {}",
                options.timeout.as_secs_f64(),
                why("not clear")
            ),
            GuardResult::Unknown => format!("ci-guard: COULD NOT TELL — {}", why("no answer")),
        }
    }
}

/// One pipeline that a guard saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Guarding {
    /// Its number.
    pub number: u64,
    /// How it is.
    pub status: Status,
    /// What started it.
    pub event: String,
    /// Where people see it.
    pub url: String,
}

impl From<&Pipeline> for Guarding {
    fn from(pipeline: &Pipeline) -> Self {
        Guarding {
            number: pipeline.number,
            status: pipeline.status.clone(),
            event: pipeline.event.clone(),
            url: pipeline.url.clone(),
        }
    }
}

/// Waits until `branch` is clear, or the time is over. `news` is told why it is not, each time that
/// this changes.
///
/// The head is read from the forge before and after the pipelines, so that a push in between is
/// seen. Dropping the call ends it; nothing is left behind.
///
/// # Errors
///
/// `InvalidArgument` where there is no such branch or repository; `Unauthenticated` if a token is
/// refused from the beginning, `PermissionDenied` if the forge says no. What happens later is a
/// [`GuardResult`].
pub async fn guard(
    forge: &dyn Forge,
    ci: &dyn Ci,
    repo: &RepoName,
    branch: &str,
    options: &GuardOptions,
    news: &mut (dyn FnMut(&str) + Send),
) -> Result<Guarded> {
    let begin = Instant::now();
    let mut state = Guard::new(options);
    let mut trouble = Trouble::default();
    let mut seen: Option<Look> = None;
    let mut told = String::new();
    let mut heard = Box::pin(listen::listen(ci, repo)).fuse();
    let mut next = Duration::ZERO;
    loop {
        if begin.elapsed() < next {
            tokio::select! {
                // Not more than one look a second, and one for all of what is heard meanwhile.
                _ = listen::next(&mut heard) => {
                    next = next.min(begin.elapsed() + GAP);
                    continue;
                }
                () = until(begin, next) => {}
            }
        }
        let limit = Instant::now() + LOOK_LIMIT;
        let looked = timeout_at(limit, async {
            if seen.is_none() {
                ci.check().await?;
            }
            look(forge, ci, repo, branch, options).await
        })
        .await;
        let now = begin.elapsed();
        let judgement =
            match looked.unwrap_or_else(|_| Err(Error::unavailable("no answer in time"))) {
                Ok(look) => {
                    trouble.over();
                    let judgement = state.judge(&look, now);
                    seen = Some(look);
                    judgement
                }
                Err(error) if is_final(&error, seen.is_some()) => return Err(error),
                Err(error) => {
                    trouble.failed(&error, now);
                    Judgement::Wait(error.to_string())
                }
            };
        let over = |result, why| Ok(guarded(repo, branch, options, seen.as_ref(), result, why));
        match judgement {
            Judgement::Clear(note) => return over(GuardResult::Clear, note),
            Judgement::Otherwise(why) => return over(GuardResult::Otherwise, Some(why)),
            Judgement::Wait(why) => {
                if let Some(why) = trouble.too_long(now, options.outage) {
                    return over(GuardResult::Unknown, Some(why.to_owned()));
                }
                if now >= options.timeout {
                    let result = match trouble.never_answered() {
                        Some(_) => GuardResult::Unknown,
                        None => GuardResult::TimedOut,
                    };
                    return over(result, Some(why));
                }
                if told != why {
                    news(&why);
                    told = why;
                }
            }
        }
        let grace = state.wake().filter(|wake| *wake > now);
        next = [
            now.saturating_add(options.interval.max(GAP)),
            options.timeout,
        ]
        .into_iter()
        .chain(grace)
        .chain(trouble.limit(options.outage))
        .fold(Duration::MAX, Duration::min);
    }
}

/// What no later look can mend.
fn is_final(error: &Error, seen_before: bool) -> bool {
    match error.kind() {
        ErrorKind::InvalidArgument => true,
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => !seen_before,
        _ => false,
    }
}

/// One look: the head, what is active, the head's own pipelines, and the head again.
async fn look(
    forge: &dyn Forge,
    ci: &dyn Ci,
    repo: &RepoName,
    branch: &str,
    options: &GuardOptions,
) -> Result<Look> {
    if let Some(head) = &options.head {
        // Its own pipelines may be those of another branch, or of a pull request.
        let (active, own) = try_join!(
            active(forge, ci, repo, branch),
            ci.of_commit(repo, head, None)
        )?;
        let head = head.clone();
        return Ok(Look { head, active, own });
    }
    let mut head = forge.branch(repo, branch).await?.commit;
    loop {
        let target = Target::new(branch, &head);
        let (active, own) = try_join!(
            ci.active(repo, &target),
            ci.of_commit(repo, &head, Some(branch))
        )?;
        let after = forge.branch(repo, branch).await?.commit;
        if after == head {
            return Ok(Look { head, active, own });
        }
        head = after;
    }
}

async fn active(
    forge: &dyn Forge,
    ci: &dyn Ci,
    repo: &RepoName,
    branch: &str,
) -> Result<Vec<Pipeline>> {
    let head = forge.branch(repo, branch).await?.commit;
    ci.active(repo, &Target::new(branch, &head)).await
}

fn guarded(
    repo: &RepoName,
    branch: &str,
    options: &GuardOptions,
    seen: Option<&Look>,
    result: GuardResult,
    why: Option<String>,
) -> Guarded {
    let of = |pipelines: &Vec<Pipeline>| pipelines.iter().map(Guarding::from).collect();
    Guarded {
        repo: repo.clone(),
        branch: branch.to_owned(),
        head: seen
            .map(|look| look.head.clone())
            .or_else(|| options.head.clone()),
        purpose: options.purpose,
        result,
        why,
        own: seen.map(|look| of(&look.own)).unwrap_or_default(),
        active: seen.map(|look| of(&look.active)).unwrap_or_default(),
    }
}
