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
use tokio::time::Instant;

use super::ask::in_time;
use super::listen::{self, GAP, Heard, until};
use super::trouble::Trouble;
use super::{Ci, Pipeline, Status, Target};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::forge::{Forge, RepoName};
use crate::text::one_line;
use state::{Guard, Head, Judgement, Look};

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
    /// The branch; `null` if it was not named, and never seen.
    pub branch: Option<String>,
    /// The commit at its head, or the one that was named; `null` if it was never seen.
    pub head: Option<String>,
    /// Whose word about pipelines it is.
    pub instance: String,
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
        let branch = one_line(self.branch.as_deref().unwrap_or("default branch"));
        let instance = one_line(&self.instance);
        let why = |or: &str| one_line(self.why.as_deref().unwrap_or(or));
        match self.result {
            GuardResult::Clear => {
                let note = self
                    .why
                    .as_ref()
                    .map(|note| format!(" ({})", one_line(note)));
                let note = note.unwrap_or_default();
                format!(
                    "ci-guard: CLEAR — {repo} {branch}, for a {purpose}, by {instance}{note}; this is no lock"
                )
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

/// A commit as services compare it: whole, and in small letters.
///
/// # Errors
/// `InvalidArgument` for anything else: a part of a commit would match no pipeline, and look clear.
pub fn whole_commit(text: &str) -> Result<String> {
    let whole = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    match whole {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Error::invalid_argument(
            "write the whole commit, as `git rev-parse HEAD` does",
        )),
    }
}

/// Waits until `branch` (the default branch without one) is clear, or the time is over. `news` is told
/// why it is not, each time that this changes.
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
    branch: Option<&str>,
    options: &GuardOptions,
    news: &mut (dyn FnMut(&str) + Send),
) -> Result<Guarded> {
    let begin = Instant::now();
    let asked = Asked {
        forge,
        ci,
        repo,
        branch,
        head: options.head.as_deref(),
    };
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
                heard = listen::next(&mut heard) => {
                    if !matches!(heard, Heard::Hint(hint) if !hint.ended) {
                        next = next.min(begin.elapsed() + GAP);
                    }
                    continue;
                }
                () = until(begin, next) => {}
            }
        }
        let looked = in_time(begin, options.timeout, asked.look(seen.is_none())).await;
        let now = begin.elapsed();
        trouble.round(looked.as_ref().err(), now);
        let judgement = match looked {
            Ok(look) => {
                let judgement = state.judge(&look, now);
                seen = Some(look);
                judgement
            }
            Err(error) if is_final(&error, seen.is_some()) => return Err(error),
            Err(error) => Judgement::Wait(error.to_string()),
        };
        let over = |result, why| Ok(asked.guarded(options, seen.as_ref(), result, why));
        let why = match judgement {
            Judgement::Clear(note) => return over(GuardResult::Clear, note),
            Judgement::Otherwise(why) => return over(GuardResult::Otherwise, Some(why)),
            Judgement::Wait(why) => why,
        };
        if let Some(why) = trouble.too_long(now, options.outage) {
            return over(GuardResult::Unknown, Some(why.to_owned()));
        }
        if now >= options.timeout {
            // Nothing was ever seen: that is no word about the branch.
            let result = match seen {
                None => GuardResult::Unknown,
                Some(_) => GuardResult::TimedOut,
            };
            return over(result, Some(why));
        }
        if told != why {
            news(&why);
            told = why;
        }
        next = [
            now.saturating_add(options.interval.max(GAP)),
            options.timeout,
        ]
        .into_iter()
        .chain(state.wake(now))
        .chain(trouble.limit(options.outage))
        .fold(Duration::MAX, Duration::min);
    }
}

/// What no later look can mend.
fn is_final(error: &Error, seen_before: bool) -> bool {
    match error.kind() {
        ErrorKind::InvalidArgument => true,
        _ => !seen_before && error.retry() == Retry::Never,
    }
}

/// Whom a guard asks about what.
struct Asked<'a> {
    forge: &'a dyn Forge,
    ci: &'a dyn Ci,
    repo: &'a RepoName,
    branch: Option<&'a str>,
    head: Option<&'a str>,
}

impl Asked<'_> {
    /// One look: the head, what is active, the head's own pipelines, and the head again.
    async fn look(&self, first: bool) -> Result<Look> {
        if first {
            self.ci.check().await?;
        }
        let branch = match self.branch {
            Some(branch) => branch.to_owned(),
            None => self.forge.repository(self.repo).await?.default_branch,
        };
        let mut commit = self.forge.branch(self.repo, &branch).await?.commit;
        loop {
            let target = Target::new(&branch, &commit);
            let named = async {
                match self.head {
                    // Its pipelines may be those of another branch, or of a pull request.
                    Some(named) => self.pipelines(named, None).await.map(Some),
                    None => Ok(None),
                }
            };
            let (active, head, named) = try_join!(
                self.ci.active(self.repo, &target),
                self.pipelines(&commit, Some(&branch)),
                named
            )?;
            let after = self.forge.branch(self.repo, &branch).await?.commit;
            if after == commit {
                return Ok(Look {
                    branch,
                    head,
                    named,
                    active,
                });
            }
            commit = after;
        }
    }

    /// A commit's pipelines; of those that were canceled also the parts, which may still run.
    async fn pipelines(&self, commit: &str, branch: Option<&str>) -> Result<Head> {
        let mut pipelines = self.ci.of_commit(self.repo, commit, branch).await?;
        for one in &mut pipelines {
            if one.status.is_cancel() && one.workflows.is_empty() {
                let whole = self
                    .ci
                    .pipeline(self.repo, one.number, Some(commit))
                    .await?;
                if let Some(whole) = whole.filter(|whole| whole.id == one.id) {
                    *one = whole;
                }
            }
        }
        Ok(Head {
            commit: commit.to_owned(),
            pipelines,
        })
    }

    fn guarded(
        &self,
        options: &GuardOptions,
        seen: Option<&Look>,
        result: GuardResult,
        why: Option<String>,
    ) -> Guarded {
        let of = |pipelines: &[Pipeline]| pipelines.iter().map(Guarding::from).collect();
        let head = seen.map(|look| look.named.as_ref().unwrap_or(&look.head));
        Guarded {
            repo: self.repo.clone(),
            branch: seen
                .map(|look| look.branch.clone())
                .or(self.branch.map(str::to_owned)),
            head: head
                .map(|head| head.commit.clone())
                .or(self.head.map(str::to_owned)),
            instance: self.ci.info().instance,
            purpose: options.purpose,
            result,
            why,
            own: head.map(|head| of(&head.pipelines)).unwrap_or_default(),
            active: seen.map(|look| of(&look.active)).unwrap_or_default(),
        }
    }
}
