//! `drain`: nothing new is sent, what was begun is finished, then it stops.

use std::process::{Child, Stdio};
use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::manifests;

use crate::home::{Home, PROGRAM, Ran, until};

/// Agents that are at work for so long after each text.
fn fleet(names: &[&str], busy: Duration) -> Home {
    let mut script = Script::new();
    script.busy_ms = u64::try_from(busy.as_millis()).unwrap();
    script.dialog_on_text = Some("ask me".to_owned());
    let command = serde_json::json!([PROGRAM, "demo-agent", "--script", script.to_json()]);
    let agents: Vec<_> = names
        .iter()
        .map(|name| serde_json::json!({"name": name, "runtime": "scripted-line", "command": command}))
        .collect();
    let home = Home::with_roster(
        &serde_json::json!({"version": 1, "runtimes": manifests(), "agents": agents}).to_string(),
    );
    home.ok(&["start"]);
    for name in names {
        home.ok(&["agent", "wait", name, "--until", "idle", "--timeout", "30s"]);
    }
    home
}

fn begin(home: &Home, arguments: &[&str]) -> Child {
    let mut command = home.fleet(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn state(home: &Home, name: &str) -> String {
    let seen = home.run(&["agent", "status", name, "--json"]).json();
    seen["agents"][0]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Sends again until it is refused because of the drain.
fn is_held_back(home: &Home, name: &str) -> Ran {
    until("it takes nothing new", || {
        let sent = home.run(&[
            "agent",
            "send",
            name,
            "--no-preamble",
            "-m",
            "more",
            "--json",
        ]);
        let held = sent.err.contains("being drained");
        if held { Ok(sent) } else { Err(sent) }
    })
}

#[test]
fn a_busy_agent_finishes_and_takes_nothing_new() {
    let home = fleet(&["a", "a0"], Duration::from_secs(4));
    home.ok(&["agent", "send", "a", "--no-preamble", "-m", "long work"]);
    let drain = begin(&home, &["drain", "a"]);
    let sent = is_held_back(&home, "a");
    assert_eq!(sent.code, 4, "{sent:#?}");
    assert_eq!(sent.json()["errors"][0]["error"]["reason"], "locked");
    // Its neighbour is not meant.
    home.ok(&["agent", "send", "a0", "--no-preamble", "-m", "work"]);
    let drained = Ran::of(drain.wait_with_output().unwrap());
    assert_eq!(drained.code, 0, "{drained:#?}");
    assert!(drained.err.contains("a: stopped"), "{drained:#?}");
    assert_eq!(state(&home, "a"), "stopped");
    assert_ne!(state(&home, "a0"), "stopped");
    // And with the rest of them the server.
    home.ok(&["drain", "--timeout", "1m"]);
    assert!(home.ok(&["status"]).out.contains("holder: down"));
}

#[test]
fn a_question_is_told_and_can_be_answered_meanwhile() {
    let home = fleet(&["a"], Duration::ZERO);
    home.ok(&["agent", "send", "a", "--no-preamble", "-m", "ask me"]);
    home.ok(&[
        "agent",
        "wait",
        "a",
        "--until",
        "waiting",
        "--timeout",
        "30s",
    ]);
    let drain = begin(&home, &["drain"]);
    is_held_back(&home, "a");
    home.ok(&["agent", "answer", "a", "--choice", "1"]);
    let drained = Ran::of(drain.wait_with_output().unwrap());
    assert_eq!(drained.code, 0, "{drained:#?}");
    assert!(drained.err.contains("a asks: "), "{drained:#?}");
    assert!(
        drained.err.contains("mosaic-fleet agent answer a"),
        "{drained:#?}"
    );
}

#[test]
fn one_that_does_not_finish_is_told_and_let_go_again() {
    let home = fleet(&["a"], Duration::from_secs(600));
    home.ok(&["agent", "send", "a", "--no-preamble", "-m", "for ever"]);
    let drained = home.run(&["drain", "--timeout", "1s"]);
    drained.fails(
        1,
        &["it is still working", "--timeout", "mosaic-fleet stop a"],
    );
    assert_eq!(state(&home, "a"), "working");
    let sent = home.run(&["agent", "send", "a", "--no-preamble", "-m", "more"]);
    assert!(!sent.err.contains("drained"), "{sent:#?}");
    home.ok(&["drain", "--timeout", "1s", "--force"]);
    assert_eq!(state(&home, "a"), "stopped");
}
