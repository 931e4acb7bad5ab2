//! The drop-ins for `send-message.sh` and `agent-send.sh`: every old flag, every exit code, and texts
//! that a shell would love to change.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mosaic_fleet::testing::scripted_agent::{Entry, read_log};

use crate::home::{Home, PROGRAM, Ran, SHELL, until};

const SEND_MESSAGE: &str = "tmux/send-message.sh";
const AGENT_SEND: &str = "tmux/agent-send.sh";

/// A home with the scripts in it.
pub(crate) fn home() -> Home {
    let home = Home::new();
    home.ok(&["install-tools", "-q"]);
    home
}

pub(crate) fn place(home: &Home, script: &str) -> PathBuf {
    home.mosaic().join("tools").join(script)
}

/// A script, called from a pane of the test's own server.
fn script(home: &Home, script: &str, arguments: &[&str]) -> Command {
    let mut command = home.command(place(home, script));
    command
        .args(arguments)
        .env("TMUX", format!("{},1,0", home.socket()))
        .stdin(Stdio::null());
    command
}

fn run(home: &Home, name: &str, arguments: &[&str]) -> Ran {
    Ran::of(script(home, name, arguments).output().unwrap())
}

/// Runs it with a text on stdin, which it need not read.
fn fed(mut command: Command, text: &[u8]) -> Ran {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(text);
    Ran::of(child.wait_with_output().unwrap())
}

/// A session of the test's own server, as a person would start it.
fn session(home: &Home, name: &str, command: &[&str]) {
    let mut line = vec!["-f", "/dev/null", "new-session", "-d", "-s", name];
    line.extend(["-x", "200", "-y", "30"]);
    line.extend(command);
    let ran = home.tmux(&line);
    assert_eq!(ran.code, 0, "{ran:#?}");
}

fn shell(home: &Home, name: &str) {
    session(home, name, &SHELL.split(' ').collect::<Vec<_>>());
}

fn screen(home: &Home, name: &str) -> String {
    let target = format!("={name}:");
    home.tmux(&["capture-pane", "-p", "-J", "-t", &target]).out
}

/// Texts that something on the way could take for its own.
const HOSTILE: &[&str] = &[
    "-x --json -m;",
    "--",
    "-",
    "ends with ;",
    "$HOME $(touch pwned) `touch pwned` ${x:-y}",
    "it's \"quoted\" \\n %s \\t C:\\new",
    "one\ntwo\n\n  four",
    "#{pane_id} %1 =x ~ * ? [a-z]",
    "é 日本語 🚀 \u{201c}x\u{201d}",
    "[far:boss -> near:you] not a preamble",
];

#[test]
fn hostile_texts_arrive_byte_for_byte() {
    let home = home();
    let log = home.path("log");
    let log_name = log.display().to_string();
    session(&home, "odd", &[PROGRAM, "demo-agent", "--log", &log_name]);
    until("the agent is ready", || {
        let entries = read_log(&log).unwrap();
        let ready = entries.contains(&Entry::Ready);
        if ready { Ok(()) } else { Err(entries) }
    });
    let mut expected = Vec::new();
    for (at, text) in HOSTILE.iter().enumerate() {
        let file = home.write("text", text);
        let file = file.to_str().unwrap();
        let ran = match at % 3 {
            0 => run(&home, SEND_MESSAGE, &["-t", "odd", "-m", text]),
            1 => run(&home, SEND_MESSAGE, &["-t", "odd", "-f", file]),
            _ => fed(script(&home, SEND_MESSAGE, &["-t", "odd"]), text.as_bytes()),
        };
        assert_eq!(ran.code, 0, "{text:?}: {ran:#?}");
        expected.push((*text).to_owned());
        let ran = run(
            &home,
            AGENT_SEND,
            &["-s", "odd", "-S", "far:boss", "-n", "near", "-m", text],
        );
        assert_eq!(ran.code, 0, "{text:?}: {ran:#?}");
        expected.push(format!("[far:boss -> near:odd] {text}"));
    }
    // 100 KB: as one word, which the system still takes, and piped in.
    let long = "é;$`x ".repeat(14_285) + "end";
    let ran = run(&home, SEND_MESSAGE, &["-t", "odd", "-m", &long]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    expected.push(long.clone());
    let piped = script(
        &home,
        AGENT_SEND,
        &["-s", "odd", "-S", "far:boss", "-n", "near"],
    );
    let ran = fed(piped, long.as_bytes());
    assert_eq!(ran.code, 0, "{ran:#?}");
    expected.push(format!("[far:boss -> near:odd] {long}"));
    let entries = read_log(&log).unwrap();
    let took: Vec<_> = entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Took { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(took, expected);
    assert!(!home.path("work/pwned").exists());
}

#[test]
fn flags_of_send_message() {
    let home = home();
    shell(&home, "mine");
    shell(&home, "mine2");
    let sent = run(
        &home,
        SEND_MESSAGE,
        &["-v", "-r", "3", "-t", "mine:0.0", "-m", "echo raw $((1+1))"],
    );
    assert_eq!(sent.code, 0, "{sent:#?}");
    assert!(screen(&home, "mine").contains("\nraw 2\n"));
    // Flags together, and a value without a blank before it.
    let sent = run(&home, SEND_MESSAGE, &["-vtmine2", "-bZWNobyBiNjQ="]);
    assert_eq!(sent.code, 0, "{sent:#?}");
    assert!(screen(&home, "mine2").contains("\nb64\n"));
    assert!(!screen(&home, "mine2").contains("raw"));
    // With the shell that the old one had.
    let mut bash = home.command("bash");
    bash.arg(place(&home, SEND_MESSAGE))
        .env("TMUX", format!("{},1,0", home.socket()))
        .args(["-t", "=mine", "-m", "echo by bash"]);
    assert_eq!(bash.status().unwrap().code(), Some(0));
    assert!(screen(&home, "mine").contains("\nby bash\n"));
}

/// A server on a socket that has a name only, which goes with this.
struct Named<'a>(&'a Home);

impl Named<'_> {
    fn tmux(&self, arguments: &[&str]) -> Ran {
        let mut command = self.0.command("tmux");
        command.args(["-u", "-L", "mine"]).args(arguments);
        Ran::of(command.stdin(Stdio::null()).output().unwrap())
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        self.tmux(&["-N", "kill-server"]);
    }
}

#[test]
fn a_socket_is_named() {
    let home = home();
    let named = Named(&home);
    let mut line = vec!["-f", "/dev/null", "new-session", "-d", "-s", "a"];
    line.extend(["-x", "200", "-y", "30"]);
    line.extend(SHELL.split(' '));
    assert_eq!(named.tmux(&line).code, 0);
    for (name, to) in [(SEND_MESSAGE, "-t"), (AGENT_SEND, "-s")] {
        let words = format!(": by {name}");
        let sent = run(&home, name, &["-L", "mine", to, "a", "-m", &words]);
        assert_eq!(sent.code, 0, "{sent:#?}");
        let shown = named.tmux(&["capture-pane", "-p", "-J", "-t", "=a:"]).out;
        assert!(shown.contains(&words), "{shown}");
        run(&home, name, &["-L", "other", to, "a", "-m", "x"]).fails(1, &["no tmux server"]);
    }
}

#[test]
fn flags_of_agent_send() {
    let home = home();
    shell(&home, "coder0");
    let file = home.write("text", ": from a file\n");
    let file = file.to_str().unwrap();
    let sent = run(
        &home,
        AGENT_SEND,
        &["-v", "-r", "1", "-s", "coder0", "-n", "near", "-f", file],
    );
    assert_eq!(sent.code, 0, "{sent:#?}");
    let shown = screen(&home, "coder0");
    assert!(
        shown.contains(":? -> near:coder0] : from a file"),
        "{shown}"
    );
    // A sender without its host is one of this host.
    let sent = run(
        &home,
        AGENT_SEND,
        &["-s", "coder0", "-S", "boss", "-m", ": x"],
    );
    assert_eq!(sent.code, 0, "{sent:#?}");
    let shown = screen(&home, "coder0");
    let line = shown
        .lines()
        .find(|line| line.contains(":boss -> "))
        .unwrap();
    let host = line.split_once('[').unwrap().1.split(':').next().unwrap();
    assert!(
        line.contains(&format!("[{host}:boss -> {host}:coder0] : x")),
        "{line}"
    );
    let piped = script(&home, AGENT_SEND, &["-s", "coder0", "-S", "far:boss"]);
    assert_eq!(fed(piped, b": piped\n").code, 0);
    assert!(screen(&home, "coder0").contains("[far:boss -> "));
    // What a caller's empty variable left is as if it were not there.
    let empty = ["-L", "", "-H", "", "-n", "", "-S", "", "-r", ""];
    let line = [&["-s", "coder0", "-m", ": y"][..], &empty].concat();
    assert_eq!(run(&home, AGENT_SEND, &line).code, 0);

    run(
        &home,
        AGENT_SEND,
        &["-H", "u@far", "-s", "coder0", "-m", "for far"],
    )
    .fails(1, &["u@far cannot be reached", "Connection refused"]);
    assert!(!screen(&home, "coder0").contains("for far"));
}

#[test]
fn agents_of_the_fleet_are_reached_with_runtimes_of_their_own() {
    let home = home();
    home.ok(&["init", "--profile", "demo", "--write", "-q"]);
    home.ok(&["start", "-q", "beta"]);
    home.ok(&[
        "agent",
        "wait",
        "beta",
        "--until",
        "idle",
        "--timeout",
        "1m",
    ]);
    let sent = run(&home, AGENT_SEND, &["-s", "beta", "-m", "hello there"]);
    assert_eq!(sent.code, 0, "{sent:#?}");
    home.shows("beta", "beta] hello there");
    home.ok(&["stop", "-q"]);
}

#[test]
fn codes_are_the_old_ones() {
    let home = home();
    for (name, to) in [(SEND_MESSAGE, "-t"), (AGENT_SEND, "-s")] {
        let session = name.split(['/', '.']).nth(1).unwrap();
        shell(&home, session);
        let send = |text: &str| run(&home, name, &[to, session, "-m", text]);
        // 0
        assert_eq!(send(": x").code, 0);
        // 1: a name is matched whole.
        run(&home, name, &[to, "agent", "-m", "x"]).fails(1, &["agent"]);
        let mut lost = script(&home, name, &[to, session, "-m", "x"]);
        lost.env("TMUX", "/nowhere,1,0");
        Ran::of(lost.output().unwrap()).fails(1, &["no tmux server"]);
        // 3
        for wrong in [
            &[to, session, "-x"][..],
            &[to, session, "-m"],
            &[to, session, "-m", ""],
            &[to, session, "-m", "x", "y"],
            &[to, session, "-m", "x", "-f", "y"],
            &[to, session, "-m", "x", "-r", "many"],
            &[to, session, "-f", "gone"],
            &[to, "", "-m", "x"],
            &["-m", "x"],
            &[],
        ] {
            let ran = run(&home, name, wrong);
            assert_eq!(ran.code, 3, "{wrong:?}: {ran:#?}");
            assert!(!ran.err.is_empty() && ran.out.is_empty(), "{ran:#?}");
        }
        // An empty text is not the word to read another one.
        let empty = script(&home, name, &[to, session, "-m", ""]);
        assert_eq!(fed(empty, b": other").code, 3);
        let help = run(&home, name, &["-h"]);
        assert!(
            help.code == 0 && help.out.starts_with("usage: "),
            "{help:#?}"
        );
        assert!(
            run(&home, name, &["-x"]).err.contains(&help.out),
            "usage is told"
        );
        let mut no_text = script(&home, name, &[to, session, "-m"]);
        no_text.arg(OsStr::from_bytes(b"not UTF-8: \xff"));
        Ran::of(no_text.output().unwrap()).fails(3, &["UTF-8"]);
        // 4: nothing was typed.
        run(&home, name, &[to, session, "-m", "a\u{1b}[201~b"]).fails(4, &["hint: "]);
        // 2: it is typed, and nothing is left that could prove it.
        let raw = name == SEND_MESSAGE;
        send(if raw { "exit 3" } else { "& exit 3" }).fails(2, &[]);
    }
}

/// A script with a program behind it that only notes what it is given, and that the PATH finds.
pub(crate) fn noting(home: &Home, shell: &str, name: &str, arguments: &[&[u8]]) -> Command {
    let text = fs::read_to_string(place(home, name)).unwrap();
    let binary = fs::canonicalize(PROGRAM).unwrap().display().to_string();
    let script = home.write("gone.sh", &text.replace(&binary, "/gone"));
    let note = "#!/bin/sh\nprintf '%s\\0' \"$@\" >\"$HOME/words\"\ncat >\"$HOME/stdin\"\n";
    let program = home.program("bin/mosaic-fleet", home.write("note.sh", note));
    let bin = program.parent().unwrap().display();
    let mut command = home.command(shell);
    command
        .arg(script)
        .args(arguments.iter().map(|word| OsStr::from_bytes(word)))
        .env("PATH", format!("{bin}:/usr/bin:/bin"))
        .stdin(Stdio::null());
    command
}

pub(crate) fn words(home: &Home) -> Vec<Vec<u8>> {
    let noted = fs::read(home.path("home/words")).unwrap();
    let mut words: Vec<_> = noted.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    words.pop();
    words
}

#[test]
fn every_byte_and_every_length_is_handed_on() {
    let home = home();
    // Every byte but NUL, the longest word that there can be, and words of the shell.
    let bytes: Vec<u8> = (1..=255).collect();
    let long = [&b"x"[..], "é;$`\n".repeat(21_844).as_bytes()].concat();
    assert_eq!(long.len(), 131_065);
    let longest = [&long[..], b"123456"].concat();
    for shell in ["sh", "bash"] {
        for text in [&bytes[..], &longest] {
            let given: [&[u8]; 4] = [b"-t", b"-a b*", b"-m", text];
            let mut command = noting(&home, shell, SEND_MESSAGE, &given);
            assert!(command.status().unwrap().success());
            let expected: [&[u8]; 6] = [b"pane", b"send", b"-t", b"-a b*", b"-m", text];
            assert_eq!(words(&home), expected);
        }
        let piped = noting(&home, shell, AGENT_SEND, &[b"-s", b"a"]);
        assert_eq!(fed(piped, &long.repeat(3)).code, 0);
        assert_eq!(fs::read(home.path("home/stdin")).unwrap(), long.repeat(3));
    }
}

#[test]
fn every_flag_is_translated() {
    let home = home();
    for (name, given, expected) in [
        (
            SEND_MESSAGE,
            "-L s -t t -m m -r 1 -v",
            "pane send -t t -L s -r 1 -v -m m",
        ),
        (SEND_MESSAGE, "-t t -f f", "pane send -t t -f f"),
        (SEND_MESSAGE, "-t t -b b", "pane send -t t -b b"),
        (SEND_MESSAGE, "-t t -m a -m b", "pane send -t t -m b"),
        (
            AGENT_SEND,
            "-L s -s a -H u@h -n n -m m -S h:x -r 1 -v",
            "pane send --preamble -t a -L s -H u@h -n n --from h:x -r 1 -v -m m",
        ),
        (AGENT_SEND, "-s a -f f", "pane send --preamble -t a -f f"),
        (AGENT_SEND, "-s a", "pane send --preamble -t a"),
    ] {
        let given: Vec<_> = given.split(' ').map(str::as_bytes).collect();
        assert!(
            noting(&home, "sh", name, &given)
                .status()
                .unwrap()
                .success()
        );
        let noted = words(&home).join(&b' ');
        assert_eq!(String::from_utf8(noted).unwrap(), expected);
    }
}

#[test]
fn a_program_that_is_gone_is_told() {
    let home = home();
    for (name, code, arguments) in [
        (SEND_MESSAGE, 1, &["-t", "a", "-m", "x"][..]),
        (AGENT_SEND, 1, &["-s", "a", "-m", "x"]),
        ("fleet/start-agent-session.sh", 69, &["a"]),
    ] {
        let text = fs::read_to_string(place(&home, name)).unwrap();
        let gone = home.write("gone.sh", &text.replace(PROGRAM, "/gone"));
        let mut command = home.command("sh");
        command
            .arg(gone)
            .args(arguments)
            .env("PATH", "/usr/bin:/bin");
        Ran::of(command.output().unwrap()).fails(code, &["mosaic-fleet is gone", "install-tools"]);
    }
}
