//! A service that does not answer as it should: for how long that is ridden out. Pure.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How often in a row a token may be refused that was accepted before: a service whose database is
/// away knows nobody.
const REFUSALS: u32 = 3;

/// What goes wrong, since when.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    now: Option<Now>,
    answered: bool,
}

#[derive(Debug)]
struct Now {
    since: Duration,
    words: String,
    refusals: u32,
}

impl Trouble {
    /// A question had no answer; whether that is new.
    pub(super) fn failed(&mut self, error: &Error, now: Duration) -> bool {
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
        is_new
    }

    /// A question had an answer; whether that ends a trouble.
    pub(super) fn over(&mut self) -> bool {
        self.answered = true;
        self.now.take().is_some()
    }

    /// When it will have been too long.
    pub(super) fn limit(&self, outage: Duration) -> Option<Duration> {
        self.now
            .as_ref()
            .map(|trouble| trouble.since.saturating_add(outage))
    }

    /// Why nothing can be told any more, if that is so.
    pub(super) fn too_long(&self, now: Duration, outage: Duration) -> Option<&str> {
        let trouble = self.now.as_ref()?;
        let is = trouble.refusals >= REFUSALS || self.limit(outage).is_some_and(|end| now >= end);
        is.then_some(&*trouble.words)
    }

    /// Why nothing was ever answered, if that is so.
    pub(super) fn never_answered(&self) -> Option<&str> {
        let trouble = self.now.as_ref().filter(|_| !self.answered)?;
        Some(&trouble.words)
    }
}
