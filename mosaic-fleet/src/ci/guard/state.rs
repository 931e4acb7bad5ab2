//! Whether a branch is clear: decided from one look at its head and its pipelines, and from how long
//! the head has been there. Pure; the time is the time since the guard began.

use std::time::Duration;

use super::{GuardOptions, Purpose};
use crate::ci::head::{newest_of_each_event, short};
use crate::ci::{Phase, Pipeline, Status};

/// What one look saw.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// The commit at the head of the branch, or the one that the caller named.
    pub(super) head: String,
    /// Pipelines of the branch that have not ended.
    pub(super) active: Vec<Pipeline>,
    /// Pipelines of the head.
    pub(super) own: Vec<Pipeline>,
}

/// What follows from it.
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
    named: bool,
    /// The head without a pipeline, since when.
    bare: Option<(String, Duration)>,
}

impl Guard {
    pub(super) fn new(options: &GuardOptions) -> Self {
        Guard {
            purpose: options.purpose,
            grace: options.grace,
            named: options.head.is_some(),
            bare: None,
        }
    }

    /// When a head without a pipeline will have been there for long enough.
    pub(super) fn wake(&self) -> Option<Duration> {
        let (_, since) = self.bare.as_ref()?;
        Some(since.saturating_add(self.grace))
    }

    pub(super) fn judge(&mut self, look: &Look, now: Duration) -> Judgement {
        let own = newest_of_each_event(look.own.iter().filter(|one| self.is_own(one)));
        if self.purpose == Purpose::Merge {
            let busy = own.iter().find(|one| is_busy(one));
            let failed = own.iter().find(|one| !is_busy(one) && !succeeded(one));
            match (failed, busy) {
                (Some(failed), _) => return Judgement::Otherwise(not_well(failed)),
                (None, Some(busy)) => return Judgement::Wait(at_work(busy, "the head")),
                (None, None) => {}
            }
        }
        if let Some(busy) = look.active.iter().find(|one| is_busy(one)) {
            return Judgement::Wait(at_work(busy, "the branch"));
        }
        let blocked: Vec<String> = look
            .active
            .iter()
            .map(|one| one.number.to_string())
            .collect();
        let note = (!blocked.is_empty()).then(|| {
            let numbers = blocked.join(", ");
            format!("waiting for approval, and not counted: pipeline {numbers}")
        });
        if !own.is_empty() {
            self.bare = None;
            return Judgement::Clear(note);
        }
        let since = match &self.bare {
            Some((head, since)) if *head == look.head => *since,
            _ => {
                self.bare = Some((look.head.clone(), now));
                now
            }
        };
        if now < since.saturating_add(self.grace) {
            let head = short(&look.head);
            return Judgement::Wait(format!("no pipeline of the head {head} yet"));
        }
        let none = format!("the head {} has no pipeline", short(&look.head));
        Judgement::Clear(Some(match note {
            Some(note) => format!("{none}; {note}"),
            None => none,
        }))
    }

    /// Whether a pipeline tells of the head itself. One of a pull request does only where the caller
    /// named the commit; one that a clock or a release started never does.
    fn is_own(&self, pipeline: &Pipeline) -> bool {
        match pipeline.event.as_str() {
            "cron" | "tag" | "release" | "deployment" | "schedule" => false,
            _ => self.named || !pipeline.is_of_pull(),
        }
    }
}

fn is_busy(pipeline: &Pipeline) -> bool {
    matches!(pipeline.status.phase(), Phase::Waiting | Phase::Running)
}

/// A canceled one is none, whatever became of its status.
fn succeeded(pipeline: &Pipeline) -> bool {
    pipeline.status == Status::Success && pipeline.canceled.is_none()
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
    format!(
        "pipeline {} of {whose}: {}",
        pipeline.number, pipeline.status
    )
}
