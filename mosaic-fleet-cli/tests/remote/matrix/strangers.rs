//! What a stranger does to agents behind a gateway: nothing, by no way. And a sender no more than its
//! level and the roster let it. The agent's own log is the proof, after something allowed has come.

use mosaic_fleet::testing::scripted_agent::Script;
use serde_json::json;

use super::acts::{LATER, asking, ours, text};
use super::http::encoded;
use super::stage::{HOST, Stage, uuid_like};

const AGENT: &str = "coder0";

fn script() -> Script {
    let mut script = Script::boxed();
    script.reset_command = Some("/clear".to_owned());
    script
}

/// A stage whose gateway runs, and whose allowed accounts have come into the agent's room.
async fn stage() -> (Stage, String) {
    let mut stage = Stage::new(&[AGENT], script()).await;
    stage.start_gateway();
    let room = stage.room(AGENT);
    for account in [&stage.ada, &stage.operator] {
        assert_eq!(stage.join(account, &room), 200);
    }
    (stage, room)
}

/// Nothing but these allowed texts was taken, and the stranger was told nothing.
fn only(stage: &Stage, room: &str, allowed: &[&str]) {
    let took = stage.fixture.took(AGENT).unwrap();
    assert_eq!(took.len(), allowed.len(), "{took:?}");
    for (took, allowed) in took.iter().zip(allowed) {
        assert!(took.ends_with(allowed), "{took:?}");
    }
    assert_eq!(stage.resets(AGENT), 0);
    let (told, _) = stage.seen_by(&stage.stranger, room);
    assert_eq!(told, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing_by_a_room() {
    let (stage, room) = stage().await;
    let (stranger, gateway) = (&stage.stranger, &stage.gateway_account);
    let space = stage.space.clone();
    // Invited by nobody: neither in nor able to write, in either room.
    for place in [&room, &space] {
        assert_eq!(stage.join(stranger, place), 403);
        assert_eq!(stage.put_all(stranger, place, AGENT), 0);
    }
    let located = json!({"v": 1, "agent": AGENT, "host": HOST, "gateway": gateway.user});
    let fleet = json!({"v": 1, "fleet": "mosaic-factory"});
    let state = |kind: &str, key: &str, content: &serde_json::Value| json!({"type": kind, "state_key": key, "content": content});
    // Rooms of its own: one that looks like the agent's, and one that looks like the Space.
    let mine = stage.make_room(
        stranger,
        &json!({
            "preset": "public_chat", "name": format!("{AGENT} (agent)"), "invite": [gateway.user, stage.ada.user],
            "room_alias_name": format!("{AGENT}-{}", uuid_like()),
            "initial_state": [
                state("dev.mosaic.fleet.agent", "", &located),
                state("dev.mosaic.fleet.fleet", "", &fleet),
                state("m.space.parent", &space, &json!({"via": ["mosaic.test"], "canonical": true})),
            ],
        }),
    );
    let another_space = stage.make_room(
        stranger,
        &json!({
            "preset": "public_chat", "name": "mosaic-factory", "creation_content": {"type": "m.space"},
            "invite": [gateway.user, stage.ada.user], "room_alias_name": format!("mosaic-factory-{}", uuid_like()),
            "initial_state": [
                state("dev.mosaic.fleet.fleet", "", &fleet),
                state("m.space.child", &mine, &json!({
                    "via": ["mosaic.test"], "dev.mosaic.fleet": {"agent": AGENT, "host": HOST},
                })),
            ],
        }),
    );
    // Its own room cannot be put into the fleet's Space.
    let child = json!({"via": ["mosaic.test"], "dev.mosaic.fleet": {"agent": AGENT, "host": HOST}});
    assert!(!stage.set_state(stranger, &space, "m.space.child", &mine, &child));
    for place in [&mine, &another_space] {
        assert_eq!(stage.put_all(stranger, place, AGENT), 10);
    }
    // An allowed account that is lured into it sends nothing there either: it is no room of the fleet.
    assert_eq!(stage.join(&stage.ada, &mine), 200);
    stage
        .put(&stage.ada, &mine, "m.room.message", &text("lured"))
        .unwrap();
    stage.allowed(&room, "the first");
    stage.allowed(&room, "the second");
    only(&stage, &room, &["the first", "the second"]);
    for place in [&mine, &another_space] {
        let member = stage.state(stranger, place, "m.room.member", &gateway.user);
        assert_eq!(member["membership"], "invite", "the gateway stays out");
    }
    // Whoever sends through our own transport does not find the stranger's room.
    let sent = stage.run(&stage.ada, &["agent", "send", AGENT, "-m", "the third"]);
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    only(&stage, &room, &["the first", "the second", "the third"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_the_admin_did_not_make_is_not_served() {
    let (stage, room) = stage().await;
    let (stranger, gateway) = (&stage.stranger, &stage.gateway_account);
    // The worst: the admin itself puts a stranger's room into the Space.
    let located = json!({"v": 1, "agent": "coder1", "host": HOST, "gateway": gateway.user});
    let mine = stage.make_room(
        stranger,
        &json!({
            "preset": "public_chat", "invite": [gateway.user],
            "initial_state": [{"type": "dev.mosaic.fleet.agent", "state_key": "", "content": located}],
            "power_level_content_override": {"users_default": 75, "users": {}},
        }),
    );
    let child = json!({"via": ["mosaic.test"]});
    assert!(stage.set_state(&stage.admin, &stage.space, "m.space.child", &mine, &child));
    stage.put_all(stranger, &mine, AGENT);
    stage.allowed(&room, "the first");
    stage.put_all(stranger, &mine, AGENT);
    stage.allowed(&room, "the second");
    only(&stage, &room, &["the first", "the second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing_from_device_to_device() {
    let (stage, room) = stage().await;
    let gateway = stage.gateway_account.user.clone();
    let told = json!({"v": 1, "id": uuid_like(), "part": 1, "parts": 1, "text": "{}"});
    let ack = json!({"v": 1, "id": uuid_like(), "agent": AGENT, "host": HOST, "state": "submitted", "at": 1});
    let mut all = asking(AGENT, HOST, &stage.stranger.device);
    all.extend([
        ("dev.mosaic.fleet.response", told),
        ("dev.mosaic.fleet.ack", ack),
        (
            "dev.mosaic.fleet.agent",
            json!({"v": 1, "agent": AGENT, "host": HOST, "gateway": stage.stranger.user}),
        ),
        (
            "dev.mosaic.fleet.status",
            json!({"v": 1, "agent": AGENT, "state": "idle", "at": 1}),
        ),
        ("dev.mosaic.fleet.host", json!({"v": 1, "up": false})),
        (
            "m.room.power_levels",
            json!({"users": {stage.stranger.user.clone(): 100}}),
        ),
    ]);
    for (kind, content) in &all {
        stage.to_device(&stage.stranger, &gateway, kind, content);
    }
    stage.allowed(&room, "the first");
    stage.allowed(&room, "the second");
    only(&stage, &room, &["the first", "the second"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_without_the_roster_is_worth_nothing() {
    let (stage, room) = stage().await;
    let stranger = &stage.stranger;
    for place in [&room, &stage.space] {
        stage.let_in(stranger, place);
        assert_eq!(stage.put_all(stranger, place, AGENT), 0, "its level is 0");
    }
    // It calls itself like the operator.
    let name = format!("profile/{}/displayname", encoded(&stranger.user));
    let body = json!({"displayname": stage.operator.user});
    assert_eq!(stage.ask(stranger, "PUT", &name, Some(&body)).0, 200);
    stage.give_level(&room, &stranger.user, 75);
    stage.give_level(&stage.space, &stranger.user, 75);
    assert_eq!(stage.put_all(stranger, &room, AGENT), 10);
    let asked = asking(AGENT, HOST, &stranger.device);
    for (kind, content) in asked
        .iter()
        .filter(|(kind, _)| *kind == "dev.mosaic.fleet.request")
    {
        stage.put(stranger, &stage.space, kind, content).unwrap();
    }
    // It says of a message that another account sent it.
    let mut claimed = ours("by claim", AGENT, &json!({"from": format!("{HOST}:root")}));
    claimed["sender"] = json!(stage.operator.user);
    stage
        .put(stranger, &room, "m.room.message", &claimed)
        .unwrap();
    stage.allowed(&room, "the first");
    // And it edits what somebody else was let do.
    let event = stage
        .put(&stage.ada, &room, "m.room.message", &text("the second"))
        .unwrap();
    stage.ack(&room, &event);
    let mut edit = text("* edited");
    edit["m.new_content"] = text("edited");
    edit["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": event});
    let edits =
        [stranger, &stage.ada].map(|who| stage.put(who, &room, "m.room.message", &edit).unwrap());
    stage.allowed(&room, "the third");
    only(&stage, &room, &["the first", "the second", "the third"]);
    for edit in edits {
        assert!(stage.acks(&room, &edit).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roster_without_a_level_is_worth_nothing() {
    let (stage, room) = stage().await;
    stage.give_level(&room, &stage.operator.user, 0);
    assert_eq!(stage.put_all(&stage.operator, &room, AGENT), 0);
    // As one who may send but not command: what the server lets through the gateway refuses.
    stage.give_level(&room, &stage.operator.user, 50);
    let reset = stage
        .put(&stage.operator, &room, "m.room.message", &text("!reset"))
        .unwrap();
    assert!(
        stage
            .notice(&room, &reset)
            .contains("needs the level of an operator")
    );
    assert_eq!(
        stage.ack(&room, &reset)["error"]["code"],
        "permission_denied"
    );
    stage.allowed(&room, "the first");
    only(&stage, &room, &["the first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_cannot_reset_command_or_speak_for_another() {
    let (stage, room) = stage().await;
    let reset = json!({"v": 1, "id": uuid_like(), "force": true, "expires_at": LATER});
    let kind = "dev.mosaic.fleet.reset";
    assert_eq!(
        stage.put(&stage.ada, &room, kind, &reset).unwrap_err().0,
        403
    );
    // With a level that the roster does not confirm the server lets it, and the gateway does not.
    stage.give_level(&room, &stage.ada.user, 75);
    let event = stage.put(&stage.ada, &room, kind, &reset).unwrap();
    let ack = stage.ack(&room, &event);
    assert_eq!(
        (&ack["state"], &ack["error"]["code"]),
        (&json!("failed"), &json!("permission_denied")),
        "{ack}"
    );
    for command in [
        ours("/clear", AGENT, &json!({"allow_command": true})),
        ours(
            "  /clear",
            AGENT,
            &json!({"allow_command": true, "no_preamble": true}),
        ),
        ours(
            "!ls",
            AGENT,
            &json!({"allow_command": true, "no_preamble": true}),
        ),
        text("/clear"),
    ] {
        let event = stage
            .put(&stage.ada, &room, "m.room.message", &command)
            .unwrap();
        let ack = stage.ack(&room, &event);
        // Behind a preamble it is no command, and is what it looks like: a text.
        let harmless = ack["state"] == "submitted" || ack["error"]["code"] == "refused";
        assert!(harmless, "{ack}");
    }
    assert_eq!(stage.resets(AGENT), 0, "{:?}", stage.fixture.took(AGENT));
    let before = stage.fixture.took(AGENT).unwrap().len();
    for from in [
        "box1:root",
        "box9:root",
        "mosaic.test:operator",
        "\u{1b}[2J:x",
        "a\nb:c",
    ] {
        let claims = ours("by claim", AGENT, &json!({"from": from}));
        let event = stage
            .put(&stage.ada, &room, "m.room.message", &claims)
            .unwrap();
        assert_eq!(stage.ack(&room, &event)["state"], "submitted");
    }
    let name = stage
        .ada
        .user
        .trim_start_matches('@')
        .split(':')
        .next()
        .unwrap()
        .to_owned();
    let preamble = format!("[mosaic.test:{name} -> ");
    let took = stage.fixture.took(AGENT).unwrap();
    assert_eq!(took.len(), before + 5);
    for text in &took {
        assert!(text.starts_with(&preamble), "{text:?}");
    }
    // An operator is believed.
    let claims = ours("by an operator", AGENT, &json!({"from": "desk:root"}));
    let event = stage
        .put(&stage.operator, &room, "m.room.message", &claims)
        .unwrap();
    stage.ack(&room, &event);
    let took = stage.fixture.took(AGENT).unwrap();
    assert!(
        took.last().unwrap().starts_with("[desk:root -> "),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_and_what_the_gateway_itself_says_are_taken_by_nobody() {
    let (stage, room) = stage().await;
    for kind in ["m.notice", "m.emote", "m.file", "m.image"] {
        let content = json!({"msgtype": kind, "body": format!("of {kind}")});
        stage
            .put(&stage.operator, &room, "m.room.message", &content)
            .unwrap();
    }
    for content in [text("its own"), ours("its own", AGENT, &json!({}))] {
        stage
            .put(&stage.gateway_account, &room, "m.room.message", &content)
            .unwrap();
    }
    // For another agent, of another version, and too late.
    let elsewhere = ours("elsewhere", "coder1", &json!({}));
    let newer = ours("newer", AGENT, &json!({"v": 2}));
    for content in [elsewhere, newer] {
        stage
            .put(&stage.operator, &room, "m.room.message", &content)
            .unwrap();
    }
    let late = ours("late", AGENT, &json!({"expires_at": 1}));
    let late = stage
        .put(&stage.operator, &room, "m.room.message", &late)
        .unwrap();
    assert_eq!(stage.ack(&room, &late)["error"]["reason"], "not_ready");
    stage.allowed(&room, "the first");
    only(&stage, &room, &["the first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_answered_is_not_taken_and_holds_nothing_up() {
    let (stage, room) = stage().await;
    // An answer with this id in it would be longer than an event may be.
    let id = "x".repeat(50_000);
    let long = ours("with a long id", AGENT, &json!({"id": id}));
    let event = stage
        .put(&stage.ada, &room, "m.room.message", &long)
        .unwrap();
    let text = "é".repeat(24_000);
    let too_long = stage
        .put(
            &stage.ada,
            &room,
            "m.room.message",
            &super::acts::text(&text),
        )
        .unwrap();
    let ack = stage.ack(&room, &too_long);
    assert_eq!(ack["error"]["code"], "invalid_argument", "{ack}");
    stage.allowed(&room, "the first");
    only(&stage, &room, &["the first"]);
    assert!(stage.acks(&room, &event).is_empty());
    let later = stage.logged().contains("what became of it is told later");
    assert!(!later, "{}", stage.logged());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_differ_in_case_are_two() {
    let (stage, room) = stage().await;
    // Homeservers of today make no such account; what is left of old ones is another account.
    let upper = stage.ada.user.replace("ada", "ADA");
    stage.give_level(&room, &upper, 75);
    let (status, made) = stage
        .synapse
        .try_account(upper.trim_start_matches('@').split(':').next().unwrap());
    assert_eq!(status, 400, "{made}");
    stage.allowed(&room, "the first");
    only(&stage, &room, &["the first"]);
}
