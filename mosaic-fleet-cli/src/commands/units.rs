//! `install-systemd` and `uninstall-systemd`: the fleet as units of the user's service manager.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use clap::Args;
use mosaic_fleet::setup::FileChange;
use mosaic_fleet::supervise::{InstallOptions, InstallPlan, Linger, UnitFiles, UnitProgram};
use mosaic_fleet::{Error, Result};
use serde::Serialize;

use super::changes::{Changed, binary, warn_of_build};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// How long the log-in shell may take to say its PATH.
const SHELL: Duration = Duration::from_secs(10);

/// Have the fleet run under systemd: back after a reboot, a crash and a log-out
///
/// Writes the units of the server and of the agents. Never stops what runs: `mosaic-fleet start` takes it over.
/// A second run changes only what differs.
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Show what would change, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Start the fleet at log-in and, if the user lingers, at boot
    #[arg(long)]
    enable: bool,
    /// With --enable: have the user's services start at boot and outlive log-outs
    #[arg(long, requires = "enable")]
    linger: bool,
    /// Stop agents that are no longer in the roster
    #[arg(long)]
    prune: bool,
    /// Where the agents' programs are sought, instead of the PATH of your log-in shell and of this one
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
}

/// Take the units out again; the fleet must be stopped first
#[derive(Debug, Args)]
pub(crate) struct Uninstall {
    /// Show what would change, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Installed<'a> {
    folder: &'a Path,
    written: bool,
    changes: Vec<Changed<'a>>,
    enabled: &'a [String],
    disabled: &'a [String],
    stopped: &'a [String],
    linger: Option<&'a Linger>,
    warnings: &'a [String],
}

impl Install {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let binary = binary()?;
        warn_of_build(session, &binary);
        let path = match &self.path {
            Some(path) => path.clone(),
            None => captured_path(&session.environment),
        };
        let roster = session
            .globals
            .roster
            .as_deref()
            .map(absolute)
            .transpose()?;
        let program = UnitProgram::new(binary, path).with_roster(roster);
        let units = session.fleet()?.units(&program)?;
        let options = InstallOptions::new()
            .with_enable(self.enable)
            .with_prune(self.prune);
        let plan = units.plan(&options).await?;
        let done = carry_out(session, &units, &plan, self.dry_run).await;
        let backups = done?;
        let linger = self.linger(session, &units).await?;
        if !self.dry_run && !plan.changes.is_empty() {
            session
                .output
                .success("next: mosaic-fleet start; mosaic-fleet verify\n")?;
        }
        print(
            session,
            &units,
            &plan,
            self.dry_run,
            &backups,
            Some(&linger),
        )
    }

    /// Whether the fleet is there after a log-out and a reboot: offered, by name, and done if asked.
    async fn linger(&self, session: &Session, units: &UnitFiles) -> Result<Linger> {
        if self.linger && !self.dry_run {
            units.enable_linger().await?;
        }
        let linger = units.linger().await;
        let user = &linger.user;
        match linger.enabled {
            Some(true) => {}
            Some(false) => session.output.warning(&format!(
                "the fleet ends when {user} logs out, and does not start at boot. To have it stay: \
                 loginctl enable-linger {user} (or install-systemd --enable --linger)"
            )),
            None => session.output.warning(&format!(
                "whether {user}'s services outlive a log-out cannot be told: loginctl show-user {user}"
            )),
        }
        Ok(linger)
    }
}

impl Uninstall {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let program = UnitProgram::new(binary()?, "");
        let units = session.fleet()?.units(&program)?;
        let plan = units.removal().await?;
        let backups = carry_out(session, &units, &plan, self.dry_run).await?;
        print(session, &units, &plan, self.dry_run, &backups, None)
    }
}

/// Shows what changes and, unless it is a rehearsal, does it.
async fn carry_out(
    session: &Session,
    units: &UnitFiles,
    plan: &InstallPlan,
    dry_run: bool,
) -> Result<BTreeMap<PathBuf, PathBuf>> {
    let output = &session.output;
    for warning in &plan.warnings {
        output.warning(warning);
    }
    let mut backups = BTreeMap::new();
    if plan.is_empty() {
        output.success("nothing to change\n")?;
        return Ok(backups);
    }
    if dry_run {
        for change in &plan.changes {
            output.result(&change.diff())?;
        }
        for (verb, units) in jobs(plan) {
            output.result(&format!("would {verb} {}\n", units.join(", ")))?;
        }
        output.success("nothing was written\n")?;
        return Ok(backups);
    }
    let mut lines = Vec::new();
    let written = |change: &FileChange, backup: Option<PathBuf>| {
        let verb = match change.after {
            Some(_) => "wrote",
            None => "removed",
        };
        lines.push(format!("{verb} {}\n", change.path.display()));
        if let Some(backup) = backup {
            lines.push(format!("kept the old one as {}\n", backup.display()));
            backups.insert(change.path.clone(), backup);
        }
    };
    let applied = units.apply(plan, written).await;
    output.success(&lines.concat())?;
    applied?;
    for (verb, units) in jobs(plan) {
        output.success(&format!("{verb}d {}\n", units.join(", ")).replace("stopd", "stopped"))?;
    }
    Ok(backups)
}

fn jobs(plan: &InstallPlan) -> impl Iterator<Item = (&'static str, &[String])> {
    let all = [
        ("enable", plan.enable.as_slice()),
        ("disable", plan.disable.as_slice()),
        ("stop", plan.stop.as_slice()),
    ];
    all.into_iter().filter(|(_, units)| !units.is_empty())
}

fn print(
    session: &Session,
    units: &UnitFiles,
    plan: &InstallPlan,
    dry_run: bool,
    backups: &BTreeMap<PathBuf, PathBuf>,
    linger: Option<&Linger>,
) -> Answered {
    if session.output.is_json() {
        session.output.document(&Document::new(Installed {
            folder: units.folder(),
            written: !dry_run && !plan.is_empty(),
            changes: plan
                .changes
                .iter()
                .map(|change| Changed::new(change, backups.get(&change.path).cloned()))
                .collect(),
            enabled: &plan.enable,
            disabled: &plan.disable,
            stopped: &plan.stop,
            linger,
            warnings: &plan.warnings,
        }))?;
    }
    Ok(Answer::Done)
}

fn absolute(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|error| {
        Error::invalid_argument(format!("cannot find {}", path.display())).with_source(error)
    })
}

/// The PATH of the user's log-in shell, and what this shell has besides: programs of agents live in
/// folders that the service manager does not know.
fn captured_path(environment: &BTreeMap<String, String>) -> String {
    let own = environment.get("PATH").map_or("", String::as_str);
    let login = login_path(environment).unwrap_or_default();
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in env::split_paths(&login).chain(env::split_paths(own)) {
        if folder.is_absolute() && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let all = env::join_paths(folders).unwrap_or_default();
    all.into_string().unwrap_or_else(|_| own.to_owned())
}

/// What the log-in shell says; nothing where it says nothing in time.
fn login_path(environment: &BTreeMap<String, String>) -> Option<String> {
    const MARK: &str = "mosaic-path:";
    let shell = environment.get("SHELL").filter(|shell| !shell.is_empty())?;
    // To a file: what a profile leaves in the background would keep a pipe open.
    let said = tempfile::NamedTempFile::new().ok()?;
    let status = Command::new("timeout")
        .arg(SHELL.as_secs().to_string())
        .args([shell, "-l", "-c", &format!("echo \"{MARK}$PATH\"")])
        .stdin(Stdio::null())
        .stdout(said.reopen().ok()?)
        .stderr(Stdio::null())
        .status();
    status.ok()?;
    let text = fs::read_to_string(said.path()).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(MARK))?;
    Some(line.to_owned())
}
