//! Agents straight on a tmux server of their own, without units: nothing restarts what ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use super::census::{Census, other_servers};
use super::check::Check;
use super::ended::{Ends, LastEnd};
use super::holder::{self, Hold};
use super::install::{UnitFiles, folder};
use super::keeping::{AgentEnd, Keeper, Kept, UnitProgram};
use super::leftovers::old_units;
use super::manager::{Manager, belongs_to};
use super::systemd::KEEPER;
use super::{Holder, HolderState, Supervisor};
use crate::agent::{AgentName, ExitStatus};
use crate::error::{Error, Result};
use crate::message::Sender;
use crate::roster::AgentSpec;
use crate::runtime::process::tree;
use crate::runtime::{Explanation, Launch};
use crate::setup::Leftover;
use crate::transport::tmux::TmuxTransport;
use crate::transport::tmux::keep::{Ended, Running};

/// How long one step may take.
pub(super) const STEP: Duration = Duration::from_secs(15);

/// How long an agent's start may take: a whole fleet may start at once.
const BEGIN: Duration = Duration::from_secs(45);

/// How often what an agent has started is followed, when it is taken over.
const PASSES: usize = 10;

/// Agents without units.
#[derive(Debug, Clone)]
pub(super) struct Plain {
    pub(super) transport: TmuxTransport,
    pub(super) ends: Ends,
}

impl Plain {
    pub(super) fn new(transport: TmuxTransport, state: &Path) -> Self {
        let ends = Ends::of(state, &transport.instance());
        Plain { transport, ends }
    }

    /// With what every agent of ours is told.
    fn told(&self, launch: &Launch) -> Launch {
        let config = self.transport.config();
        let own = [
            ("MOSAIC_AGENT_NAME", launch.name.to_string()),
            ("MOSAIC_TMUX_SOCKET", config.socket.label()),
        ];
        let mut launch = launch.clone();
        launch
            .environment
            .extend(own.map(|(key, value)| (key.to_owned(), value)));
        launch
    }

    async fn move_to(&self, agent: &AgentName, running: Running, unit: &str) {
        if let Err(error) = self.transport.mark_kept(agent, unit).await {
            tracing::warn!(agent = agent.as_str(), %error, "it cannot be marked as kept");
        }
        if belongs_to(running.pid, unit) {
            return;
        }
        let manager = Manager::of(&self.transport.config().environment);
        if let Err(error) = manager.attach(unit, running.pid).await {
            tracing::warn!(
                agent = agent.as_str(), unit, %error,
                "its programs stay outside of the unit, whose limits do not hold for them"
            );
            return;
        }
        // What it starts from now on is inside; what it has started follows, and what that starts.
        for _ in 0..PASSES {
            let mut outside = tree(running.pid);
            outside.retain(|pid| !belongs_to(*pid, unit));
            if outside.is_empty() {
                return;
            }
            manager.attach_each(unit, &outside).await;
        }
        tracing::warn!(
            agent = agent.as_str(),
            unit,
            "some of its programs stay outside of the unit"
        );
    }

    async fn begin(&self, launch: &Launch, keeper: &Keeper) -> Result<Running> {
        let mut launch = self.told(launch);
        if let Some(unit) = &keeper.unit {
            let own = std::mem::take(&mut launch.command);
            launch.command.clone_from(&keeper.launcher);
            launch.command.extend([unit.clone(), "--".to_owned()]);
            launch.command.extend(own);
        }
        self.transport.hold_server(BEGIN).await?;
        self.transport.start_session(&launch, BEGIN).await?;
        let agent = &launch.name;
        if let Some(unit) = &keeper.unit
            && let Err(error) = self.transport.mark_kept(agent, unit).await
        {
            tracing::warn!(agent = agent.as_str(), %error, "it cannot be marked as kept");
        }
        let running = self.transport.running(agent).await?;
        running.ok_or_else(|| Error::unavailable("its terminal was closed at once"))
    }
}

#[async_trait]
impl Supervisor for Plain {
    async fn holder(&self) -> Result<Holder> {
        let state = self.transport.server_state(STEP).await?;
        Ok(Holder {
            state: match &state {
                None => HolderState::Down,
                Some(state) if state.held => HolderState::Up,
                Some(_) => HolderState::Foreign,
            },
            pid: state.map(|state| state.pid),
            supervisor: "plain",
        })
    }

    async fn prepare(&self) -> Result<()> {
        self.transport.ensure_server(STEP).await
    }

    /// Nothing is started or stopped over ssh that units on that host keep.
    async fn is_ours(&self) -> Result<()> {
        let Some(host) = &self.transport.config().remote else {
            return Ok(());
        };
        let state = self.transport.server_state(STEP).await?;
        if state.is_none_or(|state| state.keeper != KEEPER) {
            return Ok(());
        }
        let what = format!("starting and stopping from here what units of {host} keep");
        Err(Error::unsupported(what).with_hint(format!(
            "run mosaic-fleet there, as in: ssh {host} mosaic-fleet restart NAME"
        )))
    }

    async fn found(&self, launch: &Launch, program: Option<&str>) -> Result<Launch> {
        self.transport.found_there(launch, program).await
    }

    async fn start(&self, launch: &Launch) -> Result<()> {
        self.ends.forget(&launch.name);
        self.transport.start_session(&self.told(launch), STEP).await
    }

    async fn stop(&self, agent: &AgentName, grace: Duration) -> Result<bool> {
        self.ends.forget(agent);
        self.transport.stop_session(agent, grace).await
    }

    async fn release(&self) -> Result<()> {
        self.transport.stop_server().await
    }

    fn log_command(&self, _: &AgentName, _: usize, _: bool) -> Option<Vec<String>> {
        None
    }

    fn attach_command(&self, agent: &AgentName) -> Vec<OsString> {
        self.transport.attach_command(agent)
    }

    async fn sender(&self) -> Sender {
        self.transport.sender().await
    }

    async fn explain(&self, agent: &AgentName) -> Result<Explanation> {
        self.transport.explain(agent).await
    }

    async fn adopt(&self, _agent: &AgentName) -> Result<bool> {
        Ok(false)
    }

    async fn kept(&self, agents: &[AgentName]) -> Result<BTreeSet<AgentName>> {
        let started = self.transport.started_by_us().await?;
        let ours = |agent: &&AgentName| started.contains(agent.as_str());
        Ok(agents.iter().filter(ours).cloned().collect())
    }

    async fn caller(&self) -> Option<AgentName> {
        let config = self.transport.config();
        let inside = config.environment.get("TMUX")?;
        // Nobody is called from another host's terminal.
        if config.remote.is_some() {
            return None;
        }
        let server = fs::canonicalize(inside.split(',').next()?).ok()?;
        if server != fs::canonicalize(self.transport.socket_path()).ok()? {
            return None;
        }
        AgentName::new(self.sender().await.session()).ok()
    }

    fn places(&self) -> BTreeMap<&'static str, String> {
        let config = self.transport.config();
        BTreeMap::from([
            ("MOSAIC_TMUX_SOCKET", config.socket.label()),
            ("MOSAIC_TMUX_HOLDER", config.holder.clone()),
        ])
    }

    fn leftovers(&self, agents: &[AgentName]) -> Vec<Leftover> {
        let config = self.transport.config();
        let folder = folder(&config.environment);
        old_units(&folder, &config.socket.label(), agents)
    }

    async fn take_over(&self, agent: &AgentName, keeper: &Keeper) -> Result<Option<Kept>> {
        let found = self.transport.running(agent).await?;
        let Some(running) = found.filter(|running| !running.dead) else {
            return Ok(None);
        };
        if let Some(unit) = &keeper.unit {
            self.move_to(agent, running, unit).await;
        }
        self.ends.forget(agent);
        Ok(Some(Kept {
            pid: running.pid,
            adopted: true,
            expected: self.transport.is_expected(agent).await,
            running,
        }))
    }

    async fn keep(&self, launch: &Launch, keeper: &Keeper) -> Result<Kept> {
        let agent = &launch.name;
        // A terminal whose program has ended.
        self.transport.stop_session(agent, Duration::ZERO).await?;
        let running = self.begin(launch, keeper).await?;
        self.ends.forget(agent);
        Ok(Kept {
            pid: running.pid,
            adopted: false,
            expected: self.transport.is_expected(agent).await,
            running,
        })
    }

    async fn wait_end(&self, agent: &AgentName, kept: &Kept) -> Result<AgentEnd> {
        let (end, exit) = match self.transport.ended(agent, kept.running).await? {
            Ended::Program(exit) => (AgentEnd::Program(exit), exit),
            Ended::SessionLost => (
                AgentEnd::Lost("its terminal was closed"),
                ExitStatus::default(),
            ),
            Ended::ServerLost => (
                AgentEnd::Lost("the server of all terminals ended"),
                ExitStatus::default(),
            ),
        };
        let mut last = LastEnd::new(exit, end.to_string());
        if matches!(end, AgentEnd::Program(_)) {
            last = last.with_lines(self.transport.last_lines(agent).await);
        }
        if let Err(error) = self.note_end(agent, &last) {
            // That it is started again is worth more.
            tracing::error!(agent = agent.as_str(), %error, "its end cannot be written down");
        }
        if matches!(end, AgentEnd::Program(_)) {
            // Its terminal still stands, with nobody in it.
            self.transport.stop_session(agent, Duration::ZERO).await?;
        }
        Ok(end)
    }

    async fn clear(&self, agent: &AgentName, unit: Option<&str>, grace: Duration) -> Result<bool> {
        if unit.is_some() && self.transport.kept_by(agent).await?.as_deref() != unit {
            return Ok(false);
        }
        self.transport.stop_session(agent, grace).await
    }

    async fn drain(&self, agent: &AgentName, length: Option<Duration>) -> Result<()> {
        match length {
            Some(length) => self.transport.drain(agent, length).await,
            None => self.transport.end_drain(agent).await,
        }
    }

    async fn nobody_sends(&self, agent: &AgentName, limit: Duration) -> Result<()> {
        self.transport.nobody_types(agent, limit).await
    }

    async fn ends(&self, agents: &[AgentName]) -> BTreeMap<AgentName, LastEnd> {
        let last = |agent: &AgentName| Some((agent.clone(), self.ends.last(agent)?));
        agents.iter().filter_map(last).collect()
    }

    fn note_end(&self, agent: &AgentName, end: &LastEnd) -> Result<()> {
        self.ends.record(agent, end)
    }

    async fn hold(&self, foreign: Box<dyn FnOnce(u32) + Send>) -> Result<Hold> {
        holder::hold(&self.transport, foreign).await
    }

    async fn ready(&self, main: Option<u32>) -> Result<()> {
        holder::ready(&self.transport, main).await
    }

    async fn census(&self) -> Result<Census> {
        let state = self.transport.server_state(STEP).await?;
        let held = state.is_some_and(|state| state.held);
        let (server, programs) = self.transport.everybody().await?;
        let holder = &self.transport.config().holder;
        Ok(Census {
            server,
            owned: held,
            owner: match held {
                true => format!("server {server} has {holder}"),
                false => format!("server {server} has no {holder}"),
            },
            programs,
            others: other_servers(
                &self.transport.socket_path(),
                &self.transport.socket_folders(),
            ),
        })
    }

    fn units(&self, program: &UnitProgram, agents: Vec<AgentSpec>) -> Result<UnitFiles> {
        UnitFiles::new(&self.transport, program, agents)
    }

    fn roster(&self) -> Option<PathBuf> {
        None
    }

    fn path(&self) -> Option<String> {
        None
    }

    async fn check(&self, _agents: &[AgentSpec]) -> Vec<Check> {
        let mut checks = self.host().await;
        if self.transport.config().remote.is_none() {
            checks.push(self.check_supervisor());
        }
        checks
    }
}
