//! Putting units in place and taking them out again: a plan of files and of what the manager shall
//! do, which can be shown first; then it is carried out. No running agent is ever stopped by it,
//! but for those that left the roster when that is asked for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::keeping::UnitProgram;
use super::manager::{Manager, controllers};
use super::plain::STEP;
use super::systemd::KEEPER;
use super::unit_words::{check_words, kept};
use super::units::{HOLDER, LIMITS, TEMPLATE, Units, agent_of, fleet_of, is_ours, limits, unit_of};
use crate::error::{Error, ErrorKind, Result};
use crate::roster::AgentSpec;
use crate::setup::{self, FileChange};
use crate::transport::tmux::TmuxTransport;

/// What installing shall do besides writing files.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InstallOptions {
    /// Start the units with the user's manager: at boot where the user lingers, else at log-in.
    pub enable: bool,
    /// Stop agents that are no longer in the roster.
    pub prune: bool,
}

impl InstallOptions {
    /// Writes files; enables what is new in the roster where the fleet was enabled before.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the units with the user's manager.
    #[must_use]
    pub fn with_enable(mut self, enable: bool) -> Self {
        self.enable = enable;
        self
    }

    /// Stops agents that are no longer in the roster.
    #[must_use]
    pub fn with_prune(mut self, prune: bool) -> Self {
        self.prune = prune;
        self
    }
}

/// What is to be done, in this order.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InstallPlan {
    /// Files to write or remove.
    pub changes: Vec<FileChange>,
    /// Units to enable.
    pub enable: Vec<String>,
    /// Units to disable.
    pub disable: Vec<String>,
    /// Units to stop.
    pub stop: Vec<String>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl InstallPlan {
    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.enable.is_empty()
            && self.disable.is_empty()
            && self.stop.is_empty()
    }
}

/// Whether the user's services outlive a log-out, and start at boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Linger {
    /// Whose services.
    pub user: String,
    /// Whether they do; nothing where that cannot be told.
    pub enabled: Option<bool>,
}

/// The units of one fleet: what is there, and what should be.
#[derive(Debug)]
pub struct UnitFiles {
    folder: PathBuf,
    holder: String,
    template: String,
    socket_path: PathBuf,
    agents: Vec<AgentSpec>,
    user: String,
    manager: Manager,
    transport: TmuxTransport,
}

impl UnitFiles {
    pub(super) fn new(
        transport: &TmuxTransport,
        program: &UnitProgram,
        agents: Vec<AgentSpec>,
    ) -> Result<Self> {
        let environment = &transport.config().environment;
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let words = kept(environment);
        check_words(program, &transport.config().socket, &words)?;
        let socket_path = transport.socket_path();
        let socket = transport.config().socket.label();
        let units = Units {
            program,
            socket: &socket,
            socket_path: &socket_path,
            environment: words,
        };
        Ok(UnitFiles {
            folder: folder(environment),
            holder: units.holder(),
            template: units.template(),
            user: set("USER")
                .or(set("LOGNAME"))
                .cloned()
                .unwrap_or_else(|| rustix::process::getuid().as_raw().to_string()),
            socket_path,
            agents,
            manager: Manager::of(environment),
            transport: transport.clone(),
        })
    }

    /// Where the units are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the user's services outlive a log-out, and start at boot.
    pub async fn linger(&self) -> Linger {
        Linger {
            user: self.user.clone(),
            enabled: self.manager.lingers(&self.user).await.ok(),
        }
    }

    /// Has the user's services outlive a log-out, and start at boot.
    ///
    /// # Errors
    /// `PermissionDenied` where the host leaves that to an administrator, with what to ask for.
    pub async fn enable_linger(&self) -> Result<()> {
        let user = &self.user;
        let lingering = self.manager.linger(user).await;
        lingering.map_err(|error| {
            let why = error.message().to_owned();
            Error::new(
                ErrorKind::PermissionDenied,
                format!("{user} may not stay when logged out: {why}"),
            )
            .with_hint(format!(
                "ask an administrator: sudo loginctl enable-linger {user}"
            ))
            .with_source(error)
        })
    }

    /// What has to be done so that the units are as the roster says.
    ///
    /// # Errors
    /// `Unsupported` without systemd, `Unavailable` without the user's manager; `ConfigInvalid`
    /// where units of another fleet are in the way, or the manager does not read the folder.
    pub async fn plan(&self, options: &InstallOptions) -> Result<InstallPlan> {
        let paths = self
            .manager
            .show(&[], &["UnitPath"])
            .await
            .map(|found| found.into_iter().next().unwrap_or_default());
        let read = paths?.remove("UnitPath").unwrap_or_default();
        if !read.split(' ').any(|path| Path::new(path) == self.folder) {
            return Err(Error::config_invalid(format!(
                "the user's service manager does not read {}",
                self.folder.display()
            ))
            .with_hint("run this with the XDG_CONFIG_HOME that the manager has, or without one"));
        }
        let mut plan = self.files()?;
        let enabled = self.enabled();
        let wanted: BTreeSet<String> = self.agents.iter().map(|a| unit_of(&a.name)).collect();
        if options.enable || enabled.contains(HOLDER) {
            let all = [HOLDER.to_owned()].into_iter();
            let agents = self.agents.iter().map(|agent| unit_of(&agent.name));
            plan.enable = all
                .chain(agents)
                .filter(|unit| !enabled.contains(unit))
                .collect();
        }
        let gone = |unit: &String| agent_of(unit).is_some() && !wanted.contains(unit);
        plan.disable = enabled.into_iter().filter(gone).collect();
        for unit in running_units(&self.manager).await?.into_iter().filter(gone) {
            let name = agent_of(&unit).unwrap_or_default();
            match options.prune || name.starts_with('_') {
                true => plan.stop.push(unit),
                false => plan.warnings.push(format!(
                    "{name} is not in the roster and runs on: --prune stops it"
                )),
            }
        }
        let limited = |agent: &&AgentSpec| limits(agent).is_some();
        if self.agents.iter().any(|agent| limited(&agent)) {
            plan.warnings.extend(self.unenforced().await?);
        }
        Ok(plan)
    }

    /// What has to be done so that nothing of it is left.
    ///
    /// # Errors
    /// `Refused` (`Busy`) while the fleet runs under the units. A holder that only watches a server of
    /// another is stopped.
    pub async fn removal(&self) -> Result<InstallPlan> {
        for name in [HOLDER, TEMPLATE] {
            self.refuse_others(name, self.file_of(name).as_deref())?;
        }
        let mut running = running_units(&self.manager).await?;
        let holder = self
            .manager
            .show(&[HOLDER.to_owned()], &["ActiveState"])
            .await?;
        let state = holder.first().and_then(|found| found.get("ActiveState"));
        let mut plan = InstallPlan::default();
        if state.is_some_and(|state| state != "inactive" && state != "failed") {
            match self.transport.server_state(STEP).await? {
                Some(server) if server.keeper != KEEPER => plan.stop.push(HOLDER.to_owned()),
                _ => drop(running.insert(HOLDER.to_owned())),
            }
        }
        let here = self.file_of(TEMPLATE).is_some_and(|text| is_ours(&text));
        if here && !running.is_empty() {
            let names: Vec<&str> = running.iter().map(String::as_str).collect();
            return Err(Error::refused(
                crate::error::Refusal::Busy,
                format!("the fleet runs: {}", names.join(", ")),
            )
            .with_hint("stop it first: mosaic-fleet stop"));
        }
        let ours = |name: &str| {
            let before = self.file_of(name).filter(|text| is_ours(text));
            before.map(|before| (self.folder.join(name), before))
        };
        let mut files: Vec<_> = [HOLDER, TEMPLATE].into_iter().filter_map(ours).collect();
        if files.is_empty() {
            plan.stop.clear();
        } else {
            plan.disable = self.enabled().into_iter().collect();
        }
        files.extend(self.drop_ins());
        plan.changes = files
            .into_iter()
            .map(|(path, before)| change(path, Some(before), None))
            .collect();
        Ok(plan)
    }

    /// Does what was planned; `written` is called for each file, with the backup of what was not
    /// ours.
    ///
    /// # Errors
    /// As [`apply`](setup::apply), and as the manager says.
    ///
    /// # Cancel safety
    /// A dropped call may have done a part of it; planning again tells the rest.
    pub async fn apply(
        &self,
        plan: &InstallPlan,
        mut written: impl FnMut(&FileChange, Option<PathBuf>) + Send,
    ) -> Result<()> {
        // What is disabled is found by its file, which may be about to go.
        self.units("disable", &plan.disable).await?;
        self.units("stop", &plan.stop).await?;
        for change in &plan.changes {
            let backup = setup::apply(change)?;
            written(change, backup);
        }
        if !plan.changes.is_empty() {
            self.manager.systemctl(&["daemon-reload"]).await?;
        }
        self.units("enable", &plan.enable).await
    }

    async fn units(&self, verb: &str, units: &[String]) -> Result<()> {
        if units.is_empty() {
            return Ok(());
        }
        let mut words = vec!["--quiet", verb, "--"];
        words.extend(units.iter().map(String::as_str));
        self.manager.systemctl(&words).await.map(drop)
    }

    fn file_of(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(name)).ok()
    }

    fn files(&self) -> Result<InstallPlan> {
        let mut plan = InstallPlan::default();
        for (name, text) in [(HOLDER, &self.holder), (TEMPLATE, &self.template)] {
            let before = self.file_of(name);
            self.refuse_others(name, before.as_deref())?;
            if before.as_ref() != Some(text) {
                let path = self.folder.join(name);
                plan.changes.push(change(path, before, Some(text.clone())));
            }
        }
        let mut old = self.drop_ins();
        for agent in &self.agents {
            let Some(text) = limits(agent) else { continue };
            let path = self.drop_in(&unit_of(&agent.name));
            let at = old.iter().position(|(found, _)| *found == path);
            let before = at.map(|at| old.remove(at).1);
            if before.as_ref() != Some(&text) {
                plan.changes.push(change(path, before, Some(text)));
            }
        }
        let gone = |(path, before)| change(path, Some(before), None);
        plan.changes.extend(old.into_iter().map(gone));
        Ok(plan)
    }

    fn refuse_others(&self, name: &str, text: Option<&str>) -> Result<()> {
        match text.and_then(fleet_of) {
            Some(theirs) if theirs != self.socket_path => Err(Error::config_invalid(format!(
                "{} is of another fleet, on {}",
                self.folder.join(name).display(),
                theirs.display()
            ))
            .with_hint(
                "one fleet a user: name that one (--socket), or take it out first (uninstall-systemd)",
            )),
            _ => Ok(()),
        }
    }

    fn drop_in(&self, unit: &str) -> PathBuf {
        self.folder.join(format!("{unit}.d")).join(LIMITS)
    }

    /// The drop-ins of ours that are there.
    fn drop_ins(&self) -> Vec<(PathBuf, String)> {
        let mut found: Vec<_> = entries(&self.folder)
            .iter()
            .filter_map(|name| agent_of(name.strip_suffix(".d")?).and(name.strip_suffix(".d")))
            .map(|unit| self.drop_in(unit))
            .filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?)))
            .filter(|(_, text)| is_ours(text))
            .collect();
        found.sort();
        found
    }

    /// Our units that the manager starts by itself.
    fn enabled(&self) -> BTreeSet<String> {
        let wants = entries(&self.folder.join("default.target.wants"));
        wants
            .into_iter()
            .filter(|name| name == HOLDER || agent_of(name).is_some())
            .collect()
    }

    async fn unenforced(&self) -> Result<Vec<String>> {
        let there = controllers(&self.manager).await?;
        let missing: Vec<&str> = [
            ("memory", "memory_max"),
            ("pids", "tasks_max"),
            ("cpu", "cpu_quota"),
        ]
        .into_iter()
        .filter(|(controller, _)| !there.iter().any(|there| there == controller))
        .map(|(_, limit)| limit)
        .collect();
        let words = || {
            format!(
                "this host cannot enforce {}: the user's manager has no such kernel controller \
                 (cgroup.controllers: {:?})",
                missing.join(", "),
                there.join(" ")
            )
        };
        Ok((!missing.is_empty()).then(words).into_iter().collect())
    }
}

/// The agents' units that run, or are about to.
pub(super) async fn running_units(manager: &Manager) -> Result<BTreeSet<String>> {
    let words = ["list-units", "--plain", "--no-legend", "mosaic-agent@*"];
    let text = manager.systemctl(&words).await?;
    let active = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let unit = words.next()?;
        let active = words.nth(1)?;
        (active != "failed" && active != "inactive").then(|| unit.to_owned())
    };
    Ok(text.lines().filter_map(active).collect())
}

/// The user's own units, as the manager finds them.
pub(super) fn folder(environment: &std::collections::BTreeMap<String, String>) -> PathBuf {
    let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
    let config = match (set("XDG_CONFIG_HOME"), set("HOME")) {
        (Some(config), _) => PathBuf::from(config),
        (None, Some(home)) => Path::new(home).join(".config"),
        (None, None) => PathBuf::from("/nonexistent"),
    };
    config.join("systemd/user")
}

fn change(path: PathBuf, before: Option<String>, after: Option<String>) -> FileChange {
    FileChange {
        path,
        ours: before.as_deref().is_none_or(is_ours),
        before,
        after,
        mode: None,
        restores: None,
    }
}

pub(super) fn entries(folder: &Path) -> Vec<String> {
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    found
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
