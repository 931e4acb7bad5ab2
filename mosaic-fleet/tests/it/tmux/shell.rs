//! The `shell` runtime on real shells.

use std::time::Duration;

use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{
    AgentState, Message, Refusal, ResetMode, ResetOptions, SendOptions, StatusOptions, Transport,
    TransportExt, Verdict,
};

use super::{fixture, name, send};

async fn shell(command: &str) -> TmuxFixture {
    let fixture = fixture();
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    fixture
        .start_command("coder0", "shell", &words)
        .await
        .unwrap();
    let wait = Duration::from_secs(60);
    let transport = fixture.one_shot();
    transport.wait_idle(&name("coder0"), wait).await.unwrap();
    fixture
}

fn bash() -> impl Future<Output = TmuxFixture> {
    shell("bash --norc --noprofile -i")
}

fn written(fixture: &TmuxFixture) -> String {
    std::fs::read_to_string(fixture.folder().join("out")).unwrap_or_default()
}

#[tokio::test]
async fn a_command_is_run_once_and_its_lines_together() {
    let fixture = bash().await;
    let receipt = send(&fixture, "echo one >> out\necho 'two; $ > x' >> out")
        .await
        .unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
    let transport = fixture.one_shot();
    transport
        .wait_idle(&name("coder0"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(written(&fixture), "one\ntwo; $ > x\n");
}

#[tokio::test]
async fn a_running_command_is_work_and_takes_no_text() {
    let fixture = bash().await;
    let receipt = send(&fixture, "sleep 1000").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
    let transport = fixture.one_shot();
    let status = transport
        .status(&name("coder0"), StatusOptions::new())
        .await
        .unwrap();
    assert_eq!(status.state, AgentState::Working, "{status:?}");
    let error = send(&fixture, "echo typed into sleep").await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::NotReady), "{error}");
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "C-c"])
        .unwrap();
    let wait = SendOptions::new().with_wait(Duration::from_secs(60));
    let sent = transport
        .send(&name("coder0"), Message::new("echo done >> out"), wait)
        .await;
    assert_eq!(sent.unwrap().verdict, Verdict::Submitted);
    transport
        .wait_idle(&name("coder0"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(written(&fixture), "done\n");
}

#[tokio::test]
async fn a_question_is_not_answered() {
    let fixture = bash().await;
    let _ = send(
        &fixture,
        "read -p 'Remove everything? [y/N] ' x; echo $x > out",
    )
    .await
    .unwrap();
    let transport = fixture.one_shot();
    let wait = Duration::from_secs(60);
    let states = [AgentState::Waiting];
    let status = transport
        .wait_until(&name("coder0"), &states, wait)
        .await
        .unwrap();
    assert_eq!(status.question.as_deref(), Some("Remove everything? [y/N]"));
    let error = send(&fixture, "y").await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Dialog));
    assert_eq!(written(&fixture), "");
}

#[tokio::test]
async fn a_shell_that_runs_every_pasted_line_gets_one_line_at_a_time() {
    let fixture = shell("dash -i").await;
    let error = send(&fixture, "echo one >> out\necho two >> out")
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::UnsafeText), "{error}");
    let receipt = send(&fixture, "echo one >> out").await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
    let transport = fixture.one_shot();
    transport
        .wait_idle(&name("coder0"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(written(&fixture), "one\n");
}

#[tokio::test]
async fn a_half_typed_command_is_a_draft() {
    let fixture = bash().await;
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "-l", "rm -rf "])
        .unwrap();
    let error = send(&fixture, "src").await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Draft), "{error}");
}

#[tokio::test]
async fn clear_empties_the_screen_and_the_next_text_arrives() {
    let fixture = bash().await;
    let _ = send(&fixture, "echo before").await.unwrap();
    let transport = fixture.one_shot();
    let options = ResetOptions::new().with_mode(ResetMode::Clear);
    let report = transport.reset(&name("coder0"), options).await.unwrap();
    assert_eq!(report.command, "clear");
    let screen = fixture
        .tmux_text(&["capture-pane", "-p", "-t", "=coder0:"])
        .unwrap();
    assert!(!screen.contains("before"), "{screen}");
    let _ = send(&fixture, "echo after >> out").await.unwrap();
    transport
        .wait_idle(&name("coder0"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(written(&fixture), "after\n");
}

#[tokio::test]
async fn a_long_command_wraps_and_is_run_whole() {
    let fixture = bash().await;
    let long = "x".repeat(3000);
    let receipt = send(&fixture, &format!("echo {long} >> out"))
        .await
        .unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
    let transport = fixture.one_shot();
    transport
        .wait_idle(&name("coder0"), Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(written(&fixture), format!("{long}\n"));
}

#[tokio::test]
async fn output_without_end_does_not_push_the_limit_away() {
    let fixture = bash().await;
    let _ = send(&fixture, "yes").await;
    let began = std::time::Instant::now();
    let error = send(&fixture, "echo too late").await.unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::NotReady), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn an_open_quote_is_no_empty_prompt() {
    let fixture = bash().await;
    let _ = send(&fixture, "echo it's").await;
    let error = send(&fixture, "echo lost >> out").await.unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    assert_eq!(written(&fixture), "");
}
