//! What an event in a room is to a gateway: a text to type, a command of a person, a question, or
//! nothing. Pure; everything that decides comes in.

use std::collections::BTreeMap;
use std::time::Duration;

use ruma::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::config::MatrixConfig;
use super::super::event::Event;
use super::super::protocol::{
    Failure, KEY, LONGEST_ID, LONGEST_TEXT, Request, Reset, Sent, kind, ours,
};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Refusal};
use crate::message::Sender;
use crate::text;

/// The level at which an account may send, ask and read tails.
pub(crate) const SENDER_LEVEL: i64 = 40;

/// The level at which it may also reset, and send commands.
pub(crate) const OPERATOR_LEVEL: i64 = 75;

/// How far the clocks of two hosts may be apart, in milliseconds.
pub(super) const GRACE: u64 = 60_000;

/// How long a person's `!reset` may be on its way, in milliseconds: nobody wants an agent to forget
/// long after that was asked.
const RESET_IN_TIME: u64 = 120_000;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Stranger,
    Sender,
    Operator,
}

/// Who may do what in a room, as its power levels have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Levels {
    users: BTreeMap<String, i64>,
    default: i64,
    creator: Option<OwnedUserId>,
}

impl Levels {
    /// Reads the content of a room's power levels.
    pub(super) fn read(content: &Value, creator: Option<&UserId>) -> Self {
        let users = content.get("users").and_then(Value::as_object);
        let users = users.into_iter().flatten();
        let level = |(user, level): (&String, &Value)| Some((user.clone(), level.as_i64()?));
        Levels {
            users: users.filter_map(level).collect(),
            default: content
                .get("users_default")
                .and_then(Value::as_i64)
                .unwrap_or(0),
            creator: creator.map(ToOwned::to_owned),
        }
    }

    /// The same room with other levels.
    pub(super) fn with(&self, content: &Value) -> Self {
        Levels::read(content, self.creator.as_deref())
    }

    fn of(&self, user: &UserId) -> i64 {
        if self.creator.as_deref() == Some(user) {
            return i64::MAX;
        }
        self.users
            .get(user.as_str())
            .copied()
            .unwrap_or(self.default)
    }
}

/// What is known when an event is judged.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) config: &'a MatrixConfig,
    pub(super) me: &'a UserId,
    /// The agent whose room it is; nothing for the Space.
    pub(super) agent: Option<&'a AgentName>,
    pub(super) levels: &'a Levels,
    /// In milliseconds since 1970.
    pub(super) now: u64,
}

impl Known<'_> {
    /// What an account may do: what both the roster here and the room's levels let it.
    pub(super) fn rank(&self, user: &UserId) -> Rank {
        let roster = if self.config.operators.contains(user) {
            Rank::Operator
        } else if self.config.senders.contains(user)
            || self.config.gateways.values().any(|gateway| gateway == user)
        {
            Rank::Sender
        } else {
            Rank::Stranger
        };
        let room = match self.levels.of(user) {
            OPERATOR_LEVEL.. => Rank::Operator,
            SENDER_LEVEL.. => Rank::Sender,
            _ => Rank::Stranger,
        };
        roster.min(room)
    }

    /// Until when a person's message is done, in milliseconds since 1970.
    fn expires(&self, event: &Event) -> u64 {
        let wait = u64::try_from(self.config.expires.as_millis()).unwrap_or(u64::MAX);
        event.origin_server_ts.saturating_add(wait)
    }
}

/// What is to be done, as it is kept until it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub(super) enum Deed {
    /// Type a text.
    Send {
        body: String,
        /// Who sends, for the preamble.
        from: Option<String>,
        allow_command: bool,
        wait_ms: Option<u64>,
        timeout_ms: Option<u64>,
        expires_at: Option<u64>,
        /// A person wrote it, and reads what is answered.
        person: bool,
    },
    /// Make the agent forget.
    Reset {
        mode: Option<String>,
        force: bool,
        timeout_ms: Option<u64>,
        expires_at: Option<u64>,
        person: bool,
    },
    /// Say that it is not done.
    Refuse { failure: Failure, person: bool },
    /// A person asks how the agent is, what it shows, or what can be asked.
    Tell { what: Told },
    /// The same as an earlier row, which was put twice.
    Again { of: i64 },
}

impl Deed {
    /// What its sender must be.
    pub(super) fn needs(&self) -> Rank {
        match self {
            Deed::Reset { .. } => Rank::Operator,
            Deed::Send { allow_command, .. } if *allow_command => Rank::Operator,
            Deed::Send { .. } | Deed::Tell { .. } => Rank::Sender,
            Deed::Refuse { .. } | Deed::Again { .. } => Rank::Stranger,
        }
    }

    /// What this is after `first`, the row `of`, which has the same id of the same sender.
    pub(super) fn repeats(self, first: &Deed, of: i64) -> Self {
        // Its times and its call may be others.
        let same = match (&self, first) {
            (Deed::Send { body, .. }, Deed::Send { body: first, .. }) => body == first,
            (
                Deed::Reset { mode, force, .. },
                Deed::Reset {
                    mode: first,
                    force: forced,
                    ..
                },
            ) => (mode, force) == (first, forced),
            // Nothing was done, and its sender goes on under another id.
            (_, Deed::Refuse { .. }) => true,
            // What it would have been is not known: its sender must not go on.
            (Deed::Refuse { .. }, _) => false,
            _ => self == *first,
        };
        if same {
            return Deed::Again { of };
        }
        let error = Error::invalid_argument(
            "this idempotency key was used before, with another text or at another time",
        );
        refuse(&error, false)
    }
}

/// What a person asks to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    Status,
    Tail(u32),
    Help,
}

/// What an event is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Judged {
    /// Nothing to us, and why.
    Ignore(&'static str),
    /// Something to be done once, under this id of its sender.
    Do { id: String, deed: Deed },
    /// A question.
    Ask(Request),
}

/// Judges an event.
pub(super) fn judge(event: &Event, known: &Known<'_>) -> Judged {
    use Judged::Ignore;
    if event.sender == *known.me {
        return Ignore("our own");
    }
    if event.state_key.is_some() {
        return Ignore("state");
    }
    let rank = known.rank(&event.sender);
    if rank == Rank::Stranger {
        return match known.levels.of(&event.sender) {
            SENDER_LEVEL.. => unlisted(event, known.agent),
            _ => Ignore("its sender may not"),
        };
    }
    match (event.kind.as_str(), known.agent) {
        (kind::REQUEST, _) => match ours::<Request>(&event.content) {
            Some(request) if request.id.len() > LONGEST_ID => Ignore("its id is too long"),
            Some(request) if request.expires_at.saturating_add(GRACE) >= known.now => {
                Judged::Ask(request)
            }
            Some(_) => Ignore("nobody waits for the answer any more"),
            None => Ignore("not of a version that is known here"),
        },
        (kind::MESSAGE, Some(agent)) => message(event, known, agent, rank),
        (kind::RESET, Some(_)) => match ours::<Reset>(&event.content) {
            None => Ignore("not of a version that is known here"),
            Some(reset) if reset.id.len() > LONGEST_ID => Ignore("its id is too long"),
            Some(reset) => Judged::Do {
                deed: reset_of(&reset, rank, known.now),
                id: reset.id,
            },
        },
        _ => Ignore("of no kind that is asked here"),
    }
}

/// What comes of an account that the room lets send and the roster here does not have: one that waits
/// for what became of its text is told, and nothing else is done.
fn unlisted(event: &Event, agent: Option<&AgentName>) -> Judged {
    let sent = event.content.get(KEY).and_then(ours::<Sent>);
    let sent = sent.filter(|sent| Some(&sent.to) == agent);
    let id = match event.kind.as_str() {
        kind::MESSAGE => sent.map(|sent| sent.id),
        kind::RESET => ours::<Reset>(&event.content).map(|reset| reset.id),
        _ => None,
    };
    let error = Error::new(
        ErrorKind::PermissionDenied,
        "the account is not in the roster of the agent's host",
    )
    .with_hint("name it there under `senders` or `operators`, and start the gateway again");
    match id.filter(|id| id.len() <= LONGEST_ID) {
        Some(id) => Judged::Do {
            id,
            deed: refuse(&error, false),
        },
        None => Judged::Ignore("its sender is not in the roster here"),
    }
}

fn refuse(error: &Error, person: bool) -> Deed {
    Deed::Refuse {
        failure: Failure::of(error),
        person,
    }
}

fn expired() -> Error {
    Error::refused(Refusal::NotReady, "it came too late: its time was over")
}

fn not_permitted(what: &str) -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        format!("{what} needs the level of an operator"),
    )
    .with_hint("name the account under `operators` in the roster of the agent's host, and run `mosaic-fleet matrix provision`")
}

fn reset_of(reset: &Reset, rank: Rank, now: u64) -> Deed {
    if rank < Rank::Operator {
        return refuse(&not_permitted("a reset"), false);
    }
    if reset.expires_at.saturating_add(GRACE) < now {
        return refuse(&expired(), false);
    }
    Deed::Reset {
        mode: reset.mode.clone(),
        force: reset.force,
        timeout_ms: reset.timeout_ms,
        expires_at: Some(reset.expires_at),
        person: false,
    }
}

fn message(event: &Event, known: &Known<'_>, agent: &AgentName, rank: Rank) -> Judged {
    let content = &event.content;
    let field = |name: &str| content.get(name);
    // Notices are the words of programs, which must not answer each other for ever.
    if field("msgtype").and_then(Value::as_str) != Some("m.text") {
        return Judged::Ignore("no text of a person or of ours");
    }
    let relation = field("m.relates_to").and_then(|to| to.get("rel_type"));
    if relation.and_then(Value::as_str) == Some("m.replace") {
        return Judged::Ignore("an edit: what was sent was sent");
    }
    let Some(body) = field("body").and_then(Value::as_str) else {
        return Judged::Ignore("no text");
    };
    let sent = match field(KEY) {
        None => None,
        Some(ours_is_there) => match ours::<Sent>(ours_is_there) {
            Some(sent) if sent.id.len() > LONGEST_ID => {
                return Judged::Ignore("its id is too long");
            }
            Some(sent) if sent.to == *agent => Some(sent),
            Some(_) => return Judged::Ignore("for another agent"),
            None => return Judged::Ignore("not of a version that is known here"),
        },
    };
    let person = sent.is_none();
    let id = sent
        .as_ref()
        .map_or_else(|| event.event_id.to_string(), |sent| sent.id.clone());
    let judged = |deed: Deed| Judged::Do {
        id: id.clone(),
        deed,
    };
    if body.len() > LONGEST_TEXT {
        let error = Error::invalid_argument(format!("the text has more than {LONGEST_TEXT} bytes"));
        return judged(refuse(&error, person));
    }
    // A person says no time; what nobody took for so long is not meant any more.
    let expires_at = sent
        .as_ref()
        .map_or_else(|| known.expires(event), |sent| sent.expires_at);
    if expires_at < known.now {
        return judged(refuse(&expired(), person));
    }
    // Whoever sends it: nothing that a terminal obeys gets near one.
    let cleaned = match text::clean(body, false) {
        Ok(cleaned) => cleaned.text,
        Err(error) => return judged(refuse(&error, person)),
    };
    if person && let Some(command) = cleaned.trim().strip_prefix('!') {
        let reset_by = expires_at.min(event.origin_server_ts.saturating_add(RESET_IN_TIME));
        let too_late = reset_by < known.now;
        return judged(persons_command(command, rank, too_late, reset_by));
    }
    let sent_options = sent.as_ref();
    let claimed = sent_options.and_then(|sent| sent.from.as_deref());
    let unnamed = rank == Rank::Operator && sent_options.is_some_and(|sent| sent.no_preamble);
    judged(Deed::Send {
        body: cleaned,
        from: (!unnamed).then(|| sender(&event.sender, claimed, known, rank).to_string()),
        allow_command: rank == Rank::Operator
            && sent_options.is_some_and(|sent| sent.allow_command),
        wait_ms: sent_options.and_then(|sent| sent.wait_ms),
        timeout_ms: sent_options.and_then(|sent| sent.timeout_ms),
        expires_at: Some(expires_at),
        person,
    })
}

/// What a person wrote behind a `!`.
fn persons_command(command: &str, rank: Rank, too_late: bool, expires_at: u64) -> Deed {
    let mut words = command.split_whitespace();
    match (words.next(), words.next()) {
        (Some("status"), None) => Deed::Tell { what: Told::Status },
        (Some("help"), None) => Deed::Tell { what: Told::Help },
        (Some("tail"), None) => Deed::Tell {
            what: Told::Tail(40),
        },
        (Some("tail"), Some(lines)) if lines.parse::<u32>().is_ok_and(|lines| lines > 0) => {
            let lines = lines.parse().unwrap_or(40);
            Deed::Tell {
                what: Told::Tail(lines),
            }
        }
        (Some("reset"), None) if rank < Rank::Operator => refuse(&not_permitted("a reset"), true),
        (Some("reset"), None) if too_late => refuse(&expired(), true),
        (Some("reset"), None) => Deed::Reset {
            mode: None,
            force: false,
            timeout_ms: None,
            expires_at: Some(expires_at),
            person: true,
        },
        _ => {
            let error = Error::refused(Refusal::UnsafeText, "no such command")
                .with_hint("!help lists them; begin a text to the agent with another character");
            refuse(&error, true)
        }
    }
}

/// Who sends, as the agent reads it: what is claimed where that is to be believed, else the account.
fn sender(account: &UserId, claimed: Option<&str>, known: &Known<'_>, rank: Rank) -> Sender {
    let claimed = claimed.and_then(|label| Sender::parse(label).ok());
    let believed = claimed.filter(|sender| {
        rank == Rank::Operator
            || known
                .config
                .gateways
                .get(sender.host())
                .is_some_and(|gateway| gateway == account)
    });
    believed.unwrap_or_else(|| {
        let plain = |text: &str| -> String {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            text.chars()
                .map(|c| if fits(c) { c } else { '_' })
                .collect()
        };
        let (host, name) = (
            plain(account.server_name().as_str()),
            plain(account.localpart()),
        );
        Sender::new(&host, name).unwrap_or_else(|_| Sender::unknown_on(&host))
    })
}

/// How long a delivery may take, whatever is asked for.
pub(super) fn limit(asked: Option<u64>) -> Duration {
    let asked = asked.map_or(crate::options::DEFAULT_TIMEOUT, Duration::from_millis);
    asked.clamp(Duration::from_secs(1), Duration::from_secs(10 * 60))
}
