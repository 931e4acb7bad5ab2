//! One test's fleet: a user of the inner system with an empty home, whose units are gone afterwards,
//! and whose own tmux server must be as it was.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The user that `in-systemd` made, with a manager.
pub(crate) const USER: &str = "mosaictest";
/// The one that it made without.
pub(crate) const STRANGER: &str = "stranger";

/// A shell without anybody's start files.
pub(crate) const SHELL: &str = "bash --norc --noprofile -i";

/// There is one user manager.
static TURN: Mutex<()> = Mutex::new(());

pub(crate) struct Stage {
    pub(crate) user: &'static str,
    uid: u32,
    home: PathBuf,
    mine: String,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Plays a test on an empty stage, and clears it.
pub(crate) fn on_stage(play: impl FnOnce(&Stage)) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Stage::new(USER);
    let played = catch_unwind(AssertUnwindSafe(|| {
        play(&stage);
        assert_eq!(stage.default_server(), stage.mine, "the user's own tmux");
    }));
    if played.is_err() {
        println!(
            "{}",
            stage
                .run("journalctl", &["--user", "-n", "400", "--no-pager"])
                .out
        );
    }
    stage.clear();
    if let Err(panic) = played {
        resume_unwind(panic);
    }
}

impl Stage {
    fn new(user: &'static str) -> Self {
        let line = Ran::of(Command::new("getent").args(["passwd", user])).out;
        let fields: Vec<&str> = line.trim().split(':').collect();
        assert!(
            fields.len() > 6,
            "run this by make test, inside of in-systemd"
        );
        let mut stage = Stage {
            user,
            uid: fields[2].parse().unwrap(),
            home: PathBuf::from(fields[5]),
            mine: String::new(),
        };
        stage.clear();
        for folder in ["bin", "src", ".config/mosaic/fleet/agents"] {
            stage.folder(folder);
        }
        let program = stage.home.join("bin/mosaic-fleet");
        // Never over a file that still runs.
        let _ = fs::remove_file(&program);
        fs::copy(env!("CARGO_BIN_EXE_mosaic-fleet"), &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        // What a person has on tmux, which is nobody's business.
        if stage.run("tmux", &["-N", "list-sessions"]).code != 0 {
            let ran = stage.run(
                "tmux",
                &[
                    "-f",
                    "/dev/null",
                    "new-session",
                    "-d",
                    "-s",
                    "canary",
                    "sleep infinity",
                ],
            );
            assert_eq!(ran.code, 0, "{ran:#?}");
        }
        stage.mine = stage.default_server();
        stage
    }

    /// A user without a manager, and without anything.
    pub(crate) fn stranger(&self) -> Stage {
        let stage = Stage::new(STRANGER);
        for folder in ["bin", "src", ".config/mosaic/fleet"] {
            stage.folder(folder);
        }
        stage
    }

    /// The user's manager ends, and comes up as at a boot of the host.
    pub(crate) fn boot(&self) {
        let manager = format!("user@{}.service", self.uid);
        for words in [["reset-failed", &manager], ["restart", &manager]] {
            let ran = Ran::of(Command::new("systemctl").args(words));
            assert_eq!(ran.code, 0, "{words:?}: {ran:#?}");
        }
    }

    fn default_server(&self) -> String {
        let format = "#{pid} #{session_name} #{pane_id} #{pane_pid}";
        self.run("tmux", &["-N", "list-panes", "-a", "-F", format])
            .out
    }

    /// Ends every unit and session of the fleet, and takes all files away.
    fn clear(&self) {
        for words in [
            &[
                "stop",
                "mosaic-agent@*",
                "mosaic-tmux-holder.service",
                "mosaic-tmux-adopted.scope",
            ][..],
            &["reset-failed"],
        ] {
            let mut all = vec!["--user"];
            all.extend(words);
            self.run("systemctl", &all);
        }
        self.tmux(&["kill-server"]);
        for entry in fs::read_dir(&self.home).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        self.run("systemctl", &["--user", "daemon-reload"]);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// A folder of the user's, with those above it.
    pub(crate) fn folder(&self, name: &str) {
        let mut path = self.home.clone();
        for part in Path::new(name) {
            path.push(part);
            let _ = fs::create_dir(&path);
            chown(&path, Some(self.uid), Some(self.uid)).unwrap();
        }
    }

    /// A file of the user's.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home.join(name);
        if let Some(folder) = Path::new(name).parent() {
            self.folder(folder.to_str().unwrap());
        }
        fs::write(&path, text).unwrap();
        chown(&path, Some(self.uid), Some(self.uid)).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.join(name)).unwrap_or_default()
    }

    pub(crate) fn roster(&self, agents: &str) {
        let text = format!(
            "version: 1\ndefaults: {{ runtime: shell, command: \"{SHELL}\", working_directory: ~/src }}\n\
             agents:\n{agents}"
        );
        self.write(".config/mosaic/fleet/roster.yaml", &text);
    }

    /// Shells of these names.
    pub(crate) fn shells(&self, names: &[&str]) {
        let lines = names.iter().map(|name| format!("  - {{ name: {name} }}\n"));
        self.roster(&lines.collect::<String>());
    }

    /// A command of the user, with nothing of the environment but what a log-in gives.
    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let id = self.uid.to_string();
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                &id,
                "--regid",
                &id,
                "--init-groups",
                "--",
                program,
            ])
            .args(words)
            .env_clear()
            .env("HOME", &self.home)
            .env("USER", self.user)
            .env("LOGNAME", self.user)
            .env("SHELL", "/bin/sh")
            .env("LANG", "C.UTF-8")
            .env("XDG_RUNTIME_DIR", format!("/run/user/{id}"))
            .env("PATH", format!("{}/bin:/usr/bin:/bin", self.home.display()))
            .current_dir("/")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(program, words))
    }

    /// A script, in the home folder, up to the first command that fails.
    pub(crate) fn shell(&self, script: &str) -> Ran {
        Ran::of(self.command("sh", &["-ec", script]).current_dir(&self.home))
    }

    /// The binary, whatever comes of it.
    pub(crate) fn fleet(&self, words: &[&str]) -> Ran {
        let program = self.home.join("bin/mosaic-fleet");
        self.run(program.to_str().unwrap(), words)
    }

    /// The binary, and all must be well.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> Ran {
        let ran = self.fleet(words);
        assert_eq!(ran.code, 0, "{words:?}: {ran:#?}");
        ran
    }

    #[track_caller]
    pub(crate) fn systemctl(&self, words: &[&str]) -> String {
        let mut all = vec!["--user"];
        all.extend(words);
        let ran = self.run("systemctl", &all);
        assert_eq!(ran.code, 0, "{words:?}: {ran:#?}");
        ran.out
    }

    /// A property of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.systemctl(&["show", "--property", name, "--value", unit]);
        shown.trim().to_owned()
    }

    /// tmux on the fleet's socket, as a person would.
    pub(crate) fn tmux(&self, words: &[&str]) -> Ran {
        let mut all = vec!["-N", "-u", "-L", "mosaic-factory"];
        all.extend(words);
        self.run("tmux", &all)
    }

    /// The server's process.
    pub(crate) fn server(&self) -> Option<u32> {
        let ran = self.tmux(&["display-message", "-p", "#{pid}"]);
        ran.out.trim().parse().ok().filter(|_| ran.code == 0)
    }

    /// The first process of each session.
    pub(crate) fn programs(&self) -> BTreeMap<String, u32> {
        let ran = self.tmux(&["list-panes", "-a", "-F", "#{session_name} #{pane_pid}"]);
        let pair = |line: &str| {
            let mut words = line.split(' ');
            let (name, pid) = (words.next()?, words.next_back()?);
            Some((name.to_owned(), pid.parse().ok()?))
        };
        ran.out.lines().filter_map(pair).collect()
    }

    /// What `status` says, agent by agent.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let document = self.fleet(&["status", "--json"]).json();
        let agents = document["agents"].as_array().cloned().unwrap_or_default();
        let pair = |agent: &Value| {
            let word = |key: &str| agent[key].as_str().unwrap_or_default().to_owned();
            (word("name"), word("state"))
        };
        agents.iter().map(pair).collect()
    }

    /// Waits until every agent of the fleet is idle.
    #[track_caller]
    pub(crate) fn all_idle(&self, names: &[&str]) {
        until("all are idle", || {
            let states = self.states();
            let idle = |name: &&str| states.get(*name).is_some_and(|state| state == "idle");
            match names.iter().all(idle) {
                true => Ok(()),
                false => Err(states),
            }
        });
    }

    /// One agent of `status --json`.
    pub(crate) fn agent(&self, name: &str) -> Value {
        let document = self.fleet(&["status", name, "--json"]).json();
        document["agents"][0].clone()
    }

    /// Installs, enables and starts shells of these names.
    #[track_caller]
    pub(crate) fn up(&self, names: &[&str]) {
        self.shells(names);
        self.ok(&["install-systemd", "--enable"]);
        self.ok(&["start"]);
        self.all_idle(names);
    }

    /// Types a command into an agent's shell.
    #[track_caller]
    pub(crate) fn tell(&self, agent: &str, text: &str) {
        self.ok(&[
            "agent",
            "send",
            agent,
            "--no-preamble",
            "--wait",
            "20s",
            "-m",
            text,
        ]);
    }
}

impl Stage {
    /// Types what ends an agent, as a person would: no send could prove that it was taken.
    #[track_caller]
    pub(crate) fn leave(&self, agent: &str, text: &str) {
        let at = format!("={agent}:");
        let ran = self.tmux(&["send-keys", "-t", &at, text, "Enter"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
    }
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The code, and words for people.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is not said: {self:#?}");
        }
    }
}

/// Asks again until `ask` has an answer; what it had instead is in the panic.
#[track_caller]
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
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a process.
pub(crate) fn kill(pid: u32) {
    let ran = Ran::of(Command::new("kill").args(["-9", &pid.to_string()]));
    assert_eq!(ran.code, 0, "{ran:#?}");
}

pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map_or("", |(_, rest)| rest.trim());
    !state.is_empty() && !state.starts_with('Z')
}
