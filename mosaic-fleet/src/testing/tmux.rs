//! A tmux server of a test's own, with scripted agents on it. Everything goes when it is dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use std::{env, fs, io};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::scripted_agent::{Entry, Script, Style, read_log};
use crate::agent::AgentName;
use crate::error::Result;
use crate::runtime::{Catalog, Launch};
use crate::transport::tmux::{Socket, Timing, TmuxConfig, TmuxTransport};

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
        let _ = self.tmux(&["kill-server"]);
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
