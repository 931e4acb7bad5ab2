//! Who keeps agents running: starts, stops and watches what a transport only talks to.

mod plain;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

use crate::agent::AgentName;
use crate::error::Result;
use crate::message::Sender;
use crate::registry::{Context, tmux_config};
use crate::runtime::{Explanation, Launch};
use crate::transport::tmux::{DEFAULT_SCHEME, TmuxTransport};

/// Starts and stops agents.
#[async_trait]
pub trait Supervisor: fmt::Debug + Send + Sync {
    /// What owns the agents' home, and whether it is there.
    ///
    /// # Errors
    /// When that cannot be told.
    async fn holder(&self) -> Result<Holder>;

    /// Makes the agents' home ready. Does nothing where it is.
    ///
    /// # Errors
    /// When it cannot be made.
    async fn prepare(&self) -> Result<()>;

    /// Starts an agent that does not run.
    ///
    /// # Errors
    /// `ConfigInvalid` where the launch cannot work, with what to change; `Unavailable`.
    ///
    /// # Cancel safety
    /// A dropped call may have started the agent.
    async fn start(&self, launch: &Launch) -> Result<()>;

    /// Stops an agent and ends what is left of it after `grace`. False if there was none.
    ///
    /// # Errors
    /// `Unavailable`.
    ///
    /// # Cancel safety
    /// A dropped call may have stopped the agent.
    async fn stop(&self, agent: &AgentName, grace: Duration) -> Result<bool>;

    /// Lets go of the home when nobody lives there any more.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self) -> Result<()>;

    /// The program and arguments that put a person before the agent's terminal.
    fn attach_command(&self, agent: &AgentName) -> Vec<OsString>;

    /// Who the caller is: the agent in whose terminal it runs.
    async fn sender(&self) -> Sender;

    /// What an agent's manifest sees in its terminal right now, and why.
    ///
    /// # Errors
    /// As [`Transport::status`](crate::Transport::status).
    async fn explain(&self, agent: &AgentName) -> Result<Explanation>;

    /// What is right and wrong with this host.
    async fn check(&self) -> Vec<Check>;
}

/// What owns the agents' home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// `up`, `down`, or `foreign`: it runs, and not we started it.
    pub state: HolderState,
    /// Its process.
    pub pid: Option<u32>,
    /// Who keeps the agents running: `plain` or `systemd`.
    pub supervisor: &'static str,
}

/// Whether the agents' home is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum HolderState {
    /// It is, and it is ours.
    Up,
    /// It is not.
    Down,
    /// It is, and not we started it.
    Foreign,
}

impl HolderState {
    /// The stable spelling, for example `foreign`.
    pub const fn as_str(self) -> &'static str {
        match self {
            HolderState::Up => "up",
            HolderState::Down => "down",
            HolderState::Foreign => "foreign",
        }
    }
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Finding {
    /// As it should be.
    Ok,
    /// It works, with a drawback.
    Warning,
    /// It does not work.
    Failure,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// How it came out.
    pub finding: Finding,
    /// What was seen.
    pub seen: String,
    /// What would mend it.
    pub fix: Option<String>,
}

impl Check {
    /// A check that came out as `finding`.
    pub fn new(name: impl Into<String>, finding: Finding, seen: impl Into<String>) -> Self {
        Check {
            name: name.into(),
            finding,
            seen: seen.into(),
            fix: None,
        }
    }

    /// Says what would mend it.
    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// The supervisor of a scheme's agents, if this library starts agents of that scheme.
///
/// # Errors
/// `ConfigInvalid` where the roster's block is wrong.
pub fn open(scheme: &str, block: &Value, context: &Context) -> Result<Option<Arc<dyn Supervisor>>> {
    if scheme != DEFAULT_SCHEME {
        return Ok(None);
    }
    let transport = TmuxTransport::one_shot(tmux_config(block, context)?);
    Ok(Some(Arc::new(plain::Plain::new(transport))))
}
