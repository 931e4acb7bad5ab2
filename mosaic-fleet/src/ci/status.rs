//! The states of a pipeline, a workflow or a step, in Woodpecker's words, and what each means.

use std::fmt;

use serde::{Serialize, Serializer};

/// How a pipeline, a workflow or a step is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It is being made, and may be taken away again.
    Created,
    /// It waits for its turn.
    Pending,
    /// It runs.
    Running,
    /// It waits for somebody's approval.
    Blocked,
    /// All well.
    Success,
    /// It ran and did not succeed.
    Failure,
    /// It could not be run.
    Error,
    /// It was ended while it ran.
    Killed,
    /// Somebody did not approve it.
    Declined,
    /// It was ended before it ran (Woodpecker from 3.14 on).
    Canceled,
    /// It was not to run.
    Skipped,
    /// It was there, and is not any more: it had nothing to run, or somebody removed it.
    Gone,
    /// Its number belongs to another pipeline now.
    Replaced,
    /// A word that this version does not know. Not an end: better to wait than to lie.
    Other(String),
}

/// What a status means to somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// It has not begun.
    Waiting,
    /// It is at work.
    Running,
    /// Only a person can have it go on.
    Blocked,
    /// It is over.
    Ended,
}

impl Status {
    /// The status of a word.
    pub fn new(word: &str) -> Self {
        match word {
            "created" => Status::Created,
            "pending" => Status::Pending,
            "running" | "started" => Status::Running,
            "blocked" => Status::Blocked,
            "success" => Status::Success,
            "failure" => Status::Failure,
            "error" => Status::Error,
            "killed" => Status::Killed,
            "declined" => Status::Declined,
            "canceled" => Status::Canceled,
            "skipped" => Status::Skipped,
            _ => Status::Other(word.to_owned()),
        }
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Status::Created => "created",
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Blocked => "blocked",
            Status::Success => "success",
            Status::Failure => "failure",
            Status::Error => "error",
            Status::Killed => "killed",
            Status::Declined => "declined",
            Status::Canceled => "canceled",
            Status::Skipped => "skipped",
            Status::Gone => "gone",
            Status::Replaced => "replaced",
            Status::Other(word) => word,
        }
    }

    /// What it means to somebody who waits.
    pub fn phase(&self) -> Phase {
        match self {
            Status::Created | Status::Pending => Phase::Waiting,
            Status::Running | Status::Other(_) => Phase::Running,
            Status::Blocked => Phase::Blocked,
            Status::Success
            | Status::Failure
            | Status::Error
            | Status::Killed
            | Status::Declined
            | Status::Canceled
            | Status::Skipped
            | Status::Gone
            | Status::Replaced => Phase::Ended,
        }
    }

    /// What is to be said beside the word, where the word alone does not tell a person enough.
    pub fn meaning(&self) -> Option<&'static str> {
        match self {
            Status::Blocked => Some("waits for approval"),
            Status::Declined => Some("was not approved"),
            Status::Killed => Some("was ended while it ran"),
            Status::Canceled => Some("was ended before it ran"),
            Status::Error => Some("could not be run"),
            Status::Gone => {
                Some("is not there any more: it had nothing to run, or somebody removed it")
            }
            Status::Replaced => {
                Some("is not there any more: its number belongs to another pipeline now")
            }
            _ => None,
        }
    }

    /// A cancel was seen in it. What a service says later is not believed to be a success.
    pub(super) fn is_cancel(&self) -> bool {
        matches!(self, Status::Killed | Status::Canceled | Status::Declined)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_phase() {
        for (word, phase) in [
            ("created", Phase::Waiting),
            ("pending", Phase::Waiting),
            ("running", Phase::Running),
            ("blocked", Phase::Blocked),
            ("success", Phase::Ended),
            ("failure", Phase::Ended),
            ("error", Phase::Ended),
            ("killed", Phase::Ended),
            ("declined", Phase::Ended),
            ("canceled", Phase::Ended),
            ("skipped", Phase::Ended),
            ("a word of tomorrow", Phase::Running),
            ("", Phase::Running),
        ] {
            let status = Status::new(word);
            assert_eq!(status.phase(), phase, "{word}");
            assert_eq!(status.as_str(), word);
        }
    }
}
