//! Rooms that leave a gateway for a while, and come back with what was put there meanwhile.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::protocol::kind;
use super::super::super::tests::stage::Stage;
use crate::testing::homeserver::Fault;

/// Has the gateway read the stream beyond everything that was put so far.
pub(super) async fn has_read(stage: &Stage) {
    for _ in 0..2 {
        let count = stage.acks("coder1").len();
        stage.put("coder1", &format!("id-{count}"), "for the other one");
        stage.acked("coder1", count + 1).await;
    }
}

#[tokio::test]
async fn a_room_that_left_the_space_for_a_while_has_lost_nothing() {
    let stage = Stage::new().await;
    let _running = stage.run_gateway().await;
    let (room, admin) = (stage.room("coder0"), &stage.admin.user);
    let child = stage.server.with(|world| {
        let child = world.state(&stage.space, kind::CHILD, &room);
        child.unwrap().content.clone()
    });
    let set = |content: Value| {
        stage
            .server
            .set(admin, &stage.space, kind::CHILD, &room, content);
    };
    stage.put("coder0", "before", "before");
    stage.acked("coder0", 1).await;
    set(json!({}));
    has_read(&stage).await;
    stage.put("coder0", "meanwhile", "meanwhile");
    has_read(&stage).await;
    assert_eq!(stage.taken("coder0"), ["before"], "it is nobody's room");
    set(child);
    stage.acked("coder0", 2).await;
    stage.put("coder0", "after", "after");
    let acks = stage.acked("coder0", 3).await;
    assert_eq!(stage.taken("coder0"), ["before", "meanwhile", "after"]);
    assert_eq!(acks.len(), 3);
}

#[tokio::test]
async fn a_gateway_that_was_thrown_out_comes_back_when_it_is_asked_in() {
    let stage = Stage::new().await;
    let _running = stage.run_gateway().await;
    let (room, admin, me) = (stage.room("coder0"), &stage.admin.user, &stage.gateway.user);
    stage.put("coder0", "before", "before");
    stage.acked("coder0", 1).await;
    stage.server.kick(admin, &room, me);
    has_read(&stage).await;
    stage.put("coder0", "meanwhile", "meanwhile");
    let member = json!({"membership": "invite"});
    stage.server.set(admin, &room, kind::MEMBER, me, member);
    let acks = stage.acked("coder0", 2).await;
    assert_eq!(stage.taken("coder0"), ["before", "meanwhile"]);
    assert_eq!(acks.len(), 2);
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_is_kept() {
    for part in ["/sync", "/state", "whoami"] {
        let stage = Stage::new().await;
        let before = stage.server.count(part);
        stage.server.fail(part, 1000, Fault::Busy(3_600_000));
        let local = std::sync::Arc::new(stage.local.clone());
        let ready = tokio::sync::oneshot::channel().0;
        let _running = stage.spawn_gateway(local, ready).await;
        let pressed = stage.server.until(|world| {
            let asked = world.asked.iter().filter(|asked| asked.what.contains(part));
            asked.count() > before + 1
        });
        let pressed = tokio::time::timeout(Duration::from_millis(1500), pressed).await;
        assert!(pressed.is_err(), "{part}");
        assert_eq!(stage.server.count(part), before + 1, "{part}");
    }
}
