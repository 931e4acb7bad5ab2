//! The server is ours alone: nothing of the user's leaks in, nothing of theirs is touched.

use std::process::Command;
use std::time::Duration;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::transport::tmux::PaneTarget;
use mosaic_fleet::{
    AgentState, ErrorKind, ListOptions, Message, Refusal, ResetMode, ResetOptions, SendOptions,
    StatusOptions, TailOptions, Transport, TransportExt, Verdict,
};

use super::{agent_with, fixture, name, send, with_agent};

#[tokio::test]
async fn the_default_server_and_the_users_configuration_stay_out() {
    let fixture = fixture();
    let home = fixture.folder().join("home");
    let hostile = "set -g base-index 1\nsetw -g pane-base-index 1\nset -g destroy-unattached on\n\
                   set -g default-command 'false'\nset-hook -g session-created 'kill-server'\n\
                   set -g remain-on-exit off\n";
    std::fs::write(home.join(".tmux.conf"), hostile).unwrap();
    let default = |words: &[&str]| {
        let mut tmux = Command::new("tmux");
        tmux.env_clear()
            .envs(&fixture.config.environment)
            .args(["-f", "/dev/null"]);
        String::from_utf8(tmux.args(words).output().unwrap().stdout).unwrap()
    };
    default(&["new-session", "-d", "-s", "coder0", "cat"]);
    let list = [
        "list-panes",
        "-a",
        "-F",
        "#{session_name} #{pane_pid} #{session_created} #{history_bytes}",
    ];
    let before = default(&list);
    assert!(before.starts_with("coder0 "), "{before}");

    fixture.start("coder0", &Script::new()).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    assert_eq!(
        send(&fixture, "hello").await.unwrap().verdict,
        Verdict::Submitted
    );
    let transport = fixture.connected();
    assert_eq!(transport.list(ListOptions::new()).await.unwrap().len(), 1);
    transport
        .tail(&name("coder0"), TailOptions::new())
        .await
        .unwrap();
    transport.close().await.unwrap();
    fixture.tmux(&["kill-server"]).unwrap();

    assert_eq!(default(&list), before);
    default(&["kill-server"]);
}

#[tokio::test]
async fn base_indexes_do_not_matter() {
    let fixture = fixture();
    fixture.start("first", &Script::new()).await.unwrap();
    for option in ["base-index", "pane-base-index"] {
        fixture
            .tmux_text(&["set-option", "-g", option, "7"])
            .unwrap();
    }
    fixture.start("coder0", &Script::new()).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    assert_eq!(
        send(&fixture, "hello").await.unwrap().verdict,
        Verdict::Submitted
    );
}

#[tokio::test]
async fn a_split_beside_an_agent_is_not_the_agent() {
    let fixture = with_agent(&Script::new()).await;
    fixture
        .tmux_text(&["split-window", "-t", "=coder0:", "cat > typed"])
        .unwrap();
    assert_eq!(
        send(&fixture, "for the agent").await.unwrap().verdict,
        Verdict::Submitted
    );
    assert_eq!(fixture.took("coder0").unwrap(), ["for the agent"]);
    for transport in [fixture.one_shot(), fixture.connected()] {
        let tail = transport
            .tail(&name("coder0"), TailOptions::new())
            .await
            .unwrap();
        assert!(
            tail.lines.iter().any(|line| line.contains("for the agent")),
            "{tail:?}"
        );
    }
}

#[tokio::test]
async fn looking_changes_neither_sizes_nor_modes() {
    let fixture = with_agent(&Script::boxed()).await;
    let sizes = [
        "list-windows",
        "-a",
        "-F",
        "#{session_name} #{window_width}x#{window_height} #{window_active}",
    ];
    let before = fixture.tmux_text(&sizes).unwrap();
    for transport in [fixture.one_shot(), fixture.connected()] {
        transport.list(ListOptions::new()).await.unwrap();
        transport
            .status(&name("coder0"), StatusOptions::new())
            .await
            .unwrap();
        transport
            .tail(&name("coder0"), TailOptions::new())
            .await
            .unwrap();
        let _ = transport.send_text(&name("coder0"), "hello").await.unwrap();
        transport.close().await.unwrap();
    }
    assert_eq!(fixture.tmux_text(&sizes).unwrap(), before);
    let left = fixture.tmux_text(&["list-buffers"]).unwrap();
    assert_eq!(left, "");
}

#[tokio::test]
async fn no_secret_of_the_callers_environment_reaches_an_agent() {
    let mut fixture = fixture();
    let secret = ("ANTHROPIC_API_KEY".to_owned(), "sk-test".to_owned());
    fixture
        .config
        .environment
        .extend([secret, ("TMUX".to_owned(), "/tmp/x,1,0".to_owned())]);
    let words = ["sh", "-c", "env > seen; exec cat"].map(str::to_owned);
    fixture
        .start_command("coder0", "shell", &words)
        .await
        .unwrap();
    let seen = fixture.folder().join("seen");
    let text = || std::fs::read_to_string(&seen).unwrap_or_default();
    while !text().contains("MOSAIC_AGENT_NAME") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!text().contains("sk-test"), "{}", text());
    assert!(text().contains("MOSAIC_AGENT_NAME=coder0"));
}

#[tokio::test]
async fn the_end_of_a_program_ends_a_wait_and_tells_the_code() {
    let fixture = with_agent(&agent_with(|script| {
        script.exit_after = 1;
        script.exit_code = 7;
        script.busy_ms = 300;
    }))
    .await;
    for transport in [fixture.one_shot(), fixture.connected()] {
        let _ = transport
            .send_text(&name("coder0"), "and then it ends")
            .await;
        let wait = Duration::from_secs(60);
        let dead = transport
            .wait_until(&name("coder0"), &[AgentState::Dead], wait)
            .await
            .unwrap();
        // tmux may be learning it at this very moment.
        let exit = dead.exit_status.unwrap();
        assert!(matches!(exit.code, Some(7) | None), "{exit:?}");
        let listed = transport
            .list(ListOptions::new().with_composer(false))
            .await
            .unwrap();
        let (state, exit) = (listed[0].state, listed[0].exit_status.unwrap());
        assert_eq!((state, exit.code), (AgentState::Dead, Some(7)));
        transport.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_reset_returns_after_its_proof_and_loses_nothing() {
    for boxed in [false, true] {
        let mut script = agent_with(|script| {
            script.reset_command = Some("/clear".to_owned());
            script.reset_takes_ms = 300;
            script.reset_loses_ms = 300;
        });
        if boxed {
            script.style = Script::boxed().style;
        }
        let fixture = with_agent(&script).await;
        let transport = fixture.one_shot();
        for round in 0..3 {
            let _ = transport
                .send_text(&name("coder0"), "before")
                .await
                .unwrap();
            let options = ResetOptions::new().with_mode(ResetMode::Clear);
            let report = transport.reset(&name("coder0"), options).await.unwrap();
            assert_eq!(report.evidence.detail, "✓ New session started");
            let text = format!("after {round}");
            let sent = transport.send_text(&name("coder0"), &text).await.unwrap();
            assert_eq!(sent.verdict, Verdict::Submitted);
            assert_eq!(fixture.took("coder0").unwrap().last(), Some(&text));
        }
    }
}

#[tokio::test]
async fn a_busy_agent_is_reset_only_by_force() {
    let mut script = Script::boxed();
    script.busy_ms = 60_000;
    script.reset_command = Some("/clear".to_owned());
    let fixture = with_agent(&script).await;
    let transport = fixture.one_shot();
    let _ = transport
        .send_text(&name("coder0"), "long work")
        .await
        .unwrap();
    let error = transport
        .reset(&name("coder0"), ResetOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Busy), "{error}");
    let forced = ResetOptions::new().with_force(true);
    transport.reset(&name("coder0"), forced).await.unwrap();
}

#[tokio::test]
async fn a_reset_without_a_proof_is_not_said_to_be_done() {
    let fixture = with_agent(&Script::new()).await;
    let transport = fixture.one_shot();
    let error = transport
        .reset(&name("coder0"), ResetOptions::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeliveryUnknown, "{error}");
}

#[tokio::test]
async fn a_pane_outside_the_roster_is_reached_exactly() {
    let fixture = with_agent(&Script::new()).await;
    fixture.start("coder0-twin", &Script::new()).await.unwrap();
    fixture.ready("coder0-twin").await.unwrap();
    let pane = fixture
        .tmux_text(&["display-message", "-p", "-t", "=coder0:", "#{pane_id}"])
        .unwrap();
    let transport = fixture.one_shot();
    for target in ["coder0", "=coder0", "coder0:0.0", pane.as_str()] {
        let target = PaneTarget::parse(target).unwrap();
        let text = format!("to {target}");
        let sent = transport.send_to_pane(
            &target,
            Some("scripted-line"),
            Message::new(text),
            SendOptions::new(),
        );
        assert_eq!(sent.await.unwrap().verdict, Verdict::Submitted);
    }
    assert_eq!(fixture.took("coder0").unwrap().len(), 4);
    assert!(fixture.took("coder0-twin").unwrap().is_empty());
    let target = PaneTarget::parse("coder0-t").unwrap();
    let sent = transport.send_to_pane(&target, None, Message::new("x"), SendOptions::new());
    assert_eq!(sent.await.unwrap_err().kind(), ErrorKind::AgentNotFound);
}

#[tokio::test]
async fn output_that_is_gone_is_a_gap_and_followers_lose_nothing() {
    let script = agent_with(|script| script.reply_lines = 40);
    let mut fixture = fixture();
    fixture.config.history_limit = 100;
    fixture.start("coder0", &script).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    let transport = fixture.connected();
    let first = transport
        .tail(&name("coder0"), TailOptions::new())
        .await
        .unwrap();
    let mut cursor = first.next.unwrap();
    let mut told = Vec::new();
    for round in 1..=4 {
        let _ = transport
            .send_text(&name("coder0"), &format!("round {round}"))
            .await
            .unwrap();
        let waiting = TailOptions::new()
            .with_cursor(cursor.clone())
            .with_wait(Duration::from_secs(5));
        let mut tail = transport.tail(&name("coder0"), waiting).await.unwrap();
        loop {
            assert!(!tail.gap, "round {round}");
            told.extend(tail.lines);
            cursor = tail.next.unwrap();
            if told
                .iter()
                .any(|line| line.starts_with(&format!("ok {round} (40/40)")))
            {
                break;
            }
            let waiting = TailOptions::new()
                .with_cursor(cursor.clone())
                .with_wait(Duration::from_secs(5));
            tail = transport.tail(&name("coder0"), waiting).await.unwrap();
        }
    }
    for round in 1..=4 {
        let line = format!("ok {round} (17/40)");
        assert_eq!(
            told.iter().filter(|told| **told == line).count(),
            1,
            "{told:#?}"
        );
    }
    // An old cursor, long after: its lines are gone, and that is said.
    let old = first_cursor(&fixture).await;
    for round in 5..=12 {
        let _ = transport
            .send_text(&name("coder0"), &format!("round {round}"))
            .await
            .unwrap();
    }
    let late = transport
        .tail(&name("coder0"), TailOptions::new().with_cursor(old))
        .await
        .unwrap();
    assert!(late.gap);
}

async fn first_cursor(fixture: &mosaic_fleet::testing::tmux::TmuxFixture) -> mosaic_fleet::Cursor {
    let tail = fixture
        .one_shot()
        .tail(&name("coder0"), TailOptions::new())
        .await
        .unwrap();
    tail.next.unwrap()
}
