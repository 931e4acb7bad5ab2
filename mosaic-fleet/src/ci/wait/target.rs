//! One pipeline that is waited for: what was seen of it, and when it is over. Pure.

use std::time::Duration;

use super::state::Ask;
use super::{News, OnBlocked, WaitedFor};
use crate::ci::{Phase, Pipeline, Status};

/// How far the wait for one pipeline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is not over.
    Open,
    /// It is over, and what took its place is looked for.
    Seeking,
    /// It is over.
    Over,
}

#[derive(Debug)]
pub(super) struct Target {
    pub(super) number: u64,
    /// The number that the caller named.
    pub(super) asked_as: u64,
    pub(super) stage: Stage,
    /// The last that was seen of it.
    pub(super) seen: Option<Pipeline>,
    /// How it ended, once it has.
    pub(super) status: Option<Status>,
    /// When it was over, or else was last asked.
    pub(super) asked: Option<Duration>,
    pub(super) due: Duration,
    pub(super) looks_after_hint: u32,
    /// Since when it is away.
    pub(super) absent: Option<Duration>,
    commit: Option<String>,
    /// Since when its status is one of an end.
    ended_at: Option<Duration>,
    /// A cancel that was seen, whatever is said later.
    canceled: Option<Status>,
    told_word: Option<String>,
}

impl Target {
    pub(super) fn new(number: u64, commit: Option<String>) -> Self {
        Target {
            number,
            asked_as: number,
            stage: Stage::Open,
            seen: None,
            status: None,
            asked: None,
            due: Duration::ZERO,
            looks_after_hint: 0,
            absent: None,
            commit,
            ended_at: None,
            canceled: None,
            told_word: None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    pub(super) fn ask(&self) -> Ask {
        let commit = self.commit.clone();
        let number = self.number;
        match (self.stage, commit) {
            (Stage::Seeking, Some(commit)) => Ask::Successor {
                number,
                id: self.seen.as_ref().map_or(0, |seen| seen.id),
                commit,
            },
            (_, commit) => Ask::Pipeline { number, commit },
        }
    }

    /// Takes what was seen; whether it is something new.
    pub(super) fn saw(&mut self, pipeline: Pipeline) -> bool {
        self.absent = None;
        // The number was given away again. What was seen of the old one stays.
        let other_id = self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.id != pipeline.id);
        let known = self.commit.as_ref();
        if other_id || known.is_some_and(|commit| *commit != pipeline.commit) {
            self.status = Some(Status::Replaced);
            return false;
        }
        if pipeline.status.is_cancel() {
            self.canceled = Some(pipeline.status.clone());
        } else if pipeline.was_canceled() {
            self.canceled.get_or_insert(Status::Canceled);
        }
        if !pipeline.commit.is_empty() {
            self.commit = Some(pipeline.commit.clone());
        }
        let changed = self.seen.as_ref() != Some(&pipeline);
        self.seen = Some(pipeline);
        changed
    }

    /// It was not there. A service that has just come back may not know it yet.
    pub(super) fn missed(&mut self, now: Duration, absence: Duration) {
        let since = *self.absent.get_or_insert(now);
        if now >= since + absence {
            self.status = Some(Status::Gone);
        }
    }

    /// Its number leads to it no more.
    fn is_lost(&self) -> bool {
        matches!(self.status, Some(Status::Gone | Status::Replaced))
    }

    /// A word of its status that we do not know, the first time.
    pub(super) fn unknown_word(&mut self) -> Option<String> {
        let Some(Status::Other(word)) = self.seen.as_ref().map(|seen| &seen.status) else {
            return None;
        };
        let is_new = self.told_word.as_ref() != Some(word);
        self.told_word = Some(word.clone());
        self.told_word.clone().filter(|_| is_new)
    }

    /// Its end, if it is settled.
    pub(super) fn end(
        &mut self,
        now: Duration,
        blocked: OnBlocked,
        settle: Duration,
    ) -> Option<Status> {
        if self.is_lost() {
            return self.status.clone();
        }
        if self.absent.is_some() {
            return None;
        }
        let seen = self.seen.as_ref()?;
        match seen.status.phase() {
            Phase::Blocked if blocked == OnBlocked::Fail => Some(Status::Blocked),
            Phase::Ended => {
                let since = *self.ended_at.get_or_insert(now);
                let settled = seen.is_quiet() || now >= since + settle;
                settled.then(|| self.ending())
            }
            _ => {
                self.ended_at = None;
                None
            }
        }
    }

    /// How it ended: not as a success if a cancel was ever seen.
    fn ending(&self) -> Status {
        match (self.seen.as_ref().map(|seen| &seen.status), &self.canceled) {
            (Some(Status::Success), Some(canceled)) => canceled.clone(),
            (Some(status), _) => status.clone(),
            (None, _) => Status::Gone,
        }
    }

    /// It has ended, and something of it still runs.
    pub(super) fn is_unsettled(&self) -> bool {
        self.ended_at.is_some()
    }

    /// It has ended and cannot be a success, settled or not.
    pub(super) fn has_failed(&self) -> bool {
        self.is_unsettled() && self.ending() != Status::Success
    }

    /// It is over; with what took its place, if that is known and to be waited for.
    pub(super) fn ended(&mut self, status: Status, now: Duration, follow: bool) -> Option<u64> {
        self.asked = Some(now);
        self.due = now;
        let may_follow = follow && !matches!(status, Status::Success | Status::Blocked);
        let canceled = self.seen.as_ref().and_then(|seen| seen.canceled.as_ref());
        let successor = canceled
            .and_then(|canceled| canceled.superseded_by)
            .filter(|to| may_follow && *to > self.number);
        let seeks = may_follow && successor.is_none() && self.commit.is_some() && !self.is_lost();
        self.stage = if seeks { Stage::Seeking } else { Stage::Over };
        self.status = Some(status);
        successor
    }

    /// The caller named it, and it was never seen.
    pub(super) fn is_unseen(&self) -> bool {
        self.seen.is_none() && self.number == self.asked_as
    }

    /// What was seen of it. With `settled` it counts as over though something of it still runs.
    pub(super) fn report(&self, now: Duration, settled: bool) -> WaitedFor {
        let over = matches!(self.stage, Stage::Over | Stage::Seeking);
        let seen = self.seen.as_ref();
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let waited = self.asked.filter(|_| over).unwrap_or(now);
        let status = match &self.status {
            None if settled => Some(self.ending()),
            None => seen.map(|seen| seen.status.clone()),
            status => status.clone(),
        };
        WaitedFor {
            number: self.number,
            instead_of: Some(self.asked_as).filter(|asked| *asked != self.number),
            id: seen.map(|seen| seen.id).filter(|id| *id != 0),
            status,
            ended: over || settled,
            commit: seen.and_then(|seen| text(&seen.commit)),
            url: seen.and_then(|seen| text(&seen.url)),
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn news_of_end(&self) -> Option<News> {
        Some(News::Ended {
            number: self.number,
            status: self.status.clone()?,
        })
    }
}
