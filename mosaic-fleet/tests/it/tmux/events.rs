//! The runtime's own word: programs that tell their hooks, and hooks that fail.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use mosaic_fleet::events::{Event, EventLog, What};
use mosaic_fleet::runtime::Catalog;
use mosaic_fleet::testing::scripted_agent::{Entry, Script, SubmitKey};
use mosaic_fleet::testing::tmux::{TmuxFixture, manifests};
use mosaic_fleet::{
    AgentState, EvidenceKind, ResetOptions, StatusOptions, Transport, TransportExt, Verdict,
};

use serde_json::json;

use super::{agent_with, name, send, with_agent};

fn telling(vices: impl FnOnce(&mut Script)) -> Script {
    agent_with(|script| {
        script.tells = true;
        script.submit_keys = vec![SubmitKey::Enter, SubmitKey::F12];
        vices(script);
    })
}

/// The event log that an agent was given.
fn log_of(fixture: &TmuxFixture) -> PathBuf {
    let show = ["show-environment", "-t", "=coder0", "MOSAIC_AGENT_EVENTS"];
    let shown = fixture.tmux_text(&show).unwrap();
    PathBuf::from(shown.trim().strip_prefix("MOSAIC_AGENT_EVENTS=").unwrap())
}

#[tokio::test]
async fn the_programs_own_word_proves_a_text() {
    let style = Script::boxed().style;
    for script in [telling(|_| {}), telling(|script| script.style = style)] {
        let fixture = with_agent(&script).await;
        for _ in 0..2 {
            let receipt = send(&fixture, "the\nsame twice").await.unwrap();
            assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
            assert_eq!(receipt.evidence.kind, EvidenceKind::Hook, "{receipt:?}");
        }
        assert_eq!(fixture.took("coder0").unwrap(), ["the\nsame twice"; 2]);
    }
}

#[tokio::test]
async fn a_busy_program_tells_what_it_holds_for_later() {
    let long = "a long task".to_owned();
    let script = telling(|script| {
        script.style = Script::boxed().style;
        script.endless_turn = Some(long);
    });
    let fixture = with_agent(&script).await;
    let _ = send(&fixture, "a long task").await.unwrap();
    let receipt = send(&fixture, "for later").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Queued, "{receipt:?}");
    assert_eq!(receipt.evidence.kind, EvidenceKind::Hook, "{receipt:?}");
}

#[tokio::test]
async fn the_private_key_that_it_told_of_is_pressed() {
    // Enter would be ignored for ever.
    let fixture = with_agent(&telling(|script| script.swallow_enter_ms = 600_000)).await;
    let receipt = send(&fixture, "by another key").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
}

#[tokio::test]
async fn a_reset_waits_for_the_new_session() {
    let script = telling(|script| {
        script.reset_command = Some("/clear".to_owned());
        script.reset_takes_ms = 300;
    });
    let fixture = with_agent(&script).await;
    let (transport, coder0) = (fixture.one_shot(), name("coder0"));
    let reset = transport.reset(&coder0, ResetOptions::new());
    let report = reset.await.unwrap();
    assert_eq!(report.evidence.kind, EvidenceKind::Hook, "{report:?}");
    assert!(report.evidence.detail.contains("clear"), "{report:?}");
    let _ = send(&fixture, "after it").await.unwrap();
    assert_eq!(fixture.took("coder0").unwrap(), ["after it"]);
}

#[tokio::test]
async fn another_programs_word_proves_nothing() {
    let fixture = with_agent(&telling(|script| script.swallow_enters = u32::MAX)).await;
    let log = EventLog::at(log_of(&fixture));
    let mut start = Event::now(What::SessionStart, "inner");
    start.reason = Some("startup".to_owned());
    log.append(&start).unwrap();
    let liar = tokio::spawn({
        let log = log.clone();
        async move {
            loop {
                let lie = Event::now(What::Prompt, "inner").with_text("not taken");
                log.append(&lie).unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    let outcome = send(&fixture, "not taken").await;
    liar.abort();
    let error = outcome.unwrap_err();
    assert_eq!(
        error.stage(),
        Some(mosaic_fleet::Stage::KeyPressed),
        "{error}"
    );
}

#[tokio::test]
async fn a_log_that_is_gone_or_cannot_be_written_stops_nobody() {
    let ways: [fn(&PathBuf); 3] = [
        |log| fs::remove_dir_all(log.parent().unwrap()).unwrap(),
        |log| {
            fs::remove_file(log).unwrap();
            fs::create_dir(log).unwrap();
        },
        |log| {
            fs::remove_file(log).unwrap();
            std::os::unix::fs::symlink("/dev/full", log).unwrap();
        },
    ];
    for way in ways {
        let fixture = with_agent(&telling(|_| {})).await;
        way(&log_of(&fixture));
        let receipt = send(&fixture, "by the screen").await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        assert_eq!(receipt.evidence.kind, EvidenceKind::Screen, "{receipt:?}");
        assert_eq!(fixture.took("coder0").unwrap(), ["by the screen"]);
    }
}

#[tokio::test]
async fn status_is_the_programs_word_first() {
    let fixture = with_agent(&telling(|script| script.busy_ms = 500)).await;
    let (transport, coder0) = (fixture.one_shot(), name("coder0"));
    let status = transport
        .status(&coder0, StatusOptions::new())
        .await
        .unwrap();
    assert_eq!(
        (status.state, status.evidence.as_str()),
        (AgentState::Idle, "hook: no turn is running")
    );
    let _ = send(&fixture, "work").await.unwrap();
    let wait = Duration::from_secs(60);
    transport.wait_idle(&coder0, wait).await.unwrap();
    // A question that its screen does not show yet, or in no form that is known.
    let log = EventLog::at(log_of(&fixture));
    let mut asks = Event::now(What::Waiting, "session-1");
    asks.question = Some("Bash: touch x".to_owned());
    log.append(&asks).unwrap();
    let status = transport
        .status(&coder0, StatusOptions::new())
        .await
        .unwrap();
    assert_eq!(status.state, AgentState::Waiting);
    assert_eq!(status.question.as_deref(), Some("Bash: touch x"));
    let error = send(&fixture, "not now").await.unwrap_err();
    assert_eq!(super::refusal(&error), mosaic_fleet::Refusal::Dialog);
    assert!(
        !fixture
            .log("coder0")
            .unwrap()
            .iter()
            .any(|entry| matches!(entry, Entry::Lost { .. }))
    );
}

#[tokio::test]
async fn what_it_tells_its_terminal_is_heard_by_who_listens() {
    // Its screen shows no turn: the sign is not among the manifest's.
    let script = agent_with(|script| {
        script.tells_terminal = true;
        script.endless_turn = Some("a long task".to_owned());
    });
    let mut fixture = super::fixture();
    let mut manifests = manifests();
    manifests.get_mut("scripted-line").unwrap()["busy"] = json!([]);
    let catalog = Catalog::shipped().unwrap();
    fixture.config.catalog = catalog.with_overrides(&manifests).unwrap();
    fixture.start("coder0", &script).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    let (transport, coder0) = (fixture.connected(), name("coder0"));
    let waiting = tokio::spawn({
        let (transport, coder0) = (transport.clone(), coder0.clone());
        async move {
            let wait = Duration::from_secs(60);
            let working = [AgentState::Working];
            transport.wait_until(&coder0, &working, wait).await
        }
    });
    let clients = ["list-clients", "-t", "=coder0", "-F", "#{client_name}"];
    while fixture.tmux_text(&clients).unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = transport.send_text(&coder0, "a long task").await;
    let status = waiting.await.unwrap().unwrap();
    assert_eq!(status.evidence, "terminal: its turn is running");
}
