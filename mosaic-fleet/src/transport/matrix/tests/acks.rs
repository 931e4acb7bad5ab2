//! Acks: the one that counts is heard whatever the stream leaves out, and no other changes anything.

use serde_json::{Value, json};

use super::super::protocol::kind;
use super::stage::{Stage, agent, long, short};
use crate::message::{Message, Verdict};
use crate::options::SendOptions;
use crate::testing::homeserver::{Event, Fault};
use crate::transport::Transport;

/// The text in the room of `coder0`, once it is there.
async fn text(stage: &Stage) -> Event {
    let room = stage.room("coder0");
    let is_it = |event: &&Event| event.room == room && event.kind == kind::MESSAGE;
    let there = stage
        .server
        .until(|world| world.events.iter().any(|event| is_it(&event)));
    there.await.unwrap();
    stage.server.events(&room, kind::MESSAGE).remove(0)
}

fn ack(text: &Event, state: &str, attempts: u32) -> Value {
    json!({
        "v": 1, "id": text.content["dev.mosaic.fleet"]["id"], "agent": "coder0", "host": "box1",
        "state": state, "attempts": attempts, "at": 0,
        "m.relates_to": {"rel_type": "m.reference", "event_id": text.id},
    })
}

/// Puts acks that are none; the last thing that happens is an edit of `true_ack`.
fn forge(stage: &Stage, text: &Event, true_ack: Option<&str>) {
    let (room, space) = (stage.room("coder0"), &stage.space);
    let put = |sender: &str, room: &str, content: Value| {
        stage.server.put(sender, room, kind::ACK, content);
    };
    let failed = || ack(text, "failed", 66);
    for sender in [&stage.ada.user, &stage.operator.user, &stage.admin.user] {
        put(sender, &room, ack(text, "queued", 66));
        put(sender, &room, failed());
    }
    put("@gw-box1:evil.test", &room, ack(text, "queued", 66));
    // The right account in another room, or of another text.
    put(&stage.gateway.user, space, ack(text, "queued", 66));
    put(
        &stage.gateway.user,
        &stage.room("coder1"),
        ack(text, "queued", 66),
    );
    let mut other = ack(text, "queued", 66);
    other["m.relates_to"]["event_id"] = json!("$another");
    put(&stage.gateway.user, &room, other);
    let mut other = ack(text, "queued", 66);
    other["id"] = json!("another");
    put(&stage.gateway.user, &room, other);
    let mut other = ack(text, "queued", 66);
    other["v"] = json!(2);
    put(&stage.gateway.user, &room, other);
    // A person's text that looks like one.
    stage.server.put(
        &stage.ada.user,
        &room,
        kind::MESSAGE,
        ack(text, "queued", 66),
    );
    if let Some(true_ack) = true_ack {
        for sender in [&stage.ada.user, &stage.gateway.user] {
            let mut edit = ack(text, "queued", 66);
            edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": true_ack});
            edit["m.new_content"] = ack(text, "queued", 66);
            put(sender, &room, edit);
        }
    }
}

#[tokio::test]
async fn a_forged_ack_changes_nothing() {
    let stage = Stage::new().await;
    let (transport, coder) = (stage.transport(&stage.ada), agent("coder0"));
    let sending = transport.send(&coder, Message::new("true?"), long());
    let forging = async {
        let text = text(&stage).await;
        forge(&stage, &text, None);
        let content = ack(&text, "unconfirmed", 7);
        let room = stage.room("coder0");
        let true_ack = stage
            .server
            .put(&stage.gateway.user, &room, kind::ACK, content);
        forge(&stage, &text, Some(&true_ack));
    };
    let (receipt, ()) = tokio::join!(sending, forging);
    let receipt = receipt.unwrap();
    assert_eq!(
        (receipt.verdict, receipt.attempts),
        (Verdict::Unconfirmed, 7)
    );
    let later = transport.outcome(&receipt.id).await.unwrap();
    assert_eq!((later.verdict, later.attempts), (Verdict::Unconfirmed, 7));
}

#[tokio::test]
async fn with_forged_acks_only_there_is_none() {
    let stage = Stage::new().await;
    let (transport, coder) = (stage.transport(&stage.ada), agent("coder0"));
    let sending = transport.send(&coder, Message::new("true?"), short());
    let forging = async { forge(&stage, &text(&stage).await, None) };
    let (receipt, ()) = tokio::join!(sending, forging);
    let receipt = receipt.unwrap();
    assert_eq!(receipt.verdict, Verdict::Accepted);
    let later = transport.outcome(&receipt.id).await.unwrap();
    assert_eq!(later.verdict, Verdict::Accepted);
}

#[tokio::test]
async fn without_an_ack_in_time_it_is_accepted_and_the_outcome_is_told_later() {
    let stage = Stage::new().await;
    let (transport, coder) = (stage.transport(&stage.ada), agent("coder0"));
    let keys = [None, Some("a key")];
    for (at, key) in keys.into_iter().enumerate() {
        let mut options: SendOptions = short();
        options.idempotency_key = key.map(str::to_owned);
        let sent = transport.send(&coder, Message::new(format!("text {at}")), options);
        let receipt = sent.await.unwrap();
        assert_eq!(receipt.verdict, Verdict::Accepted, "{key:?}");
        let early = transport.outcome(&receipt.id).await.unwrap();
        assert_eq!(early.verdict, Verdict::Accepted);
        let gateway = stage.run_gateway().await;
        stage.acked("coder0", at + 1).await;
        // Another process asks.
        let asked = stage.transport(&stage.ada);
        let later = asked.outcome(&receipt.id).await.unwrap();
        assert_eq!(later.verdict, Verdict::Submitted);
        drop(gateway);
    }
    assert_eq!(stage.taken("coder0"), ["text 0", "text 1"]);
}

#[tokio::test]
async fn a_key_of_another_text_is_told_without_any_gateway() {
    let stage = Stage::new().await;
    let (transport, coder) = (stage.transport(&stage.ada), agent("coder0"));
    let send = |text: &'static str, mut options: SendOptions| {
        options.idempotency_key = Some("a key".to_owned());
        transport.send(&coder, Message::new(text), options)
    };
    let first = send("one", short()).await.unwrap();
    assert_eq!(first.verdict, Verdict::Accepted);
    let again = send("one", short()).await.unwrap();
    assert_eq!((again.verdict, again.id), (Verdict::Accepted, first.id));
    let error = send("two", long()).await.unwrap_err();
    assert!(error.message().contains("another text"), "{error}");
    let room = stage.room("coder0");
    assert_eq!(stage.server.events(&room, kind::MESSAGE).len(), 1);
}

#[tokio::test]
async fn an_ack_that_the_stream_leaves_out_is_asked_for() {
    let stage = Stage::new().await;
    let _gateway = stage.run_gateway().await;
    let (transport, coder) = (stage.transport(&stage.ada), agent("coder0"));
    let mut after_the_first = 1;
    for fault in [Fault::Gap(0), Fault::Again] {
        // The gateway's own look at the stream is under way.
        stage
            .server
            .fail_after(after_the_first, "/sync", 1000, fault.clone());
        after_the_first = 0;
        let sent = transport.send(&coder, Message::new("heard?"), long());
        assert_eq!(sent.await.unwrap().verdict, Verdict::Submitted, "{fault:?}");
        stage.server.mend();
    }
    assert_eq!(stage.taken("coder0"), ["heard?"; 2]);
}
