//! When a wait is over, and what is to be asked next: decided from what was seen, and when. Pure:
//! the time comes from outside, as the time since the wait began, and nothing is asked here.

use std::time::Duration;

use super::target::{Stage, Target};
use super::{News, OnBlocked, WaitOptions, WaitedFor};
use crate::ci::listen::GAP;
use crate::ci::trouble::{Trouble, Turn};
use crate::ci::{Pipeline, SETTLE, Status};
use crate::error::{Error, Retry};

/// Until the next look at what is not settled.
const SOON: Duration = Duration::from_secs(2);

/// How long a pipeline must be away to be gone.
const ABSENCE: Duration = Duration::from_secs(4);

/// Looks that follow an end that was hinted at and is not seen.
const LOOKS_AFTER_HINT: u32 = 5;

/// What is to be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// How a pipeline is.
    Pipeline { number: u64, commit: Option<String> },
    /// What took the place of one that has ended.
    Successor {
        number: u64,
        id: u64,
        commit: String,
    },
}

/// How a wait ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All are over, and all succeeded.
    Success,
    /// Some ended otherwise.
    Otherwise,
    /// Some are not over, and the time is.
    TimedOut,
    /// It cannot be told, because of this.
    Unknown(String),
}

/// A wait for some pipelines.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(super) targets: Vec<Target>,
    timeout: Duration,
    interval: Duration,
    outage: Duration,
    blocked: OnBlocked,
    fail_fast: bool,
    follow: bool,
    trouble: Trouble,
    /// What went wrong in this round of questions.
    wrong: Option<Error>,
}

impl Wait {
    /// For these pipelines, each once.
    pub(crate) fn new(
        wanted: impl IntoIterator<Item = (u64, Option<String>)>,
        options: &WaitOptions,
    ) -> Self {
        let mut targets: Vec<Target> = Vec::new();
        for (number, commit) in wanted {
            if !targets.iter().any(|target| target.number == number) {
                targets.push(Target::new(number, commit));
            }
        }
        Wait {
            targets,
            timeout: options.timeout,
            interval: options.interval.max(GAP),
            outage: options.outage,
            blocked: options.blocked,
            fail_fast: options.fail_fast,
            follow: options.follow,
            trouble: Trouble::default(),
            wrong: None,
        }
    }

    /// What is to be asked at `now`. When the time is over everything is looked at once more.
    pub(crate) fn asks(&self, now: Duration) -> Vec<Ask> {
        let last_chance = |target: &Target| {
            now >= self.timeout && target.asked.is_none_or(|asked| asked < self.timeout)
        };
        let targets = self.targets.iter().filter(|target| !target.is_over());
        targets
            .filter(|target| target.due <= now || last_chance(target))
            .map(Target::ask)
            .collect()
    }

    /// When there may be something to ask or to decide again.
    pub(crate) fn wake(&self) -> Duration {
        let open = self.targets.iter().filter(|target| !target.is_over());
        let outage = self.trouble.limit(self.outage);
        open.map(|target| target.due)
            .chain(outage)
            .fold(self.timeout, Duration::min)
    }

    /// The service says that something happened to a pipeline. It is asked, but not all the time.
    pub(crate) fn hinted(&mut self, number: u64, ended: bool, now: Duration) {
        let Some(target) = self.open(number) else {
            return;
        };
        // The first word of an end is worth a question at once; the next ones may be lies.
        let gap = match ended && target.looks_after_hint == 0 {
            true => Duration::ZERO,
            false => GAP,
        };
        let next = target.asked.map_or(now, |asked| (asked + gap).max(now));
        if ended {
            target.looks_after_hint = LOOKS_AFTER_HINT;
        }
        target.due = target.due.min(next);
    }

    /// What was hinted at in between may be lost: everything is to be asked.
    pub(crate) fn connected(&mut self, now: Duration) {
        for target in self.targets.iter_mut().filter(|target| !target.is_over()) {
            target.due = target.due.min(now);
        }
    }

    /// What the service answered about a pipeline.
    pub(crate) fn saw(&mut self, number: u64, seen: Option<Pipeline>, now: Duration) -> Vec<News> {
        let mut news = Vec::new();
        let (interval, blocked, follow) = (self.interval, self.blocked, self.follow);
        let Some(target) = self.open(number) else {
            return news;
        };
        target.asked = Some(now);
        target.due = now.saturating_add(interval);
        let changed = match seen {
            Some(pipeline) => target.saw(pipeline),
            None => {
                target.missed(now, ABSENCE);
                false
            }
        };
        let (unknown, over) = (target.unknown_word(), target.end(now, blocked, SETTLE));
        let mut successor = None;
        match over {
            Some(status) => successor = target.ended(status, now, follow),
            // Not settled, or said to have ended: soon again.
            None if target.absent.is_some() || target.is_unsettled() => {
                target.due = now + SOON.min(interval);
            }
            None if target.looks_after_hint > 0 => {
                target.looks_after_hint -= 1;
                target.due = now + GAP;
            }
            None => {}
        }
        news.extend(unknown.map(|word| News::UnknownStatus { number, word }));
        match target.stage {
            Stage::Open if changed => {
                let seen = target.seen.clone();
                news.extend(seen.map(|seen| News::Changed(Box::new(seen))));
            }
            Stage::Open => {}
            Stage::Seeking | Stage::Over => news.extend(target.news_of_end()),
        }
        news.extend(successor.map(|to| self.follow(number, to, now)));
        news
    }

    /// What takes the place of a pipeline that ended and did not succeed, if anything does.
    pub(crate) fn found(
        &mut self,
        number: u64,
        successor: Option<u64>,
        now: Duration,
    ) -> Option<News> {
        if let Some(target) = self.open(number) {
            target.stage = Stage::Over;
        }
        successor.map(|to| self.follow(number, to, now))
    }

    /// A question had no answer.
    pub(crate) fn failed(&mut self, ask: &Ask, error: Error, now: Duration) {
        let pause = match error.retry() {
            Retry::After(pause) => pause.clamp(SOON, self.outage.max(SOON)),
            _ => SOON.min(self.interval),
        };
        let (Ask::Pipeline { number, .. } | Ask::Successor { number, .. }) = ask;
        if let Some(target) = self.open(*number) {
            target.asked = Some(now);
            target.due = now + pause;
        }
        self.wrong = Some(error);
    }

    /// All that was asked has been answered, or not.
    pub(crate) fn round_ends(&mut self, now: Duration) -> Option<News> {
        let wrong = self.wrong.take();
        match (self.trouble.round(wrong.as_ref(), now)?, wrong) {
            (Turn::Begins, Some(error)) => Some(News::Trouble(error.to_string())),
            _ => Some(News::Back),
        }
    }

    /// How the wait ends, if it does at `now`.
    pub(crate) fn outcome(&self, now: Duration) -> Option<Outcome> {
        let over = self.targets.iter().filter(|target| target.is_over());
        let failed = over
            .clone()
            .any(|target| target.status != Some(Status::Success));
        if over.count() == self.targets.len() || (failed && self.fail_fast) {
            return Some(match failed {
                true => Outcome::Otherwise,
                false => Outcome::Success,
            });
        }
        if let Some(why) = self.trouble.too_long(now, self.outage) {
            return Some(Outcome::Unknown(why.to_owned()));
        }
        let open = || self.targets.iter().filter(|target| !target.is_over());
        let looked = |target: &Target| target.asked.is_some_and(|asked| asked >= self.timeout);
        if now < self.timeout || !open().all(looked) {
            return None;
        }
        // Of one that was never seen, an outage is no word.
        if let Some(why) = self.trouble.words()
            && open().any(|target| target.seen.is_none())
        {
            return Some(Outcome::Unknown(why.to_owned()));
        }
        // What has ended but is not settled cannot become a success any more.
        Some(match open().all(Target::has_failed) {
            true => Outcome::Otherwise,
            false => Outcome::TimedOut,
        })
    }

    /// Whether a pipeline that the caller named was never seen.
    pub(crate) fn is_unseen(&self, number: u64) -> bool {
        let mut targets = self.targets.iter();
        targets.any(|target| target.number == number && target.is_unseen())
    }

    /// What was seen of each, up to `now`.
    pub(crate) fn report(&self, now: Duration) -> Vec<WaitedFor> {
        let settled = |target: &Target| now >= self.timeout && target.has_failed();
        let mut all = Vec::new();
        for target in &self.targets {
            all.push(target.report(now, settled(target)));
        }
        all
    }

    /// A successor is waited for from the beginning.
    fn follow(&mut self, from: u64, to: u64, now: Duration) -> News {
        // Two that were replaced by the same one are one from now on.
        if self.targets.iter().any(|target| target.number == to) {
            self.targets.retain(|target| target.number != from);
        }
        let mut targets = self.targets.iter_mut();
        if let Some(target) = targets.find(|target| target.number == from) {
            let asked_as = target.asked_as;
            *target = Target::new(to, None);
            target.asked_as = asked_as;
            target.due = now;
        }
        News::Followed { from, to }
    }

    fn open(&mut self, number: u64) -> Option<&mut Target> {
        let mut targets = self.targets.iter_mut();
        targets.find(|target| target.number == number && !target.is_over())
    }
}
