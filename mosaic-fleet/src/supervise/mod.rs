//! Who keeps agents running: starts, stops and watches what a transport only talks to.

mod census;
mod check;
mod ended;
mod holder;
mod install;
mod keeping;
mod launcher;
mod leftovers;
mod logs;
mod manager;
mod plain;
mod plain_checks;
mod systemd;
mod systemd_checks;
mod tails;
mod unit_words;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;

pub use census::Census;
pub use check::{Check, Finding};
pub use ended::LastEnd;
pub use holder::Hold;
pub use install::{InstallOptions, InstallPlan, Linger, UnitFiles};
pub use keeping::{AgentEnd, Keeper, Kept, UnitProgram};
pub use launcher::move_to_unit;
pub use logs::LogEntry;
pub(crate) use tails::{save_tail, tails_folder};

use crate::agent::AgentName;
use crate::error::Result;
use crate::message::Sender;
use crate::registry::{Context, tmux_config};
use crate::roster::AgentSpec;
use crate::runtime::{Explanation, Launch};
use crate::setup::Leftover;
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

    /// Whether it is for this supervisor to start and stop the agents, as far as it is asked to: what
    /// something else keeps there is left to that.
    ///
    /// # Errors
    /// `Unsupported` with who does; `Unavailable`.
    async fn is_ours(&self) -> Result<()> {
        Ok(())
    }

    /// A launch as it is where the agents are, with everything that can be wrong about it looked at;
    /// `program` is what it begins with, where that is plain.
    ///
    /// # Errors
    /// `ConfigInvalid` with what to change; `Unavailable`.
    async fn found(&self, launch: &Launch, _program: Option<&str>) -> Result<Launch> {
        Ok(launch.clone())
    }

    /// What starts agents as a launch says, where [`start`](Supervisor::start) has a unit start them
    /// as the roster says.
    fn without_units(&self) -> Option<Arc<dyn Supervisor>> {
        None
    }

    /// Stops an agent and ends what is left of it after `grace`. False if there was none.
    ///
    /// # Errors
    /// `Unavailable`.
    ///
    /// # Cancel safety
    /// A dropped call may have stopped the agent.
    async fn stop(&self, agent: &AgentName, grace: Duration) -> Result<bool>;

    /// Takes an agent over that runs already and that nobody keeps. False where there is nothing to
    /// do.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn adopt(&self, agent: &AgentName) -> Result<bool>;

    /// Which of these agents, if they run, are kept as this supervisor keeps its own.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn kept(&self, agents: &[AgentName]) -> Result<BTreeSet<AgentName>>;

    /// The agent in whose terminal the caller runs, if it is one of those that this supervisor keeps
    /// or could keep.
    async fn caller(&self) -> Option<AgentName>;

    /// Where the agents live, by the variables that the bash version says it with.
    fn places(&self) -> BTreeMap<&'static str, String>;

    /// What of the bash version is where this fleet's units are or would be; `agents` are the fleet's.
    fn leftovers(&self, agents: &[AgentName]) -> Vec<Leftover>;

    /// Takes an agent that runs over as it is, to be kept by the caller. Nothing where none runs.
    ///
    /// # Errors
    /// `Unavailable` where the agents' home is not there.
    async fn take_over(&self, agent: &AgentName, keeper: &Keeper) -> Result<Option<Kept>>;

    /// Starts an agent that does not run, to be kept by the caller.
    ///
    /// # Errors
    /// `ConfigInvalid`; `Unavailable` where the agents' home is not there.
    ///
    /// # Cancel safety
    /// A dropped call may have started the agent.
    async fn keep(&self, launch: &Launch, keeper: &Keeper) -> Result<Kept>;

    /// Waits for the end of a kept agent, writes it down, and clears its terminal away.
    ///
    /// # Errors
    /// `Unavailable`.
    ///
    /// # Cancel safety
    /// Dropping it leaves the agent as it is.
    async fn wait_end(&self, agent: &AgentName, kept: &Kept) -> Result<AgentEnd>;

    /// Ends what is left of a kept agent; with a `unit`, only what that one kept.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn clear(&self, agent: &AgentName, unit: Option<&str>, grace: Duration) -> Result<bool>;

    /// Lets nothing new be sent to an agent, by anybody, for `length` from now on; nothing ends that.
    ///
    /// # Errors
    /// `AgentNotFound`, `Unavailable`.
    async fn drain(&self, agent: &AgentName, length: Option<Duration>) -> Result<()>;

    /// Waits until whoever is sending to an agent has come to an end.
    ///
    /// # Errors
    /// `Refused` (`Locked`) when that is not so after `limit`; as [`drain`](Supervisor::drain).
    async fn nobody_sends(&self, agent: &AgentName, limit: Duration) -> Result<()>;

    /// How agents that do not run came to their last end, where that is known.
    async fn ends(&self, agents: &[AgentName]) -> BTreeMap<AgentName, LastEnd>;

    /// Writes an agent's end down.
    ///
    /// # Errors
    /// `ConfigInvalid` where it cannot be written.
    fn note_end(&self, agent: &AgentName, end: &LastEnd) -> Result<()>;

    /// Holds the agents' home in the foreground: says what its process has to become, or returns
    /// when a home that another one holds, told to `foreign` by its process, is gone.
    ///
    /// # Errors
    /// `Unsupported` or `ConfigInvalid` where there can be none.
    async fn hold(&self, foreign: Box<dyn FnOnce(u32) + Send>) -> Result<Hold>;

    /// Waits until the agents' home is ready for agents. `main` is the process that holds it; a home
    /// of another process is left as it is.
    ///
    /// # Errors
    /// `Unavailable` when it is not within twenty seconds.
    async fn ready(&self, main: Option<u32>) -> Result<()>;

    /// Who lives on the server, and whose it is.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn census(&self) -> Result<Census>;

    /// The service manager's units of these agents.
    ///
    /// # Errors
    /// `ConfigInvalid` for what cannot be written into a unit.
    fn units(&self, program: &UnitProgram, agents: Vec<AgentSpec>) -> Result<UnitFiles>;

    /// The roster that agents are started by, if that is not the caller's choice.
    fn roster(&self) -> Option<PathBuf>;

    /// Where the agents' programs are sought, if that is not where the caller's are.
    fn path(&self) -> Option<String>;

    /// Lets go of the home when nobody lives there any more.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn release(&self) -> Result<()>;

    /// The program and arguments that print an agent's log, one [`LogEntry`] in JSON a line: at most
    /// `lines`, and with `follow` what comes after. Nothing where no log is kept.
    fn log_command(&self, agent: &AgentName, lines: usize, follow: bool) -> Option<Vec<String>>;

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
    async fn check(&self, agents: &[AgentSpec]) -> Vec<Check>;
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

/// The supervisor of a scheme's agents, if this library starts agents of that scheme.
///
/// # Errors
/// `ConfigInvalid` where the roster's block is wrong.
pub fn open(scheme: &str, block: &Value, context: &Context) -> Result<Option<Arc<dyn Supervisor>>> {
    if !starts(scheme) {
        return Ok(None);
    }
    let transport = TmuxTransport::one_shot(tmux_config(block, context)?);
    let state = state_folder(&context.environment);
    // This host's units start nothing on another one.
    let units = match context.host {
        None => systemd::Systemd::installed(&transport, &state),
        Some(_) => None,
    };
    Ok(Some(match units {
        Some(systemd) => Arc::new(systemd),
        None => Arc::new(plain::Plain::new(transport, &state)),
    }))
}

/// Whether this library starts agents of a scheme.
pub(crate) fn starts(scheme: &str) -> bool {
    scheme == DEFAULT_SCHEME
}

/// `$XDG_STATE_HOME`, else `~/.local/state`.
pub(crate) fn state_folder(environment: &BTreeMap<String, String>) -> PathBuf {
    let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
    match (set("XDG_STATE_HOME"), set("HOME")) {
        (Some(state), _) => PathBuf::from(state),
        (None, home) => PathBuf::from(home.map_or("/", String::as_str)).join(".local/state"),
    }
}
