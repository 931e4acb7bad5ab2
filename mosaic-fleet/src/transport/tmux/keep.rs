//! What whoever keeps agents alive must know of their sessions: which process runs, when and how it
//! ends, whose it is, and who else lives on the server. For `supervise`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::TmuxTransport;
use super::command::{CommandList, command, when};
use super::error::TmuxError;
use super::target::Row;
use crate::agent::{AgentName, ExitStatus};
use crate::error::{ErrorKind, Result};
use crate::options::{StatusOptions, TailOptions};
use crate::runtime::process::{End, is_alive};
use crate::transport::Transport;

/// The pane option that names the unit which keeps an agent.
const UNIT: &str = "@mosaic_unit";

/// The server option which says that an agent's first prompt is somebody's to send, before the
/// agent's name.
const EXPECTED: &str = "@mosaic_expected_";

/// How long whoever said so may take to start the agent.
const FRESH: Duration = Duration::from_secs(120);

/// How many lines of an ended agent are kept for whoever asks why.
const LAST_LINES: usize = 40;

/// How long tmux may take to notice that a program has ended.
const NOTICE: Duration = Duration::from_secs(5);

/// An agent's program, as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) server: u32,
    pub(crate) pid: u32,
    pub(crate) dead: bool,
}

/// How an agent's program came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It exited, or was killed.
    Program(ExitStatus),
    /// Its session was closed, and it with it.
    SessionLost,
    /// The server ended, and it with it.
    ServerLost,
}

impl From<&Row> for Running {
    fn from(row: &Row) -> Self {
        Running {
            server: row.identity.server,
            pid: row.identity.pane_pid,
            dead: row.dead,
        }
    }
}

impl TmuxTransport {
    /// The process that becomes the server, for whoever keeps it in the foreground.
    pub(crate) fn serving(&self) -> Result<std::process::Command> {
        Ok(self.inner.server.serving()?.into_std())
    }

    /// Makes the holder's session on the server that runs, unless it is there.
    pub(crate) async fn hold_server(&self, limit: Duration) -> Result<()> {
        Ok(self.inner.server.hold(limit).await?)
    }

    /// Where the server's socket is.
    pub(crate) fn socket_path(&self) -> std::path::PathBuf {
        self.inner.server.socket_path()
    }

    /// Where this user's other servers have their sockets: beside ours, and where tmux puts them.
    pub(crate) fn socket_folders(&self) -> [std::path::PathBuf; 2] {
        let mut beside = self.socket_path();
        beside.pop();
        [beside, self.inner.server.sockets_folder()]
    }

    /// The agent's program, if it has a session.
    pub(crate) async fn running(&self, name: &AgentName) -> Result<Option<Running>> {
        let row = self.row(name, super::STEP).await?;
        Ok(row.as_ref().map(Running::from))
    }

    /// Waits for the end of an agent's program. One that a person starts anew in the same session
    /// is waited for in its place. Cancel safe.
    pub(crate) async fn ended(&self, name: &AgentName, running: Running) -> Result<Ended> {
        let mut running = running;
        let mut server = End::of(running.server);
        let mut program = End::of(running.pid);
        loop {
            tokio::select! {
                () = program.wait() => {}
                () = server.wait() => {}
            }
            if !is_alive(running.server) {
                return Ok(Ended::ServerLost);
            }
            if is_alive(running.pid) {
                continue;
            }
            let Some(row) = self.row(name, super::STEP).await? else {
                return Ok(match is_alive(running.server) {
                    true => Ended::SessionLost,
                    false => Ended::ServerLost,
                });
            };
            if row.identity.pane_pid == running.pid {
                return self.how(name).await;
            }
            running = Running::from(&row);
            program = End::of(running.pid);
        }
    }

    /// How a program ended of which the process is gone.
    async fn how(&self, name: &AgentName) -> Result<Ended> {
        let dead = async {
            loop {
                let status = self.status(name, StatusOptions::new()).await?;
                let exit = status.exit_status.unwrap_or_default();
                if exit != ExitStatus::default() {
                    return Ok::<_, crate::Error>(exit);
                }
                // tmux is about to hear of it; there is no event for that.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(NOTICE, dead).await {
            Ok(Ok(exit)) => Ok(Ended::Program(exit)),
            Ok(Err(error)) => match error.kind() {
                ErrorKind::AgentNotFound => Ok(Ended::SessionLost),
                ErrorKind::Unavailable => Ok(Ended::ServerLost),
                _ => Err(error),
            },
            Err(_) => Ok(Ended::Program(ExitStatus::default())),
        }
    }

    /// The last lines that an agent showed; none where they cannot be had.
    pub(crate) async fn last_lines(&self, name: &AgentName) -> Vec<String> {
        let tail = self.tail(name, TailOptions::new().with_lines(LAST_LINES));
        let mut lines = tail.await.map(|tail| tail.lines).unwrap_or_default();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        lines
    }

    /// Writes down that a unit keeps this agent.
    pub(crate) async fn mark_kept(&self, name: &AgentName, unit: &str) -> Result<()> {
        let Some(row) = self.row(name, super::STEP).await? else {
            return Err(TmuxError::NoSession(name.to_string()).into());
        };
        let at = row.identity.target();
        let list = CommandList::new([command!["set-option", "-p", "-t", at, UNIT, unit]]);
        self.inner.server.run(&list, super::STEP).await?;
        Ok(())
    }

    /// The unit that keeps an agent, if one does.
    pub(crate) async fn kept_by(&self, name: &AgentName) -> Result<Option<String>> {
        let Some(row) = self.row(name, super::STEP).await? else {
            return Ok(None);
        };
        let at = row.identity.target();
        let same = format!("#{{==:#{{session_name}},{name}}}");
        let show = command![
            "display-message",
            "-p",
            "-t",
            &at,
            format!("unit #{{{UNIT}}}")
        ];
        let list = CommandList::new([when(
            &at,
            &same,
            &CommandList::new([show]),
            &CommandList::default(),
        )]);
        let output = self.inner.server.run(&list, super::STEP).await?;
        let text = String::from_utf8_lossy(&output);
        let unit = text.trim().strip_prefix("unit").unwrap_or_default().trim();
        Ok(Some(unit.to_owned()).filter(|unit| !unit.is_empty()))
    }

    /// The names of the sessions that we started as agents. None where there is no server.
    pub(crate) async fn started_by_us(&self) -> Result<BTreeSet<String>> {
        let rows = match self.inner.server.panes(None, super::STEP).await {
            Err(TmuxError::NoServer { .. }) => Vec::new(),
            rows => rows?,
        };
        let marked = rows
            .into_iter()
            .filter(|row| row.agent == row.identity.session);
        Ok(marked.map(|row| row.agent).collect())
    }

    /// Says to whoever will keep the agent that its first prompt is the caller's to send.
    pub(crate) async fn expect(&self, name: &AgentName) -> Result<()> {
        let option = format!("{EXPECTED}{name}");
        let list = CommandList::new([command!["set-option", "-s", option, now().to_string()]]);
        self.inner.server.run(&list, super::STEP).await?;
        Ok(())
    }

    /// Whether somebody has said so, just now; that is taken back.
    pub(crate) async fn is_expected(&self, name: &AgentName) -> bool {
        let option = format!("{EXPECTED}{name}");
        let list = CommandList::new([
            command!["show-options", "-s", "-v", "-q", &option],
            command!["set-option", "-s", "-u", "-q", &option],
        ]);
        let said = self.inner.server.run(&list, super::STEP).await;
        let said = said.unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().parse::<u64>();
        said.is_ok_and(|said| now().saturating_sub(said) < FRESH.as_secs())
    }

    /// Every program on the server by the name of its session, ours and strangers', and the server.
    pub(crate) async fn everybody(&self) -> Result<(u32, BTreeMap<String, u32>)> {
        let all = self.inner.server.panes(None, super::STEP).await?;
        let server = all.first().map_or(0, |row| row.identity.server);
        let name = |row: &Row| format!("{} {}", row.identity.session, row.identity.pane_id);
        let programs = all.iter().map(|row| (name(row), row.identity.pane_pid));
        Ok((server, programs.collect()))
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
