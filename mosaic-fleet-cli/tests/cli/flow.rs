//! A whole fleet, from its first roster to its end.

use crate::home::{Home, SHELL};

#[test]
fn a_factory_of_thirteen_is_rehearsed() {
    let home = Home::new();
    home.ok(&[
        "init",
        "--profile",
        "usc-software-factory",
        "--command",
        SHELL,
        "--write",
    ]);

    let started = home.ok(&["start"]);
    assert_eq!(started.err.matches(": started").count(), 13, "{started:#?}");
    assert_eq!(started.out.lines().count(), 14, "{started:#?}");
    let again = home.ok(&["start", "coder0"]);
    let words = format!(
        "Mosaic agent session already running: coder0 on socket {}",
        home.socket()
    );
    assert!(again.err.contains(&words), "{again:#?}");

    let status = home.ok(&["status", "--json"]).json();
    assert_eq!(status["holder"]["state"], "up");
    assert_eq!(status["agents"].as_array().unwrap().len(), 13);
    let table = home.ok(&["status"]).out;
    assert!(
        table.starts_with("NAME") && table.contains("final_reviewer"),
        "{table}"
    );
    assert_eq!(
        home.ok(&["status", "coder0", "--quick", "--json"]).json()["agents"][0]["name"],
        "coder0"
    );

    let sent = home.ok(&[
        "agent",
        "send",
        "coder0",
        "--no-preamble",
        "-m",
        "echo $((6*7))",
    ]);
    assert!(
        sent.out.starts_with("coder0: submitted (screen: "),
        "{sent:#?}"
    );
    home.shows("coder0", "\n42\n");

    // ultron has a kickstart in its roster, and is half persistent.
    let reset = home.ok(&["agent", "reset", "ultron", "--clear"]);
    assert!(reset.out.contains("ultron: reset with clear"), "{reset:#?}");
    assert!(
        reset.out.contains("kickstart of ultron: submitted"),
        "{reset:#?}"
    );
    assert!(reset.err.contains("persistent"), "{reset:#?}");
    home.shows("ultron", "Look for what the other reviewers");
    let template = home.write("first.txt", "echo I am {{ name }}, {{ class }}");
    home.ok(&[
        "agent",
        "reset",
        "coder1",
        "--clear",
        "--kickstart",
        template.to_str().unwrap(),
    ]);
    home.shows("coder1", "\nI am coder1, implementer\n");
    home.run(&["agent", "reset", "orchestrator", "--clear"])
        .fails(4, &["--force"]);

    let restarted = home
        .ok(&["restart", "scribe", "--no-kickstart", "--json"])
        .json();
    assert_eq!(restarted["results"][0]["what"], "restart");
    assert_eq!(
        restarted["results"][0]["kickstart"],
        serde_json::Value::Null
    );

    let stopped = home.ok(&["stop"]);
    assert_eq!(stopped.err.matches(": stopped").count(), 13, "{stopped:#?}");
    assert_eq!(
        home.ok(&["status", "--json"]).json()["holder"]["state"],
        "down"
    );
    assert_ne!(
        home.tmux(&["-N", "list-sessions"]).code,
        0,
        "the server is still there"
    );
}

#[test]
fn an_agent_that_writes_to_another_is_named() {
    let home = Home::with_shells(&["sender", "coder0"]);
    home.ok(&["start", "--no-kickstart", "-q"]);
    let line = "mosaic-fleet agent send coder0 -m 'echo well done'";
    home.ok(&["agent", "send", "sender", "--no-preamble", "-m", line]);
    home.shows("sender", "coder0: submitted");
    let shown = home.shows("coder0", "echo well done");
    let host = home.ok(&["agent", "send", "coder0", "-m", "x"]);
    assert!(host.out.contains("submitted"));
    let preamble = shown
        .lines()
        .find(|line| line.contains("echo well done"))
        .unwrap();
    let (from, to) = preamble
        .split_once('[')
        .unwrap()
        .1
        .split_once(" -> ")
        .unwrap();
    let own = from.strip_suffix(":sender").unwrap();
    assert!(
        to.starts_with(&format!("{own}:coder0] echo well done")),
        "{preamble}"
    );
    // Outside of tmux nobody is named.
    home.shows("coder0", &format!("[{own}:? -> {own}:coder0] x"));
}

#[test]
fn a_message_to_several() {
    let home = Home::with_shells(&["a", "b", "c"]);
    home.ok(&["start", "-q"]);
    let class = home.ok(&["agent", "send", "--class", "worker", "-m", ": one"]);
    assert_eq!(class.out.matches("submitted").count(), 3, "{class:#?}");
    let all = home
        .ok(&["agent", "send", "--all", "--json", "-m", ": two"])
        .json();
    assert_eq!(all["receipts"].as_array().unwrap().len(), 3);
    let some = home.run(&["agent", "send", "a", "d", "a", "--json", "-m", ": three"]);
    assert_eq!(some.code, 1);
    let some = some.json();
    assert_eq!(
        some["receipts"].as_array().unwrap().len(),
        1,
        "named twice is once"
    );
    assert_eq!(some["errors"][0]["agent"], "d");
    assert_eq!(some["errors"][0]["error"]["code"], "agent_not_found");
}

#[test]
fn texts_come_from_files_and_stdin() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    let file = home.write("text", "echo from a file\n");
    home.ok(&[
        "agent",
        "send",
        "a",
        "--no-preamble",
        "-f",
        file.to_str().unwrap(),
    ]);
    home.shows("a", "\nfrom a file\n");
    for (words, arguments) in [
        ("from stdin", &["agent", "send", "a", "--no-preamble"][..]),
        (
            "from a dash",
            &["agent", "send", "a", "--no-preamble", "-f", "-"],
        ),
    ] {
        let ran = home.run_with_stdin(arguments, &format!("echo {words}\n"));
        assert_eq!(ran.code, 0, "{ran:#?}");
        home.shows("a", &format!("\n{words}\n"));
    }
    home.ok(&["agent", "send", "a", "--from", "far:away", "-m", "-x;"]);
    home.shows("a", "[far:away -> ");
}

#[test]
fn a_tail_goes_on_where_it_ended() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    let send = |text: &str| home.ok(&["agent", "send", "a", "--no-preamble", "-m", text]);
    send("echo first");
    home.shows("a", "\nfirst\n");
    let first = home.ok(&["agent", "tail", "a", "--json"]).json();
    let cursor = first["next"].as_str().unwrap();
    send("echo second");
    home.shows("a", "\nsecond\n");
    let second = home
        .ok(&["agent", "tail", "a", "--json", "--cursor", cursor])
        .json();
    let lines: Vec<_> = second["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l.as_str().unwrap())
        .collect();
    assert!(
        lines.contains(&"second") && !lines.contains(&"first"),
        "{second:#?}"
    );
    assert_eq!(second["gap"], false);
    assert_eq!(
        home.ok(&["agent", "tail", "a", "-n", "1"])
            .out
            .lines()
            .count(),
        1
    );
}

#[test]
fn an_explanation_says_what_is_seen_and_why() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    home.tmux(&["send-keys", "-t", "=a:", "half a line"]);
    home.shows("a", "half a line");
    let explained = home.ok(&["runtime", "explain", "a"]).out;
    assert!(explained.starts_with("a: "), "{explained}");
    assert!(
        explained.contains("composer: \"half a line\""),
        "{explained}"
    );
    let document = home.ok(&["runtime", "explain", "a", "--json"]).json();
    assert_eq!(
        (&document["version"], &document["agent"]),
        (&1.into(), &"a".into())
    );
    assert_eq!(document["composer"], "half a line");
    assert!(
        document["seen"]
            .as_array()
            .is_some_and(|seen| !seen.is_empty())
    );
    home.run(&["runtime", "explain", "b"])
        .fails(1, &["no such agent"]);
}

#[test]
fn the_demo_shows_all_and_leaves_nothing() {
    let home = Home::new();
    let shown = home.ok(&["demo", "--json"]);
    let document = shown.json();
    assert_eq!(document["ok"], true, "{shown:#?}");
    assert!(shown.err.contains("submitted (screen: "), "{shown:#?}");
    assert!(shown.err.contains("did you mean alpha?"), "{shown:#?}");
    assert!(!home.mosaic().exists());
    assert_eq!(std::fs::read_dir(home.path("tmp")).unwrap().count(), 0);
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let home = Home::new();
    let mut child = home
        .fleet(&["demo"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.starts_with("1. "), "{first}");
    let socket = std::fs::read_dir(home.path("tmp"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let socket = socket.path().join("tmux");
    let pid = child.id().to_string();
    assert!(
        home.command("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(!socket.exists());
    assert_eq!(std::fs::read_dir(home.path("tmp")).unwrap().count(), 0);
}
