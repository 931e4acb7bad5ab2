//! `pane send`: panes outside of any roster.

use crate::home::{Home, SHELL};

fn shell(home: &Home, session: &str) {
    let mut line = vec!["-f", "/dev/null", "new-session", "-d", "-s", session];
    line.extend(["-x", "100", "-y", "30"]);
    // In words, so that tmux starts it without a shell of its own around it.
    line.extend(SHELL.split(' '));
    let ran = home.tmux(&line);
    assert_eq!(ran.code, 0, "{ran:#?}");
}

fn screen(home: &Home, session: &str) -> String {
    home.tmux(&["capture-pane", "-p", "-t", &format!("={session}:")])
        .out
}

#[test]
fn a_pane_outside_of_a_roster_takes_a_text() {
    let home = Home::new();
    let socket = home.socket();
    shell(&home, "mine");
    shell(&home, "mine2");
    let send = |rest: &[&str]| {
        let mut line = vec!["pane", "send", "-S", &socket];
        line.extend(rest);
        home.run(&line)
    };
    let sent = send(&["-t", "mine", "-m", "echo raw $((1+1))", "--wait", "10s"]);
    assert_eq!(sent.code, 0, "{sent:#?}");
    assert!(sent.out.starts_with("mine: submitted"), "{sent:#?}");
    assert!(screen(&home, "mine").contains("\nraw 2\n"));
    assert!(!screen(&home, "mine2").contains("raw"));

    // As the old scripts were called: base64, a sender, the target's host.
    let sent = send(&[
        "-t",
        "=mine2:0.0",
        "-b",
        "ZWNobyBiNjQ=",
        "--from",
        "far:boss",
        "-n",
        "near",
        "--json",
        "--wait",
        "10s",
    ]);
    assert_eq!(sent.json()["receipts"][0]["agent"], "mine2", "{sent:#?}");
    assert!(screen(&home, "mine2").contains("[far:boss -> near:mine2] echo b64"));

    send(&["-t", "min", "-m", "x"]).fails(1, &["min"]);
    send(&["-t", "%99", "-m", "x"]).fails(1, &["%99"]);
    send(&["-t", "mine", "--runtime", "shel", "-m", "x"]).fails(1, &["did you mean shell?"]);
}

#[test]
fn a_broken_roster_is_none_of_its_business() {
    let home = Home::with_roster("version: 9\n");
    home.write("mosaic/fleet/agents/x.env", "nonsense\n");
    shell(&home, "mine");
    let socket = home.socket();
    let sent = home.run(&[
        "pane",
        "send",
        "-S",
        &socket,
        "-t",
        "mine",
        "-m",
        ": x",
        "--preamble",
        "--wait",
        "10s",
    ]);
    assert_eq!(sent.code, 0, "{sent:#?}");
    assert!(
        screen(&home, "mine").contains(":? -> "),
        "{}",
        screen(&home, "mine")
    );
}

#[test]
fn without_a_socket_it_is_the_server_of_the_pane() {
    let home = Home::new();
    shell(&home, "mine");
    let mut command = home.fleet(&["pane", "send", "-t", "mine", "-m", ": x", "--wait", "10s"]);
    command.env("TMUX", format!("{},1,0", home.socket()));
    assert_eq!(command.status().unwrap().code(), Some(0));
    // Outside of tmux: tmux's default, which in this home there is none of.
    home.run(&["pane", "send", "-t", "mine", "-m", ": x"])
        .fails(1, &["no tmux server"]);
}
