//! A service that does not answer as it should: for how long that is ridden out. Pure.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How often in a row a token may be refused that was accepted before: a service whose database is
/// away knows nobody.
const REFUSALS: u32 = 3;

/// What goes wrong, since when. Told at the end of each round of questions: one that failed is a
/// trouble, whatever the others brought.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    now: Option<Now>,
}

#[derive(Debug)]
struct Now {
    since: Duration,
    words: String,
    refusals: u32,
}

/// What the end of a round changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is in trouble from now on.
    Begins,
    /// It is so no more.
    Ends,
}

impl Trouble {
    /// A round of questions is over; with what went wrong, if anything did.
    pub(super) fn round(&mut self, wrong: Option<&Error>, now: Duration) -> Option<Turn> {
        let Some(error) = wrong else {
            return self.now.take().map(|_| Turn::Ends);
        };
        let is_new = self.now.is_none();
        let trouble = self.now.get_or_insert_with(|| Now {
            since: now,
            words: String::new(),
            refusals: 0,
        });
        trouble.words = error.to_string();
        trouble.refusals = match error.kind() {
            ErrorKind::Unauthenticated => trouble.refusals + 1,
            _ => 0,
        };
        is_new.then_some(Turn::Begins)
    }

    /// When it will have been too long.
    pub(super) fn limit(&self, outage: Duration) -> Option<Duration> {
        let trouble = self.now.as_ref()?;
        Some(trouble.since.saturating_add(outage))
    }

    /// Why nothing can be told any more, if that is so.
    pub(super) fn too_long(&self, now: Duration, outage: Duration) -> Option<&str> {
        let trouble = self.now.as_ref()?;
        let is = trouble.refusals >= REFUSALS || self.limit(outage).is_some_and(|end| now >= end);
        is.then_some(&*trouble.words)
    }

    /// What is wrong now, if anything is.
    pub(super) fn words(&self) -> Option<&str> {
        self.now.as_ref().map(|trouble| &*trouble.words)
    }
}
