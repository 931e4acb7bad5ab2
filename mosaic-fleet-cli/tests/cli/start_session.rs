//! The drop-in for `start-agent-session.sh`: an agent as the environment of the call says.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::home::{Home, Ran, SHELL, until};

const SCRIPT: &str = "tools/fleet/start-agent-session.sh";

fn script(home: &Home, name: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = home.command(home.mosaic().join(SCRIPT));
    command.args(name).envs(variables.iter().copied());
    command
}

fn run(home: &Home, name: &[&str], variables: &[(&str, &str)]) -> Ran {
    Ran::of(script(home, name, variables).output().unwrap())
}

/// What runs a plain shell as an agent.
const HARMLESS: [(&str, &str); 2] = [
    ("MOSAIC_AGENT_RUNTIME", "shell"),
    ("MOSAIC_AGENT_COMMAND", SHELL),
];

fn folder_of(home: &Home, agent: &str) -> String {
    let target = format!("={agent}:");
    let line = [
        "display-message",
        "-p",
        "-t",
        &target,
        "#{pane_current_path}",
    ];
    home.tmux(&line).out.trim().to_owned()
}

#[test]
fn an_agent_outside_of_the_roster_starts_and_is_left_when_it_runs() {
    let home = Home::new();
    home.ok(&["install-tools", "-q"]);
    let folder = home.path("work/deep/missing").display().to_string();
    let mut variables = HARMLESS.to_vec();
    variables.push(("MOSAIC_AGENT_WORKDIR", &folder));
    let started = run(&home, &["coder0"], &variables);
    assert_eq!((started.code, &*started.out), (0, ""), "{started:#?}");
    assert_eq!(folder_of(&home, "coder0"), folder);
    home.ok(&["agent", "send", "coder0", "-m", ": x"]);

    let words = format!(
        "Mosaic agent session already running: coder0 on socket {}\n",
        home.socket()
    );
    let pid = home
        .tmux(&["list-panes", "-t", "=coder0:", "-F", "#{pane_pid}"])
        .out;
    // Its name may come from the environment; the argument wins.
    for (name, of_environment) in [(&["coder0"][..], "x"), (&[], "coder0"), (&[""], "coder0")] {
        variables.push(("MOSAIC_AGENT_NAME", of_environment));
        let again = run(&home, name, &variables);
        assert_eq!((again.code, &*again.out), (0, &*words), "{again:#?}");
    }
    assert_eq!(
        home.tmux(&["list-panes", "-t", "=coder0:", "-F", "#{pane_pid}"])
            .out,
        pid
    );
    let again = home.ok(&["start-session", "coder0", "--json"]);
    assert_eq!(again.json()["results"][0]["what"], "already_running");

    // One that somebody started without us runs as well.
    let mut line = vec!["new-session", "-d", "-s", "theirs"];
    line.extend(SHELL.split(' '));
    assert_eq!(home.tmux(&line).code, 0);
    let again = run(&home, &["theirs"], &HARMLESS);
    assert!(
        again.code == 0 && again.out.contains("already running: theirs on"),
        "{again:#?}"
    );
}

#[test]
fn the_call_wins_over_the_environment_file_and_that_over_the_roster() {
    let home = Home::with_roster(&format!(
        "version: 1\ndefaults: {{ runtime: shell, command: \"{SHELL}\" }}\nagents:\n  - {{ name: a, kickstart_template: ': never typed' }}\n"
    ));
    home.ok(&["install-tools", "-q"]);
    for name in ["one", "two"] {
        fs::create_dir(home.path("work").join(name)).unwrap();
    }
    let [one, two] = ["one", "two"].map(|name| home.path("work").join(name).display().to_string());
    home.write(
        "mosaic/fleet/agents/a.env",
        &format!("MOSAIC_AGENT_WORKDIR={one}\nTOKEN=s\n"),
    );
    // What is empty is not set.
    let started = run(
        &home,
        &["a"],
        &[("MOSAIC_AGENT_WORKDIR", ""), ("MOSAIC_AGENT_COMMAND", "")],
    );
    assert_eq!(started.code, 0, "{started:#?}");
    assert_eq!(folder_of(&home, "a"), one);
    home.ok(&[
        "agent",
        "send",
        "a",
        "--no-preamble",
        "-m",
        "echo $TOKEN $MOSAIC_AGENT_NAME",
    ]);
    let shown = home.shows("a", "\ns a\n");
    assert!(!shown.contains("never typed"), "{shown}");
    home.ok(&["stop", "-q"]);
    assert_eq!(
        run(&home, &["a"], &[("MOSAIC_AGENT_WORKDIR", &two)]).code,
        0
    );
    assert_eq!(folder_of(&home, "a"), two);
}

#[test]
fn without_anything_it_is_pi_in_the_home_folder() {
    let home = Home::new();
    home.ok(&["install-tools", "-q"]);
    let text =
        format!("#!/bin/sh\npwd >\"$HOME/ran\"\necho \"$@\" >>\"$HOME/ran\"\nexec {SHELL}\n");
    home.program("bin/mosaic", home.write("mosaic.sh", &text));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", home.path("bin").display());
    let started = run(&home, &["a"], &[("PATH", &path)]);
    assert_eq!(started.code, 0, "{started:#?}");
    let expected = format!("{}\nyolo pi\n", home.path("home").display());
    until("it runs", || {
        match fs::read_to_string(home.path("home/ran")) {
            Ok(ran) if ran == expected => Ok(()),
            ran => Err(ran),
        }
    });
}

#[test]
fn codes_are_those_of_a_service() {
    let home = Home::new();
    home.ok(&["install-tools", "-q"]);
    // 64
    run(&home, &[], &[]).fails(64, &["MOSAIC_AGENT_NAME", "usage: "]);
    run(&home, &["-x", "a"], &[]).fails(64, &["-x", "usage: "]);
    run(&home, &["a", "b"], &[]).fails(64, &["\"b\"", "usage: "]);
    run(&home, &["a.b"], &[]).fails(64, &["a.b"]);
    let help = run(&home, &["-h"], &[]);
    assert!(
        help.code == 0 && help.out.contains("MOSAIC_AGENT_WORKDIR"),
        "{help:#?}"
    );
    // 69
    let bin = home.path("bin");
    fs::create_dir_all(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    let path = bin.display().to_string();
    run(&home, &["a"], &[("PATH", &path)]).fails(69, &["tmux"]);
    // 78
    let blocked = home.write("work/file", "");
    let below = blocked.join("folder").display().to_string();
    for (variable, value, words) in [
        ("MOSAIC_AGENT_RUNTIME", "", "MOSAIC_AGENT_RUNTIME is empty"),
        ("MOSAIC_AGENT_RUNTIME", "claud", "did you mean claude?"),
        (
            "MOSAIC_AGENT_WORKDIR",
            &below,
            "cannot make the working directory",
        ),
        ("MOSAIC_AGENT_WORKDIR", "work", "relative"),
        ("MOSAIC_AGENT_COMMAND", "sh -c 'exit 3'", "ended at once"),
    ] {
        let mut variables = HARMLESS.to_vec();
        variables.push((variable, value));
        run(&home, &["a"], &variables).fails(78, &[words, "hint: "]);
    }
}

#[test]
fn a_unit_starts_what_is_as_the_roster_says_and_nothing_else() {
    let roster = format!(
        "version: 1\ndefaults: {{ runtime: shell, command: \"{SHELL}\" }}\nagents: [{{ name: a }}]\n"
    );
    let home = Home::with_roster(&roster);
    home.ok(&["install-tools", "-q"]);
    let unit = format!(
        "# Written by `mosaic-fleet install-systemd`\nSocket={}\n",
        home.socket()
    );
    home.write("config/systemd/user/mosaic-agent@.service", &unit);
    let manager = "#!/bin/sh\necho \"$@\" >>\"$HOME/jobs\"\n";
    home.program("bin/systemctl", home.write("manager.sh", manager));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", home.path("bin").display());
    let started = |agent: &str| {
        let jobs = fs::read_to_string(home.path("home/jobs")).unwrap();
        jobs.contains(&format!("start -- mosaic-agent@{agent}.service"))
    };
    let mut variables = HARMLESS.to_vec();
    variables.push(("PATH", &path));
    // What the holder's unit would have started.
    let holder = [
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-s",
        "_holder",
        "sleep infinity",
    ];
    assert_eq!(home.tmux(&holder).code, 0);
    // Said once more is not said otherwise. The manager is none, so that nothing runs.
    assert_ne!(run(&home, &["a"], &variables).code, 0);
    assert!(started("a"));
    let ran = run(&home, &["b"], &variables);
    assert_eq!(ran.code, 0, "{ran:#?}");
    variables.push(("MOSAIC_AGENT_WORKDIR", "/"));
    fs::remove_file(home.path("home/jobs")).unwrap();
    let ran = run(&home, &["a"], &variables);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(!started("a") && !started("b"));
    assert_eq!(folder_of(&home, "a"), "/");
}
