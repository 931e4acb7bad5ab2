//! A tmux server of a test's own, with scripted agents on it. Everything goes when it is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use std::{env, fs, io};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::conformance::AGENTS;
use super::scripted_agent::{Entry, Script, Style, read_log};
use crate::agent::AgentName;
use crate::error::Result;
use crate::runtime::process::pid_of;
use crate::runtime::{Catalog, Launch};
use crate::transport::tmux::{Socket, Timing, TmuxConfig, TmuxTransport};

/// The text that keeps an agent at work until it is interrupted.
const WORK: &str = "work until you are stopped";

/// The text that has an agent ask a question.
const ASK: &str = "ask me something";

/// How long a test's server may take for a step.
const LIMIT: Duration = Duration::from_secs(60);

/// The steps of a send in tests against scripted agents, which answer within milliseconds.
pub const TEST_TIMING: Timing = Timing::new(
    Duration::from_millis(1000),
    Duration::from_millis(2500),
    Duration::from_millis(300),
    Duration::from_millis(2500),
    Duration::from_secs(3),
);

/// A private tmux server, a home folder and scripted agents.
#[derive(Debug)]
pub struct TmuxFixture {
    folder: TempDir,
    /// The transport's configuration, for changes before a transport is made of it.
    pub config: TmuxConfig,
    agent_program: PathBuf,
}

impl TmuxFixture {
    /// A fixture whose agents run `agent_program` (the `scripted-agent` binary). No server yet.
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn new(agent_program: impl Into<PathBuf>) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("mf-")
            .tempdir()
            .map_err(|error| crate::Error::unavailable("no temporary folder").with_source(error))?;
        let path = |name: &str| {
            let path = folder.path().join(name);
            let _ = fs::create_dir_all(&path);
            path.display().to_string()
        };
        let mut environment = BTreeMap::from([
            ("HOME".to_owned(), path("home")),
            ("XDG_RUNTIME_DIR".to_owned(), path("run")),
            ("XDG_CONFIG_HOME".to_owned(), path("config")),
            ("XDG_STATE_HOME".to_owned(), path("state")),
            ("TMPDIR".to_owned(), path("tmp")),
            ("TMUX_TMPDIR".to_owned(), path("tmux")),
            ("SHELL".to_owned(), "/bin/sh".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ]);
        environment.insert("PATH".to_owned(), env::var("PATH").unwrap_or_default());
        let mut config = TmuxConfig::new(Socket::name("test")?, environment)?;
        config.catalog = Catalog::shipped()?.with_overrides(&manifests())?;
        config.timing = TEST_TIMING;
        config.size = (100, 30);
        config.host = "here".to_owned();
        Ok(TmuxFixture {
            folder,
            config,
            agent_program: agent_program.into(),
        })
    }

    /// Names the agents' program anew: one that is in the fixture's own folder, for example.
    #[must_use]
    pub fn with_agent_program(mut self, agent_program: impl Into<PathBuf>) -> Self {
        self.agent_program = agent_program.into();
        self
    }

    /// The fixture's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A transport that keeps no connection.
    pub fn one_shot(&self) -> TmuxTransport {
        TmuxTransport::one_shot(self.config.clone())
    }

    /// A transport that keeps a connection.
    pub fn connected(&self) -> TmuxTransport {
        TmuxTransport::connect(self.config.clone())
    }

    /// Starts a scripted agent, and the server before the first.
    ///
    /// # Errors
    /// As starting a session.
    pub async fn start(&self, name: &str, script: &Script) -> Result<()> {
        let mut script = script.clone();
        script.log = Some(self.log_path(name));
        let program = self.agent_program.display().to_string();
        let command = [program, "--script".to_owned(), script.to_json()];
        let runtime = match script.style {
            Style::Line => "scripted-line",
            Style::Box if script.stash => "scripted-stash",
            Style::Box => "scripted-box",
        };
        self.start_command(name, runtime, &command).await
    }

    /// Starts any program as an agent.
    ///
    /// # Errors
    /// As starting a session.
    pub async fn start_command(&self, name: &str, runtime: &str, command: &[String]) -> Result<()> {
        let transport = self.one_shot();
        transport.ensure_server(LIMIT).await?;
        let folder = self.folder.path();
        let launch = Launch::new(AgentName::new(name)?, runtime, command.to_vec(), folder)
            .with_environment([("MOSAIC_AGENT_NAME".to_owned(), name.to_owned())]);
        transport.start_session(&launch, LIMIT).await
    }

    fn log_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    /// What an agent logged.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self, name: &str) -> io::Result<Vec<Entry>> {
        read_log(self.log_path(name))
    }

    /// The texts an agent took, in order.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn took(&self, name: &str) -> io::Result<Vec<String>> {
        let taken = |entry| match entry {
            Entry::Took { text, .. } => Some(text),
            _ => None,
        };
        Ok(self.log(name)?.into_iter().filter_map(taken).collect())
    }

    /// Waits until the agent's log says that it is ready.
    ///
    /// # Errors
    /// When it is not within twenty seconds.
    pub async fn ready(&self, name: &str) -> io::Result<()> {
        self.logged(name, |entry| *entry == Entry::Ready).await
    }

    /// Waits until an agent has logged an entry: the log is a file of another process, which tells
    /// no events.
    ///
    /// # Errors
    /// When it has not within twenty seconds.
    pub async fn logged(
        &self,
        name: &str,
        wanted: impl Fn(&Entry) -> bool + Send + Sync,
    ) -> io::Result<()> {
        let wait = async {
            while !self.log(name)?.iter().any(&wanted) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok(())
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| {
            Err(io::Error::other(format!(
                "{name} logged nothing of the kind"
            )))
        })
    }

    /// Puts an agent's terminal into copy mode, as a person who scrolls back does; but never in the
    /// microseconds in which that would end tmux 3.3a (see the transport's gate).
    ///
    /// # Errors
    /// When tmux cannot be run.
    pub async fn scroll_back(&self, name: &str) -> Result<()> {
        self.one_shot().scroll_back(&AgentName::new(name)?).await
    }

    /// Starts four agents as the conformance suite wants them, and waits until they are ready.
    ///
    /// # Errors
    /// As starting them.
    pub async fn start_for_conformance(&self, mut script: Script) -> Result<()> {
        // As real programs do; nothing could draw a megabyte otherwise.
        script.collapse_over_chars = 2000;
        script.endless_turn = Some(WORK.to_owned());
        script.dialog_on_text = Some(ASK.to_owned());
        script.reset_command = Some("/clear".to_owned());
        for name in AGENTS {
            self.start(name, &script).await?;
        }
        for name in AGENTS {
            let ready = self.ready(name).await;
            ready.map_err(|error| crate::Error::unavailable("not ready").with_source(error))?;
        }
        Ok(())
    }

    /// The texts that others than a test's own hands had an agent take.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn taken(&self, name: &str) -> io::Result<Vec<String>> {
        let mut taken = self.took(name)?;
        taken.retain(|text| text != WORK && text != ASK);
        Ok(taken)
    }

    /// Has an agent work until it is interrupted, as a person does.
    ///
    /// # Errors
    /// When tmux cannot be run, or the agent does not take it.
    pub async fn make_busy(&self, name: &str) -> io::Result<()> {
        self.type_as_a_person(name, WORK).await
    }

    /// Interrupts what [`make_busy`](TmuxFixture::make_busy) began.
    ///
    /// # Errors
    /// When tmux cannot be run.
    pub fn interrupt(&self, name: &str) -> io::Result<()> {
        let target = format!("={name}:");
        self.tmux_text(&["send-keys", "-t", &target, "Escape"])
            .map(drop)
    }

    /// Has an agent ask a question, as a person does.
    ///
    /// # Errors
    /// When tmux cannot be run, or the agent does not take it.
    pub async fn ask(&self, name: &str) -> io::Result<()> {
        self.type_as_a_person(name, ASK).await
    }

    /// The choices that were taken of an agent's questions, in order.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn answers(&self, name: &str) -> io::Result<Vec<u8>> {
        let chosen = |entry| match entry {
            Entry::DialogAnswered { choice, .. } => Some(choice),
            _ => None,
        };
        Ok(self.log(name)?.into_iter().filter_map(chosen).collect())
    }

    /// Ends an agent's program, and waits until its terminal has noticed.
    ///
    /// # Errors
    /// When it logged no start, or tmux cannot be run.
    pub async fn kill_agent(&self, name: &str) -> io::Result<()> {
        let pid = self.log(name)?.into_iter().find_map(|entry| match entry {
            Entry::Started { pid, .. } => Some(pid),
            _ => None,
        });
        let pid = pid
            .and_then(pid_of)
            .ok_or_else(|| io::Error::other("it never started"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
        let ended = format!("{name} 1");
        let panes = ["list-panes", "-a", "-F", "#{session_name} #{pane_dead}"];
        while !self.tmux_text(&panes)?.lines().any(|line| line == ended) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    async fn type_as_a_person(&self, name: &str, text: &str) -> io::Result<()> {
        let took =
            || Ok::<_, io::Error>(self.took(name)?.iter().filter(|one| *one == text).count());
        let before = took()?;
        let target = format!("={name}:");
        self.tmux_text(&["send-keys", "-t", &target, "-l", text])?;
        self.tmux_text(&["send-keys", "-t", &target, "Enter"])?;
        while took()? == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// What a text is after the changes that a receipt reports: see
    /// [`Harness::normalised`](super::conformance::Harness::normalised).
    pub fn normalised(text: &str, changes: &[String]) -> String {
        changes
            .iter()
            .fold(text.to_owned(), |text, change| match change.as_str() {
                "crlf" => text.replace("\r\n", "\n").replace('\r', "\n"),
                "trimmed" => text.trim_end().to_owned(),
                "control" => text
                    .chars()
                    .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                    .collect(),
                // Nothing is like it, so that a comparison fails.
                other => format!("unknown change {other:?}"),
            })
    }

    /// Runs tmux on the fixture's server, as a person would.
    ///
    /// # Errors
    /// When tmux cannot be run.
    pub fn tmux(&self, arguments: &[&str]) -> io::Result<Output> {
        Command::new("tmux")
            .env_clear()
            .envs(&self.config.environment)
            .args(["-N", "-u", "-L", "test"])
            .args(arguments)
            .output()
    }

    /// What [`TmuxFixture::tmux`] prints.
    ///
    /// # Errors
    /// When tmux fails.
    pub fn tmux_text(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.tmux(arguments)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(words));
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }
}

impl Drop for TmuxFixture {
    fn drop(&mut self) {
        let pid = self.tmux_text(&["display-message", "-p", "#{pid}"]);
        let _ = self.tmux(&["kill-server"]);
        // One that has something to tell a client whose reader was killed never ends by itself.
        let pid = pid.ok().and_then(|pid| pid_of(pid.parse().ok()?));
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Manifests of the scripted agent's two styles.
pub fn manifests() -> BTreeMap<String, Value> {
    let common = json!({
        "launch": ["scripted-agent"],
        "processes": ["scripted-agent", "mosaic-fleet"],
        "queues": true,
        "queued": [{"matches": "^  ⎿ Queued: ", "in": "above"}],
        "dialog": [{
            "matches": "^Do you want to proceed\\?$",
            "waiting_for": "permission",
            "words": "Do you want to proceed"
        }],
        "answer": {"choice": "{n}", "deny": "Escape"},
        "collapsed": ["\\[Pastedtext#\\d+(?:\\+\\d+lines)?\\]"],
        "text": {"trim": "end", "command_prefixes": "/!", "refuse_trailing_backslash": true},
        "clear": {"key": "C-u"},
        "reset": {
            "clear": {"command": "/clear", "proof": ["^✓ New session started$"]},
            "new": {"command": "/clear", "proof": ["^✓ New session started$"]}
        }
    });
    let mut line = common.clone();
    line["composer"] = json!({"kind": "prompt", "prompt": "^❯ ", "continuation": "^  "});
    line["busy"] = json!(["^working…$"]);
    line["queues"] = json!(false);
    let mut boxed = common;
    boxed["composer"] = json!({
        "kind": "rules", "top": "^─{3,}", "bottom": "^─{3,}$", "prompt": "^❯ ?",
        "continuation": "^  ", "scrolled": "^─── ↑ \\d+ more"
    });
    boxed["busy"] = json!([{"matches": "^✽ Working…", "in": "above"}]);
    let mut stash = boxed.clone();
    stash["stash"] = json!({"key": "C-s"});
    BTreeMap::from([
        ("scripted-line".to_owned(), line),
        ("scripted-stash".to_owned(), stash),
        ("scripted-box".to_owned(), boxed),
    ])
}
