//! What is waited for, and how.

use std::time::Duration;

use crate::ci::Pipeline;

/// What a pipeline means that waits for somebody's approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnBlocked {
    /// It counts as over, and not as a success: nobody may come.
    #[default]
    Fail,
    /// It is waited for.
    Wait,
}

/// How is waited.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitOptions {
    /// After this the wait ends. One look always comes before.
    pub timeout: Duration,
    /// A pipeline is asked about at least this often, whatever is hinted at; at least a second.
    pub interval: Duration,
    /// How long the service may be away.
    pub outage: Duration,
    /// How long the head of a branch may be without a pipeline, for [`of_head`](crate::ci::of_head).
    pub grace: Duration,
    /// What waits for approval.
    pub blocked: OnBlocked,
    /// The first that is no success ends the wait.
    pub fail_fast: bool,
    /// What takes the place of a pipeline is waited for instead: the newer one that it was canceled
    /// for, or a restart that there is when it has ended.
    pub follow: bool,
}

impl WaitOptions {
    /// An hour; a look every 30 seconds; an outage of 5 minutes is ridden out; 20 seconds for a
    /// head's pipeline to appear.
    pub fn new() -> Self {
        WaitOptions {
            timeout: Duration::from_secs(3600),
            interval: Duration::from_secs(30),
            outage: Duration::from_secs(300),
            grace: Duration::from_secs(20),
            blocked: OnBlocked::Fail,
            fail_fast: false,
            follow: false,
        }
    }

    /// Sets after how long the wait ends.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how often a pipeline is asked about at least.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long the service may be away.
    #[must_use]
    pub fn with_outage(mut self, outage: Duration) -> Self {
        self.outage = outage;
        self
    }

    /// Sets how long the head of a branch may be without a pipeline.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets what a pipeline means that waits for approval.
    #[must_use]
    pub fn with_blocked(mut self, blocked: OnBlocked) -> Self {
        self.blocked = blocked;
        self
    }

    /// Ends the wait with the first that is no success.
    #[must_use]
    pub fn with_fail_fast(mut self, fail_fast: bool) -> Self {
        self.fail_fast = fail_fast;
        self
    }

    /// Waits for what takes a pipeline's place.
    #[must_use]
    pub fn with_follow(mut self, follow: bool) -> Self {
        self.follow = follow;
        self
    }
}

impl Default for WaitOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// The number of the pipeline.
    pub number: u64,
    /// Its commit, where that is known.
    pub commit: Option<String>,
}

impl Wanted {
    /// A pipeline by its number.
    pub fn new(number: u64) -> Self {
        Wanted {
            number,
            commit: None,
        }
    }
}

impl From<&Pipeline> for Wanted {
    fn from(pipeline: &Pipeline) -> Self {
        Wanted {
            number: pipeline.number,
            commit: Some(pipeline.commit.clone()).filter(|commit| !commit.is_empty()),
        }
    }
}
