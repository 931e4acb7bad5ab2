//! The life of an agent's session: started with its own environment, stopped with its processes.
//! For `supervise`; a transport does not start or stop anything.

use std::path::Path;
use std::time::Duration;

use super::TmuxTransport;
use super::command::{CommandList, command, literal, when};
use super::control::{Control, within};
use super::ear::log_of;
use super::error::TmuxError;
use super::gate::Passage;
use super::remote::shown_there;
use super::target::{Row, pane_of};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::events::EVENTS_VARIABLE;
use crate::runtime::Launch;
use crate::runtime::process::{End, is_alive, pid_of};
use rustix::process::{Signal, kill_process_group};

/// What the server is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerState {
    pub(crate) pid: u32,
    pub(crate) version: String,
    /// The holder's session is there.
    pub(crate) held: bool,
    /// Who started it, where that was one of us: `plain` or `systemd`.
    pub(crate) keeper: String,
}

/// How often a server is asked again that ended when it was asked.
const ASKED_AGAIN: usize = 5;

impl TmuxTransport {
    /// Starts the server and its holder unless they run.
    pub(crate) async fn ensure_server(&self, limit: Duration) -> Result<()> {
        Ok(self.inner.server.start(limit).await?)
    }

    /// The server, if one answers.
    pub(crate) async fn server_state(&self, limit: Duration) -> Result<Option<ServerState>> {
        let holder = &self.config().holder;
        let list = CommandList::new([
            command![
                "display-message",
                "-p",
                "#{pid} #{version} #{@mosaic_keeper}"
            ],
            command!["list-sessions", "-F", "#{session_name}"],
        ]);
        let mut asked = self.inner.server.run(&list, limit).await;
        for _ in 0..ASKED_AGAIN {
            // The server ended under the question, or is about to: is there one?
            if !matches!(asked, Err(TmuxError::Lost)) {
                break;
            }
            asked = self.inner.server.run(&list, limit).await;
        }
        let output = match asked {
            Ok(output) => String::from_utf8_lossy(&output).into_owned(),
            Err(TmuxError::NoServer { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut lines = output.lines();
        let mut words = lines.next().unwrap_or_default().splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (pid, version, keeper) = (word(), word(), word());
        Ok(Some(ServerState {
            pid: pid
                .parse()
                .map_err(|_| TmuxError::Protocol("no process id".to_owned()))?,
            version,
            held: lines.any(|name| name == holder),
            keeper,
        }))
    }

    /// The server as files and messages call it, with its host where that is another one.
    pub(crate) fn instance(&self) -> String {
        self.config().label()
    }

    /// The version of the `tmux` program.
    pub(crate) async fn program_version(&self, limit: Duration) -> Result<String> {
        Ok(self.inner.server.program_version(limit).await?)
    }

    pub(super) async fn row(&self, name: &AgentName, limit: Duration) -> Result<Option<Row>> {
        let filter = format!("#{{==:#{{session_name}},{name}}}");
        match self.inner.server.panes(Some(&filter), limit).await {
            Ok(rows) => Ok(pane_of(&rows, name.as_str()).cloned()),
            Err(TmuxError::NoServer { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Starts an agent. The environment travels over a connection, not through arguments that
    /// everyone on the host can read.
    pub(crate) async fn start_session(&self, launch: &Launch, limit: Duration) -> Result<()> {
        let is_here = self.config().remote.is_none();
        if is_here {
            check_directory(&launch.directory)?;
        }
        let deadline = within(limit);
        let config = self.config();
        let holder = format!("={}:", config.holder);
        let (width, height) = config.size;
        let name = launch.name.as_str();
        let directory = literal(&launch.directory.display().to_string());
        let mut new = command![
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{session_id} #{pane_id}",
            "-s",
            name,
            "-n",
            name,
            "-x",
            width.to_string(),
            "-y",
            height.to_string(),
            "-c",
            directory
        ];
        let events = match is_here {
            true => Some(self.event_log(name)?),
            // Of another host's log nothing is heard here.
            false => None,
        };
        for (key, value) in launch.environment.iter().chain(&events) {
            new = new.word("-e").word(format!("{key}={value}"));
        }
        new = new.word("--");
        for word in argv(&launch.command) {
            new = new.word(word);
        }
        let at = format!("={name}:");
        let list = CommandList::new([
            new,
            command!["set-option", "-w", "-t", &at, "remain-on-exit", "on"],
            command!["set-option", "-w", "-t", &at, "automatic-rename", "off"],
            command!["set-option", "-w", "-t", &at, "allow-rename", "off"],
            command![
                "resize-window",
                "-t",
                &at,
                "-x",
                width.to_string(),
                "-y",
                height.to_string()
            ],
            command!["set-option", "-p", "-t", &at, "@mosaic_agent", name],
            command![
                "set-option",
                "-p",
                "-t",
                &at,
                "@mosaic_runtime",
                &launch.runtime
            ],
        ]);
        let control = Control::attach(&self.inner.server, &holder, false, deadline).await?;
        let blocks = control.request_quietly(&[list], deadline).await;
        control.close().await;
        let blocks = blocks?;
        let failed = blocks.iter().find(|block| !block.ok);
        if let Some(failed) = failed {
            return Err(TmuxError::Refused(failed.text()).into());
        }
        Ok(())
    }

    /// Begins an agent's log, and says where it is to the agent.
    fn event_log(&self, name: &str) -> Result<(String, String)> {
        let events = log_of(&self.inner.server, name)?;
        // Without a log the program is read by its screen alone.
        if let Err(error) = events.begin() {
            tracing::warn!(agent = name, %error, "no event log");
        }
        let path = events.path().display().to_string();
        Ok((EVENTS_VARIABLE.to_owned(), path))
    }

    /// Stops an agent by its whole name: closes its session, waits for its program to end, and
    /// ends what ignores that. False if there was none.
    pub(crate) async fn stop_session(&self, name: &AgentName, grace: Duration) -> Result<bool> {
        let Some(row) = self.row(name, grace.max(super::STEP)).await? else {
            return Ok(false);
        };
        let session = format!("{}:", row.identity.session_id);
        let same = format!("#{{==:#{{session_name}},{name}}}");
        let kill = CommandList::new([command!["kill-session", "-t", &session]]);
        let list = CommandList::new([when(&session, &same, &kill, &CommandList::default())]);
        let pid = row.identity.pane_pid;
        let is_here = self.config().remote.is_none();
        // This host's process of that number is another one.
        let mut end = match is_here {
            true => End::of(pid),
            false => End::elsewhere(),
        };
        {
            let _passage = self.gate().await?;
            let watchers = self.clients_of(&session).await?;
            self.inner.server.run_quietly(&list, super::STEP).await?;
            self.gone(&watchers).await?;
        }
        if row.dead || pid == 0 {
            return Ok(true);
        }
        if !is_here {
            self.inner.server.see_out(pid, grace).await?;
            return Ok(true);
        }
        let ended = tokio::time::timeout(grace, async {
            while is_alive(pid) {
                end.wait().await;
            }
        });
        if ended.await.is_err() {
            // It ignores the hang-up. Its first process leads a group of its own.
            if let Some(group) = pid_of(pid) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        Ok(true)
    }

    /// Puts an agent's pane into copy mode. For tests.
    #[cfg(feature = "testing")]
    pub(crate) async fn scroll_back(&self, name: &AgentName) -> Result<()> {
        let list = CommandList::new([command!["copy-mode", "-t", format!("={name}:")]]);
        self.inner.server.run_quietly(&list, super::STEP).await?;
        Ok(())
    }

    /// Waits at the gate of the server's clients.
    async fn gate(&self) -> Result<Passage> {
        Ok(self.inner.server.gate().enter().await?)
    }

    async fn clients_of(&self, session: &str) -> Result<Vec<String>, TmuxError> {
        let list = CommandList::new([command![
            "list-clients",
            "-t",
            session,
            "-F",
            "#{client_name}"
        ]]);
        match self.inner.server.run(&list, super::STEP).await {
            Ok(output) => Ok(lines(&output)),
            Err(TmuxError::NoSession(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Waits until clients that lost their session have gone: each tells all others.
    async fn gone(&self, clients: &[String]) -> Result<(), TmuxError> {
        let list = CommandList::new([command!["list-clients", "-F", "#{client_name}"]]);
        let limit = within(Duration::from_secs(1));
        while !clients.is_empty() && tokio::time::Instant::now() < limit {
            let there = lines(&self.inner.server.run(&list, super::STEP).await?);
            if !clients.iter().any(|client| there.contains(client)) {
                break;
            }
        }
        Ok(())
    }

    /// Closes the holder and, with it gone and no other session left, the server.
    pub(crate) async fn stop_server(&self) -> Result<()> {
        let holder = format!("={}", self.config().holder);
        let list = CommandList::new([command!["kill-session", "-t", holder]]);
        let _passage = self.gate().await?;
        match self.inner.server.run_quietly(&list, super::STEP).await {
            Ok(_) | Err(TmuxError::NoServer { .. } | TmuxError::NoSession(_) | TmuxError::Lost) => {
            }
            Err(error) => return Err(error.into()),
        }
        let sessions = CommandList::new([command!["list-sessions", "-F", "#{session_name}"]]);
        match self.inner.server.run(&sessions, super::STEP).await {
            Ok(output) if output.is_empty() => {
                let kill = CommandList::new([command!["kill-server"]]);
                match self.inner.server.run(&kill, super::STEP).await {
                    Ok(_) | Err(TmuxError::NoServer { .. } | TmuxError::Lost) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The program and arguments that put a person before the agent's terminal.
    pub(crate) fn attach_command(&self, name: &AgentName) -> Vec<std::ffi::OsString> {
        let config = self.config();
        if let Some(remote) = &config.remote {
            let target = format!("={name}");
            let words = ["attach-session", "-E", "-t", &target];
            return shown_there(remote, &self.inner.server.client_words(words));
        }
        let mut command: Vec<std::ffi::OsString> = vec![config.program.clone().into()];
        command.extend(["-N", "-u"].map(Into::into));
        command.extend(config.socket.arguments());
        command.extend(["attach-session", "-E", "-t"].map(Into::into));
        command.push(format!("={name}").into());
        command
    }
}

fn lines(output: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(output);
    text.lines().map(str::to_owned).collect()
}

/// tmux would silently use another folder.
fn check_directory(directory: &Path) -> Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    Err(
        Error::config_invalid(format!("no working directory {}", directory.display()))
            .with_hint("make it, or change `working_directory` in the roster"),
    )
}

/// tmux runs several words as they are, and one word through a shell.
fn argv(command: &[String]) -> Vec<String> {
    match command {
        [one] => ["/bin/sh", "-c", "exec \"$0\"", one]
            .map(str::to_owned)
            .to_vec(),
        words => words.to_vec(),
    }
}
