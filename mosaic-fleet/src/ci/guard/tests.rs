//! A forge and a CI service in memory, whose answers depend on the time; the clock is tokio's, and
//! stands still but for those who sleep.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{GuardOptions, GuardResult, Guarded, Purpose, guard};
use crate::ci::{Canceled, Ci, CiInfo, Phase, Pipeline, Status, Target, Workflow};
use crate::error::{Error, ErrorKind, Result};
use crate::forge::{
    Branch, CommitStatus, Forge, ForgeInfo, Issue, IssueFilter, Pull, RepoName, Repository,
};

/// A pipeline whose parts outlive it.
const KILLED: u64 = 44;

/// What is there at a second: the head of `main`, and all pipelines.
type World = fn(u64) -> Result<(&'static str, Vec<Pipeline>)>;

#[derive(Debug)]
struct Place {
    begin: Instant,
    world: World,
}

impl Place {
    fn now(&self) -> Result<(&'static str, Vec<Pipeline>)> {
        (self.world)(self.begin.elapsed().as_secs())
    }
}

#[async_trait]
impl Forge for Place {
    fn info(&self) -> ForgeInfo {
        ForgeInfo::new("http://127.0.0.1/", "demo")
    }

    async fn repository(&self, repo: &RepoName) -> Result<Repository> {
        Ok(Repository::new(repo.clone(), "main"))
    }

    async fn open_issues(&self, _: &RepoName, _: &IssueFilter) -> Result<Vec<Issue>> {
        Ok(Vec::new())
    }

    async fn open_pulls(&self, _: &RepoName) -> Result<Vec<Pull>> {
        Ok(Vec::new())
    }

    async fn closing_pulls(&self, _: &RepoName, _: u64) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }

    async fn branch(&self, _: &RepoName, name: &str) -> Result<Branch> {
        Ok(Branch::new(name, self.now()?.0))
    }

    async fn statuses(&self, _: &RepoName, _: &str) -> Result<Vec<CommitStatus>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Ci for Place {
    fn info(&self) -> CiInfo {
        CiInfo::new("demo", "http://127.0.0.1/")
    }

    async fn check(&self) -> Result<()> {
        self.now().map(drop)
    }

    async fn pipeline(
        &self,
        _: &RepoName,
        number: u64,
        _: Option<&str>,
    ) -> Result<Option<Pipeline>> {
        let all = self.now()?.1.into_iter();
        let mut all = all.filter(|one| one.number == number);
        Ok(all.next().map(|mut one| {
            // Killed while it ran: its last step ends a minute later.
            if one.number == KILLED {
                let status = match self.begin.elapsed().as_secs() {
                    0..40 => Status::Running,
                    _ => Status::Killed,
                };
                one.workflows.push(Workflow::new("test", status));
            }
            one
        }))
    }

    async fn of_commit(
        &self,
        _: &RepoName,
        commit: &str,
        _: Option<&str>,
    ) -> Result<Vec<Pipeline>> {
        let mut all = self.now()?.1;
        all.retain(|one| one.commit == commit);
        Ok(all)
    }

    async fn active(&self, _: &RepoName, target: &Target<'_>) -> Result<Vec<Pipeline>> {
        let mut all = self.now()?.1;
        all.retain(|one| one.branch == target.branch && one.status.phase() != Phase::Ended);
        all.retain(|one| !one.is_of_pull());
        Ok(all)
    }
}

/// A pipeline of `main` at `head`.
fn push(number: u64, status: &str) -> Pipeline {
    of("head", "push", number, status)
}

fn of(commit: &str, event: &str, number: u64, status: &str) -> Pipeline {
    let mut pipeline = Pipeline::new(number, Status::new(status));
    pipeline.id = 1000 + number;
    pipeline.commit = commit.to_owned();
    pipeline.event = event.to_owned();
    pipeline.branch = "main".to_owned();
    pipeline
}

/// What the guard comes to, and after how many seconds.
async fn guarded(options: GuardOptions, world: World) -> (Result<Guarded>, u64) {
    let begin = Instant::now();
    let place = Place { begin, world };
    let repo = RepoName::new("acme/widget").unwrap();
    let guarded = guard(&place, &place, &repo, None, &options, &mut |_| {}).await;
    (guarded, begin.elapsed().as_secs())
}

async fn ends(options: GuardOptions, world: World) -> (GuardResult, u64, String) {
    let (guarded, after) = guarded(options, world).await;
    let guarded = guarded.unwrap();
    (guarded.result, after, guarded.why.unwrap_or_default())
}

fn to_push() -> GuardOptions {
    GuardOptions::new(Purpose::Push)
}

fn to_merge() -> GuardOptions {
    GuardOptions::new(Purpose::Merge)
}

#[tokio::test(start_paused = true)]
async fn a_branch_is_clear_when_nothing_of_it_runs() {
    let clear = |_| Ok(("head", vec![push(7, "failure")]));
    let (result, after, why) = ends(to_push(), clear).await;
    assert_eq!((result, after, &*why), (GuardResult::Clear, 0, ""));
    let busy = |second| {
        let status = if second < 100 { "running" } else { "success" };
        Ok(("head", vec![push(7, "success"), push(8, status)]))
    };
    for options in [to_push(), to_merge()] {
        let (result, after, _) = ends(options, busy).await;
        assert_eq!(result, GuardResult::Clear);
        assert!((100..=115).contains(&after), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_that_appears_late_is_waited_for() {
    let late = |second| {
        let pipeline = match second {
            0..10 => return Ok(("head", vec![of("old", "push", 6, "success")])),
            10..100 => push(7, "running"),
            _ => push(7, "failure"),
        };
        Ok(("head", vec![pipeline, of("old", "push", 6, "success")]))
    };
    let (result, after, _) = ends(to_push(), late).await;
    assert_eq!(result, GuardResult::Clear);
    assert!(after >= 100, "{after}");
    let (result, _, why) = ends(to_merge(), late).await;
    assert_eq!(result, GuardResult::Otherwise);
    assert_eq!(why, "pipeline 7 of the head: failure");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_skipped_passes_after_the_grace() {
    let skipped = |_| Ok(("head", vec![of("old", "push", 6, "success")]));
    for options in [to_push(), to_merge()] {
        let (result, after, why) = ends(options, skipped).await;
        assert_eq!((result, after), (GuardResult::Clear, 20));
        assert_eq!(why, "the head head has no pipeline");
    }
    // A head that moves has a grace of its own.
    let moves = |second| Ok((if second < 15 { "head" } else { "next" }, Vec::new()));
    let (result, after, _) = ends(to_push(), moves).await;
    assert_eq!(result, GuardResult::Clear);
    assert!(after >= 35, "{after}");
}

#[tokio::test(start_paused = true)]
async fn pipelines_of_pull_requests_are_not_the_branchs() {
    let pulls = |_| {
        let pull = |number, status| of("head", "pull_request", number, status);
        Ok((
            "head",
            vec![pull(9, "running"), pull(8, "failure"), push(7, "success")],
        ))
    };
    for options in [to_push(), to_merge()] {
        assert_eq!(ends(options, pulls).await.0, GuardResult::Clear);
    }
    // They are where the commit itself was named.
    let options = || to_merge().with_head("head").with_timeout(Duration::ZERO);
    assert_eq!(ends(options(), pulls).await.0, GuardResult::TimedOut);
    let over = |_| Ok(("main", vec![of("head", "pull_request", 9, "killed")]));
    let (result, _, why) = ends(options(), over).await;
    assert_eq!(result, GuardResult::Otherwise);
    assert_eq!(why, "pipeline 9 of the head was ended while it ran");
}

#[tokio::test(start_paused = true)]
async fn the_newest_of_each_event_counts_before_a_merge() {
    let run_again = |_| Ok(("head", vec![push(9, "success"), push(7, "failure")]));
    assert_eq!(ends(to_merge(), run_again).await.0, GuardResult::Clear);
    let nightly = |_| {
        Ok((
            "head",
            vec![of("head", "cron", 9, "failure"), push(7, "success")],
        ))
    };
    assert_eq!(ends(to_merge(), nightly).await.0, GuardResult::Clear);
    let by_hand = |_| {
        Ok((
            "head",
            vec![of("head", "manual", 9, "success"), push(7, "failure")],
        ))
    };
    assert_eq!(ends(to_merge(), by_hand).await.0, GuardResult::Otherwise);
    for (word, why) in [
        ("blocked", "pipeline 7 of the head waits for approval"),
        ("declined", "pipeline 7 of the head was not approved"),
        ("canceled", "pipeline 7 of the head was ended before it ran"),
        ("error", "pipeline 7 of the head could not be run"),
    ] {
        let world: World = match word {
            "blocked" => |_| Ok(("head", vec![push(7, "blocked")])),
            "declined" => |_| Ok(("head", vec![push(7, "declined")])),
            "canceled" => |_| Ok(("head", vec![push(7, "canceled")])),
            _ => |_| Ok(("head", vec![push(7, "error")])),
        };
        let (result, _, told) = ends(to_merge(), world).await;
        assert_eq!((result, &*told), (GuardResult::Otherwise, why));
    }
    let canceled = |_| {
        let mut pipeline = push(7, "success");
        pipeline.canceled = Some(Canceled::new());
        Ok(("head", vec![pipeline]))
    };
    let (result, _, why) = ends(to_merge(), canceled).await;
    assert_eq!(result, GuardResult::Otherwise);
    assert_eq!(why, "pipeline 7 of the head was canceled");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_approval_is_told_and_does_not_hold_up_a_push() {
    let blocked = |_| {
        Ok((
            "head",
            vec![of("old", "push", 6, "blocked"), push(7, "success")],
        ))
    };
    let (result, after, why) = ends(to_push(), blocked).await;
    assert_eq!((result, after), (GuardResult::Clear, 0));
    assert_eq!(why, "waiting for approval, and not counted: pipeline 6");
}

#[tokio::test(start_paused = true)]
async fn one_that_never_ends_ends_the_guard() {
    let never = |_| Ok(("head", vec![push(7, "running")]));
    let (result, after, why) = ends(to_push(), never).await;
    assert_eq!((result, after), (GuardResult::TimedOut, 900));
    assert_eq!(why, "pipeline 7 of the head: running");
    let at_once = to_push().with_timeout(Duration::ZERO);
    assert_eq!(ends(at_once, never).await.0, GuardResult::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_ridden_out_up_to_a_limit() {
    let away = |second| match second {
        30..200 => Err(Error::unavailable("away")),
        _ if second < 30 => Ok(("head", vec![push(7, "running")])),
        _ => Ok(("head", vec![push(7, "success")])),
    };
    let (result, after, _) = ends(to_merge(), away).await;
    assert_eq!(result, GuardResult::Clear);
    assert!(after >= 200, "{after}");
    let for_ever = |second| match second {
        0..30 => Ok(("head", vec![push(7, "running")])),
        _ => Err(Error::unavailable("away")),
    };
    let (result, after, why) = ends(to_merge(), for_ever).await;
    assert_eq!((result, &*why), (GuardResult::Unknown, "away"));
    assert!((330..350).contains(&after), "{after}");
    let never = to_push().with_timeout(Duration::from_secs(10));
    let from_the_beginning = |_| Err(Error::unavailable("away"));
    let (result, ..) = ends(never, from_the_beginning).await;
    assert_eq!(result, GuardResult::Unknown);
}

#[tokio::test(start_paused = true)]
async fn a_no_is_not_waited_for() {
    let refused = |_| Err(Error::new(ErrorKind::Unauthenticated, "401"));
    let (guarded, after) = guarded(to_push(), refused).await;
    assert_eq!(guarded.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(after, 0);
}

#[tokio::test(start_paused = true)]
async fn a_push_waits_for_the_heads_own_pipeline_wherever_it_was_seen() {
    // It was made between two questions: it is the head's, and not yet among what is active.
    let between = |second| {
        let mut own = push(7, if second < 30 { "pending" } else { "failure" });
        own.branch = "elsewhere".to_owned();
        Ok(("head", vec![own]))
    };
    let (result, after, _) = ends(to_push(), between).await;
    assert_eq!(result, GuardResult::Clear);
    assert!(after >= 30, "{after}");
    // And for what a cancel has not reached yet.
    let killed = |_| Ok(("head", vec![push(KILLED, "killed")]));
    let (result, after, _) = ends(to_push(), killed).await;
    assert_eq!(result, GuardResult::Clear);
    assert!((40..=60).contains(&after), "{after}");
}

#[tokio::test(start_paused = true)]
async fn a_named_commit_does_not_excuse_the_branchs_head() {
    let pushed_now = |_| Ok(("head", vec![of("named", "pull_request", 9, "success")]));
    let options = to_merge().with_head("named");
    let (result, after, why) = ends(options, pushed_now).await;
    assert_eq!((result, after), (GuardResult::Clear, 20));
    assert_eq!(why, "the head head has no pipeline");
}

#[tokio::test(start_paused = true)]
async fn of_statuses_every_workflow_of_an_event_counts() {
    let two = |_| {
        let mut failed = push(5, "failure");
        let mut good = push(6, "success");
        (failed.id, good.id) = (0, 0);
        Ok(("head", vec![good, failed]))
    };
    let (result, _, why) = ends(to_merge(), two).await;
    assert_eq!(result, GuardResult::Otherwise);
    assert_eq!(why, "pipeline 5 of the head: failure");
}
