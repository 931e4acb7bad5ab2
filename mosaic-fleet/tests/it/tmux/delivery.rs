//! Every hazard of a send that a scripted agent can play.

use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::{By, Entry, Script, SubmitKey};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{
    AgentState, ErrorKind, Message, Refusal, SendOptions, Stage, Transport, TransportExt, Verdict,
};

use super::{agent_with, composer, fixture, name, refusal, send, with_agent};

fn approved(fixture: &TmuxFixture) -> bool {
    let log = fixture.log("coder0").unwrap();
    let answered = |entry: &Entry| {
        matches!(
            entry,
            Entry::DialogAnswered {
                by: By::Enter | By::Key,
                ..
            }
        )
    };
    log.iter().any(answered)
}

fn server(fixture: &TmuxFixture) -> String {
    fixture
        .tmux_text(&["display-message", "-p", "#{pid}"])
        .unwrap()
}

const LINES: &str = "first line\nsecond line; with a semicolon;\n- third 'quoted' \"line\" $HOME;";

#[tokio::test]
async fn a_text_is_submitted_once_in_both_styles() {
    for script in [Script::new(), Script::boxed()] {
        let fixture = with_agent(&script).await;
        let receipt = send(&fixture, LINES).await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        assert_eq!(receipt.attempts, 1);
        assert_eq!(fixture.took("coder0").unwrap(), [LINES]);
    }
}

#[tokio::test]
async fn the_same_text_twice_is_taken_twice() {
    for script in [Script::new(), Script::boxed()] {
        let fixture = with_agent(&script).await;
        for _ in 0..3 {
            let receipt = send(&fixture, "continue").await.unwrap();
            assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
        }
        assert_eq!(fixture.took("coder0").unwrap(), ["continue"; 3]);
    }
}

#[tokio::test]
async fn a_dead_program_is_refused_and_the_server_lives() {
    let fixture = with_agent(&agent_with(|script| script.exit_after = 1)).await;
    fixture.start("other", &Script::new()).await.unwrap();
    let before = server(&fixture);
    let _ = send(&fixture, "and then it ends").await;
    fixture
        .logged("coder0", |entry| matches!(entry, Entry::Exited { .. }))
        .await
        .unwrap();
    let transport = fixture.one_shot();
    let wait = Duration::from_secs(60);
    transport
        .wait_until(&name("coder0"), &[AgentState::Dead], wait)
        .await
        .unwrap();
    let error = send(&fixture, "too late").await.unwrap_err();
    assert_eq!(refusal(&error), Refusal::Dead);
    assert_eq!(server(&fixture), before);
    fixture.ready("other").await.unwrap();
    let sent = transport
        .send_text(&name("other"), "still there?")
        .await
        .unwrap();
    assert_eq!(sent.verdict, Verdict::Submitted);
}

#[tokio::test]
async fn a_program_that_ends_on_the_paste_leaves_the_outcome_unknown() {
    let fixture = with_agent(&agent_with(|script| script.crash_on_paste = 1)).await;
    let before = server(&fixture);
    let error = send(&fixture, "boom").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::DeliveryUnknown, Some(Stage::Pasted))
    );
    assert_eq!(server(&fixture), before);
    assert!(fixture.took("coder0").unwrap().is_empty());
}

#[tokio::test]
async fn a_program_that_ends_on_the_key_leaves_the_outcome_unknown() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.crash_on_submit = 1);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let error = send(&fixture, "boom").await.unwrap_err();
        assert_eq!(error.stage(), Some(Stage::KeyPressed), "{error}");
    }
}

#[tokio::test]
async fn copy_mode_takes_neither_the_paste_nor_the_key() {
    let fixture = with_agent(&agent_with(|script| script.print_flood_lines = 100)).await;
    fixture.tmux_text(&["copy-mode", "-t", "=coder0:"]).unwrap();
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "-X", "page-up"])
        .unwrap();
    let receipt = send(&fixture, LINES).await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
    assert_eq!(fixture.took("coder0").unwrap(), [LINES]);
}

#[tokio::test]
async fn an_open_dialog_is_not_answered() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.dialog_at_start = true);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = fixture();
        fixture.start("coder0", &script).await.unwrap();
        let opened = |entry: &Entry| matches!(entry, Entry::DialogOpened { .. });
        fixture.logged("coder0", opened).await.unwrap();
        let transport = fixture.one_shot();
        let wait = Duration::from_secs(60);
        let states = [AgentState::Waiting];
        let status = transport
            .wait_until(&name("coder0"), &states, wait)
            .await
            .unwrap();
        assert_eq!(status.waiting_for.as_deref(), Some("permission"));
        assert_eq!(status.question.as_deref(), Some("Do you want to proceed?"));
        let error = send(&fixture, "go on").await.unwrap_err();
        assert_eq!(refusal(&error), Refusal::Dialog);
        assert!(!approved(&fixture));
        let log = fixture.log("coder0").unwrap();
        assert!(
            !log.iter()
                .any(|entry| matches!(entry, Entry::DialogAte { .. })),
            "{log:?}"
        );
    }
}

#[tokio::test]
async fn a_dialog_that_opens_after_the_paste_is_not_answered() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.dialog_on_paste = vec![1]);
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let error = send(&fixture, "go on").await.unwrap_err();
        assert_eq!(error.stage(), Some(Stage::Pasted), "{error}");
        assert!(!approved(&fixture));
        assert!(fixture.took("coder0").unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_dialog_that_opens_between_the_echo_and_the_key_is_not_answered() {
    // The gap leaves the time. The guard on the server holds; and where a dialog has no words for
    // it, the look before the key.
    for words in [true, false] {
        let mut fixture = fixture();
        let mut manifests = mosaic_fleet::testing::tmux::manifests();
        let slow = manifests.get_mut("scripted-box").unwrap();
        slow["submit"] = serde_json::json!({"gap_ms": 400});
        if !words {
            slow["dialog"][0]["words"].take();
        }
        fixture.config.catalog = fixture.config.catalog.with_overrides(&manifests).unwrap();
        let mut script = Script::boxed();
        script.dialog_on_echo_ms = Some(100);
        fixture.start("coder0", &script).await.unwrap();
        fixture.ready("coder0").await.unwrap();
        let error = send(&fixture, "go on").await.unwrap_err();
        assert_eq!(error.stage(), Some(Stage::Pasted), "{error}");
        assert!(!approved(&fixture));
    }
}

#[tokio::test]
async fn a_dialog_that_is_answered_in_time_delays_the_text_only() {
    let script = agent_with(|script| {
        script.dialog_on_paste = vec![1];
        script.dialog_closes_ms = 300;
    });
    let fixture = with_agent(&script).await;
    let receipt = send(&fixture, "go on").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted);
    assert!(!approved(&fixture));
    assert_eq!(fixture.took("coder0").unwrap(), ["go on"]);
}

#[tokio::test]
async fn a_draft_is_left_as_it_is() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| script.draft = "a person's half a thought".to_owned());
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let error = send(&fixture, "from the fleet").await.unwrap_err();
        assert_eq!(refusal(&error), Refusal::Draft);
        assert!(composer(&fixture).contains("❯ a person's half a thought"));
        assert!(fixture.took("coder0").unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_text_of_ours_that_was_left_is_cleared_and_a_persons_is_not() {
    let script = agent_with(|script| script.dialog_on_paste = vec![1]);
    let fixture = with_agent(&script).await;
    send(&fixture, "left behind").await.unwrap_err();
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "2"])
        .unwrap();
    let receipt = send(&fixture, "next").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted);
    assert_eq!(fixture.took("coder0").unwrap(), ["next"]);
}

#[tokio::test]
async fn a_placeholder_is_no_draft() {
    let mut script = Script::boxed();
    script.placeholder = Some("Try \"fix lint\"".to_owned());
    let fixture = with_agent(&script).await;
    assert_eq!(
        send(&fixture, "hello").await.unwrap().verdict,
        Verdict::Submitted
    );
}

#[tokio::test]
async fn another_program_in_the_terminal_gets_nothing() {
    let fixture = fixture();
    // A wrapper that stays, as `mosaic yolo` does, and a shell where the agent is expected.
    let wrapper = ["sh", "-c", "echo '❯ '; cat > typed; true"].map(str::to_owned);
    fixture
        .start_command("coder0", "scripted-line", &wrapper)
        .await
        .unwrap();
    let error = send(&fixture, "rm -rf /").await.unwrap_err();
    assert_eq!(refusal(&error), Refusal::WrongProgram, "{error}");
    let typed = std::fs::read_to_string(fixture.folder().join("typed")).unwrap();
    assert_eq!(typed, "");
}

#[tokio::test]
async fn a_program_under_a_wrapper_is_found() {
    let fixture = fixture();
    let script = Script::new();
    let program = env!("CARGO_BIN_EXE_scripted-agent");
    let log = fixture.folder().join("coder0.log");
    let line = format!(
        "{program} --script '{}' --log {}; true",
        script.to_json(),
        log.display()
    );
    let wrapper = ["sh".to_owned(), "-c".to_owned(), line];
    fixture
        .start_command("coder0", "scripted-line", &wrapper)
        .await
        .unwrap();
    fixture.ready("coder0").await.unwrap();
    assert_eq!(
        send(&fixture, "hello").await.unwrap().verdict,
        Verdict::Submitted
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_share_nothing_but_the_server_never_mix() {
    let fixture = with_agent(&Script::boxed()).await;
    let writers = (0..4).map(|writer| {
        let transport = fixture.one_shot();
        tokio::spawn(async move {
            for number in 0..5 {
                let text = format!("writer {writer} says\nnumber {number}");
                let receipt = transport.send_text(&name("coder0"), &text).await.unwrap();
                assert!(matches!(
                    receipt.verdict,
                    Verdict::Submitted | Verdict::Queued
                ));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut took = fixture.took("coder0").unwrap();
    took.sort();
    let mut expected: Vec<String> = (0..4)
        .flat_map(|writer| (0..5).map(move |n| format!("writer {writer} says\nnumber {n}")))
        .collect();
    expected.sort();
    assert_eq!(took, expected);
}

#[tokio::test]
async fn a_held_lease_is_respected_until_it_expires() {
    let fixture = with_agent(&Script::new()).await;
    let set = |key: &str, value: &str| {
        let words = ["set-option", "-p", "-t", "=coder0:", key, value];
        fixture.tmux_text(&words).unwrap();
    };
    set("@mosaic_lease", "elsewhere/1/x");
    set("@mosaic_lease_until", "9999999999");
    let options = SendOptions::new().with_timeout(Duration::from_secs(1));
    let transport = fixture.one_shot();
    let sent = transport
        .send(&name("coder0"), Message::new("no"), options)
        .await;
    let error = sent.unwrap_err();
    assert_eq!(refusal(&error), Refusal::Locked);
    assert!(error.message().contains("elsewhere"), "{error}");
    set("@mosaic_lease_until", "1000000000");
    assert_eq!(
        send(&fixture, "yes").await.unwrap().verdict,
        Verdict::Submitted
    );
    assert_eq!(fixture.took("coder0").unwrap(), ["yes"]);
    let left = [
        "show-options",
        "-p",
        "-v",
        "-t",
        "=coder0:",
        "@mosaic_lease",
    ];
    assert_eq!(fixture.tmux_text(&left).unwrap_or_default(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_after_the_paste_leaves_the_outcome_unknown() {
    let fixture = with_agent(&agent_with(|script| script.redraw_ms = 5000)).await;
    let transport = fixture.one_shot();
    let sending = tokio::spawn(async move { transport.send_text(&name("coder0"), "hello").await });
    let pasted = [
        "show-options",
        "-p",
        "-v",
        "-t",
        "=coder0:",
        "@mosaic_pasted",
    ];
    while fixture.tmux_text(&pasted).unwrap_or_default().is_empty() {
        tokio::task::yield_now().await;
    }
    fixture.tmux(&["kill-server"]).unwrap();
    let error = sending.await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.stage()),
        (ErrorKind::DeliveryUnknown, Some(Stage::Pasted)),
        "{error}"
    );
}

#[tokio::test]
async fn output_that_never_stops_does_not_hold_up_a_send() {
    let mut script = Script::boxed();
    script.noise_ms = 5;
    let fixture = with_agent(&script).await;
    assert_eq!(
        send(&fixture, LINES).await.unwrap().verdict,
        Verdict::Submitted
    );
}

#[tokio::test]
async fn a_private_submit_key_is_used_where_the_manifest_has_one() {
    let mut fixture = fixture();
    let mut manifests = mosaic_fleet::testing::tmux::manifests();
    let boxed = manifests.get_mut("scripted-box").unwrap();
    boxed["submit"] = serde_json::json!({"key": "C-x C-y"});
    fixture.config.catalog = fixture.config.catalog.with_overrides(&manifests).unwrap();
    let mut script = Script::boxed();
    script.submit_keys = vec![SubmitKey::Chord];
    fixture.start("coder0", &script).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    assert_eq!(
        send(&fixture, "by chord").await.unwrap().verdict,
        Verdict::Submitted
    );
}

#[tokio::test]
async fn a_program_without_bracketed_paste_gets_single_lines_only() {
    let mut fixture = fixture();
    let mut manifests = mosaic_fleet::testing::tmux::manifests();
    manifests.get_mut("scripted-line").unwrap()["paste"] = serde_json::json!({"bracketed": false});
    fixture.config.catalog = fixture.config.catalog.with_overrides(&manifests).unwrap();
    let script = agent_with(|script| script.bracketed = false);
    fixture.start("coder0", &script).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    let error = send(&fixture, "one\ntwo").await.unwrap_err();
    assert_eq!(refusal(&error), Refusal::UnsafeText);
    assert_eq!(
        send(&fixture, "one").await.unwrap().verdict,
        Verdict::Submitted
    );
    assert_eq!(fixture.took("coder0").unwrap(), ["one"]);
}
