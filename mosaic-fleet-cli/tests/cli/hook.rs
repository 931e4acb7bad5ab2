//! `hook`: an agent's program tells what it does, and is never kept from it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::home::{Home, PROGRAM, Ran};

const PROMPT: &str =
    r#"{"hook_event_name":"UserPromptSubmit","session_id":"s","prompt":"secret words"}"#;

/// Runs a hook whose agent's log is at `log`.
fn hook(home: &Home, arguments: &[&str], log: Option<&Path>, told: &[u8]) -> Ran {
    let mut command = home.command(PROGRAM);
    command.arg("hook").args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(log) = log {
        command.env("MOSAIC_AGENT_EVENTS", log);
    }
    let mut child = command.spawn().unwrap();
    // A hook that does not want to know may be gone before it has read.
    let _ = child.stdin.take().unwrap().write_all(told);
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn an_event_is_kept_without_its_text() {
    let home = Home::with_shells(&["a"]);
    let log = home.write("log", "");
    let with_key = ["claude", "--submit-key", "C-x C-y"];
    let ran = hook(&home, &with_key, Some(&log), PROMPT.as_bytes());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let kept = fs::read_to_string(&log).unwrap();
    assert!(
        kept.contains(r#""what":"prompt""#) && kept.contains("C-x C-y"),
        "{kept}"
    );
    assert!(!kept.contains("secret"), "{kept}");
}

#[test]
fn nothing_that_is_wrong_keeps_the_agent_from_its_work() {
    let home = Home::with_shells(&["a"]);
    let log = home.write("log", "");
    let gone = home.path("gone/log");
    let folder = home.mosaic();
    for (arguments, log, told) in [
        (&["claude"][..], None, PROMPT.as_bytes()),
        (&["claude"], Some(gone.as_path()), PROMPT.as_bytes()),
        (&["claude"], Some(folder.as_path()), PROMPT.as_bytes()),
        (&["claude"], Some(Path::new("/dev/full")), PROMPT.as_bytes()),
        (&["claude"], Some(log.as_path()), b"no json"),
        (&["claude"], Some(log.as_path()), b"\xff\x00"),
        (&["claude"], Some(log.as_path()), b""),
        (&["nobody", "--no-such-option"], Some(log.as_path()), b"{}"),
        (&[], Some(log.as_path()), b"{}"),
    ] {
        let ran = hook(&home, arguments, log, told);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, ""),
            "{arguments:?} {log:?}: {ran:#?}"
        );
    }
    assert!(!gone.exists());
    assert_eq!(fs::read_to_string(&log).unwrap(), "");
}
