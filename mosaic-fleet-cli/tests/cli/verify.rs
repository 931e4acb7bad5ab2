//! `verify` without units; under a user manager it is tried in `tests/systemd`.

use crate::home::Home;

#[test]
fn it_holds_touches_nobody_and_leaves_nothing_in_the_way() {
    let home = Home::with_shells(&["a", "b"]);
    home.run(&["verify"])
        .fails(1, &["no tmux server", "mosaic-fleet start"]);
    home.ok(&["start", "-q"]);
    let panes = || {
        home.tmux(&["list-panes", "-a", "-F", "#{session_name} #{pane_pid}"])
            .out
    };
    let before = panes();
    let verified = home.ok(&["verify", "--json"]).json();
    assert_eq!(verified["version"], 1);
    assert_eq!(verified["ok"], true, "{verified}");
    for check in verified["checks"].as_array().unwrap() {
        assert!(
            check["name"].is_string() && check["seen"].is_string(),
            "{check}"
        );
    }
    assert_eq!(panes(), before);
    assert!(!home.ok(&["status"]).out.contains("_canary"));
    // The journal of keys stands beside what it wrote down.
    let keyed = [
        "agent",
        "send",
        "a",
        "--no-preamble",
        "--idempotency-key",
        "k",
        "-m",
        "echo x",
    ];
    home.ok(&keyed);
}
