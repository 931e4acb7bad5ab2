//! What we put into rooms and read from them: event types, their contents, and the rules that make
//! them safe to repeat. Pure.

use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::agent::{AgentName, AgentState, AgentStatus, ExitStatus};
use crate::message::{Evidence, Verdict};
use crate::text::one_line;

/// The version of these shapes. An event of another one is not for us.
pub(crate) const VERSION: u32 = 1;

/// The key of our part of a message that people read as well.
pub(crate) const KEY: &str = "dev.mosaic.fleet";

/// The types of events.
pub(crate) mod kind {
    /// A text to an agent. A person's client sends the same.
    pub(crate) const MESSAGE: &str = "m.room.message";
    /// Makes an agent forget.
    pub(crate) const RESET: &str = "dev.mosaic.fleet.reset";
    /// Asks the gateway for something: a status, a tail, a list.
    pub(crate) const REQUEST: &str = "dev.mosaic.fleet.request";
    /// The answer to a request, from device to device.
    pub(crate) const RESPONSE: &str = "dev.mosaic.fleet.response";
    /// What became of a text or a reset.
    pub(crate) const ACK: &str = "dev.mosaic.fleet.ack";
    /// State of an agent's room: whose it is, and which gateway serves it.
    pub(crate) const AGENT: &str = "dev.mosaic.fleet.agent";
    /// State of an agent's room: how the agent was when that last changed.
    pub(crate) const STATUS: &str = "dev.mosaic.fleet.status";
    /// State of the Space, by host: whether its gateway is up.
    pub(crate) const HOST: &str = "dev.mosaic.fleet.host";
    /// State of the Space: which fleet it is. By this `matrix provision` finds it again.
    pub(crate) const FLEET: &str = "dev.mosaic.fleet.fleet";
    /// State of the Space: its rooms.
    pub(crate) const CHILD: &str = "m.space.child";
    /// State: who made a room.
    pub(crate) const CREATE: &str = "m.room.create";
    /// State: who is in a room.
    pub(crate) const MEMBER: &str = "m.room.member";
    /// State: who may do what.
    pub(crate) const POWER: &str = "m.room.power_levels";
}

/// The longest serialised content of an event of ours, in bytes. The specification allows 64 KiB for
/// an event with all that the server adds.
pub(crate) const LONGEST_CONTENT: usize = 48 << 10;

/// The longest text, in bytes. In JSON it may grow, and is checked again then.
pub(crate) const LONGEST_TEXT: usize = 40 << 10;

/// The longest id of a text, a reset or a request, in bytes: it comes back in each answer, which must
/// not become too long by it.
pub(crate) const LONGEST_ID: usize = 512;

/// What is asked of an agent's gateway, as it stands in a message beside the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub(crate) v: u32,
    /// Names the text; the same id from the same sender is the same text.
    pub(crate) id: String,
    /// Names the call that put it: of two calls with one key, only the first one puts anything.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) call: String,
    /// `HOST:SESSION` of the sender, as it says itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    pub(crate) to: AgentName,
    /// Not typed after this, in milliseconds since 1970.
    pub(crate) expires_at: u64,
    /// How long the agent may take to be ready, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<u64>,
    /// How long the delivery may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) allow_command: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) no_preamble: bool,
}

/// The content of [`kind::RESET`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reset {
    pub(crate) v: u32,
    pub(crate) id: String,
    /// `clear` or `new`; the runtime's own where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) force: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) expires_at: u64,
}

/// What became of a text or a reset. Counts only from the account that the room's `agent` names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ack {
    #[serde(rename = "m.relates_to")]
    pub(crate) relates_to: Reference,
    pub(crate) v: u32,
    pub(crate) id: String,
    pub(crate) agent: AgentName,
    pub(crate) host: String,
    pub(crate) state: AckState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) normalised: Vec<String>,
    #[serde(default)]
    pub(crate) attempts: u32,
    #[serde(default)]
    pub(crate) elapsed_ms: u64,
    /// The gateway's own receipt, by which it is asked what became of a text that is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receipt: Option<String>,
    /// What a program was told by a reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Failure>,
    pub(crate) at: u64,
}

/// A verdict, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AckState {
    Submitted,
    Queued,
    Unconfirmed,
    /// A reset was done.
    Done,
    Failed,
}

impl AckState {
    /// A verdict, to cross a room.
    pub(crate) fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Submitted => AckState::Submitted,
            Verdict::Queued => AckState::Queued,
            // A local transport that only stores has no word from the agent either.
            Verdict::Accepted | Verdict::Unconfirmed => AckState::Unconfirmed,
        }
    }

    /// The verdict that crossed a room; nothing where it is none.
    pub(crate) fn verdict(self) -> Option<Verdict> {
        match self {
            AckState::Submitted => Some(Verdict::Submitted),
            AckState::Queued => Some(Verdict::Queued),
            AckState::Unconfirmed => Some(Verdict::Unconfirmed),
            AckState::Done | AckState::Failed => None,
        }
    }
}

/// An error, as it crosses a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The kind's stable spelling.
    pub(crate) code: String,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// `m.relates_to` of an event that answers another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub(crate) rel_type: String,
    pub(crate) event_id: String,
}

impl Reference {
    pub(crate) const TYPE: &str = "m.reference";

    pub(crate) fn to(event: &str) -> Self {
        Reference {
            rel_type: Self::TYPE.to_owned(),
            event_id: event.to_owned(),
        }
    }
}

/// The content of [`kind::REQUEST`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) v: u32,
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) asks: Asks,
    /// The asker's device, which alone gets the answer.
    pub(crate) reply_device: String,
    pub(crate) expires_at: u64,
}

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Asks {
    /// How the agent of this room is.
    Status,
    /// What the agent of this room shows.
    Tail {
        lines: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        escapes: bool,
        /// Answered when something changed, or after this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait_ms: Option<u64>,
    },
    /// What became of a text that was held, by the gateway's own receipt.
    Outcome { receipt: String },
    /// How all agents of a host are; asked in the Space.
    List {
        host: String,
        #[serde(default)]
        composer: bool,
    },
}

/// A part of the answer to a request: the text is a piece of a JSON document, [`Answered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) v: u32,
    pub(crate) id: String,
    /// From 1.
    pub(crate) part: u32,
    pub(crate) parts: u32,
    pub(crate) text: String,
}

/// What the parts of a [`Response`] make together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answered {
    Status(Box<Shown>),
    Tail {
        lines: Vec<String>,
        next: Option<String>,
        gap: bool,
    },
    Outcome {
        state: AckState,
        evidence: Evidence,
    },
    List(Vec<Shown>),
    Failed(Failure),
}

/// An agent's status, as it crosses a room: also the content of [`kind::STATUS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) v: u32,
    pub(crate) agent: AgentName,
    pub(crate) state: AgentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) runtime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_for: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) question: Option<String>,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<u64>,
    #[serde(default)]
    pub(crate) evidence: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exit_status: Option<ExitStatus>,
    pub(crate) at: u64,
}

impl Shown {
    /// A status, to cross a room.
    pub(crate) fn of(status: &AgentStatus) -> Self {
        Shown {
            v: VERSION,
            agent: status.name.clone(),
            state: status.state,
            runtime: status.runtime.clone(),
            waiting_for: status.waiting_for.clone(),
            question: status.question.clone(),
            since: status.since.map(millis),
            evidence: status.evidence.clone(),
            exit_status: status.exit_status,
            at: now(),
        }
    }

    /// The status that crossed a room. What a terminal would obey is left out.
    pub(crate) fn status(self, transport: &str, host: &str) -> AgentStatus {
        let evidence = one_line(&self.evidence);
        let mut status = AgentStatus::new(self.agent, transport, self.state, evidence);
        status.runtime = self.runtime.as_deref().map(one_line);
        status.host = Some(host.to_owned());
        status.waiting_for = self.waiting_for.as_deref().map(one_line);
        status.question = self.question.as_deref().map(one_line);
        status.since = self.since.and_then(time);
        status.exit_status = self.exit_status;
        status
    }
}

/// The content of [`kind::AGENT`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AgentRoom {
    pub(crate) v: u32,
    pub(crate) agent: AgentName,
    pub(crate) host: String,
    /// The account whose acks and answers count.
    pub(crate) gateway: String,
}

/// The content of [`kind::HOST`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostState {
    pub(crate) v: u32,
    pub(crate) up: bool,
    pub(crate) gateway: String,
    pub(crate) version: String,
    pub(crate) at: u64,
    pub(crate) expires_at: u64,
}

/// The content of [`kind::FLEET`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FleetState {
    pub(crate) v: u32,
    pub(crate) fleet: String,
}

/// A transaction id. The server's key is room, account, device and this, and not the event's type:
/// the type is therefore a part of it.
pub(crate) fn transaction(what: &str, id: &str) -> String {
    format!("mf-{what}-{id}")
}

/// A content of ours, if it is one and of a version that we know.
pub(crate) fn ours<T: DeserializeOwned>(content: &Value) -> Option<T> {
    (content.get("v")?.as_u64()? == u64::from(VERSION)).then_some(())?;
    T::deserialize(content).ok()
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    millis(SystemTime::now())
}

/// A time as it crosses a room.
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// A time that crossed a room.
pub(crate) fn time(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

fn is_false(value: &bool) -> bool {
    !value
}
