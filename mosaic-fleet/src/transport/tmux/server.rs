//! The tmux server as processes see it: how a client is started, and the only way a server is.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command as Process;
use tokio::time::{Instant, timeout};

use super::coming::{COMES, SOON, unless_coming};
use super::command::{CommandList, command};
use super::config::TmuxConfig;
use super::error::TmuxError;
pub(crate) use super::private::{private_dirs, private_file};
use super::remote::{own_output, run_there, ssh_error};
use super::target::{Row, list_panes, rows};
use super::there::starting;

/// What of the caller's environment the server, and so every agent, may see.
const HANDED_ON: [&str; 9] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TMPDIR",
    "PATH",
    "SSH_AUTH_SOCK",
    "TZ",
];
const HANDED_ON_PREFIXES: [&str; 2] = ["LC_", "XDG_"];

/// Runs a client whose output is read to its end also when nobody on the other side of the link is left:
/// a server keeps a control client for ever, and does not end either, while it has something to tell
/// it that cannot be written (seen and read in tmux 3.3a, `control_all_done`).
const DRAINED: &str = "\"$@\" | (cat; exec cat >/dev/null)";

/// A way to run tmux on one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) config: Arc<TmuxConfig>,
}

impl Server {
    pub(super) fn new(config: TmuxConfig) -> Self {
        Server {
            config: Arc::new(config),
        }
    }

    /// A client process of this server that runs `words`: our environment and no other, UTF-8, never
    /// one that starts a server (`-N`).
    pub(super) fn client<S: AsRef<str>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Result<Process, TmuxError> {
        if self.config.remote.is_some() {
            return self.there(&self.client_words(words));
        }
        let mut process = self.bare();
        process.args(["-N", "-u"]);
        process.args(self.config.socket.arguments());
        process.args(words.into_iter().map(|word| word.as_ref().to_owned()));
        Ok(process)
    }

    /// A client that stays and is written to. One on another host must not outlive its link.
    pub(super) fn lasting_client<S: AsRef<str>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Result<Process, TmuxError> {
        if self.config.remote.is_none() {
            return self.client(words);
        }
        let drained = ["sh", "-c", DRAINED, "sh"].map(str::to_owned).into_iter();
        let words: Vec<String> = drained.chain(self.client_words(words)).collect();
        self.there(&words)
    }

    pub(super) fn client_words<S: AsRef<str>>(
        &self,
        words: impl IntoIterator<Item = S>,
    ) -> Vec<String> {
        let mut all = ["tmux", "-N", "-u"].map(str::to_owned).to_vec();
        all.extend(self.config.socket.words());
        all.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        all
    }

    /// A process that runs `words` on the server's own host, which is another one.
    pub(super) fn there<S: AsRef<str>>(&self, words: &[S]) -> Result<Process, TmuxError> {
        let mut process = Process::new("ssh");
        self.clean(&mut process);
        if let Some(remote) = &self.config.remote {
            let sockets = self.private_base()?;
            run_there(&mut process, &sockets, remote, words);
        }
        Ok(process)
    }

    /// Runs a program on the server's own host, which is another one, and returns what it printed.
    pub(super) async fn run_there(
        &self,
        words: &[&str],
        limit: Duration,
    ) -> Result<Vec<u8>, TmuxError> {
        self.output(self.there(words)?, limit).await
    }

    fn bare(&self) -> Process {
        let mut process = Process::new(&self.config.program);
        self.clean(&mut process);
        process
    }

    fn clean(&self, process: &mut Process) {
        process.env_clear();
        for (key, value) in &self.config.environment {
            let handed_on = HANDED_ON.contains(&key.as_str())
                || HANDED_ON_PREFIXES.iter().any(|p| key.starts_with(p));
            if handed_on || key == "TMUX_TMPDIR" {
                process.env(key, value);
            }
        }
        process.env("TERM", "xterm-256color");
        process.kill_on_drop(true);
    }

    /// Runs a list of commands in one client process and returns what it printed.
    pub(super) async fn run(
        &self,
        list: &CommandList,
        limit: Duration,
    ) -> Result<Vec<u8>, TmuxError> {
        self.output(self.client(list.arguments())?, limit).await
    }

    /// As [`run`](Self::run), for what notifies all clients of the server: it waits until nobody is
    /// coming.
    pub(super) async fn run_quietly(
        &self,
        list: &CommandList,
        limit: Duration,
    ) -> Result<Vec<u8>, TmuxError> {
        let started = Instant::now();
        let list = unless_coming(list, COMES);
        loop {
            let left = limit.saturating_sub(started.elapsed());
            let output = self.run(&list, left).await?;
            if output.trim_ascii() != COMES.as_bytes() {
                return Ok(output);
            }
            tokio::time::sleep(SOON).await;
        }
    }

    /// Every pane, or those that pass `filter`; none on a server without sessions, which tmux calls
    /// an error.
    pub(super) async fn panes(
        &self,
        filter: Option<&str>,
        limit: Duration,
    ) -> Result<Vec<Row>, TmuxError> {
        match self
            .run(&CommandList::new([list_panes(filter)]), limit)
            .await
        {
            Ok(output) => Ok(rows(&output)),
            Err(TmuxError::Refused(words)) if words.contains("no current target") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn output(&self, process: Process, limit: Duration) -> Result<Vec<u8>, TmuxError> {
        self.output_of(process, &[], limit).await
    }

    /// What a process prints that reads `input`.
    async fn output_of(
        &self,
        mut process: Process,
        input: &[u8],
        limit: Duration,
    ) -> Result<Vec<u8>, TmuxError> {
        let stdin = match input {
            [] => Stdio::null(),
            _ => Stdio::piped(),
        };
        process
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let talk = async {
            let mut child = process.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // One that does not read to the end says why on its way out.
                let _ = stdin.write_all(input).await;
            }
            child.wait_with_output().await
        };
        let output = timeout(limit, talk)
            .await
            .map_err(|_| self.silent(limit))?
            .map_err(|error| self.spawn_error(error))?;
        if output.status.success() && self.config.remote.is_some() {
            Ok(own_output(output.stdout))
        } else if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(self.error(&String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// What a client, or ssh before it, said on its way out.
    pub(super) fn error(&self, words: &str) -> TmuxError {
        let ssh = self.config.remote.as_ref();
        ssh.and_then(|remote| ssh_error(words, remote))
            .unwrap_or_else(|| TmuxError::from_words(words, &self.config.label()))
    }

    /// No answer within `limit`: from another host that is a link which may be dead.
    pub(super) fn silent(&self, limit: Duration) -> TmuxError {
        match &self.config.remote {
            None => TmuxError::Slow(limit),
            Some(remote) => TmuxError::Silent {
                host: remote.to_string(),
                limit,
            },
        }
    }

    /// A process that could not be started.
    pub(super) fn spawn_error(&self, error: io::Error) -> TmuxError {
        match &self.config.remote {
            None => spawn_error(error),
            Some(remote) => TmuxError::Unreached {
                host: remote.to_string(),
                words: format!("cannot run ssh: {error}"),
            },
        }
    }

    /// The version of the `tmux` program, for example `3.3a`.
    pub(super) async fn program_version(&self, limit: Duration) -> Result<String, TmuxError> {
        let process = match self.config.remote {
            Some(_) => self.there(&["tmux", "-V"])?,
            None => {
                let mut process = self.bare();
                process.arg("-V");
                process
            }
        };
        let output = self.output(process, limit).await?;
        let text = String::from_utf8_lossy(&output);
        Ok(text.trim().trim_start_matches("tmux ").to_owned())
    }

    /// Starts the server with our configuration and its holder session, unless it runs. With
    /// [`Server::serving`], the only function of this library that can start a server.
    ///
    /// The limit of open files is raised first, in the child alone: at the limit every new client
    /// would hang without a word.
    pub(super) async fn start(&self, limit: Duration) -> Result<(), TmuxError> {
        let config = &self.config;
        let holder = self.holder_list();
        if config.remote.is_some() {
            let process = self.there(&starting(&config.socket, holder.arguments()))?;
            let configuration = self.configuration("plain");
            return self
                .new_holder(process, configuration.as_bytes(), limit)
                .await;
        }
        let file = self.write_configuration("plain")?;
        let mut process = Process::new("/bin/sh");
        self.clean(&mut process);
        process.args([
            "-c",
            "ulimit -n \"$(ulimit -H -n)\" 2>/dev/null; exec \"$@\"",
            "sh",
        ]);
        process.arg(&config.program);
        process.arg("-u").args(config.socket.arguments());
        process.arg("-f").arg(&file);
        process.args(holder.arguments());
        self.new_holder(process, &[], limit).await
    }

    /// Makes the holder session on a server that runs, unless it is there.
    pub(super) async fn hold(&self, limit: Duration) -> Result<(), TmuxError> {
        let process = self.client(self.holder_list().arguments())?;
        self.new_holder(process, &[], limit).await
    }

    /// The command that makes the holder session.
    fn holder_list(&self) -> CommandList {
        let (width, height) = self.config.size;
        let holder = &self.config.holder;
        CommandList::new([command![
            "new-session",
            "-d",
            "-s",
            holder,
            "-n",
            holder,
            "-c",
            "/",
            "-x",
            width.to_string(),
            "-y",
            height.to_string(),
            "exec sleep infinity"
        ]])
    }

    /// Has `process` make the holder session, unless it is there.
    async fn new_holder(
        &self,
        process: Process,
        input: &[u8],
        limit: Duration,
    ) -> Result<(), TmuxError> {
        let holder = &self.config.holder;
        let has = CommandList::new([command!["has-session", "-t", format!("={holder}")]]);
        if self.run(&has, limit).await.is_ok() {
            return Ok(());
        }
        // Another server of ours may be there without its holder: a new session tells its clients.
        let _passage = self.first_gate()?.enter().await?;
        // Most often there is no server, and nobody to wait for.
        let _ = self.run_quietly(&CommandList::default(), limit).await;
        match self.output_of(process, input, limit).await {
            Ok(_) => Ok(()),
            Err(TmuxError::Refused(words)) if words.contains("duplicate session") => Ok(()),
            Err(TmuxError::Refused(words)) if words.contains("not found") => Err(
                TmuxError::NotInstalled(io::Error::new(io::ErrorKind::NotFound, words)),
            ),
            Err(error) => Err(error),
        }
    }

    /// The process that becomes the server in the foreground, for a service manager to keep.
    pub(super) fn serving(&self) -> Result<Process, TmuxError> {
        let file = self.write_configuration("systemd")?;
        let mut process = self.bare();
        process.arg("-u").args(self.config.socket.arguments());
        process.arg("-f").arg(&file).arg("-D");
        // The lock file of the gate is beside the socket, in a folder that tmux makes.
        drop(self.first_gate()?);
        Ok(process)
    }

    /// `keeper` is who started the server; the server tells it to whoever asks.
    fn write_configuration(&self, keeper: &str) -> Result<PathBuf, TmuxError> {
        let path = self.private_folder()?.join("tmux.conf");
        private_file(&path, self.configuration(keeper).as_bytes()).map_err(|source| {
            TmuxError::File {
                path: path.display().to_string(),
                source,
            }
        })?;
        Ok(path)
    }

    /// What a server of ours is set up by.
    fn configuration(&self, keeper: &str) -> String {
        let config = &self.config;
        let (width, height) = config.size;
        let mut text = format!(
            "# Written by mosaic-fleet at every start of the server; changes are lost.\n\
             # Put your own into a file and name it under `tmux: include:` in the roster.\n\
             set -s exit-empty off\n\
             set -s @mosaic_keeper {keeper}\n\
             set -s exit-unattached off\n\
             set -s escape-time 10\n\
             set -s default-terminal tmux-256color\n\
             set -sa terminal-overrides ',*:Tc'\n\
             set -g destroy-unattached off\n\
             set -g update-environment ''\n\
             set -g history-limit {}\n\
             set -g default-size {width}x{height}\n\
             setw -g remain-on-exit on\n\
             setw -g automatic-rename off\n\
             setw -g allow-rename off\n",
            config.history_limit
        );
        if let (Some(include), Some(_)) = (&config.include, &config.remote) {
            // A file of this host. One that cannot be read is left out, as it is here.
            text.push_str(&std::fs::read_to_string(include).unwrap_or_default());
        } else if let Some(include) = &config.include {
            let include = include.display().to_string();
            text.push_str(&format!(
                "source-file -q {}\n",
                super::command::quoted(&super::command::literal(&include))
            ));
        }
        text
    }
}

pub(super) fn spawn_error(error: io::Error) -> TmuxError {
    if error.kind() == io::ErrorKind::NotFound {
        TmuxError::NotInstalled(error)
    } else {
        TmuxError::Spawn(error)
    }
}
