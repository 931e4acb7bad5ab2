//! Provisioning that is cut at each of its requests, and run again: the same rooms, and none twice.

use std::collections::BTreeMap;

use super::super::protocol::kind;
use super::stage::{AGENTS, Stage};
use crate::error::ErrorKind;
use crate::testing::homeserver::{Fault, World};

/// What each room is: the Space, or an agent's.
fn rooms(stage: &Stage) -> BTreeMap<String, String> {
    let whose = |world: &World, room: &str| match world.state(room, kind::AGENT, "") {
        Some(event) => event.content["agent"].as_str().unwrap().to_owned(),
        None => "the Space".to_owned(),
    };
    stage.server.with(|world| {
        let rooms = world.rooms().into_iter();
        rooms
            .map(|room| (room.to_owned(), whose(world, room)))
            .collect()
    })
}

/// Everything is there once, and a run finds nothing to do.
async fn is_whole(stage: &Stage, what: &str) {
    let mut all: Vec<String> = rooms(stage).into_values().collect();
    all.sort();
    assert_eq!(all, ["coder0", "coder1", "the Space"], "{what}");
    let made = stage.provision().run(false, |_| ()).await.unwrap();
    assert_eq!(made.steps, [], "{what}");
    let space = made.space.unwrap();
    let children = stage.server.with(|world| {
        let children = world
            .events
            .iter()
            .filter(|event| event.kind == kind::CHILD);
        let children = children.map(|event| (event.room.clone(), event.key.clone().unwrap()));
        children.collect::<Vec<_>>()
    });
    let wanted = AGENTS.map(|name| (space.clone(), stage.room(name)));
    assert_eq!(children, wanted, "{what}");
}

/// How many requests a whole run makes.
async fn requests() -> usize {
    let stage = Stage::new().await;
    is_whole(&stage, "uncut").await;
    let stage = Stage::empty();
    stage.provision().run(false, |_| ()).await.unwrap();
    stage.server.count("")
}

#[tokio::test]
async fn killed_at_any_request_it_is_gone_on_with() {
    let all = requests().await;
    assert!(all >= 9, "{all}");
    for at in 0..all {
        // Before it was done, and after.
        for fault in [Fault::Silence, Fault::Held] {
            let what = format!("request {at}, {fault:?}");
            let stage = Stage::empty();
            stage.server.fail_after(at, "", 1000, fault);
            let provision = stage.provision();
            tokio::select! {
                made = provision.run(false, |_| ()) => panic!("{what}: {made:?}"),
                stalled = stage.server.until(|world| world.stalled > 0) => stalled.unwrap(),
            }
            stage.server.mend();
            let before = rooms(&stage);
            stage.provision().run(false, |_| ()).await.unwrap();
            let after = rooms(&stage);
            assert!(
                before
                    .iter()
                    .all(|(room, whose)| after.get(room) == Some(whose)),
                "{what}"
            );
            is_whole(&stage, &what).await;
        }
    }
}

#[tokio::test]
async fn an_answer_lost_at_any_request_makes_nothing_twice() {
    let all = requests().await;
    for at in 0..all {
        for fault in [Fault::Lost, Fault::Cut, Fault::Drop, Fault::Status(503)] {
            let what = format!("request {at}, {fault:?}");
            let stage = Stage::empty();
            stage.server.fail_after(at, "", 1, fault);
            // Whether a room was made is not known; it says so, and another run finds out.
            if let Err(error) = stage.provision().run(false, |_| ()).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{what}: {error}");
                assert!(
                    stage
                        .server
                        .with(|world| { world.asked.last().unwrap().what.contains("createRoom") })
                );
                stage.provision().run(false, |_| ()).await.unwrap();
            }
            is_whole(&stage, &what).await;
        }
    }
}

#[tokio::test]
async fn a_limit_on_new_rooms_is_waited_for() {
    let stage = Stage::empty();
    stage.server.fail("createRoom", 3, Fault::Busy(1));
    let made = stage.provision().run(false, |_| ()).await.unwrap();
    assert_eq!(made.steps.len(), 5);
    is_whole(&stage, "busy").await;
}

#[tokio::test]
async fn a_dry_run_asks_for_nothing_that_changes_anything() {
    let stage = Stage::empty();
    stage.provision().run(true, |_| ()).await.unwrap();
    assert_eq!(rooms(&stage).len(), 0);
    let asked = stage.server.with(|world| world.asked.clone());
    assert!(asked.iter().all(|asked| asked.what.starts_with("GET ")));
}
