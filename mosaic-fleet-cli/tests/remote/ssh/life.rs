//! Agents of another host, started and stopped from here: by the roster, with that host's home, folders
//! and PATH, and never in the way of what units there keep.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::manifests;
use serde_json::{Value, json};

use super::sshd::{HOST, Sshd};

/// A user of this host, with a roster of agents on the other one.
struct Far {
    sshd: Sshd,
    roster: PathBuf,
}

impl Far {
    fn new(agents: &Value) -> Self {
        let sshd = Sshd::new();
        let folder = sshd.fixture.folder();
        fs::create_dir_all(folder.join("near")).unwrap();
        let far = Far {
            roster: folder.join("roster.yaml"),
            sshd,
        };
        far.write(agents);
        far
    }

    fn write(&self, agents: &Value) {
        let roster = json!({
            "version": 1, "tmux": {"socket_name": "test"}, "runtimes": manifests(),
            "defaults": {"runtime": "scripted-box"}, "agents": agents,
        });
        fs::write(&self.roster, roster.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let environment = &self.sshd.fixture.config.environment;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mosaic-fleet"));
        command.env_clear().envs(environment);
        // A server of this host would be another one.
        command.env("TMUX_TMPDIR", self.sshd.fixture.folder().join("near"));
        command.arg("--roster").arg(&self.roster).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a call prints as JSON, and how it ended.
    fn json(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let output = self.run(&[arguments, &["--json"]].concat());
        let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
        });
        (document, output.status.code())
    }

    fn home(&self) -> PathBuf {
        PathBuf::from(&self.sshd.fixture.config.environment["HOME"])
    }

    fn pid(&self, agent: &str) -> String {
        let target = format!("={agent}:");
        let words = ["display-message", "-p", "-t", &target, "#{pane_pid}"];
        self.sshd.fixture.tmux_text(&words).unwrap()
    }

    fn state(&self, agent: &str) -> String {
        let (status, _) = self.json(&["status", agent]);
        status["agents"][0]["state"].as_str().unwrap().to_owned()
    }
}

/// The words that run a scripted agent, which there is called `my-agent`.
fn scripted(far: &Far, name: &str) -> Value {
    let mut script = Script::boxed();
    script.log = Some(far.sshd.fixture.folder().join(format!("{name}.log")));
    json!(["my-agent", "--script", script.to_json()])
}

/// Puts the agents' program where only the PATH of a login has it.
fn install(far: &Far) {
    let there = far.home().join("there");
    fs::create_dir_all(&there).unwrap();
    let path = there.join("my-agent");
    let program = env!("CARGO_BIN_EXE_mosaic-fleet");
    fs::write(
        &path,
        format!("#!/bin/sh\nexec {program} demo-agent \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(far.home().join(".config/fish")).unwrap();
    for (file, profile) in [
        (".profile", "PATH=$HOME/there:$PATH; export PATH"),
        (".login", "setenv PATH ${HOME}/there:${PATH}"),
        (".config/fish/config.fish", "set -x PATH $HOME/there $PATH"),
    ] {
        let profile = format!("echo welcome\n{profile}\n");
        fs::write(far.home().join(file), profile).unwrap();
    }
}

#[test]
fn agents_are_started_restarted_and_stopped_on_their_host() {
    let far = Far::new(&json!([]));
    install(&far);
    fs::create_dir_all(far.home().join("work")).unwrap();
    let told = r#"printf '%s|' "$GREETING" "$PWD" "$MOSAIC_AGENT_NAME" "$MOSAIC_TMUX_SOCKET" \
        "${SSH_CONNECTION:-none}" "$(umask)" > ~/told"#;
    let agents = json!([
        {"name": "coder0", "host": HOST, "command": scripted(&far, "coder0"),
         "kickstart_template": "be {{name}}"},
        {"name": "coder1", "host": HOST, "working_directory": "~/work",
         "env": {"GREETING": "it's $HOME #{pid}"}, "runtime": "shell",
         "command": ["sh", "-c", format!("{told}; exec sleep 1000")]},
    ]);
    far.write(&agents);

    assert_eq!(far.state("coder0"), "stopped");
    let (outcomes, code) = far.json(&["start"]);
    assert_eq!(code, Some(0), "{outcomes:#}");
    assert_eq!(far.sshd.fixture.took("coder0").unwrap(), ["be coder0"]);
    assert_eq!(far.state("coder0"), "idle");
    let told = fs::read_to_string(far.home().join("told")).unwrap();
    let work = far.home().join("work").display().to_string();
    let umask = Command::new("sh").args(["-c", "umask"]).output().unwrap();
    let umask = String::from_utf8_lossy(&umask.stdout).trim().to_owned();
    let expected = format!("it's $HOME #{{pid}}|{work}|coder1|test|none|{umask}|");
    assert_eq!(told, expected);
    // Ours, set up as ours: nothing of it is left lying about.
    let option = |words: &[&str]| far.sshd.fixture.tmux_text(words).unwrap();
    assert_eq!(
        option(&["show-options", "-s", "-v", "exit-empty"]).trim(),
        "off"
    );
    assert_eq!(
        option(&["show-options", "-s", "-v", "@mosaic_keeper"]).trim(),
        "plain"
    );
    let temporary = PathBuf::from(&far.sshd.fixture.config.environment["TMPDIR"]);
    let left = fs::read_dir(temporary)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left
        .filter(|name| name.to_string_lossy().starts_with("tmp."))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    let first = far.pid("coder0");
    let (outcomes, code) = far.json(&["start"]);
    assert_eq!(
        (code, far.pid("coder0")),
        (Some(0), first.clone()),
        "{outcomes:#}"
    );
    let (outcomes, code) = far.json(&["restart", "coder0"]);
    assert_eq!(code, Some(0), "{outcomes:#}");
    assert_ne!(far.pid("coder0"), first);
    assert_eq!(far.sshd.fixture.took("coder0").unwrap().len(), 2);

    let (checks, code) = far.json(&["doctor"]);
    let text = checks.to_string();
    assert!(
        text.contains("it answers; 2 run there"),
        "{code:?} {checks:#}"
    );
    for words in [&format!(" in {work}"), "tmux of far", "server far/test"] {
        assert!(text.contains(words), "{words}: {checks:#}");
    }

    let (outcomes, code) = far.json(&["stop"]);
    assert_eq!(code, Some(0), "{outcomes:#}");
    assert_eq!(far.state("coder0"), "stopped");
    let gone = far.sshd.fixture.tmux(&["list-sessions"]).unwrap();
    assert!(!gone.status.success(), "the server outlives its last agent");
}

/// Shells that read quotes, backslashes and `!` in ways of their own.
#[test]
fn whatever_shell_somebody_logs_in_with_there() {
    for shell in ["fish", "tcsh"] {
        let far = Far::new(&json!([]));
        far.sshd.has_shell(shell);
        install(&far);
        let work = far.home().join(r"it's \\work! $HOME `x` ~");
        fs::create_dir_all(&work).unwrap();
        far.write(&json!([
            {"name": "coder0", "host": HOST, "command": scripted(&far, "coder0"),
             "working_directory": work},
        ]));
        let (outcomes, code) = far.json(&["start"]);
        assert_eq!(code, Some(0), "{shell}: {outcomes:#}");
        let directory = [
            "display-message",
            "-p",
            "-t",
            "=coder0:",
            "#{pane_current_path}",
        ];
        let directory = far.sshd.fixture.tmux_text(&directory).unwrap();
        assert_eq!(directory.trim_end(), work.display().to_string(), "{shell}");
        let text = r"it's \\ and \' and !! and $HOME `x` %name";
        let (sent, code) = far.json(&["agent", "send", "coder0", "--no-preamble", "-m", text]);
        assert_eq!(code, Some(0), "{shell}: {sent:#}");
        assert_eq!(far.sshd.fixture.took("coder0").unwrap(), [text], "{shell}");
        let (outcomes, code) = far.json(&["stop"]);
        assert_eq!(code, Some(0), "{shell}: {outcomes:#}");
    }
}

#[test]
fn what_is_wrong_there_is_told_before_anything_is_stopped() {
    let far = Far::new(&json!([]));
    install(&far);
    let good = json!({"name": "coder0", "host": HOST, "command": scripted(&far, "coder0")});
    far.write(&json!([good]));
    assert_eq!(far.json(&["start"]).1, Some(0));
    let first = far.pid("coder0");
    for (field, value, words) in [
        (
            "working_directory",
            json!("~/no such folder"),
            "no working directory ~/no such folder on far",
        ),
        (
            "command",
            json!(["no-such-agent", "-x"]),
            "no program no-such-agent on the PATH of far",
        ),
        (
            "command",
            json!(["./my-agent"]),
            "no program ./my-agent on the PATH of far",
        ),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        far.write(&json!([bad]));
        let (outcomes, code) = far.json(&["restart", "coder0"]);
        assert!(outcomes.to_string().contains(words), "{outcomes:#}");
        assert_eq!(code, Some(1), "{outcomes:#}");
        assert_eq!(far.pid("coder0"), first);
        let checks = far.json(&["doctor"]).0.to_string();
        assert!(checks.contains(words), "{checks}");
    }
    // Where a program has the PATH of its own, it is not sought on another one.
    let mut own = good;
    own["command"] = json!(["there-only", "x"]);
    own["env"] = json!({"PATH": "/nowhere"});
    far.write(&json!([own]));
    let (outcomes, code) = far.json(&["restart", "coder0"]);
    assert!(
        outcomes.to_string().contains("it ended at once"),
        "{code:?} {outcomes:#}"
    );
    far.run(&["stop"]);
}

#[test]
fn a_program_that_ignores_the_hang_up_is_ended_there() {
    let far = Far::new(&json!([]));
    let deaf = "trap '' HUP TERM; echo $$ > ~/pid; while :; do sleep 1; done";
    far.write(&json!([
        {"name": "deaf", "host": HOST, "runtime": "shell", "command": ["sh", "-c", deaf]},
    ]));
    assert_eq!(far.json(&["start"]).1, Some(0));
    let pid = fs::read_to_string(far.home().join("pid")).unwrap();
    let is_alive = || PathBuf::from(format!("/proc/{}", pid.trim())).exists();
    assert!(is_alive());
    let (outcomes, code) = far.json(&["stop", "deaf"]);
    assert_eq!(code, Some(0), "{outcomes:#}");
    assert!(!is_alive());
}

#[test]
fn what_units_of_that_host_keep_is_left_to_them() {
    let far = Far::new(&json!([{"name": "coder0", "host": HOST, "runtime": "shell",
        "command": ["sleep", "1000"]}]));
    assert_eq!(far.json(&["start"]).1, Some(0));
    let first = far.pid("coder0");
    let kept = ["set-option", "-s", "@mosaic_keeper", "systemd"];
    far.sshd.fixture.tmux_text(&kept).unwrap();
    for verb in ["stop", "restart"] {
        let (outcomes, code) = far.json(&[verb, "coder0"]);
        let text = outcomes.to_string();
        assert!(text.contains("units of far keep"), "{outcomes:#}");
        assert!(text.contains("ssh far mosaic-fleet"), "{outcomes:#}");
        assert_ne!(code, Some(0));
        assert_eq!(far.pid("coder0"), first);
    }
    let (checks, _) = far.json(&["doctor"]);
    let all = checks["checks"].as_array().unwrap().iter();
    let wrong: Vec<&Value> = all.filter(|one| one["finding"] == "failure").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // Nor the server, at a moment when none of its agents is there.
    let gone = ["kill-session", "-t", "=coder0"];
    far.sshd.fixture.tmux_text(&gone).unwrap();
    for verb in ["stop", "drain"] {
        assert_ne!(far.run(&[verb, "coder0"]).status.code(), Some(0));
    }
    let there = far.sshd.fixture.tmux_text(&["list-sessions"]).unwrap();
    assert!(there.contains("_holder"), "{there}");
    let ours = ["set-option", "-s", "@mosaic_keeper", "plain"];
    far.sshd.fixture.tmux_text(&ours).unwrap();
    assert_eq!(far.json(&["stop"]).1, Some(0));
}

#[test]
fn a_host_that_is_gone_keeps_nobody_else_from_starting() {
    let far = Far::new(&json!([
        {"name": "gone", "host": HOST, "runtime": "shell", "command": ["sleep", "1000"]},
        {"name": "near", "runtime": "shell", "command": ["sleep", "1000"]},
    ]));
    far.sshd.stop();
    let (outcomes, code) = far.json(&["start"]);
    assert_ne!(code, Some(0));
    let text = outcomes.to_string();
    assert!(text.contains("refused"), "{outcomes:#}");
    let (status, _) = far.json(&["status", "near"]);
    assert_ne!(status["agents"][0]["state"], "stopped", "{status:#}");
    let tail = far.run(&["agent", "tail", "gone"]);
    let words = String::from_utf8_lossy(&tail.stderr).into_owned();
    assert!(!words.contains("mosaic-fleet start"), "{words}");
    assert_eq!(far.json(&["stop", "near"]).1, Some(0));
}

#[test]
fn a_person_gets_before_an_agent_of_another_host() {
    let far = Far::new(&json!([]));
    install(&far);
    far.write(&json!([{"name": "coder0", "host": HOST, "command": scripted(&far, "coder0")}]));
    assert_eq!(far.json(&["start"]).1, Some(0));
    // A terminal to attach from: another tmux server, this host's.
    let attach = far.command(&["attach", "coder0"]);
    let program = attach.get_program().to_string_lossy().into_owned();
    let words: Vec<String> = attach
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let near = far.sshd.fixture.folder().join("near/seat");
    let seat = |arguments: &[&str]| {
        let mut tmux = Command::new("tmux");
        tmux.env_clear().envs(&far.sshd.fixture.config.environment);
        let output = tmux
            .arg("-S")
            .arg(&near)
            .args(["-f", "/dev/null"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut new = vec![
        "new-session",
        "-d",
        "-x",
        "100",
        "-y",
        "30",
        "--",
        "env",
        "TERM=screen",
    ];
    new.push(&program);
    new.extend(words.iter().map(String::as_str));
    seat(&new);
    let clients = || {
        far.sshd.fixture.tmux_text(&[
            "list-clients",
            "-F",
            "#{session_name} #{client_control_mode}",
        ])
    };
    let began = std::time::Instant::now();
    while !clients().unwrap().contains("coder0 0") {
        assert!(
            began.elapsed().as_secs() < 30,
            "{}",
            seat(&["capture-pane", "-p"])
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    seat(&["kill-server"]);
    assert_eq!(far.json(&["stop"]).1, Some(0));
}
