//! Answering an agent's question: which answer, how, and what came of it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::DEFAULT_TIMEOUT;
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::message::{Evidence, milliseconds};

/// What an agent's question is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// The choice of this number, as the question shows it; 1 to 9.
    Choice(u8),
    /// No: whatever was asked for is not done.
    Deny,
}

impl Answer {
    /// The choice of this number.
    ///
    /// # Errors
    /// `InvalidArgument` unless it is 1 to 9: one key is pressed, and no more.
    pub fn choice(number: u8) -> Result<Self> {
        match number {
            1..=9 => Ok(Answer::Choice(number)),
            _ => Err(Error::invalid_argument(format!(
                "no choice {number}: a choice is a number from 1 to 9"
            ))),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Choice(number) => write!(f, "choice {number}"),
            Answer::Deny => f.write_str("deny"),
        }
    }
}

/// Options of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnswerOptions {
    /// Words of the question that the caller saw: one that does not have them is not answered.
    pub expect: Option<String>,
    /// The deadline of the whole call.
    pub timeout: Duration,
}

impl AnswerOptions {
    /// Whatever is asked, within thirty seconds.
    pub fn new() -> Self {
        AnswerOptions {
            expect: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Answers only a question that has these words (blanks do not count), for example the
    /// [`question`](crate::AgentStatus::question) of a status.
    #[must_use]
    pub fn with_expect(mut self, words: impl Into<String>) -> Self {
        self.expect = Some(words.into());
        self
    }

    /// Sets the deadline of the whole call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for AnswerOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What an answer did. It is returned only after proof.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerReport {
    /// Whose question it was.
    pub agent: AgentName,
    /// The transport that answered it.
    pub transport: String,
    /// What was asked.
    pub question: String,
    /// What was answered: the choice as it was shown (`1. Yes`), or `deny`.
    pub answer: String,
    /// What proves that the question is answered.
    pub evidence: Evidence,
    /// From the call to the proof, in milliseconds.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

impl AnswerReport {
    /// A report.
    pub fn new(
        agent: AgentName,
        transport: impl Into<String>,
        question: impl Into<String>,
        answer: impl Into<String>,
        evidence: Evidence,
        elapsed: Duration,
    ) -> Self {
        AnswerReport {
            agent,
            transport: transport.into(),
            question: question.into(),
            answer: answer.into(),
            evidence,
            elapsed,
        }
    }
}
