//! What the operations of a fleet are asked, in the form in which it comes in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::arguments::{Span, present, sender, set};
use crate::agent::{AgentName, AgentState};
use crate::error::{Error, Result};
use crate::fleet::{Fleet, Kickstart};
use crate::message::{Message, Sender};
use crate::options::{Cursor, ResetMode, SendOptions, TailOptions};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    pub(super) agent: AgentName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Several {
    #[serde(default)]
    pub(super) names: Vec<AgentName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) roster: Option<PathBuf>,
    pub(super) roster_text: Option<String>,
    pub(super) transport: Option<String>,
    pub(super) instance: Option<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    pub(super) lasting: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sending {
    pub(super) agent: Option<AgentName>,
    pub(super) agents: Option<Vec<AgentName>>,
    pub(super) class: Option<String>,
    #[serde(default)]
    pub(super) all: bool,
    pub(super) text: String,
    #[serde(default, deserialize_with = "sender")]
    pub(super) from: Option<Sender>,
    #[serde(default)]
    pub(super) preamble: bool,
    pub(super) wait: Option<Span>,
    pub(super) timeout: Option<Span>,
    pub(super) key_repeats: Option<u32>,
    #[serde(default)]
    pub(super) allow_command: bool,
    #[serde(default)]
    pub(super) strip_control: bool,
    pub(super) idempotency_key: Option<String>,
}

impl Sending {
    pub(super) fn options(&self) -> SendOptions {
        let mut options = SendOptions::new()
            .with_allow_command(self.allow_command)
            .with_strip_control(self.strip_control);
        set(&mut options.timeout, self.timeout);
        options.wait = self.wait.map(|Span(wait)| wait);
        options.idempotency_key.clone_from(&self.idempotency_key);
        match self.key_repeats {
            Some(repeats) => options.with_key_repeats(repeats),
            None => options,
        }
    }

    pub(super) async fn message(&self, fleet: &Fleet) -> Message {
        let mut message = Message::new(self.text.clone());
        message.from = match (&self.from, self.preamble) {
            (Some(from), _) => Some(from.clone()),
            (None, true) => fleet.sender().await,
            (None, false) => None,
        };
        message
    }

    /// The one that `send` is for.
    pub(super) fn one(&self) -> Result<&AgentName> {
        match (&self.agent, &self.agents, &self.class, self.all) {
            (Some(agent), None, None, false) => Ok(agent),
            _ => Err(Error::invalid_argument("send takes one `agent`")
                .with_hint("send_each takes `agents`, a `class` or `all`")),
        }
    }

    /// Those that `send_each` is for, each once.
    pub(super) fn several(&self, fleet: &Fleet) -> Result<Vec<AgentName>> {
        let named = match (&self.agent, &self.agents, &self.class, self.all) {
            (None, Some(agents), None, false) => agents.clone(),
            (None, None, Some(class), false) => fleet.class(class)?,
            (None, None, None, true) => fleet.names(),
            _ => {
                return Err(Error::invalid_argument(
                    "send_each takes one of `agents`, `class` and `all`",
                ));
            }
        };
        let mut once = Vec::with_capacity(named.len());
        for agent in named {
            if !once.contains(&agent) {
                once.push(agent);
            }
        }
        match once.is_empty() {
            true => Err(Error::invalid_argument("there is no agent to send to")),
            false => Ok(once),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resetting {
    pub(super) agent: AgentName,
    pub(super) mode: Option<ResetMode>,
    #[serde(default)]
    pub(super) force: bool,
    pub(super) timeout: Option<Span>,
    #[serde(default, deserialize_with = "present")]
    pub(super) kickstart: Option<Option<String>>,
}

/// The roster's where nothing is said, none where it is `null` or empty.
pub(super) fn kickstart(said: Option<Option<String>>) -> Kickstart {
    match said {
        None => Kickstart::Roster,
        Some(Some(text)) if !text.is_empty() => Kickstart::Template(text),
        Some(_) => Kickstart::None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Looking {
    #[serde(default)]
    pub(super) names: Vec<AgentName>,
    #[serde(default)]
    pub(super) quick: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookingAtOne {
    pub(super) agent: AgentName,
    pub(super) changed_from: Option<AgentState>,
    pub(super) wait: Option<Span>,
    pub(super) timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    #[serde(default)]
    pub(super) quick: bool,
    pub(super) timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tailing {
    pub(super) agent: AgentName,
    pub(super) lines: Option<usize>,
    pub(super) cursor: Option<String>,
    pub(super) wait: Option<Span>,
    #[serde(default)]
    pub(super) escapes: bool,
    pub(super) timeout: Option<Span>,
}

impl Tailing {
    pub(super) fn options(&self) -> Result<TailOptions> {
        let mut options = TailOptions::new().with_escapes(self.escapes);
        options.lines = self.lines.unwrap_or(options.lines);
        options.wait = self.wait.map(|Span(wait)| wait);
        options.cursor = self.cursor.as_deref().map(Cursor::parse).transpose()?;
        set(&mut options.timeout, self.timeout);
        Ok(options)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answering {
    pub(super) agent: AgentName,
    pub(super) choice: Option<u8>,
    #[serde(default)]
    pub(super) deny: bool,
    pub(super) expect: Option<String>,
    pub(super) timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asking {
    pub(super) receipt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiting {
    pub(super) agent: AgentName,
    pub(super) states: Vec<AgentState>,
    pub(super) timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Living {
    #[serde(default)]
    pub(super) names: Vec<AgentName>,
    pub(super) grace: Option<Span>,
    #[serde(default, deserialize_with = "present")]
    pub(super) kickstart: Option<Option<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Draining {
    #[serde(default)]
    pub(super) names: Vec<AgentName>,
    #[serde(default)]
    pub(super) force: bool,
    pub(super) timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Logging {
    pub(super) agent: AgentName,
    pub(super) lines: Option<usize>,
    #[serde(default)]
    pub(super) follow: bool,
}
