//! Every exit code of the table that can be made today.

use crate::home::Home;

/// An agent without a composer.
const NOT_READY: &str = "agents: [{ name: a, runtime: claude, command: \"sleep 600\" }]";

#[test]
fn codes_of_a_send() {
    let home = Home::with_shells(&["a"]);
    // 1: not there, not reached, not configured.
    home.run(&["agent", "send", "a", "-m", "x"])
        .fails(1, &["no tmux server", "mosaic-fleet start"]);
    home.ok(&["start", "-q"]);
    // 0
    home.ok(&["agent", "send", "a", "-m", ": x"]);
    home.run(&["agent", "send", "aa", "-m", "x"])
        .fails(1, &["did you mean a?"]);
    home.run(&["agent", "send", "--class", "wroker", "-m", "x"])
        .fails(1, &["wroker"]);
    // 3: usage, by the parser and by us.
    for wrong in [
        &["agent", "send"][..],
        &["agent", "send", "a", "--nonsense"],
        &["agent", "send", "a.b", "-m", "x"],
        &["agent", "send", "a", "-m", "x", "--wait", "soon"],
        &["agent", "send", "a", "-m", "x", "--from", "nobody"],
        &["agent", "send", "a", "-m", "x", "--all"],
        &["agent", "send", "a", "-m", ""],
        &["agent", "send", "a", "-f", "gone.txt"],
        &["agent", "reset", "a", "--clear", "--new"],
        &["pane", "send", "-m", "x"],
        &["pane", "send", "-t", "a:b.c", "-m", "x"],
        &["pane", "send", "-t", "a", "-b", "no base64!"],
    ] {
        let ran = home.run(wrong);
        assert_eq!(ran.code, 3, "{wrong:?}: {ran:#?}");
        assert!(
            !ran.err.is_empty() && ran.out.is_empty(),
            "{wrong:?}: {ran:#?}"
        );
    }
    // 4: nothing was typed.
    home.run(&["agent", "send", "a", "-m", "a\u{1b}[201~b"])
        .fails(4, &["hint: "]);
    home.tmux(&["send-keys", "-t", "=a:", "half a line"]);
    home.shows("a", "half a line");
    home.run(&["agent", "send", "a", "-m", "x", "--timeout", "2s"])
        .fails(4, &["composer", "hint: "]);
    home.run(&["agent", "reset", "a", "--timeout", "2s"])
        .fails(4, &["composer"]);
}

#[test]
fn a_text_whose_fate_cannot_be_told() {
    // A reset that is typed, and whose proof never comes.
    let roster = "version: 1\nruntimes: { odd: { extends: shell, reset: { clear: { command: ': clear', proof: ['^never$'] } } } }\nagents: [{ name: a, runtime: odd, command: \"bash --norc --noprofile -i\" }]\n";
    let home = Home::with_roster(roster);
    home.ok(&["start", "-q"]);
    home.run(&["agent", "reset", "a", "--timeout", "3s"])
        .fails(2, &["nothing proves", "hint: "]);
}

#[test]
fn codes_of_all_others() {
    let home = Home::with_roster(&format!("version: 1\n{NOT_READY}\n"));
    // 2: usage.
    for wrong in [
        &["nonsense"][..],
        &["start", "--nonsense"],
        &["status", "a.b"],
        &["agent", "tail"],
        &["agent", "tail", "a", "--cursor", ""],
        &["--color", "sometimes", "status"],
        &["init", "--profile", "nosuch"],
    ] {
        let ran = home.run(wrong);
        assert_eq!(ran.code, 2, "{wrong:?}: {ran:#?}");
        assert!(
            !ran.err.is_empty() && ran.out.is_empty(),
            "{wrong:?}: {ran:#?}"
        );
    }
    // 1: something failed.
    home.run(&["start", "b"]).fails(1, &["b"]);
    home.run(&["status", "aa"]).fails(1, &["did you mean a?"]);
    home.run(&["agent", "tail", "a"])
        .fails(1, &["mosaic-fleet start"]);
    home.run(&["attach", "a"])
        .fails(1, &["mosaic-fleet start a"]);
    home.run(&["agent", "attach", "b"])
        .fails(1, &["no such agent"]);
    // 0
    home.ok(&["status"]);
    home.ok(&["stop"]);
    home.ok(&["--version"]);
}

#[test]
fn one_that_fails_stops_no_other() {
    let home = Home::with_roster(
        "version: 1\ndefaults: { runtime: shell }\nagents:\n  - { name: bad, runtime: claude, command: ['sh', '-c', 'exit 3'], working_directory: /nonexistent/bad }\n  - { name: lost, working_directory: /nonexistent/folder, command: cat }\n  - { name: good, command: cat }\n",
    );
    let started = home.run(&["start", "--json"]);
    assert_eq!(started.code, 1);
    let results = started.json()["results"].clone();
    assert_eq!(
        results[0]["error"]["code"], "config_invalid",
        "{results:#?}"
    );
    assert_eq!(results[1]["error"]["code"], "config_invalid");
    assert!(results[2]["error"].is_null());
    assert!(
        started
            .err
            .contains("no working directory /nonexistent/folder"),
        "{started:#?}"
    );
    assert!(
        started.err.contains("change `working_directory`"),
        "{started:#?}"
    );
    home.run(&["doctor"]).fails(1, &[]);
}
