//! The runtime's own word: what an agent's program tells about itself, through its hooks, in a small
//! log beside the fleet. It beats any screen, and everything works without it.
//!
//! A program that was set up for it (`mosaic-fleet runtime install`) runs `mosaic-fleet hook` at each
//! of its events. The hook finds the log of its agent in [`EVENTS_VARIABLE`], an absolute path that
//! names the fleet, so that two fleets cannot lend each other proof; the program's session is matched
//! as well, so that a program inside an agent cannot either.

mod hook;
mod log;
mod watch;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub use hook::told_by;
pub use log::EventLog;
pub(crate) use watch::Watch;

use crate::runtime::squash;

/// The environment variable that tells a hook where its agent's log is.
pub const EVENTS_VARIABLE: &str = "MOSAIC_AGENT_EVENTS";

/// One thing that a program told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What happened.
    pub what: What,
    /// Which program tells; empty: the agent's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runtime: String,
    /// The program's own name for its conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// The fingerprint of the prompt. The text itself is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The prompt is held for after the turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub queued: bool,
    /// Why a session began or ended, in the program's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The private key that submits a text and that no question listens to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submit_key: Option<String>,
}

/// What a program tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// It took a prompt.
    Prompt,
    /// It is at work.
    Working,
    /// Its turn is over.
    Idle,
    /// It asks a person.
    Waiting,
    /// A conversation begins.
    SessionStart,
    /// A conversation ends.
    SessionEnd,
}

impl Event {
    /// Something that happens now.
    pub fn now(what: What, session: impl Into<String>) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Event {
            at: now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX)),
            what,
            runtime: String::new(),
            session: session.into(),
            text: None,
            queued: false,
            reason: None,
            question: None,
            submit_key: None,
        }
    }

    /// Keeps the fingerprint of a prompt's text.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.text = Some(fingerprint(&squash(text)));
        self
    }

    /// When it happened.
    pub fn time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.at)
    }
}

/// What an agent's program has told so far, its own conversations only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Word {
    /// The events of the program's own conversations, oldest first.
    events: Vec<Event>,
    session: Option<String>,
    ended: bool,
}

impl Word {
    /// Sorts out what the program itself told, of all that is in its log.
    pub(crate) fn of(log: Vec<Event>) -> Self {
        let mut word = Word::default();
        for event in log {
            word.hear(event);
        }
        word
    }

    /// A program inside an agent inherits the agent's log: it begins a conversation while the
    /// agent's own goes on, and is not listened to.
    fn hear(&mut self, event: Event) {
        let own = self
            .session
            .as_ref()
            .is_none_or(|own| *own == event.session);
        let follows = event.what == What::SessionStart
            && (self.ended || event.reason.as_deref().is_some_and(|why| why != "startup"));
        if !own && !follows {
            return;
        }
        self.ended = event.what == What::SessionEnd;
        self.session = Some(event.session.clone());
        self.events.push(event);
    }

    /// The conversation that the program is in.
    pub(crate) fn session(&self) -> Option<&str> {
        self.session.as_deref().filter(|_| !self.ended)
    }

    /// What it told last that tells how it is.
    pub(crate) fn last(&self) -> Option<&Event> {
        self.events.last()
    }

    /// A turn was running, or a question was open, when it told last.
    pub(crate) fn is_busy(&self) -> bool {
        let busy = [What::Prompt, What::Working, What::Waiting];
        self.last().is_some_and(|last| busy.contains(&last.what))
    }

    /// The private submit key that the program has bound.
    pub(crate) fn submit_key(&self) -> Option<&str> {
        let mut keys = self.events.iter().rev();
        keys.find_map(|event| event.submit_key.as_deref())
    }

    /// Its prompts with this fingerprint since `when`, oldest first.
    pub(crate) fn prompts(&self, fingerprint: &str, since: SystemTime) -> Vec<&Event> {
        let own = |event: &&Event| {
            event.what == What::Prompt
                && event.text.as_deref() == Some(fingerprint)
                && event.time() >= since
        };
        self.events.iter().filter(own).collect()
    }

    /// How a new conversation began since `when`, if one did.
    pub(crate) fn began(&self, since: SystemTime) -> Option<&Event> {
        let new = |event: &&Event| event.what == What::SessionStart && event.time() >= since;
        self.events.iter().rev().find(new)
    }
}

/// A short stable hash (FNV-1a, 64 bits, and the length) of a text without its blanks.
pub(crate) fn fingerprint(squashed: &str) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in squashed.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}-{}", squashed.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: What, session: &str, reason: Option<&str>) -> Event {
        Event {
            reason: reason.map(str::to_owned),
            ..Event::now(what, session)
        }
    }

    #[test]
    fn a_fingerprint_is_the_same_for_ever() {
        assert_eq!(fingerprint("hello"), "a430d84680aabd0b-5");
        let prompt = Event::now(What::Prompt, "s").with_text(" he\tl\nlo ");
        assert_eq!(prompt.text, Some(fingerprint("hello")));
    }

    #[test]
    fn a_program_inside_an_agent_is_not_listened_to() {
        use What::{Idle, Prompt, SessionEnd, SessionStart};
        let word = Word::of(vec![
            event(SessionStart, "own", Some("startup")),
            event(SessionStart, "inner", Some("startup")),
            event(Prompt, "inner", None),
            event(Idle, "inner", None),
            event(SessionEnd, "inner", Some("other")),
        ]);
        assert_eq!(word.session(), Some("own"));
        assert_eq!(word.last().unwrap().what, SessionStart);
        assert_eq!(word.events.len(), 1);
    }

    #[test]
    fn a_new_conversation_follows_the_old_one() {
        use What::{SessionEnd, SessionStart};
        let start = |session, why| event(SessionStart, session, Some(why));
        let end = |session| event(SessionEnd, session, Some("clear"));
        for log in [
            vec![start("a", "startup"), end("a"), start("b", "clear")],
            vec![start("a", "startup"), start("b", "clear"), end("a")],
            vec![start("a", "startup"), end("a"), start("b", "startup")],
        ] {
            let word = Word::of(log);
            assert_eq!(word.session(), Some("b"));
            let began = word.began(SystemTime::UNIX_EPOCH).unwrap();
            assert_eq!(began.session, "b");
        }
    }
}
