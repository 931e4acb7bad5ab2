//! Whether a branch is clear: decided from one look at its head and its pipelines, and from how long
//! things have been so. Pure; the time is the time since the guard began.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{GuardOptions, Purpose};
use crate::ci::head::{newest_of_each_event, short};
use crate::ci::{Phase, Pipeline, SETTLE, Status};

/// What one look saw.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) branch: String,
    /// The head of the branch.
    pub(super) head: Head,
    /// The commit that the caller named.
    pub(super) named: Option<Head>,
    /// Pipelines of the branch that have not ended.
    pub(super) active: Vec<Pipeline>,
}

/// A commit and its pipelines.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) commit: String,
    pub(super) pipelines: Vec<Pipeline>,
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Nothing stands against it; with what should be known though.
    Clear(Option<String>),
    /// The head did not succeed.
    Otherwise(String),
    /// Not yet, because of this.
    Wait(String),
}

/// What is remembered between two looks.
#[derive(Debug)]
pub(super) struct Guard {
    purpose: Purpose,
    grace: Duration,
    /// Heads without a pipeline, since when.
    bare: BTreeMap<String, Duration>,
    /// Pipelines that have ended, and of which something still runs, since when.
    unsettled: BTreeMap<u64, Duration>,
}

impl Guard {
    pub(super) fn new(options: &GuardOptions) -> Self {
        Guard {
            purpose: options.purpose,
            grace: options.grace,
            bare: BTreeMap::new(),
            unsettled: BTreeMap::new(),
        }
    }

    /// When a head without a pipeline will have been there for long enough.
    pub(super) fn wake(&self, now: Duration) -> Option<Duration> {
        let ends = self
            .bare
            .values()
            .map(|since| since.saturating_add(self.grace));
        ends.filter(|end| *end > now).min()
    }

    pub(super) fn judge(&mut self, look: &Look, now: Duration) -> Judgement {
        // A pipeline of a pull request is not the branch's, but it is that of a commit named for it.
        let of_branch = own(&look.head, |one| !one.is_of_pull());
        let of_named = look.named.as_ref().map(|named| own(named, |_| true));
        let tested = of_named.as_ref().unwrap_or(&of_branch);

        if self.purpose == Purpose::Merge {
            let over = tested.iter().filter(|one| !runs(one));
            if let Some(failed) = over.into_iter().find(|one| !succeeded(one)) {
                return Judgement::Otherwise(not_well(failed));
            }
            if let Some(busy) = tested.iter().find(|one| runs(one)) {
                return Judgement::Wait(at_work(busy, "the head"));
            }
        }
        for (pipelines, whose) in [
            (&of_branch, "the head"),
            (&look.active.iter().collect(), "the branch"),
        ] {
            let mut busy = pipelines.iter();
            if let Some(busy) = busy.find(|one| runs(one) || self.settles(one, now)) {
                return Judgement::Wait(at_work(busy, whose));
            }
        }

        let mut heads = vec![(&look.head.commit, of_branch.is_empty())];
        if let (Some(named), Some(own)) = (&look.named, &of_named) {
            heads.push((&named.commit, own.is_empty()));
        }
        let bare = heads.into_iter().filter(|(_, is_bare)| *is_bare);
        let bare: Vec<&String> = bare.map(|(commit, _)| commit).collect();
        self.bare.retain(|commit, _| bare.contains(&commit));
        for commit in &bare {
            let since = *self.bare.entry((*commit).clone()).or_insert(now);
            if now < since.saturating_add(self.grace) {
                let commit = short(commit);
                return Judgement::Wait(format!("no pipeline of the head {commit} yet"));
            }
        }
        let mut notes: Vec<String> = bare
            .iter()
            .map(|commit| format!("the head {} has no pipeline", short(commit)))
            .collect();
        if !look.active.is_empty() {
            let numbers = look.active.iter().map(|one| one.number.to_string());
            let numbers: Vec<String> = numbers.collect();
            notes.push(format!(
                "waiting for approval, and not counted: pipeline {}",
                numbers.join(", ")
            ));
        }
        Judgement::Clear((!notes.is_empty()).then(|| notes.join("; ")))
    }

    /// Whether something of one that has ended still runs, and has not for too long.
    fn settles(&mut self, pipeline: &Pipeline, now: Duration) -> bool {
        if pipeline.status.phase() != Phase::Ended || pipeline.is_quiet() {
            return false;
        }
        let since = *self.unsettled.entry(pipeline.number).or_insert(now);
        now < since.saturating_add(SETTLE)
    }
}

/// The pipelines that tell of a commit itself, the newest of each event. What a clock, a release or a
/// deployment started does not.
fn own(head: &Head, counts: impl Fn(&Pipeline) -> bool) -> Vec<&Pipeline> {
    let is_own = |one: &&Pipeline| {
        let event = one.event.as_str();
        !matches!(
            event,
            "cron" | "schedule" | "tag" | "release" | "deployment"
        ) && counts(one)
    };
    newest_of_each_event(head.pipelines.iter().filter(is_own))
}

fn runs(pipeline: &Pipeline) -> bool {
    matches!(pipeline.status.phase(), Phase::Waiting | Phase::Running)
}

/// A canceled one is none, whatever became of its status.
fn succeeded(pipeline: &Pipeline) -> bool {
    pipeline.status == Status::Success && !pipeline.was_canceled()
}

fn not_well(pipeline: &Pipeline) -> String {
    let number = pipeline.number;
    let canceled = pipeline.status == Status::Success;
    match (canceled, pipeline.status.meaning()) {
        (true, _) => format!("pipeline {number} of the head was canceled"),
        (false, Some(meaning)) => format!("pipeline {number} of the head {meaning}"),
        (false, None) => format!("pipeline {number} of the head: {}", pipeline.status),
    }
}

fn at_work(pipeline: &Pipeline, whose: &str) -> String {
    let (number, status) = (pipeline.number, &pipeline.status);
    match status.phase() {
        Phase::Ended => {
            format!("pipeline {number} of {whose}: {status}, and parts of it still run")
        }
        _ => format!("pipeline {number} of {whose}: {status}"),
    }
}
