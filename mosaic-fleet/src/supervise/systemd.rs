//! Agents under the user's service manager: a unit holds the server, a unit keeps each agent.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::check::Check;
use super::ended::LastEnd;
use super::holder::Hold;
use super::install::{UnitFiles, folder, running_units};
use super::keeping::{AgentEnd, Keeper, Kept, UnitProgram};
use super::logs;
use super::manager::{Manager, Properties, belongs_to, processes_of};
use super::plain::{Plain, STEP};
use super::units::{HOLDER, TEMPLATE, fleet_of, roster_of, unit_of, variable_of};
use super::{Census, Holder, HolderState, Supervisor};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Sender;
use crate::roster::AgentSpec;
use crate::runtime::{Explanation, Launch};
use crate::setup::Leftover;
use crate::transport::tmux::TmuxTransport;

/// Where a server goes that ran in the holder's unit without being its process.
const ADOPTED: &str = "mosaic-tmux-adopted.scope";

/// Who starts the server, as it tells itself.
pub(super) const KEEPER: &str = "systemd";
const PLAIN: &str = "plain";

/// Agents as units.
#[derive(Debug)]
pub(super) struct Systemd {
    pub(super) plain: Plain,
    pub(super) manager: Manager,
    /// The text of the agents' unit.
    template: String,
}

impl Systemd {
    /// The supervisor of the fleet on this transport's socket, if units of it are installed.
    pub(super) fn installed(transport: &TmuxTransport, state: &Path) -> Option<Self> {
        let environment = &transport.config().environment;
        let template = std::fs::read_to_string(folder(environment).join(TEMPLATE)).ok()?;
        fleet_of(&template).filter(|socket| *socket == transport.socket_path())?;
        Some(Systemd {
            plain: Plain::new(transport.clone(), state),
            manager: Manager::of(environment),
            template,
        })
    }

    pub(super) async fn properties(&self, unit: &str, names: &[&str]) -> Result<Properties> {
        let found = self.manager.show(&[unit.to_owned()], names).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// The main process of a unit.
    async fn main_process(&self, unit: &str) -> Result<Option<u32>> {
        let found = self.properties(unit, &["MainPID"]).await?;
        let pid = found.get("MainPID").and_then(|pid| pid.parse().ok());
        Ok(pid.filter(|pid| *pid != 0))
    }

    /// Starts a unit anew without moving those that belong together with it.
    async fn restart_alone(&self, unit: &str) -> Result<()> {
        let words = ["restart", "--job-mode=ignore-dependencies", "--", unit];
        self.manager.systemctl(&words).await.map(drop)
    }

    /// Operators' starts count as well as failures: neither shall keep a unit from being started.
    async fn clear_failures(&self, unit: &str) {
        // One that never ran has none.
        let _ = self.manager.systemctl(&["reset-failed", "--", unit]).await;
    }

    /// No session is on the server but the holder's.
    async fn nobody_is_there(&self) -> Result<bool> {
        let (_, programs) = self.plain.transport.everybody().await?;
        let holder = &self.plain.transport.config().holder;
        let is_holder = |terminal: &String| terminal.split(' ').next() == Some(holder);
        Ok(programs.keys().all(is_holder))
    }

    /// The holder's unit keeps an eye on a server that it did not start, and touches nothing of it.
    async fn watch_foreign(&self, server: u32) -> Result<()> {
        if self.main_process(HOLDER).await?.is_some() {
            return Ok(());
        }
        if belongs_to(server, HOLDER) {
            // The units of the bash version: the unit is done and its processes live. They would
            // end with its next start.
            self.move_out(server).await?;
        }
        self.start_holder().await
    }

    /// Moves all processes out of the holder's unit, those that begin meanwhile as well.
    async fn move_out(&self, server: u32) -> Result<()> {
        let limit = tokio::time::Instant::now() + STEP;
        self.manager.scope(ADOPTED, server).await?;
        loop {
            // The manager answers before it has moved anything.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let left = processes_of(HOLDER);
            if left.is_empty() {
                return Ok(());
            }
            if tokio::time::Instant::now() > limit {
                return Err(Error::unavailable(format!(
                    "{HOLDER} has {} processes of another server, which cannot be moved out of it",
                    left.len()
                ))
                .with_hint("they would end with its start: stop them first, or leave them"));
            }
            self.manager.attach_each(ADOPTED, &left).await;
        }
    }

    async fn start_holder(&self) -> Result<()> {
        self.clear_failures(HOLDER).await;
        self.restart_alone(HOLDER).await.map_err(|error| {
            error.with_hint(format!("its log says why: journalctl --user -u {HOLDER}"))
        })
    }

    /// Why a job of an agent's unit failed.
    async fn explain_failure(&self, agent: &AgentName, error: Error) -> Error {
        let unit = unit_of(agent);
        if error.kind() != ErrorKind::Unavailable || !self.manager.is_there() {
            return error;
        }
        let look = format!("mosaic-fleet agent logs {agent}");
        if let Some(end) = self.plain.ends.last(agent) {
            return Error::config_invalid(end.reason)
                .with_hint(format!("its log has more: {look}"))
                .with_source(error);
        }
        error.with_hint(format!("its log has more: {look} (unit {unit})"))
    }
}

#[async_trait]
impl Supervisor for Systemd {
    async fn holder(&self) -> Result<Holder> {
        let server = self.plain.transport.server_state(STEP).await?;
        Ok(Holder {
            state: match &server {
                None => HolderState::Down,
                Some(server) if server.keeper == KEEPER => HolderState::Up,
                Some(_) => HolderState::Foreign,
            },
            pid: server.map(|server| server.pid),
            supervisor: "systemd",
        })
    }

    async fn prepare(&self) -> Result<()> {
        let found = self.properties(HOLDER, &["NeedDaemonReload"]).await?;
        if found
            .get("NeedDaemonReload")
            .is_some_and(|need| need == "yes")
        {
            self.manager.systemctl(&["daemon-reload"]).await?;
        }
        match self.plain.transport.server_state(STEP).await? {
            Some(server) if server.keeper == PLAIN && self.nobody_is_there().await? => {
                // Ours, from before there were units.
                self.plain.release().await?;
                self.start_holder().await
            }
            Some(server) if server.keeper != KEEPER => self.watch_foreign(server.pid).await,
            _ if self.main_process(HOLDER).await?.is_some() => Ok(()),
            // It may be "active" without a process, as the bash version's was: then a start does
            // nothing.
            _ => self.start_holder().await,
        }
    }

    async fn start(&self, launch: &Launch) -> Result<()> {
        let agent = &launch.name;
        self.plain.ends.forget(agent);
        self.plain.transport.expect(agent).await?;
        let unit = unit_of(agent);
        self.clear_failures(&unit).await;
        let active = self.properties(&unit, &["ActiveState"]).await?;
        let active = active.get("ActiveState").is_some_and(|is| is == "active");
        let there = self.plain.transport.running(agent).await?;
        let verb = match (active, there) {
            // Somebody else has just started it.
            (true, Some(running)) if !running.dead => return Ok(()),
            // Nothing of it is there: a unit which believes otherwise is wrong.
            (true, _) => "restart",
            (false, _) => "start",
        };
        match self.manager.systemctl(&[verb, "--", &unit]).await {
            Ok(_) => Ok(()),
            Err(error) => {
                // Its keeper may try again, and then nobody else sends the first prompt.
                let _ = self.plain.transport.is_expected(agent).await;
                Err(self.explain_failure(agent, error).await)
            }
        }
    }

    fn without_units(&self) -> Option<Arc<dyn Supervisor>> {
        Some(Arc::new(self.plain.clone()))
    }

    async fn stop(&self, agent: &AgentName, grace: Duration) -> Result<bool> {
        let unit = unit_of(agent);
        let there = self.plain.transport.running(agent).await?.is_some();
        self.manager.systemctl(&["stop", "--", &unit]).await?;
        self.clear_failures(&unit).await;
        // One that no unit kept.
        let left = self.plain.stop(agent, grace).await?;
        Ok(there || left)
    }

    async fn release(&self) -> Result<()> {
        // People may have terminals there too, and an agent may be between two starts.
        if !self.nobody_is_there().await? || !running_units(&self.manager).await?.is_empty() {
            return Ok(());
        }
        self.manager
            .systemctl(&["stop", "--", HOLDER])
            .await
            .map(drop)
    }

    async fn adopt(&self, agent: &AgentName) -> Result<bool> {
        let unit = unit_of(agent);
        if self.main_process(&unit).await?.is_some() {
            return Ok(false);
        }
        self.prepare().await?;
        self.plain.ends.forget(agent);
        self.clear_failures(&unit).await;
        match self.restart_alone(&unit).await {
            Ok(()) => Ok(true),
            Err(error) => Err(self.explain_failure(agent, error).await),
        }
    }

    async fn kept(&self, agents: &[AgentName]) -> Result<BTreeSet<AgentName>> {
        if agents.is_empty() {
            return Ok(BTreeSet::new());
        }
        let units: Vec<String> = agents.iter().map(unit_of).collect();
        let found = self.manager.show(&units, &["Id", "MainPID"]).await?;
        let kept = |unit: &str| {
            let of_it = |found: &&Properties| found.get("Id").is_some_and(|id| id == unit);
            let pid = found.iter().find(of_it)?.get("MainPID")?;
            Some(pid != "0")
        };
        let all = agents.iter().zip(&units);
        let kept = all.filter(|(_, unit)| kept(unit) == Some(true));
        Ok(kept.map(|(agent, _)| agent.clone()).collect())
    }

    async fn caller(&self) -> Option<AgentName> {
        self.plain.caller().await
    }

    fn places(&self) -> BTreeMap<&'static str, String> {
        self.plain.places()
    }

    fn leftovers(&self, agents: &[AgentName]) -> Vec<Leftover> {
        self.plain.leftovers(agents)
    }

    async fn take_over(&self, agent: &AgentName, keeper: &Keeper) -> Result<Option<Kept>> {
        self.plain.take_over(agent, keeper).await
    }

    async fn keep(&self, launch: &Launch, keeper: &Keeper) -> Result<Kept> {
        self.plain.keep(launch, keeper).await
    }

    async fn wait_end(&self, agent: &AgentName, kept: &Kept) -> Result<AgentEnd> {
        self.plain.wait_end(agent, kept).await
    }

    async fn clear(&self, agent: &AgentName, unit: Option<&str>, grace: Duration) -> Result<bool> {
        self.plain.clear(agent, unit, grace).await
    }

    async fn drain(&self, agent: &AgentName, length: Option<Duration>) -> Result<()> {
        self.plain.drain(agent, length).await
    }

    async fn nobody_sends(&self, agent: &AgentName, limit: Duration) -> Result<()> {
        self.plain.nobody_sends(agent, limit).await
    }

    async fn ends(&self, agents: &[AgentName]) -> BTreeMap<AgentName, LastEnd> {
        let mut ends = self.plain.ends(agents).await;
        let units: Vec<String> = agents.iter().map(unit_of).collect();
        let wanted = ["Id", "ActiveState", "SubState", "Result"];
        let found = self.manager.show(&units, &wanted).await.unwrap_or_default();
        for (agent, unit) in agents.iter().zip(&units) {
            let Some(found) = found.iter().find(|found| found.get("Id") == Some(unit)) else {
                continue;
            };
            let word = |name: &str| found.get(name).map_or("", String::as_str);
            let now = match (word("ActiveState"), word("SubState")) {
                ("activating", "auto-restart") => "it is about to be started again".to_owned(),
                ("failed", _) => format!("it is not started again (unit: {})", word("Result")),
                _ => continue,
            };
            match ends.get_mut(agent) {
                Some(end) => end.reason = format!("{}; {now}", end.reason),
                None => {
                    let mut end = LastEnd::new(Default::default(), now);
                    end.at = None;
                    ends.insert(agent.clone(), end);
                }
            }
        }
        ends
    }

    fn note_end(&self, agent: &AgentName, end: &LastEnd) -> Result<()> {
        self.plain.note_end(agent, end)
    }

    async fn hold(&self, foreign: Box<dyn FnOnce(u32) + Send>) -> Result<Hold> {
        self.plain.hold(foreign).await
    }

    async fn ready(&self, main: Option<u32>) -> Result<()> {
        self.plain.ready(main).await
    }

    async fn census(&self) -> Result<Census> {
        let mut census = self.plain.census().await?;
        let main = self.main_process(HOLDER).await?;
        census.owned = main == Some(census.server);
        census.owner = match main {
            Some(main) if census.owned => format!("process {main} of {HOLDER}"),
            Some(main) => format!(
                "{HOLDER} has process {main}, the server is {}",
                census.server
            ),
            None => format!("{HOLDER} has no process, the server is {}", census.server),
        };
        Ok(census)
    }

    fn units(&self, program: &UnitProgram, agents: Vec<AgentSpec>) -> Result<UnitFiles> {
        self.plain.units(program, agents)
    }

    fn roster(&self) -> Option<PathBuf> {
        roster_of(&self.template)
    }

    fn path(&self) -> Option<String> {
        variable_of(&self.template, "PATH")
    }

    fn log_command(&self, agent: &AgentName, lines: usize, follow: bool) -> Option<Vec<String>> {
        Some(logs::command(agent, lines, follow))
    }

    fn attach_command(&self, agent: &AgentName) -> Vec<OsString> {
        self.plain.attach_command(agent)
    }

    async fn sender(&self) -> Sender {
        self.plain.sender().await
    }

    async fn explain(&self, agent: &AgentName) -> Result<Explanation> {
        self.plain.explain(agent).await
    }

    async fn check(&self, agents: &[AgentSpec]) -> Vec<Check> {
        let mut checks = self.plain.host().await;
        checks.push(self.check_manager().await);
        checks.extend(self.check_linger().await);
        checks.extend(self.check_limits(agents).await);
        checks
    }
}
