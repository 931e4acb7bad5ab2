//! Who an agent is and how it is: names that are checked once, states, and the status record.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::error::{Error, Result};

/// The longest name, in characters.
const LONGEST_NAME: usize = 64;

/// The rule for names, as it is told to people.
const NAME_RULE: &str = "a name starts with a letter or digit, goes on with letters, digits, '_' or '-', \
     has at most 64 characters, is not all digits and does not start with 'client-'";

/// The name of an agent: `[A-Za-z0-9][A-Za-z0-9_-]{0,63}`, not all digits, not `client-…`.
///
/// The rule keeps out what a terminal multiplexer or a service manager would rewrite, escape or
/// read as syntax; a name that was accepted here can be used everywhere as it is. A leading `_` is
/// kept for this library (`_holder`, `_canary`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentName(String);

impl AgentName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// `InvalidArgument` with the rule in the message.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.starts_with('_') {
            return Err(Error::invalid_argument(format!(
                "bad agent name {name:?}: a leading '_' is reserved for mosaic-fleet itself"
            )));
        }
        Self::checked(name)
    }

    /// One of our own names, which start with `_`.
    pub(crate) fn reserved(name: &str) -> Result<Self> {
        Self::checked(name.to_owned())
    }

    fn checked(name: String) -> Result<Self> {
        let mut chars = name.chars();
        let first_fits = chars
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        let rest_fits = chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let fits = first_fits
            && rest_fits
            && name.len() <= LONGEST_NAME
            && !name.bytes().all(|b| b.is_ascii_digit())
            && !name.starts_with("client-");
        if fits {
            Ok(AgentName(name))
        } else {
            Err(Error::invalid_argument(format!(
                "bad agent name {name:?}: {NAME_RULE}"
            )))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for AgentName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for AgentName {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        AgentName::new(name)
    }
}

impl TryFrom<String> for AgentName {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        AgentName::new(name)
    }
}

impl From<AgentName> for String {
    fn from(name: AgentName) -> String {
        name.0
    }
}

impl JsonSchema for AgentName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AgentName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": NAME_RULE,
            "pattern": "^(?!client-)(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
        })
    }
}

/// How an agent is. `Unknown` is an honest answer; a guess is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentState {
    /// The program runs and has not drawn its composer yet.
    Starting,
    /// The composer is there and nothing is being worked on.
    Idle,
    /// A turn is running.
    Working,
    /// A turn is running and the program holds messages for after it.
    Queued,
    /// It asked a question and waits for a person.
    Waiting,
    /// The program has ended and its terminal still stands.
    Dead,
    /// In the roster, and nothing runs.
    Stopped,
    /// It runs, and what it does cannot be told.
    Unknown,
}

impl AgentState {
    /// The stable spelling, for example `working`.
    pub const fn as_str(self) -> &'static str {
        match self {
            AgentState::Starting => "starting",
            AgentState::Idle => "idle",
            AgentState::Working => "working",
            AgentState::Queued => "queued",
            AgentState::Waiting => "waiting",
            AgentState::Dead => "dead",
            AgentState::Stopped => "stopped",
            AgentState::Unknown => "unknown",
        }
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AgentState {
    type Err = Error;
    fn from_str(word: &str) -> Result<Self> {
        const ALL: [AgentState; 8] = [
            AgentState::Starting,
            AgentState::Idle,
            AgentState::Working,
            AgentState::Queued,
            AgentState::Waiting,
            AgentState::Dead,
            AgentState::Stopped,
            AgentState::Unknown,
        ];
        ALL.into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| {
                Error::invalid_argument(format!(
                    "no such state {word:?}: one of {}",
                    ALL.map(AgentState::as_str).join(", ")
                ))
            })
    }
}

/// How a program ended. Both fields are empty where the host could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExitStatus {
    /// The exit code, when it ended by itself.
    pub code: Option<i32>,
    /// The signal's number, when it was killed.
    pub signal: Option<i32>,
}

impl ExitStatus {
    /// An exit by `code`, by `signal`, or in an unknown way.
    pub const fn new(code: Option<i32>, signal: Option<i32>) -> Self {
        ExitStatus { code, signal }
    }
}

/// What a transport knows about one agent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentStatus {
    /// Whose status this is.
    pub name: AgentName,
    /// The program's manifest, where it is known.
    pub runtime: Option<String>,
    /// The transport that answered, for example `tmux:mosaic-factory`.
    pub transport: String,
    /// The host it runs on, where it is not this one.
    pub host: Option<String>,
    /// How it is.
    pub state: AgentState,
    /// What it waits for (`permission`, `question`), when `state` is `Waiting`.
    pub waiting_for: Option<String>,
    /// The question's text, when `state` is `Waiting`.
    pub question: Option<String>,
    /// When the terminal last changed or, for a dead agent, when it ended.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<SystemTime>,
    /// What the state was read from, for example `screen: composer empty`.
    pub evidence: String,
    /// How the program ended, when `state` is `Dead`.
    pub exit_status: Option<ExitStatus>,
}

impl AgentStatus {
    /// A status that says only this; fill in the rest with the fields.
    pub fn new(
        name: AgentName,
        transport: impl Into<String>,
        state: AgentState,
        evidence: impl Into<String>,
    ) -> Self {
        AgentStatus {
            name,
            runtime: None,
            transport: transport.into(),
            host: None,
            state,
            waiting_for: None,
            question: None,
            since: None,
            evidence: evidence.into(),
            exit_status: None,
        }
    }
}

/// Serialises a time as RFC 3339 with milliseconds, or null.
pub(crate) fn rfc3339<S: Serializer>(
    time: &Option<SystemTime>,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    match time.and_then(|time| jiff::Timestamp::try_from(time).ok()) {
        Some(time) => serializer.collect_str(&format_args!("{time:.3}")),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn good_names() {
        for name in [
            "a",
            "coder0",
            "agent-10",
            "a_b",
            "0a",
            "x".repeat(64).as_str(),
        ] {
            assert_eq!(AgentName::new(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_rule() {
        let long = "x".repeat(65);
        for name in [
            "", "-a", "a.b", "a:b", "a b", "=a", "$1", "%1", "@1", "{a}", "123", "client-1", "é",
            "a\n", "#(date)", "../x", &long,
        ] {
            let error = AgentName::new(name).unwrap_err();
            assert!(error.message().contains("a name starts with"), "{error}");
        }
        let error = AgentName::new("_holder").unwrap_err();
        assert!(error.message().contains("reserved"), "{error}");
    }

    #[test]
    fn reserved_names_are_ours() {
        assert_eq!(AgentName::reserved("_canary").unwrap().as_str(), "_canary");
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_plain_ascii(name in ".{0,70}") {
            if let Ok(name) = AgentName::new(name) {
                prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
                prop_assert!(name.as_str().len() <= LONGEST_NAME);
            }
        }
    }

    #[test]
    fn states_read_back() {
        assert_eq!(
            "working".parse::<AgentState>().unwrap(),
            AgentState::Working
        );
        assert!("bored".parse::<AgentState>().is_err());
    }
}
