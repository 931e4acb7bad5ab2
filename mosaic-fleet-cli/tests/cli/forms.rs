//! What is printed where, and in which form.

use std::io::Read;
use std::process::Stdio;

use crate::home::{Home, Ran};

#[test]
fn json_is_one_document_whatever_happens() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    let lines: &[(&[&str], &str)] = &[
        (&["start"], "results"),
        (&["status"], "agents"),
        (&["status", "b"], "error"),
        (&["status", "--nonsense"], "error"),
        (&["nonsense"], "error"),
        (&["agent", "status", "a"], "agents"),
        (&["agent", "roster"], "agents"),
        (&["agent", "send", "a", "-m", ": x"], "receipts"),
        (&["agent", "send", "b", "-m", ": x"], "errors"),
        (&["agent", "send", "a", "-m", "\u{1b}"], "errors"),
        (&["agent", "send", "a", "--wait", "x"], "error"),
        (&["agent", "tail", "a"], "lines"),
        (&["agent", "tail", "b"], "error"),
        (&["agent", "reset", "a"], "report"),
        (&["agent", "reset", "b"], "error"),
        (&["attach", "b"], "error"),
        (&["pane", "send", "-t", "nobody", "-m", "x"], "errors"),
        (&["roster", "show"], "roster"),
        (&["runtime", "list"], "runtimes"),
        (&["init"], "roster"),
        (&["init", "--write"], "error"),
        (&["doctor"], "checks"),
        (&["skills", "pi-args"], "args"),
        (&["completions", "zsh"], "script"),
        (&["completions", "csh"], "error"),
        (&["man"], "text"),
        (&["commands"], "commands"),
        (&["restart", "a"], "results"),
        (&["stop"], "results"),
    ];
    for (line, field) in lines {
        let mut arguments = line.to_vec();
        arguments.push("--json");
        let ran = home.run(&arguments);
        let document = ran.json();
        assert_eq!(document["version"], 1, "{line:?}: {ran:#?}");
        assert!(document.get(field).is_some(), "{line:?}: {ran:#?}");
        if *field == "error" {
            for part in [
                "code",
                "number",
                "message",
                "operation",
                "agent",
                "transport",
                "retry",
                "reason",
                "hint",
            ] {
                assert!(document["error"].get(part).is_some(), "{part} of {line:?}");
            }
        }
    }
}

fn has_escapes(ran: &Ran) -> bool {
    ran.out.contains('\u{1b}') || ran.err.contains('\u{1b}')
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let home = Home::with_shells(&["a", "b"]);
    home.ok(&["start", "-q"]);
    for line in [
        &["status"][..],
        &["doctor"],
        &["--help"],
        &["nonsense"],
        &["status", "c"],
        &["agent", "send", "a", "c", "-m", ": x"],
    ] {
        assert!(!has_escapes(&home.run(line)), "{line:?} in a pipe");
        let mut coloured = line.to_vec();
        coloured.extend(["--color", "always"]);
        assert!(
            has_escapes(&home.run(&coloured)),
            "{line:?} with --color always"
        );
        let mut never = home.fleet(line);
        never.args(["--color", "never"]).env("CLICOLOR_FORCE", "1");
        assert!(
            !has_escapes(&Ran::of(never.output().unwrap())),
            "{line:?} with --color never"
        );
    }
    // On a terminal: an agent's own, with and without NO_COLOR.
    for (line, number, coloured) in [
        ("mosaic-fleet status b", 1, true),
        ("NO_COLOR=1 mosaic-fleet status b", 2, false),
    ] {
        let line = format!("echo be''gin{number}; {line}; echo do''ne{number}");
        home.ok(&["agent", "send", "a", "--no-preamble", "-m", &line]);
        home.shows("a", &format!("\ndone{number}\n"));
        let seen = home.tmux(&["capture-pane", "-e", "-p", "-t", "=a:"]).out;
        let own = seen.split(&format!("begin{number}")).nth(1).unwrap();
        assert!(own.contains("idle"), "{seen}");
        assert_eq!(own.contains('\u{1b}'), coloured, "{seen:?}");
    }
}

#[test]
fn quiet_is_quiet_and_errors_are_not() {
    let home = Home::with_shells(&["a"]);
    for line in [
        &["start"][..],
        &["agent", "send", "a", "-m", ": x"],
        &["agent", "reset", "a"],
        &["stop"],
    ] {
        let mut quiet = line.to_vec();
        quiet.push("-q");
        let ran = home.ok(&quiet);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{line:?}");
    }
    home.run(&["status", "b", "-q"])
        .fails(1, &["no such agent"]);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    for line in [
        "roster schema",
        "init --profile usc",
        "completions bash",
        "man",
        "status --watch",
        "--help",
        "status --json --watch",
    ] {
        let command = format!("mosaic-fleet {line} | head -n 1");
        let mut shell = home.command("bash");
        shell.args(["-c", &format!("set -o pipefail; {command}")]);
        let ran = Ran::of(shell.stdin(Stdio::null()).output().unwrap());
        assert_eq!(ran.code, 0, "{line}: {ran:#?}");
        assert_eq!(ran.out.lines().count(), 1, "{line}: {ran:#?}");
        assert_eq!(ran.err, "", "{line}: {ran:#?}");
    }
}

#[test]
fn a_followed_tail_shows_what_comes_until_it_is_interrupted() {
    let home = Home::with_shells(&["a"]);
    home.ok(&["start", "-q"]);
    let mut child = home
        .fleet(&["agent", "tail", "a", "-f"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    home.ok(&[
        "agent",
        "send",
        "a",
        "--no-preamble",
        "-m",
        "echo news-$((1+1))",
    ]);
    let mut seen = Vec::new();
    let mut out = child.stdout.take().unwrap();
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen).contains("\nnews-2\n") {
        let length = out.read(&mut buffer).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&buffer[..length]);
    }
    let pid = child.id().to_string();
    home.command("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
