//! What has changed between a text's coming and its turn: who may send, whose room it is, and a
//! homeserver behind a proxy that answers for it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::super::protocol::{KEY, kind, now};
use super::super::super::tests::stage::{HOST, Running, Stage};
use super::lives::{Stop, Stopping};
use super::rooms::has_read;
use crate::testing::homeserver::Fault;

/// Gives an account a level in the first agent's room.
fn set_level(stage: &Stage, user: &str, level: Value) {
    let (room, admin) = (stage.room("coder0"), &stage.admin.user);
    let mut levels = stage.server.with(|world| {
        let levels = world.state(&room, kind::POWER, "");
        levels.unwrap().content.clone()
    });
    levels["users"][user] = level;
    stage.server.set(admin, &room, kind::POWER, "", levels);
}

/// Says which host has the first agent, in its room and in the Space, as provisioning does.
fn set_host(stage: &Stage, host: &str) {
    let (room, admin) = (stage.room("coder0"), &stage.admin.user);
    for (place, kind, key) in [(&room, kind::AGENT, ""), (&stage.space, kind::CHILD, &room)] {
        let mut content = stage.server.with(|world| {
            let state = world.state(place, kind, key);
            state.unwrap().content.clone()
        });
        let note = match content.get_mut(KEY) {
            Some(note) => note,
            None => &mut content,
        };
        note["host"] = json!(host);
        stage.server.set(admin, place, kind, key, content);
    }
}

/// A gateway that is at a text, which does not come to its end until it is let go, with one behind it.
async fn one_is_at_work_and_one_behind(stage: &Stage) -> (Running, Arc<Stopping>) {
    let local = Stopping::of(stage, false, Some(("first", Stop::Before)));
    let running = stage.run_gateway_before(local.clone()).await;
    stage.put("coder0", "first", "first");
    stage.put("coder0", "behind", "behind");
    has_read(stage).await;
    (running, local)
}

#[tokio::test]
async fn who_is_lowered_before_its_turn_gets_nothing_done() {
    let stage = Stage::new().await;
    let (_running, local) = one_is_at_work_and_one_behind(&stage).await;
    set_level(&stage, &stage.ada.user, json!(0));
    has_read(&stage).await;
    local.stopped.send_replace(false);
    let acks = stage.acked("coder0", 2).await;
    // The first was at its agent already.
    assert_eq!(stage.taken("coder0"), ["first"]);
    // Acks are told side by side, in any order.
    let behind = acks.iter().find(|ack| ack.content["id"] == "behind");
    let ack = &behind.unwrap().content;
    assert_eq!(ack["error"]["code"], "permission_denied", "{ack:#}");
}

#[tokio::test]
async fn what_waits_in_a_room_that_moves_is_left_to_whoever_serves_it_then() {
    let stage = Stage::new().await;
    let (_running, local) = one_is_at_work_and_one_behind(&stage).await;
    set_host(&stage, "box2");
    has_read(&stage).await;
    local.stopped.send_replace(false);
    stage.acked("coder0", 1).await;
    has_read(&stage).await;
    assert_eq!(stage.taken("coder0"), ["first"]);
    assert_eq!(stage.acks("coder0").len(), 1);
    // It comes back, and nobody else has done it.
    set_host(&stage, HOST);
    stage.acked("coder0", 2).await;
    assert_eq!(stage.taken("coder0"), ["first", "behind"]);
}

#[tokio::test]
async fn an_agent_that_moved_away_and_back_meanwhile_has_lost_nothing() {
    let stage = Stage::new().await;
    let running = stage.run_gateway().await;
    stage.put("coder0", "before", "before");
    stage.acked("coder0", 1).await;
    drop(running);
    stage.put("coder0", "still", "still");
    set_host(&stage, "box2");
    stage.put("coder0", "meanwhile", "meanwhile");
    set_host(&stage, HOST);
    stage.put("coder0", "after", "after");
    let _running = stage.run_gateway().await;
    stage.acked("coder0", 4).await;
    let taken = stage.taken("coder0");
    assert_eq!(taken, ["before", "still", "meanwhile", "after"]);
}

#[tokio::test]
async fn who_is_let_in_by_the_room_and_not_by_the_roster_is_told() {
    let stage = Stage::new().await;
    let _running = stage.run_gateway().await;
    let room = stage.room("coder0");
    let eve = stage.server.login("eve");
    set_level(&stage, &eve.user, json!(40));
    let part = json!({"v": 1, "id": "x", "to": "coder0", "expires_at": now() + 60_000});
    let content = json!({"msgtype": "m.text", "body": "let me", KEY: part});
    // What nobody waits for is left alone.
    let persons = json!({"msgtype": "m.text", "body": "hello"});
    stage.server.put(&eve.user, &room, kind::MESSAGE, persons);
    stage.server.put(&eve.user, &room, kind::MESSAGE, content);
    let acks = stage.acked("coder0", 1).await;
    let ack = &acks[0].content;
    assert_eq!(ack["error"]["code"], "permission_denied", "{ack:#}");
    assert_eq!((ack["id"].as_str(), acks.len()), (Some("x"), 1));
    assert_eq!(stage.taken("coder0"), [""; 0]);
}

#[tokio::test]
async fn a_text_with_much_behind_it_is_found_at_a_first_start() {
    let stage = Stage::new().await;
    let room = stage.room("coder0");
    stage.put("coder0", "old", "old");
    let asks = json!({"v": 1, "id": "q", "expires_at": 1, "reply_device": "D", "ask": "status"});
    for _ in 0..1100 {
        let ada = &stage.ada.user;
        stage.server.put(ada, &room, kind::REQUEST, asks.clone());
    }
    let _running = stage.run_gateway().await;
    stage.acked("coder0", 1).await;
    assert_eq!(stage.taken("coder0"), ["old"]);
}

#[tokio::test]
async fn a_proxy_that_answers_for_the_homeserver_ends_no_gateway() {
    for (part, status) in [
        ("/sync", 404),
        ("/sync", 401),
        ("/sync", 200),
        ("/state", 404),
        ("/state", 403),
        ("/messages", 404),
    ] {
        let stage = Stage::new().await;
        let _running = stage.run_gateway().await;
        stage.server.fail(part, 2, Fault::Status(status));
        if part == "/messages" {
            stage.server.fail("/sync", 1, Fault::Gap(1));
        }
        // Whatever is read of the rooms is read anew.
        stage.put("coder0", "one", "one");
        stage.put("coder0", "two", "two");
        set_host(&stage, HOST);
        let acks = stage.acked("coder0", 2).await;
        assert_eq!(stage.taken("coder0"), ["one", "two"], "{part} {status}");
        assert_eq!(acks.len(), 2);
    }
}
