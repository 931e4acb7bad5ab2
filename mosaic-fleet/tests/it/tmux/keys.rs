//! Idempotency keys and outcomes on tmux.

use mosaic_fleet::testing::scripted_agent::{Entry, Script};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{
    AgentState, Error, ErrorKind, Receipt, ReceiptId, Refusal, Result, SendOptions, Transport,
    TransportExt, Verdict,
};

use super::{agent_with, fixture, name, refusal, with_agent};

async fn keyed(fixture: &TmuxFixture, text: &str) -> Result<Receipt> {
    let options = SendOptions::new().with_idempotency_key("issue 12");
    // Each call is as of another process: nothing is shared but the journal.
    let transport = fixture.one_shot();
    transport.send(&name("coder0"), text.into(), options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_calls_at_once_with_one_key_type_once() {
    let fixture = with_agent(&Script::boxed()).await;
    let calls = (0..4).map(|_| keyed(&fixture, "fix it"));
    let receipts = futures::future::join_all(calls).await;
    let receipts: Vec<_> = receipts.into_iter().map(Result::unwrap).collect();
    assert!(receipts.iter().all(|receipt| receipt.id == receipts[0].id));
    assert_eq!(fixture.took("coder0").unwrap(), ["fix it"]);
    let other = keyed(&fixture, "fix another").await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::InvalidArgument, "{other}");
    // For another agent it is another key.
    fixture.start("coder1", &Script::new()).await.unwrap();
    fixture.ready("coder1").await.unwrap();
    let options = SendOptions::new().with_idempotency_key("issue 12");
    let transport = fixture.one_shot();
    let other = name("coder1");
    let sent = transport.send(&other, "fix it".into(), options).await;
    assert_ne!(sent.unwrap().id, receipts[0].id);
}

#[tokio::test]
async fn a_send_that_was_lost_from_sight_is_not_repeated_under_its_key() {
    let fixture = with_agent(&agent_with(|script| script.dialog_on_paste = vec![1])).await;
    let lost = |error: Error| assert_eq!(error.kind(), ErrorKind::DeliveryUnknown, "{error}");
    lost(keyed(&fixture, "fix it").await.unwrap_err());
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "2"])
        .unwrap();
    let answered = |entry: &Entry| matches!(entry, Entry::DialogAnswered { .. });
    fixture.logged("coder0", answered).await.unwrap();
    lost(keyed(&fixture, "fix it").await.unwrap_err());
    assert!(fixture.took("coder0").unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_send_frees_its_key() {
    let fixture = with_agent(&agent_with(|script| script.draft = "half".to_owned())).await;
    for _ in 0..2 {
        let refused = keyed(&fixture, "fix it").await.unwrap_err();
        assert_eq!(refusal(&refused), Refusal::Draft);
    }
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "C-u"])
        .unwrap();
    let first = keyed(&fixture, "fix it").await.unwrap();
    assert_eq!(keyed(&fixture, "fix it").await.unwrap().id, first.id);
    assert_eq!(fixture.took("coder0").unwrap(), ["fix it"]);
}

#[tokio::test]
async fn without_a_home_keys_are_not_claimed() {
    let mut fixture = fixture();
    fixture.config.environment.remove("HOME");
    fixture.config.environment.remove("XDG_STATE_HOME");
    assert!(!fixture.one_shot().capabilities().idempotent);
}

#[tokio::test]
async fn what_became_of_a_held_text_is_looked_up() {
    let mut script = Script::boxed();
    script.endless_turn = Some("work".to_owned());
    let fixture = with_agent(&script).await;
    let (transport, coder) = (fixture.connected(), name("coder0"));
    let unknown = transport.outcome(&ReceiptId::from_string("nobody's")).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::InvalidArgument);
    let _ = transport.send_text(&coder, "work").await.unwrap();
    let held = transport.send_text(&coder, "then test it").await.unwrap();
    assert_eq!(held.verdict, Verdict::Queued);
    let now = transport.outcome(&held.id).await.unwrap();
    assert_eq!(
        (now.id.clone(), now.verdict),
        (held.id.clone(), Verdict::Queued)
    );
    fixture
        .tmux_text(&["send-keys", "-t", "=coder0:", "Escape"])
        .unwrap();
    let minute = std::time::Duration::from_secs(60);
    transport
        .wait_until(&coder, &[AgentState::Idle], minute)
        .await
        .unwrap();
    let then = transport.outcome(&held.id).await.unwrap();
    assert_eq!(then.verdict, Verdict::Submitted, "{then:?}");
    assert_eq!(fixture.took("coder0").unwrap(), ["work", "then test it"]);
    transport.close().await.unwrap();
}
