//! The floors: tmux itself, as a process and over a control-mode pipe, with nothing around it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

/// The fields that a status reads, as `transport/tmux/target.rs` asks for them.
pub(crate) const FIELDS: &str = "#{session_name}\t#{session_id}\t#{pane_id}\t#{pid}\t#{start_time}\t\
    #{pane_pid}\t#{window_index}\t#{pane_index}\t#{pane_dead}\t#{pane_dead_status}\t\
    #{pane_dead_signal}\t#{pane_dead_time}\t#{window_activity}\t#{session_created}\t\
    #{@mosaic_agent}\t#{@mosaic_runtime}";

/// How a process reaches the stage's tmux server.
#[derive(Debug, Clone)]
pub(crate) struct Tmux {
    pub(crate) environment: BTreeMap<String, String>,
}

impl Tmux {
    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env_clear().envs(&self.environment);
        command.args(["-N", "-u", "-L", "test"]);
        command
    }

    /// One process; what it printed.
    pub(crate) fn process<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Vec<u8>> {
        let output = self.command().args(arguments).output()?;
        if !output.status.success() {
            bail!("tmux: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(output.stdout)
    }

    /// A control-mode client on a session (an id or an exact name), which hears its output or not.
    /// Never while another comes or goes: tmux 3.3a would die of it.
    pub(crate) fn attach(&self, target: &str, output: bool) -> Result<Client> {
        let flags = if output {
            "ignore-size"
        } else {
            "ignore-size,no-output"
        };
        let mut child = self
            .command()
            .args(["-C", "attach-session", "-E", "-f", flags, "-t", target])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut client = Client {
            stdin: child.stdin.take().context("no stdin")?,
            stdout: BufReader::with_capacity(64 * 1024, child.stdout.take().context("no stdout")?),
            child,
            line: Vec::new(),
            heard: 0,
        };
        while !client.line()?.starts_with(b"%session-changed") {}
        Ok(client)
    }
}

/// A raw control-mode client.
#[derive(Debug)]
pub(crate) struct Client {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    line: Vec<u8>,
    /// Pieces of output so far.
    heard: usize,
}

impl Client {
    /// The next line, within ten seconds.
    fn line(&mut self) -> Result<&[u8]> {
        if self.stdout.buffer().is_empty() {
            let mut ready = [PollFd::new(self.stdout.get_ref(), PollFlags::IN)];
            let limit = Timespec {
                tv_sec: 10,
                tv_nsec: 0,
            };
            // The end of a child interrupts it.
            let said = retry_on_intr(|| poll(&mut ready, Some(&limit)))?;
            if said == 0 {
                bail!("tmux says nothing");
            }
        }
        self.line.clear();
        if self.stdout.read_until(b'\n', &mut self.line)? == 0 {
            bail!("tmux is gone");
        }
        if self.line.starts_with(b"%output") || self.line.starts_with(b"%extended-output") {
            self.heard += 1;
        }
        Ok(&self.line)
    }

    /// Writes `lines` and reads their `blocks` replies. Returns the bytes in them.
    pub(crate) fn ask(&mut self, lines: &str, blocks: usize) -> Result<usize> {
        self.stdin.write_all(lines.as_bytes())?;
        let (mut left, mut bytes) = (blocks, 0);
        while left > 0 {
            let line = self.line()?;
            let own = line.ends_with(b" 1\n");
            bytes += line.len();
            if own && line.starts_with(b"%error ") {
                bail!("tmux refused: {lines}");
            }
            left -= usize::from(own && line.starts_with(b"%end "));
        }
        Ok(bytes)
    }

    /// How much output was heard so far.
    pub(crate) fn heard(&self) -> usize {
        self.heard
    }

    /// Waits until more output was heard than `before`.
    pub(crate) fn hear(&mut self, before: usize) -> Result<()> {
        while self.heard <= before {
            self.line()?;
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, which must be a good one.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// A moment for what was set going to come to rest. Never inside a measurement.
pub(crate) async fn rest(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
