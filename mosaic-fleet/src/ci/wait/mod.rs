//! Waiting until pipelines are over: asks a [`Ci`] when there may be something new, until the wait's
//! state says how it ended. The decisions are in `state.rs`, the words in
//! `text.rs`.

mod options;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod text;

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

use super::ask::{in_time, ridden_out};
use super::listen::{self, Heard, until};
use super::{Ci, Pipeline, Status};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::forge::RepoName;

use state::{Ask, Outcome, Wait};

pub use options::{OnBlocked, WaitOptions, Wanted};
pub use text::header;

/// How many pipelines are asked about at the same time.
const AT_ONCE: usize = 8;

/// What happens during a wait, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum News {
    /// A pipeline is not as it was.
    Changed(Box<Pipeline>),
    /// It is over.
    Ended {
        /// Which.
        number: u64,
        /// How it ended; `blocked` too, if that counts as over.
        status: Status,
    },
    /// Another one is waited for in its place.
    Followed {
        /// The one that is over.
        from: u64,
        /// The one that is waited for from now on.
        to: u64,
    },
    /// It is in a state that this version does not know, and so it is not taken to be over.
    UnknownStatus {
        /// Which.
        number: u64,
        /// The word.
        word: String,
    },
    /// The service does not answer; it is asked again.
    Trouble(String),
    /// The service answers again.
    Back,
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitResult {
    /// All are over, and all succeeded.
    Success,
    /// Some ended otherwise.
    Otherwise,
    /// The time was over before all of them were.
    TimedOut,
    /// It cannot be told: the token was refused, or the service was away for too long.
    Unknown,
}

impl WaitResult {
    /// The stable spelling: `success`, `otherwise`, `timeout`, `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            WaitResult::Success => "success",
            WaitResult::Otherwise => "otherwise",
            WaitResult::TimedOut => "timeout",
            WaitResult::Unknown => "unknown",
        }
    }
}

impl Serialize for WaitResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a wait came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Waited {
    /// Of which repository.
    pub repo: RepoName,
    /// How it ended.
    pub result: WaitResult,
    /// Each pipeline, in the order in which they were named.
    pub pipelines: Vec<WaitedFor>,
    /// The numbers of those that are not over.
    pub pending: Vec<u64>,
    /// Why it cannot be told, for `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What was seen of one pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitedFor {
    /// Its number.
    pub number: u64,
    /// The number that was named, if this one took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<u64>,
    /// Which one it really is; `null` if it was never seen, or the service does not say.
    pub id: Option<u64>,
    /// How it is, or how it ended; `null` if it was never seen.
    pub status: Option<Status>,
    /// It is over.
    pub ended: bool,
    /// The commit that it is about.
    pub commit: Option<String>,
    /// Where people see it.
    pub url: Option<String>,
    /// How long it was waited for, in milliseconds.
    pub waited_ms: u64,
}

/// Waits until `wanted` are over, or the time is. `news` is told what happens meanwhile.
///
/// The service's events say when to ask, and its answers are the verdict. It is asked every
/// [`interval`](WaitOptions::interval) besides, so that no lost event is missed; an outage is ridden
/// out. Dropping the call ends the wait; nothing is left behind.
///
/// ```
/// # use mosaic_fleet::ci::wait::{wait, WaitOptions, WaitResult, Wanted};
/// # use mosaic_fleet::ci::{Ci, CiInfo, Pipeline, Status, Target};
/// # use mosaic_fleet::{forge::RepoName, Result};
/// # #[derive(Debug)]
/// # struct Green;
/// # #[async_trait::async_trait]
/// # impl Ci for Green {
/// #     fn info(&self) -> CiInfo { CiInfo::new("demo", "http://127.0.0.1/") }
/// #     async fn check(&self) -> Result<()> { Ok(()) }
/// #     async fn pipeline(&self, _: &RepoName, number: u64, _: Option<&str>) -> Result<Option<Pipeline>> {
/// #         Ok(Some(Pipeline::new(number, Status::Success)))
/// #     }
/// #     async fn of_commit(&self, _: &RepoName, _: &str, _: Option<&str>) -> Result<Vec<Pipeline>> { Ok(vec![]) }
/// #     async fn active(&self, _: &RepoName, _: &Target<'_>) -> Result<Vec<Pipeline>> { Ok(vec![]) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let ci = Green;
/// let repo = RepoName::new("acme/widget")?;
/// let waited = wait(&ci, &repo, &[Wanted::new(17)], &WaitOptions::new(), &mut |_| {}).await?;
/// assert_eq!(waited.result, WaitResult::Success);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `InvalidArgument` if nothing is wanted, there is no such pipeline or no such repository;
/// `Unauthenticated` if the token is refused from the beginning. What happens later is a
/// [`WaitResult`].
pub async fn wait(
    ci: &dyn Ci,
    repo: &RepoName,
    wanted: &[Wanted],
    options: &WaitOptions,
    news: &mut (dyn FnMut(News) + Send),
) -> Result<Waited> {
    if wanted.is_empty() {
        return Err(Error::invalid_argument("no pipeline is named")
            .with_hint("name one by its number: -n 17"));
    }
    let begin = Instant::now();
    let wanted = wanted.iter().map(|want| (want.number, want.commit.clone()));
    let mut state = Wait::new(wanted, options);
    let (timeout, outage) = (options.timeout, options.outage);
    match ridden_out(begin, timeout, outage, news, || ci.check()).await {
        Err(error) if error.retry() == Retry::Never => return Err(error),
        Err(error) => {
            let unknown = Outcome::Unknown(error.to_string());
            return Ok(told(repo, &state, unknown, begin.elapsed()));
        }
        Ok(()) => {}
    }
    let mut heard = Box::pin(listen::listen(ci, repo)).fuse();
    loop {
        look(ci, repo, &mut state, begin, options.timeout, news).await?;
        let now = begin.elapsed();
        if let Some(outcome) = state.outcome(now) {
            return Ok(told(repo, &state, outcome, now));
        }
        if !state.asks(now).is_empty() {
            continue;
        }
        tokio::select! {
            some = listen::next(&mut heard) => match some {
                Heard::Connected => state.connected(begin.elapsed()),
                Heard::Hint(hint) => state.hinted(hint.number, hint.ended, begin.elapsed()),
            },
            () = until(begin, state.wake()) => {}
        }
    }
}

/// Asks what is to be asked now.
async fn look(
    ci: &dyn Ci,
    repo: &RepoName,
    state: &mut Wait,
    begin: Instant,
    timeout: Duration,
    news: &mut (dyn FnMut(News) + Send),
) -> Result<()> {
    let asks = state.asks(begin.elapsed());
    for some in asks.chunks(AT_ONCE) {
        let asked = some.iter().map(|ask| async move {
            let answered = in_time(begin, timeout, answer(ci, repo, ask)).await;
            (ask, answered)
        });
        for (ask, answered) in join_all(asked).await {
            let now = begin.elapsed();
            let told = match (ask, answered) {
                (Ask::Pipeline { number, .. }, Ok(Answered::Pipeline(None)))
                    if state.is_unseen(*number) =>
                {
                    return Err(missing(ci, repo, *number));
                }
                (Ask::Pipeline { number, .. }, Ok(Answered::Pipeline(seen))) => {
                    state.saw(*number, seen.map(|seen| *seen), now)
                }
                (Ask::Successor { number, .. }, Ok(Answered::Successor(to))) => {
                    state.found(*number, to, now).into_iter().collect()
                }
                (_, Ok(_)) => Vec::new(),
                (_, Err(error)) if error.kind() == ErrorKind::InvalidArgument => return Err(error),
                (ask, Err(error)) => {
                    state.failed(ask, error, now);
                    Vec::new()
                }
            };
            told.into_iter().for_each(&mut *news);
        }
    }
    if !asks.is_empty() {
        state.round_ends(begin.elapsed()).into_iter().for_each(news);
    }
    Ok(())
}

enum Answered {
    Pipeline(Option<Box<Pipeline>>),
    Successor(Option<u64>),
}

async fn answer(ci: &dyn Ci, repo: &RepoName, ask: &Ask) -> Result<Answered> {
    match ask {
        Ask::Pipeline { number, commit } => {
            let seen = ci.pipeline(repo, *number, commit.as_deref()).await?;
            Ok(Answered::Pipeline(seen.map(Box::new)))
        }
        Ask::Successor { number, id, commit } => {
            let all = ci.of_commit(repo, commit, None).await?;
            // Woodpecker 2 names the parent by its id.
            let is = |parent: u64| parent == *number || (*id != 0 && parent == *id);
            let later = all.iter().filter(|next| next.number > *number);
            let restarts = later.filter(|next| next.parent.is_some_and(is));
            Ok(Answered::Successor(
                restarts.map(|restart| restart.number).max(),
            ))
        }
    }
}

fn missing(ci: &dyn Ci, repo: &RepoName, number: u64) -> Error {
    let instance = ci.info().instance;
    Error::invalid_argument(format!("{instance} has no pipeline {number} of {repo}"))
        .with_hint("its number stands in its address: …/pipeline/NUMBER")
}

fn told(repo: &RepoName, state: &Wait, outcome: Outcome, now: Duration) -> Waited {
    let (result, why) = match outcome {
        Outcome::Success => (WaitResult::Success, None),
        Outcome::Otherwise => (WaitResult::Otherwise, None),
        Outcome::TimedOut => (WaitResult::TimedOut, None),
        Outcome::Unknown(why) => (WaitResult::Unknown, Some(why)),
    };
    let pipelines: Vec<WaitedFor> = state.report(now);
    let open = pipelines.iter().filter(|pipeline| !pipeline.ended);
    Waited {
        repo: repo.clone(),
        result,
        pending: open.map(|pipeline| pipeline.number).collect(),
        pipelines,
        why,
    }
}
