//! `matrix provision` over a homeserver: it does what is missing and nothing else, from wherever an
//! earlier run was cut off.

use mosaic_fleet::testing::tmux::TmuxFixture;
use serde_json::{Value, json};

use super::http::encoded;
use super::stage::{HOST, Server, Stage};
use super::synapse::{Account, shared};

/// Rooms of these agents; nothing runs.
fn stage(agents: &[&str]) -> Stage {
    let fixture = TmuxFixture::new("unset").unwrap();
    Stage::around(Server::Shared(shared()), fixture, agents)
}

/// Provisions, and returns the steps.
fn provision(stage: &Stage, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["matrix", "provision", "--json"];
    all.extend(arguments);
    let made = stage.run(&stage.admin, &all);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    made["steps"].as_array().unwrap().clone()
}

fn rooms(stage: &Stage) -> Vec<String> {
    let (_, answer) = stage.ask(&stage.admin, "GET", "joined_rooms", None);
    let rooms = answer["joined_rooms"].as_array().unwrap().iter();
    let mut rooms: Vec<String> = rooms
        .map(|room| room.as_str().unwrap().to_owned())
        .collect();
    rooms.sort();
    rooms
}

/// All state of all rooms of the admin, by its events: what is written again has another.
fn everything(stage: &Stage) -> Vec<String> {
    let mut events = Vec::new();
    for room in rooms(stage) {
        let path = format!("rooms/{}/state", encoded(&room));
        let (_, state) = stage.ask(&stage.admin, "GET", &path, None);
        let state = state.as_array().unwrap().iter();
        events.extend(state.map(|event| event["event_id"].as_str().unwrap().to_owned()));
    }
    events.sort();
    events
}

fn level(stage: &Stage, room: &str, user: &str) -> Value {
    let levels = stage.state(&stage.admin, room, "m.room.power_levels", "");
    levels["users"][user].clone()
}

fn kinds(steps: &[Value]) -> Vec<(&str, &str)> {
    let mut kinds: Vec<(&str, &str)> = steps
        .iter()
        .map(|step| {
            let agent = step["agent"].as_str().unwrap_or_default();
            (step["step"].as_str().unwrap(), agent)
        })
        .collect();
    kinds.sort_unstable();
    kinds
}

#[test]
fn a_second_run_finds_all_as_it_is_to_be() {
    let stage = stage(&["coder0", "coder1"]);
    let before = everything(&stage);
    assert_eq!(rooms(&stage).len(), 3);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    assert_eq!(provision(&stage, &["--dry-run"]), Vec::<Value>::new());
    // Also once the accounts have come in, and when the roster forgot which Space it is.
    for account in [&stage.ada, &stage.operator, &stage.gateway_account] {
        for room in rooms(&stage) {
            assert_eq!(stage.join(account, &room), 200);
        }
    }
    let joined = everything(&stage);
    assert_ne!(joined, before);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    assert_eq!(everything(&stage), joined);
}

#[test]
fn a_dry_run_says_what_a_run_does_and_changes_nothing() {
    let mut stage = stage(&["coder0"]);
    stage.change_agents(&["coder1"]);
    stage.change_block("senders", json!([]));
    let before = everything(&stage);
    let would = provision(&stage, &["--dry-run"]);
    assert_eq!(everything(&stage), before);
    let does = provision(&stage, &[]);
    assert_eq!(would, does);
    assert!(kinds(&does).contains(&("make_room", "coder1")));
    assert_ne!(everything(&stage), before);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    // Where there is nothing at all.
    let fresh: Account = stage.stranger.clone();
    stage.change_block("admin", json!(fresh.user));
    let made = stage.run(&fresh, &["matrix", "provision", "--dry-run", "--json"]);
    assert!(made.status.success(), "{made:?}");
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(
        kinds(made["steps"].as_array().unwrap()),
        [
            ("make_room", "coder1"),
            ("make_space", ""),
            ("put_into_space", "coder1")
        ]
    );
    let (_, joined) = stage.ask(&fresh, "GET", "joined_rooms", None);
    assert_eq!(joined["joined_rooms"], json!([]));
}

#[test]
fn an_agent_more_makes_only_its_room() {
    let mut stage = stage(&["coder0"]);
    let before = everything(&stage);
    let old = rooms(&stage);
    stage.change_agents(&["coder0", "coder1"]);
    assert_eq!(
        kinds(&provision(&stage, &[])),
        [("make_room", "coder1"), ("put_into_space", "coder1")]
    );
    let new = rooms(&stage);
    assert_eq!(new.len(), old.len() + 1);
    assert!(old.iter().all(|room| new.contains(room)));
    let after = everything(&stage);
    assert!(
        before.iter().all(|event| after.contains(event)),
        "what was there is as it was"
    );
    assert_eq!(level(&stage, &stage.room("coder1"), &stage.ada.user), 40);
    // And one less takes it out of the Space, and leaves it and its history alone.
    let room = stage.room("coder1");
    stage.change_agents(&["coder0"]);
    assert_eq!(
        kinds(&provision(&stage, &[])),
        [("take_out_of_space", "coder1")]
    );
    assert_eq!(
        stage.state(&stage.admin, &stage.space, "m.space.child", &room),
        json!({})
    );
    assert_eq!(rooms(&stage), new);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    // It comes back into the same room.
    stage.change_agents(&["coder0", "coder1"]);
    assert_eq!(
        kinds(&provision(&stage, &[])),
        [("put_into_space", "coder1")]
    );
    assert_eq!((rooms(&stage), stage.room("coder1")), (new, room));
}

#[test]
fn a_sender_less_loses_its_level_and_nobody_else_anything() {
    let mut stage = stage(&["coder0"]);
    let room = stage.room("coder0");
    assert_eq!(stage.join(&stage.ada, &room), 200);
    assert_eq!(level(&stage, &room, &stage.ada.user), 40);
    stage.change_block("senders", json!([]));
    assert_eq!(
        kinds(&provision(&stage, &[])),
        [("set_levels", ""), ("set_levels", "coder0")]
    );
    assert_eq!(level(&stage, &room, &stage.ada.user), Value::Null);
    assert_eq!(level(&stage, &room, &stage.operator.user), 75);
    let text = json!({"msgtype": "m.text", "body": "still?"});
    assert_eq!(
        stage
            .put(&stage.ada, &room, "m.room.message", &text)
            .unwrap_err()
            .0,
        403
    );
    // It is said that it still reads there, each time, and it is not removed.
    let made = stage.run(&stage.admin, &["matrix", "provision"]);
    let said = String::from_utf8(made.stderr).unwrap();
    assert!(
        said.contains(&format!("{} is in the room of coder0", stage.ada.user)),
        "{said}"
    );
    let membership = || {
        let member = stage.state(&stage.admin, &room, "m.room.member", &stage.ada.user);
        member["membership"].clone()
    };
    assert_eq!(membership(), "join");
    // Only where that is asked for; who is asked in and has not come is as well.
    let removes = [("remove", ""), ("remove", "coder0")];
    assert_eq!(
        kinds(&provision(&stage, &["--remove", "--dry-run"])),
        removes
    );
    assert_eq!(membership(), "join");
    assert_eq!(kinds(&provision(&stage, &["--remove"])), removes);
    assert_eq!(membership(), "leave");
    assert_eq!(provision(&stage, &["--remove"]), Vec::<Value>::new());
}

#[test]
fn what_somebody_changed_by_hand_is_set_right() {
    let stage = stage(&["coder0"]);
    let room = stage.room("coder0");
    stage.give_level(&room, &stage.stranger.user, 100);
    let elsewhere =
        json!({"v": 1, "agent": "coder0", "host": HOST, "gateway": stage.stranger.user});
    assert!(stage.set_state(
        &stage.admin,
        &room,
        "dev.mosaic.fleet.agent",
        "",
        &elsewhere
    ));
    assert!(stage.set_state(
        &stage.admin,
        &stage.space,
        "m.space.child",
        &room,
        &json!({})
    ));
    assert_eq!(
        kinds(&provision(&stage, &[])),
        [
            ("put_into_space", "coder0"),
            ("set_agent", "coder0"),
            ("set_levels", "coder0")
        ]
    );
    assert_eq!(level(&stage, &room, &stage.stranger.user), Value::Null);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
}

#[test]
fn a_run_that_was_cut_off_is_gone_on_with() {
    // As it is after a run that ended when the Space was there, and when a room was too.
    for rooms_made in [0, 1, 2] {
        let agents = ["coder0", "coder1"];
        let mut stage = stage(&agents[..rooms_made]);
        stage.forget_space();
        stage.change_agents(&agents);
        let space = stage.space.clone();
        // The last room was made, and not put into the Space yet.
        let last = (rooms_made > 0).then(|| stage.room(agents[rooms_made - 1]));
        if let Some(last) = &last {
            assert!(stage.set_state(&stage.admin, &space, "m.space.child", last, &json!({})));
        }
        let made = stage.run(&stage.admin, &["matrix", "provision", "--json"]);
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        assert_eq!(made["space"], json!(space), "no second Space");
        assert_eq!(rooms(&stage).len(), 3, "and no room twice");
        if let Some(last) = last {
            assert_eq!(stage.room(agents[rooms_made - 1]), last);
        }
        assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    }
}

#[test]
fn only_the_admin_provisions_and_strangers_rooms_are_not_the_fleets() {
    let stage = stage(&["coder0"]);
    let before = everything(&stage);
    for who in [&stage.operator, &stage.stranger] {
        let made = stage.run(who, &["matrix", "provision"]);
        assert!(!made.status.success());
        let said = String::from_utf8(made.stderr).unwrap();
        assert!(said.contains("matrix.admin"), "{said}");
    }
    // A stranger's room that says to be the Space, and that the admin has come into.
    let fleet = json!({"v": 1, "fleet": "mosaic-factory"});
    let trap = stage.make_room(
        &stage.stranger,
        &json!({
            "invite": [stage.admin.user],
            "initial_state": [{"type": "dev.mosaic.fleet.fleet", "state_key": "", "content": fleet}],
        }),
    );
    assert_eq!(stage.join(&stage.admin, &trap), 200);
    assert_eq!(provision(&stage, &[]), Vec::<Value>::new());
    let leave = format!("rooms/{}/leave", encoded(&trap));
    stage.ask(&stage.admin, "POST", &leave, Some(&json!({})));
    assert_eq!(everything(&stage), before);
}
