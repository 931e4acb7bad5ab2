//! A home folder and a tmux server of one test's own. The server goes when it is dropped.

use std::fmt::Debug;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The built binary.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_mosaic-fleet");

/// A harmless command for any agent: a shell without anybody's start files.
pub(crate) const SHELL: &str = "bash --norc --noprofile -i";

pub(crate) struct Home {
    folder: TempDir,
}

/// What a run of the binary came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mfc-").tempdir().unwrap();
        for name in ["home", "tmp", "tmux", "run", "config", "state", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let home = Home { folder };
        // Nobody's hosts, keys or configuration are ever used.
        let ssh = home.write(
            "ssh.sh",
            "#!/bin/sh\necho 'ssh: connect to host nowhere port 22: Connection refused' >&2\nexit 255\n",
        );
        home.program("bin/ssh", ssh);
        home
    }

    /// With this roster.
    pub(crate) fn with_roster(text: &str) -> Self {
        let home = Home::new();
        home.write("mosaic/fleet/roster.yaml", text);
        home
    }

    /// With agents that run shells, of these names.
    pub(crate) fn with_shells(names: &[&str]) -> Self {
        let mut text =
            format!("version: 1\ndefaults: {{ runtime: shell, command: \"{SHELL}\" }}\nagents:\n");
        for name in names {
            text.push_str(&format!("  - {{ name: {name}, class: worker }}\n"));
        }
        Home::with_roster(&text)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; `mosaic/…` is $MOSAIC_HOME.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = match name.strip_prefix("mosaic/") {
            Some(rest) => self.mosaic().join(rest),
            None => self.path(name),
        };
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Makes a program of a file. Another process writes it: what this one has open for writing while
    /// another test forks cannot be run.
    pub(crate) fn program(&self, name: &str, from: impl AsRef<Path>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut install = self.command("install");
        install.args(["-m", "755"]).arg(from.as_ref()).arg(&path);
        assert!(install.status().unwrap().success());
        path
    }

    /// `$MOSAIC_HOME`: where a process in an agent's terminal finds it as well.
    pub(crate) fn mosaic(&self) -> PathBuf {
        self.path("config").join("mosaic")
    }

    pub(crate) fn roster(&self) -> PathBuf {
        self.mosaic().join("fleet/roster.yaml")
    }

    /// The socket of the test's own server.
    pub(crate) fn socket(&self) -> String {
        self.path("s").display().to_string()
    }

    /// A command in this home, with nothing of the environment but what is needed.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let bin = Path::new(PROGRAM).parent().unwrap().display();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env_clear()
            .current_dir(self.path("work"))
            .env(
                "PATH",
                format!("{}:{bin}:{path}", self.path("bin").display()),
            )
            .env("SHELL", "/bin/sh")
            .env("LANG", "C.UTF-8")
            .env("MOSAIC_HOME", self.mosaic())
            .env("MOSAIC_TMUX_SOCKET", self.socket());
        for (key, name) in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("TMUX_TMPDIR", "tmux"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
        ] {
            command.env(key, self.path(name));
        }
        command
    }

    /// The binary with arguments.
    pub(crate) fn fleet(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(PROGRAM);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.fleet(arguments).output().unwrap())
    }

    /// Runs it, and all must be well.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:#?}");
        ran
    }

    pub(crate) fn run_with_stdin(&self, arguments: &[&str], text: &str) -> Ran {
        let mut command = self.fleet(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        Ran::of(child.wait_with_output().unwrap())
    }

    /// tmux on the test's own server, as a person would.
    pub(crate) fn tmux(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command("tmux");
        command.args(["-u", "-S", &self.socket()]).args(arguments);
        Ran::of(command.stdin(Stdio::null()).output().unwrap())
    }

    /// Waits until an agent shows `text`.
    pub(crate) fn shows(&self, agent: &str, text: &str) -> String {
        until(&format!("{agent} shows {text:?}"), || {
            let shown = self.ok(&["agent", "tail", agent]).out;
            if shown.contains(text) {
                Ok(shown)
            } else {
                Err(shown)
            }
        })
    }
}

/// Asks again until `ask` has an answer; what it had instead is in the panic of a wait without end.
pub(crate) fn until<T, E: Debug>(what: &str, mut ask: impl FnMut() -> Result<T, E>) -> T {
    let begin = Instant::now();
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(instead) => assert!(
                begin.elapsed() < Duration::from_secs(60),
                "not so within a minute: {what}, but {instead:#?}"
            ),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.path("s").exists() {
            self.tmux(&["-N", "kill-server"]);
        }
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        let mut documents = serde_json::Deserializer::from_str(&self.out).into_iter::<Value>();
        let document = documents
            .next()
            .unwrap_or_else(|| panic!("no document: {self:#?}"));
        let document = document.unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        assert!(
            documents.next().is_none(),
            "more than one document: {self:#?}"
        );
        document
    }

    /// The code and a word of the error for people, which tells what to do as well.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not said: {self:#?}");
        }
    }
}
