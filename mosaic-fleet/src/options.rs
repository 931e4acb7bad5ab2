//! What each operation can be asked, and the answers that are no receipts: `Tail`, `ResetReport`.
//!
//! Every options struct is `#[non_exhaustive]` with a constructor and `with_*`, so that nothing is
//! ever added to a parameter list.

mod answer;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::{AgentName, AgentState};
use crate::error::{Error, Result};
use crate::message::{Evidence, milliseconds};

pub use answer::{Answer, AnswerOptions, AnswerReport};

/// How long an operation may take when the caller does not say.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Options of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendOptions {
    /// The deadline of the whole call. It passing before the paste is `Timeout` or a refusal;
    /// after it, `DeliveryUnknown` or `Unconfirmed`.
    pub timeout: Duration,
    /// How long the agent may take to become ready for the text: to start, to end its turn where
    /// its program holds no messages, to be left by a person's draft. Without it, a few seconds.
    pub wait: Option<Duration>,
    /// How often the submit key may be repeated, while the composer still shows exactly our text.
    pub key_repeats: u32,
    /// Take the text although its first character makes the program run a command.
    pub allow_command: bool,
    /// Drop control characters instead of refusing the text.
    pub strip_control: bool,
    /// Calling again with the same key returns the first receipt and types nothing.
    pub idempotency_key: Option<String>,
}

impl SendOptions {
    /// Thirty seconds, nothing allowed that could do harm.
    pub fn new() -> Self {
        SendOptions {
            timeout: DEFAULT_TIMEOUT,
            wait: None,
            key_repeats: 2,
            allow_command: false,
            strip_control: false,
            idempotency_key: None,
        }
    }

    /// Sets the deadline of the whole call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Waits up to `wait` for the agent to become ready. Extends the deadline by as much.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Sets how often the submit key may be repeated; at most ten times.
    #[must_use]
    pub fn with_key_repeats(mut self, repeats: u32) -> Self {
        self.key_repeats = repeats.min(10);
        self
    }

    /// Allows a text that the program reads as a command.
    #[must_use]
    pub fn with_allow_command(mut self, allow: bool) -> Self {
        self.allow_command = allow;
        self
    }

    /// Drops control characters instead of refusing the text.
    #[must_use]
    pub fn with_strip_control(mut self, strip: bool) -> Self {
        self.strip_control = strip;
        self
    }

    /// Makes the call repeatable under `key`.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

impl Default for SendOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Which of a program's two ways to forget is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResetMode {
    /// Empty the conversation (Claude's `/clear`).
    Clear,
    /// Begin a new session (pi's `/new`).
    New,
}

impl ResetMode {
    /// The stable spelling, `clear` or `new`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ResetMode::Clear => "clear",
            ResetMode::New => "new",
        }
    }
}

/// Options of a reset.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResetOptions {
    /// Which reset; without one, the runtime's own default.
    pub mode: Option<ResetMode>,
    /// Reset a busy agent as well, which may discard its work.
    pub force: bool,
    /// The deadline of the whole call.
    pub timeout: Duration,
}

impl ResetOptions {
    /// The runtime's default reset, refused when the agent is busy, within thirty seconds.
    pub fn new() -> Self {
        ResetOptions {
            mode: None,
            force: false,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Chooses the reset.
    #[must_use]
    pub fn with_mode(mut self, mode: ResetMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Resets a busy agent as well.
    #[must_use]
    pub fn with_force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Sets the deadline of the whole call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for ResetOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What a reset did. It is returned only after proof: a text sent next is not lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResetReport {
    /// Who was reset.
    pub agent: AgentName,
    /// The transport that did it.
    pub transport: String,
    /// What the program was told, for example `/clear`.
    pub command: String,
    /// What proves that the program did it.
    pub evidence: Evidence,
    /// From the call to the proof, in milliseconds.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
}

impl ResetReport {
    /// A report.
    pub fn new(
        agent: AgentName,
        transport: impl Into<String>,
        command: impl Into<String>,
        evidence: Evidence,
        elapsed: Duration,
    ) -> Self {
        ResetReport {
            agent,
            transport: transport.into(),
            command: command.into(),
            evidence,
            elapsed,
        }
    }
}

/// Options of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusOptions {
    /// Answer when the state differs from this one (a long poll), or when `wait` has passed.
    pub changed_from: Option<AgentState>,
    /// How long `changed_from` may keep the call waiting.
    pub wait: Option<Duration>,
    /// The deadline for reaching the backend.
    pub timeout: Duration,
}

impl StatusOptions {
    /// Answer at once.
    pub fn new() -> Self {
        StatusOptions {
            changed_from: None,
            wait: None,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Answers when the state is no longer `state`, or after `wait` with what it is then.
    #[must_use]
    pub fn with_wait(mut self, state: AgentState, wait: Duration) -> Self {
        self.changed_from = Some(state);
        self.wait = Some(wait);
        self
    }

    /// Sets the deadline for reaching the backend.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for StatusOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListOptions {
    /// Read each agent's composer, which tells idle from working. Without it only what the backend
    /// knows by itself is told (`Dead`, else `Unknown`), at a fraction of the cost.
    pub composer: bool,
    /// The deadline for reaching the backend.
    pub timeout: Duration,
}

impl ListOptions {
    /// Everyone, composers read.
    pub fn new() -> Self {
        ListOptions {
            composer: true,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Chooses whether composers are read.
    #[must_use]
    pub fn with_composer(mut self, composer: bool) -> Self {
        self.composer = composer;
        self
    }

    /// Sets the deadline for reaching the backend.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for ListOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of a tail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailOptions {
    /// At most this many lines: the newest ones or, with a cursor, the first after it, so that
    /// nothing is lost however few are asked for (with a cursor, none counts as one).
    pub lines: usize,
    /// Only what came after this place of an earlier answer.
    pub cursor: Option<Cursor>,
    /// With a cursor: answer when there is something new (a long poll), or when this has passed.
    pub wait: Option<Duration>,
    /// Keep colours and attributes as escape sequences.
    pub escapes: bool,
    /// The deadline for reaching the backend.
    pub timeout: Duration,
}

impl TailOptions {
    /// The last 80 lines, plain.
    pub fn new() -> Self {
        TailOptions {
            lines: 80,
            cursor: None,
            wait: None,
            escapes: false,
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Sets the most lines to return.
    #[must_use]
    pub fn with_lines(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    /// Returns only what came after `cursor`.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Waits this long for something new. Has no effect without a cursor.
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// Keeps colours and attributes.
    #[must_use]
    pub fn with_escapes(mut self, escapes: bool) -> Self {
        self.escapes = escapes;
        self
    }

    /// Sets the deadline for reaching the backend.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl Default for TailOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A place in an agent's output. Opaque; valid for the transport that made it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

/// The longest cursor that is taken back, in bytes.
const LONGEST_CURSOR: usize = 4096;

impl Cursor {
    /// Takes back a cursor that was kept as text.
    ///
    /// # Errors
    /// `InvalidArgument` when no transport of ours can have made it (empty, too long, or not
    /// printable ASCII).
    pub fn parse(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.is_empty()
            || text.len() > LONGEST_CURSOR
            || !text.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(Error::invalid_argument(
                "bad cursor: pass `next` of an earlier tail as it was",
            ));
        }
        Ok(Cursor(text))
    }

    /// A cursor of a transport of ours, which makes them in the right shape.
    pub(crate) fn made(text: String) -> Self {
        Cursor(text)
    }

    /// The cursor as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A piece of an agent's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tail {
    /// The lines, oldest first.
    pub lines: Vec<String>,
    /// Where the next call goes on.
    pub next: Option<Cursor>,
    /// Output between the cursor and the first line was lost, or cannot be told to be complete.
    pub gap: bool,
}

impl Tail {
    /// A piece of output.
    pub fn new(lines: Vec<String>, next: Option<Cursor>, gap: bool) -> Self {
        Tail { lines, next, gap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_taken_back_only_in_its_own_shape() {
        assert!(Cursor::parse("m1:42").is_ok());
        for bad in ["", "a b", "é", "a\n", &"x".repeat(5000)] {
            assert!(Cursor::parse(bad).is_err(), "{bad:?}");
        }
    }
}
