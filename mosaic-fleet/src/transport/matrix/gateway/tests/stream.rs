//! A stream that leaves out, repeats and fails: every text is taken once and in order, and told.

use super::super::super::protocol::{kind, now};
use super::super::super::tests::stage::Stage;
use crate::error::ErrorKind;
use crate::testing::homeserver::Fault;

const ACK: &str = "/send/dev.mosaic.fleet.ack/";

fn bodies(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("text {number}")).collect()
}

fn put_all(stage: &Stage, texts: &[String]) {
    for (at, text) in texts.iter().enumerate() {
        stage.put("coder0", &format!("id-{at}"), text);
    }
}

#[tokio::test]
async fn what_a_limited_timeline_leaves_out_is_fetched_in_order() {
    // By the filter's own limit, over more than one page; and by a server that shows less.
    for (count, fault) in [
        (230, None),
        (30, Some(Fault::Gap(3))),
        (30, Some(Fault::Gap(0))),
    ] {
        let stage = Stage::new().await;
        drop(stage.run_gateway().await);
        let texts = bodies(count);
        put_all(&stage, &texts);
        if let Some(fault) = fault.clone() {
            stage.server.fail("/sync", 1000, fault);
        }
        let _running = stage.run_gateway().await;
        let acks = stage.acked("coder0", count).await;
        assert!(stage.server.count("/messages") > 2, "there was a gap");
        assert_eq!(stage.taken("coder0"), texts, "{fault:?}");
        assert_eq!(acks.len(), count);
    }
}

#[tokio::test]
async fn a_gap_that_cannot_be_fetched_at_once_loses_nothing() {
    for fault in [
        Fault::Lost,
        Fault::Cut,
        Fault::Status(503),
        Fault::Busy(1),
        // In the words of the specification: for a while it is not for us.
        Fault::Refused(403, "M_FORBIDDEN"),
    ] {
        let stage = Stage::new().await;
        drop(stage.run_gateway().await);
        let texts = bodies(12);
        put_all(&stage, &texts);
        stage.server.fail("/sync", 1000, Fault::Gap(2));
        stage.server.fail("/messages", 2, fault.clone());
        let _running = stage.run_gateway().await;
        stage.acked("coder0", 12).await;
        assert_eq!(stage.taken("coder0"), texts, "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_served_again_is_done_once() {
    let stage = Stage::new().await;
    let texts = bodies(4);
    put_all(&stage, &texts);
    let _running = stage.run_gateway().await;
    stage.acked("coder0", 4).await;
    stage.server.fail("/sync", 5, Fault::Again);
    stage.put("coder0", "id-4", "one more");
    let acks = stage.acked("coder0", 5).await;
    assert_eq!(acks.len(), 5);
    stage.put("coder0", "id-5", "the last");
    let acks = stage.acked("coder0", 6).await;
    assert_eq!((acks.len(), stage.taken("coder0").len()), (6, 6));
}

#[tokio::test]
async fn an_id_used_again_is_the_same_text_or_an_error() {
    let stage = Stage::new().await;
    let _running = stage.run_gateway().await;
    let first = stage.put("coder0", "an id", "one");
    let again = stage.put("coder0", "an id", "one");
    let other = stage.put("coder0", "an id", "two");
    let acks = stage.acked("coder0", 3).await;
    let of = |event: &str| {
        let of = |ack: &&crate::testing::homeserver::Event| {
            ack.content["m.relates_to"]["event_id"] == event
        };
        acks.iter().find(of).unwrap().content.clone()
    };
    assert_eq!(of(&first)["state"], "submitted");
    assert_eq!(of(&again)["receipt"], of(&first)["receipt"]);
    assert_eq!(of(&other)["error"]["code"], "invalid_argument");
    assert_eq!(stage.taken("coder0"), ["one"]);
}

#[tokio::test]
async fn what_has_expired_is_told_and_not_typed() {
    let stage = Stage::new().await;
    stage.put_until("coder0", "late", "too late", now() - 1);
    stage.put("coder0", "in time", "in time");
    let _running = stage.run_gateway().await;
    let acks = stage.acked("coder0", 2).await;
    let late = acks.iter().find(|ack| ack.content["id"] == "late").unwrap();
    assert_eq!(late.content["error"]["reason"], "not_ready", "{late:?}");
    assert_eq!(stage.taken("coder0"), ["in time"]);
}

#[tokio::test]
async fn each_request_may_fail_and_nothing_is_lost() {
    for fault in [
        Fault::Lost,
        Fault::Drop,
        Fault::Cut,
        Fault::Busy(1),
        Fault::Status(500),
        Fault::Status(503),
    ] {
        let stage = Stage::new().await;
        stage.put("coder0", "id-0", "before");
        for part in [
            "whoami",
            "/state",
            "/join",
            "/messages",
            "/relations",
            "/sync",
            "/receipt",
            ACK,
        ] {
            stage.server.fail(part, 1, fault.clone());
        }
        let _running = stage.run_gateway().await;
        stage.acked("coder0", 1).await;
        stage.server.fail("/sync", 1, fault.clone());
        stage.server.fail(ACK, 2, fault.clone());
        stage.put("coder0", "id-1", "after");
        let acks = stage.acked("coder0", 2).await;
        assert_eq!(acks.len(), 2, "{fault:?}");
        assert_eq!(stage.taken("coder0"), ["before", "after"], "{fault:?}");
    }
}

#[tokio::test]
async fn an_ack_that_is_too_long_for_the_server_is_told_in_short() {
    let stage = Stage::new().await;
    stage
        .server
        .fail(ACK, 1, Fault::Refused(413, "M_TOO_LARGE"));
    let _running = stage.run_gateway().await;
    stage.put("coder0", "id", "hello");
    let acks = stage.acked("coder0", 1).await;
    assert_eq!(acks[0].content["state"], "submitted");
    assert!(acks[0].content.get("evidence").is_none());
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_it_and_a_new_one_goes_on() {
    let mut stage = Stage::new().await;
    let running = stage.run_gateway().await;
    // It was taken, and that cannot be told any more.
    stage.server.fail(ACK, 1000, Fault::Status(503));
    stage.put("coder0", "id-0", "taken");
    let tried = stage
        .server
        .until(|world| world.asked.iter().any(|asked| asked.what.contains(ACK)));
    tried.await.unwrap();
    stage.server.revoke(&stage.gateway);
    let error = running.ended().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    assert_eq!(stage.acks("coder0").len(), 0);
    stage.put("coder0", "id-1", "meanwhile");
    stage.server.mend();
    stage.gateway = stage.server.login("gw-box1");
    let _running = stage.run_gateway().await;
    let acks = stage.acked("coder0", 2).await;
    assert!(acks.iter().all(|ack| ack.content["state"] == "submitted"));
    assert_eq!(stage.taken("coder0"), ["taken", "meanwhile"]);
}

#[tokio::test]
async fn a_journal_that_is_lost_repeats_nothing_that_was_told() {
    let mut stage = Stage::new().await;
    let running = stage.run_gateway().await;
    stage.put("coder0", "id-0", "told");
    stage.acked("coder0", 1).await;
    drop(running);
    stage.put("coder0", "id-1", "waiting");
    stage.lose_journal();
    let _running = stage.run_gateway().await;
    stage.acked("coder0", 2).await;
    assert_eq!(stage.taken("coder0"), ["told", "waiting"]);
    assert_eq!(
        stage.server.events(&stage.room("coder0"), kind::ACK).len(),
        2
    );
}
