//! Answering, waiting and sending again under a key, as scripts do it.

use std::process::Stdio;

use crate::home::{Home, Ran, SHELL};

/// A home whose demo fleet runs.
fn demo() -> Home {
    let home = Home::new();
    home.ok(&["init", "--profile", "demo", "--write"]);
    home.ok(&["start", "-q", "--no-kickstart"]);
    home
}

const ASK: [&str; 6] = ["agent", "send", "beta", "--no-preamble", "-m", "ask me"];

#[test]
fn a_question_is_shown_waited_for_and_answered() {
    let home = demo();
    home.run(&["agent", "answer", "beta", "--deny"])
        .fails(4, &["it asks nothing", "hint: "]);
    home.ok(&ASK);
    let waited = home.ok(&["agent", "wait", "beta", "--until", "dead,waiting", "--json"]);
    let waited = waited.json();
    assert_eq!(
        (&waited["version"], &waited["state"]),
        (&1.into(), &"waiting".into())
    );
    assert_eq!(waited["question"], "Do you want to proceed?");
    let status = home.ok(&["status"]);
    assert!(
        status.out.contains("Do you want to proceed?"),
        "{status:#?}"
    );
    assert!(
        status.err.contains("agent answer beta --choice N"),
        "{status:#?}"
    );
    home.run(&["agent", "send", "beta", "-m", "x"])
        .fails(4, &["agent answer"]);
    home.run(&["agent", "answer", "beta", "--choice", "5"])
        .fails(4, &["1. Yes; 2. No"]);
    home.run(&[
        "agent", "answer", "beta", "--choice", "1", "--expect", "rm -rf",
    ])
    .fails(4, &["something else"]);
    let report = home.ok(&["agent", "answer", "beta", "--choice", "1", "--json"]);
    let report = report.json();
    assert_eq!(report["version"], 1);
    assert_eq!(report["answer"], "1. Yes");
    assert_eq!(report["evidence"]["kind"], "screen");
    home.shows("beta", "approved");
    home.ok(&ASK);
    home.ok(&["agent", "wait", "beta", "--until", "waiting"]);
    let denied = home.ok(&["agent", "answer", "beta", "--deny"]);
    assert!(denied.out.starts_with("beta: answered "), "{denied:#?}");
    home.shows("beta", "denied");
}

#[test]
fn codes_of_answer_and_wait() {
    let home = demo();
    for (line, code) in [
        (&["agent", "answer", "beta"][..], 3),
        (&["agent", "answer", "beta", "--choice", "0"], 3),
        (&["agent", "answer", "beta", "--choice", "1", "--deny"], 3),
        (&["agent", "answer", "bet", "--deny"], 1),
        (&["agent", "wait", "beta"], 2),
        (&["agent", "wait", "beta", "--until", "bored"], 2),
        (&["agent", "wait", "bet", "--until", "idle"], 1),
        (
            &[
                "agent",
                "wait",
                "beta",
                "--until",
                "idle,dead",
                "--timeout",
                "1m",
            ],
            0,
        ),
        (
            &[
                "agent",
                "wait",
                "beta",
                "--until",
                "dead",
                "--until",
                "working",
                "--timeout",
                "0",
            ],
            3,
        ),
    ] {
        let ran = home.run(line);
        assert_eq!(ran.code, code, "{line:?}: {ran:#?}");
    }
}

#[test]
fn two_processes_with_one_key_type_once() {
    let home = demo();
    let line = [
        "agent",
        "send",
        "alpha",
        "beta",
        "nobody",
        "--no-preamble",
        "--json",
        "-m",
        "once",
        "--idempotency-key",
        "k",
    ];
    let start = || {
        let mut command = home.fleet(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [start(), start()].map(|child| Ran::of(child.wait_with_output().unwrap()));
    let [one, two] = both.each_ref().map(|ran| {
        // One that is not there hides nobody.
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert_eq!(ran.json()["errors"][0]["agent"], "nobody");
        let receipts = ran.json()["receipts"].clone();
        [receipts[0]["id"].clone(), receipts[1]["id"].clone()]
    });
    assert!(
        one == two && one[0] != one[1] && one[0].is_string(),
        "{both:#?}"
    );
    for agent in ["alpha", "beta"] {
        let shown = home.shows(agent, "got it: \"once\"");
        assert_eq!(shown.matches("got it").count(), 1, "{shown}");
    }
    home.run(&[
        "agent",
        "send",
        "alpha",
        "--no-preamble",
        "-m",
        "twice",
        "--idempotency-key",
        "k",
    ])
    .fails(3, &["another text", "new key"]);
    let table = home.run(&["agent", "send", "alpha", "nobody", "beta", "-m", "to all"]);
    assert_eq!(
        (table.code, table.out.lines().count()),
        (1, 4),
        "{table:#?}"
    );
}

#[test]
fn a_reset_refuses_a_busy_agent_or_waits_for_it() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    let go = home.path("go");
    home.command("mkfifo").arg(&go).status().unwrap();
    let busy = format!("cat {}", go.display());
    home.ok(&["agent", "send", "a", "--no-preamble", "-m", &busy]);
    home.ok(&[
        "agent",
        "wait",
        "a",
        "--until",
        "working",
        "--timeout",
        "1m",
    ]);
    let reset = ["agent", "reset", "a", "--clear"];
    home.run(&reset).fails(4, &["hint: "]);
    home.run(&[&reset[..], &["--wait", "1s"]].concat())
        .fails(4, &["hint: "]);
    let mut waiting = home.fleet(&[&reset[..], &["--wait", "1m"]].concat());
    let waiting = waiting.stdout(Stdio::piped()).stderr(Stdio::piped());
    let waiting = waiting.spawn().unwrap();
    std::fs::write(&go, "done\n").unwrap();
    let waited = Ran::of(waiting.wait_with_output().unwrap());
    assert_eq!(waited.code, 0, "{waited:#?}");
}

#[test]
fn a_start_with_nothing_to_start_changes_nothing_on_a_server_of_another() {
    let home = Home::with_shells(&["a"]);
    let mut line = vec!["-f", "/dev/null", "new-session", "-d", "-s", "a"];
    line.extend(SHELL.split(' '));
    assert_eq!(home.tmux(&line).code, 0);
    let started = home.ok(&["start"]);
    assert!(
        started.err.contains("already running: a on socket"),
        "{started:#?}"
    );
    let sessions = home.tmux(&["list-sessions", "-F", "#{session_name}"]).out;
    assert_eq!(sessions, "a\n");
}
