//! What is wrong is said with its place, what was probably meant, and what to do.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::home::{Home, Ran, until};

#[test]
fn a_bad_roster_is_told_with_file_line_and_column() {
    for (text, place, words) in [
        (
            "version: 1\nagents:\n  - { name: a }\n  - { name: a }\n",
            "roster.yaml:4:",
            "a",
        ),
        (
            "version: 1\nagents:\n  - { name: a, clas: x }\n",
            "roster.yaml:3:16",
            "did you mean `class`?",
        ),
        ("version: 2\nagents: []\n", "roster.yaml:1:", "1"),
        ("version: 1\nagents: [\n", "roster.yaml:", ""),
        (
            "version: 1\nagents:\n  - { name: a, runtime: claud }\n",
            "roster.yaml:3:",
            "did you mean `claude`?",
        ),
        (
            "version: 1\ntmux: { socket_nam: x }\n",
            "roster.yaml:2:",
            "socket_name",
        ),
        (
            "version: 1\nagents:\n  - { name: 'a b' }\n",
            "roster.yaml:3:",
            "letters",
        ),
    ] {
        let home = Home::with_roster(text);
        for line in [
            &["status"][..],
            &["start"],
            &["roster", "show"],
            &["agent", "roster"],
        ] {
            // Only a transport knows its own block.
            if text.contains("socket_nam:") && line[0] == "roster" {
                continue;
            }
            let ran = home.run(line);
            ran.fails(1, &[place, words]);
        }
        let ran = home.run(&["agent", "send", "a", "-m", "x", "--json"]);
        assert_eq!(
            (ran.code, ran.json()["error"]["code"].as_str().unwrap()),
            (1, "config_invalid")
        );
        home.run(&["doctor"]).fails(1, &[]);
        assert!(home.run(&["doctor"]).out.contains(place));
    }
}

#[test]
fn no_roster_at_all() {
    let home = Home::new();
    home.run(&["start"])
        .fails(1, &["roster.yaml", "mosaic-fleet init --write"]);
    home.run(&["roster", "show"])
        .fails(1, &["roster.yaml", "mosaic-fleet init --write"]);
    home.run(&["--roster", "gone.yaml", "status"])
        .fails(1, &["gone.yaml"]);
    assert!(
        home.ok(&["status"])
            .err
            .contains("mosaic-fleet init --write")
    );
    home.run(&["agent", "send", "--all", "-m", "x"])
        .fails(3, &["mosaic-fleet init --write"]);
}

#[test]
fn no_tmux_on_the_path() {
    let home = Home::with_shells(&["a"]);
    let bin = home.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    symlink("/bin/sh", bin.join("sh")).unwrap();
    for line in [
        &["start"][..],
        &["status"],
        &["agent", "send", "a", "-m", "x"],
        &["agent", "tail", "a"],
    ] {
        let ran = Ran::of(home.fleet(line).env("PATH", &bin).output().unwrap());
        ran.fails(1, &["tmux", "install tmux"]);
    }
    let doctor = Ran::of(home.fleet(&["doctor"]).env("PATH", &bin).output().unwrap());
    assert!(
        doctor.code == 1 && doctor.out.contains("install tmux"),
        "{doctor:#?}"
    );
}

#[test]
fn no_server_and_the_wrong_socket() {
    let home = Home::with_shells(&["a"]);
    home.run(&["agent", "tail", "a"])
        .fails(1, &["no tmux server", "mosaic-fleet start"]);
    home.ok(&["start", "-q"]);
    let wrong = home.path("other").display().to_string();
    home.run(&["--socket", &wrong, "agent", "send", "a", "-m", "x"])
        .fails(1, &[&wrong, "hint: "]);
    let status = home.ok(&["--socket", &wrong, "status", "--json"]).json();
    assert_eq!(
        (
            status["holder"]["state"].as_str(),
            status["agents"][0]["state"].as_str()
        ),
        (Some("down"), Some("stopped"))
    );
    home.run(&["--socket", "bad name", "status"])
        .fails(2, &["socket"]);
}

#[test]
fn an_agent_that_ended_is_dead_and_its_server_lives() {
    let home = Home::with_shells(&["a", "b"]);
    home.ok(&["start", "-q"]);
    // It takes the text and is gone before it can be seen above the composer.
    home.run(&["agent", "send", "a", "--no-preamble", "-m", "exit 3"])
        .fails(2, &["its program ended", "hint: "]);
    until("a is dead, with its code", || {
        let status = home.ok(&["status"]);
        let told = status.out.contains("dead") && status.out.contains("(code 3)");
        if told { Ok(()) } else { Err(status) }
    });
    home.run(&["agent", "send", "a", "-m", "x"])
        .fails(4, &["hint: "]);
    home.ok(&["agent", "send", "b", "-m", ": x"]);
}

#[test]
fn environment_files_show_what_they_change() {
    let home = Home::with_shells(&["a"]);
    home.write("mosaic/fleet/agents/a.env", "MOSAIC_AGENT_WORKDIR=/\n");
    let status = home.ok(&["status"]);
    assert!(
        status.err.contains("a.env changes working_directory"),
        "{status:#?}"
    );
    home.write("mosaic/fleet/agents/a.env", "secret words\n");
    let ran = home.run(&["status"]);
    ran.fails(1, &["a.env:1"]);
    assert!(!ran.err.contains("secret"), "{ran:#?}");
}

#[test]
fn what_is_wrong_is_found_before_anything_is_stopped_or_forgotten() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    home.ok(&["agent", "send", "a", "--no-preamble", "-m", "echo MARK"]);
    home.shows("a", "MARK");
    let template = home.write("k.txt", "echo {{ nmae }}");
    let template = template.display().to_string();
    home.run(&["agent", "reset", "a", "--clear", "--kickstart", &template])
        .fails(1, &["kickstart template of a, line 1", "hint: "]);
    home.shows("a", "MARK");
    let roster = std::fs::read_to_string(home.roster()).unwrap();
    let gone = roster.replace("agents:", "working_directory: /nowhere/at/all\nagents:");
    std::fs::write(home.roster(), gone).unwrap();
    home.run(&["restart", "a"]).fails(1, &["/nowhere/at/all"]);
    home.shows("a", "MARK");
}

#[test]
fn an_agent_of_another_host_is_not_taken_for_one_here() {
    let home = Home::with_roster(
        "version: 1\nagents:\n  - { name: a, runtime: shell, command: bash --norc --noprofile -i, host: u@h }\n",
    );
    home.run(&["start"])
        .fails(1, &["u@h cannot be reached", "hint: "]);
    home.run(&["start", "a"])
        .fails(1, &["u@h cannot be reached", "hint: "]);
    home.run(&["agent", "send", "a", "-m", "x"])
        .fails(1, &["u@h cannot be reached", "Connection refused"]);
    let status = home.run(&["status"]);
    status.fails(1, &["u@h cannot be reached"]);
}

#[test]
fn an_agent_of_this_host_by_its_name_is_one_here() {
    let host = Command::new("uname").arg("-n").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let home = Home::with_roster(&format!(
        "version: 1\nagents:\n  - {{ name: a, runtime: shell, command: bash --norc --noprofile -i, host: {host} }}\n",
        host = host.trim()
    ));
    home.ok(&["start"]);
    assert_eq!(
        home.run(&["status", "--json"]).json()["agents"][0]["state"],
        "idle"
    );
    home.ok(&["stop"]);
}
