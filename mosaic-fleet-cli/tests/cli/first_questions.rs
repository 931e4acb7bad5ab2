//! A program that asks something before its first prompt: `start` says so, and how to answer.

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::manifests;

use crate::home::{Home, PROGRAM};

#[test]
fn start_shows_the_question_and_how_to_answer_it() {
    let mut script = Script::new();
    script.dialog_at_start = true;
    let command = serde_json::json!([PROGRAM, "demo-agent", "--script", script.to_json()]);
    let agent = |name: &str| serde_json::json!({"name": name, "runtime": "scripted-line", "command": command});
    let mut prompted = agent("prompted");
    prompted["kickstart_template"] = "You are {{ name }}.".into();
    let agents = [agent("plain"), prompted];
    let home = Home::with_roster(
        &serde_json::json!({"version": 1, "runtimes": manifests(), "agents": agents}).to_string(),
    );

    let plain = home.ok(&["start", "plain"]);
    assert!(
        plain.err.contains("plain: started, and asks: Do you want"),
        "{plain:#?}"
    );
    assert!(
        plain
            .err
            .contains("mosaic-fleet agent answer plain --choice N"),
        "{plain:#?}"
    );
    assert!(plain.out.contains("waiting"), "{plain:#?}");

    // Its first prompt would wait in vain, and nothing is typed into the question.
    let prompted = home.run(&["start", "prompted", "--json"]);
    prompted.fails(
        1,
        &[
            "its first prompt was not sent",
            "agent answer prompted --choice N",
        ],
    );
    let result = &prompted.json()["results"][0];
    assert_eq!(result["error"]["reason"], "dialog", "{prompted:#?}");

    for name in ["plain", "prompted"] {
        home.ok(&["agent", "answer", name, "--choice", "1"]);
        home.ok(&["agent", "wait", name, "--until", "idle", "--timeout", "30s"]);
    }
}
