//! What is sent and what comes back: message, preamble, verdict, evidence, receipt.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::agent::AgentName;
use crate::error::{Error, Result};

/// A text for an agent, with its sender where there is one to name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The text as the caller wrote it.
    pub body: String,
    /// Who sends it. Rendered as a preamble at the terminal's side.
    pub from: Option<Sender>,
}

impl Message {
    /// A message without a preamble.
    pub fn new(body: impl Into<String>) -> Self {
        Message {
            body: body.into(),
            from: None,
        }
    }

    /// Names the sender, which puts a preamble before the text.
    #[must_use]
    pub fn with_sender(mut self, from: Sender) -> Self {
        self.from = Some(from);
        self
    }

    /// The text an agent is to receive: the preamble, if a sender is named, and the body.
    pub fn rendered(&self, to_host: &str, to: &AgentName) -> String {
        match &self.from {
            Some(from) => format!("{} {}", Preamble { from, to_host, to }, self.body),
            None => self.body.clone(),
        }
    }
}

impl From<&str> for Message {
    fn from(body: &str) -> Self {
        Message::new(body)
    }
}

impl From<String> for Message {
    fn from(body: String) -> Self {
        Message::new(body)
    }
}

/// Who sends a message: a host's short name and a session there (`?` outside a fleet).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SenderParts")]
pub struct Sender {
    host: String,
    session: String,
}

/// A sender as it is read, before it is checked.
#[derive(Deserialize)]
struct SenderParts {
    host: String,
    session: String,
}

impl TryFrom<SenderParts> for Sender {
    type Error = Error;
    fn try_from(parts: SenderParts) -> Result<Self> {
        Sender::new(parts.host, parts.session)
    }
}

impl Sender {
    /// A sender.
    ///
    /// # Errors
    /// `InvalidArgument` when either part is empty or has a character that would let it pose as
    /// another sender: white space, control characters, `[`, `]`, `:` or `>`.
    pub fn new(host: impl Into<String>, session: impl Into<String>) -> Result<Self> {
        let (host, session) = (host.into(), session.into());
        for part in [&host, &session] {
            let spoils = |c: char| c.is_whitespace() || c.is_control() || "[]:>".contains(c);
            if part.is_empty() || part.contains(spoils) {
                return Err(Error::invalid_argument(format!(
                    "bad sender part {part:?}: write HOST:SESSION without blanks or any of [ ] : >"
                )));
            }
        }
        Ok(Sender { host, session })
    }

    /// The short host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The session or agent on that host.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The caller on `host` of whom nothing more is known.
    pub(crate) fn unknown_on(host: &str) -> Self {
        let host = if host.is_empty() { "localhost" } else { host };
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        };
        Sender {
            host: host.chars().map(plain).collect(),
            session: "?".to_owned(),
        }
    }

    /// Reads `HOST:SESSION`.
    ///
    /// # Errors
    /// As [`Sender::new`], and when there is no `:`.
    pub fn parse(label: &str) -> Result<Self> {
        match label.split_once(':') {
            Some((host, session)) => Sender::new(host, session),
            None => Err(Error::invalid_argument(format!(
                "bad sender {label:?}: write HOST:SESSION"
            ))),
        }
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.session)
    }
}

/// The line before a message: `[host:session -> host:agent]`.
#[derive(Debug, Clone, Copy)]
pub struct Preamble<'a> {
    /// Who sends.
    pub from: &'a Sender,
    /// The agent's host, by its short name.
    pub to_host: &'a str,
    /// The agent.
    pub to: &'a AgentName,
}

impl fmt::Display for Preamble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} -> {}:{}]", self.from, self.to_host, self.to)
    }
}

/// What became of a text that was not refused.
///
/// "Sent" and "not sent" are not enough: `Unconfirmed` keeps a caller from sending twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// The agent program took this very text.
    Submitted,
    /// The agent is busy and its program holds the text for after the turn.
    Queued,
    /// A store-and-forward transport holds it durably; no word from the agent yet.
    Accepted,
    /// It was typed and the submit key pressed, and nothing proves either way.
    Unconfirmed,
}

impl Verdict {
    /// The stable spelling, for example `submitted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verdict::Submitted => "submitted",
            Verdict::Queued => "queued",
            Verdict::Accepted => "accepted",
            Verdict::Unconfirmed => "unconfirmed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What kind of proof a verdict stands on, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EvidenceKind {
    /// Nothing proves it.
    None,
    /// A store-and-forward transport holds the message.
    Stored,
    /// The composer emptied and our text stands above it.
    Screen,
    /// The program's own transcript has the text.
    Transcript,
    /// The program itself reported the text.
    Hook,
    /// A protocol acknowledged it.
    Protocol,
}

/// The proof of a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What kind of proof it is.
    pub kind: EvidenceKind,
    /// What was seen, for people.
    pub detail: String,
}

impl Evidence {
    /// Evidence of `kind`, described by `detail`.
    pub fn new(kind: EvidenceKind, detail: impl Into<String>) -> Self {
        Evidence {
            kind,
            detail: detail.into(),
        }
    }
}

/// Names a send for later questions ([`Transport::outcome`](crate::Transport::outcome)).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceiptId(String);

impl ReceiptId {
    /// A new id. Ids of one process sort by time.
    pub fn generate() -> Self {
        ReceiptId(uuid::Uuid::now_v7().simple().to_string())
    }

    /// An id that was kept from an earlier receipt.
    pub fn from_string(id: impl Into<String>) -> Self {
        ReceiptId(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer to a send: what is known, and from what.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Receipt {
    /// Names this send.
    pub id: ReceiptId,
    /// Who it was for.
    pub agent: AgentName,
    /// The transport that took it.
    pub transport: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What the verdict stands on.
    pub evidence: Evidence,
    /// What was changed in the text before it was typed (`crlf`, `tabs`, …), empty if nothing.
    pub normalised: Vec<String>,
    /// How often the submit key was pressed. The text itself is typed once.
    pub attempts: u32,
    /// From the call to the verdict, in milliseconds.
    #[serde(rename = "elapsed_ms", serialize_with = "milliseconds")]
    pub elapsed: Duration,
    /// When the call began.
    #[serde(serialize_with = "rfc3339")]
    pub sent_at: SystemTime,
}

impl Receipt {
    /// A receipt with a new id, sent now; fill in the rest with the fields.
    pub fn new(
        agent: AgentName,
        transport: impl Into<String>,
        verdict: Verdict,
        evidence: Evidence,
    ) -> Self {
        Receipt {
            id: ReceiptId::generate(),
            agent,
            transport: transport.into(),
            verdict,
            evidence,
            normalised: Vec::new(),
            attempts: 0,
            elapsed: Duration::ZERO,
            sent_at: SystemTime::now(),
        }
    }
}

pub(crate) fn milliseconds<S: serde::Serializer>(
    elapsed: &Duration,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

fn rfc3339<S: serde::Serializer>(
    time: &SystemTime,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    crate::agent::rfc3339(&Some(*time), serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preamble_is_one_line_and_one_space() {
        let message =
            Message::new("do it\nnow").with_sender(Sender::new("vm", "orchestrator").unwrap());
        let to = AgentName::new("coder0").unwrap();
        assert_eq!(
            message.rendered("vm", &to),
            "[vm:orchestrator -> vm:coder0] do it\nnow"
        );
    }

    #[test]
    fn a_sender_cannot_pose_as_another() {
        for label in [
            "a", "a b:c", "a:b] x", "a:\n", ":x", "x:", "a:b:c", "a:b->c",
        ] {
            assert!(Sender::parse(label).is_err(), "{label:?}");
        }
        assert_eq!(Sender::parse("vm:?").unwrap().to_string(), "vm:?");
    }

    #[test]
    fn a_receipt_serialises_with_the_documented_names() {
        let mut receipt = Receipt::new(
            AgentName::new("coder0").unwrap(),
            "memory:test",
            Verdict::Submitted,
            Evidence::new(EvidenceKind::Protocol, "stored"),
        );
        receipt.id = ReceiptId::from_string("r1");
        receipt.sent_at = SystemTime::UNIX_EPOCH;
        receipt.elapsed = Duration::from_millis(12);
        assert_eq!(
            serde_json::to_value(&receipt).unwrap(),
            serde_json::json!({
                "id": "r1", "agent": "coder0", "transport": "memory:test", "verdict": "submitted",
                "evidence": {"kind": "protocol", "detail": "stored"}, "normalised": [],
                "attempts": 0, "elapsed_ms": 12, "sent_at": "1970-01-01T00:00:00.000Z"
            })
        );
    }
}
