//! A person with any Matrix client, in an agent's room: what it writes arrives, what it asks is
//! answered, and nothing that a terminal obeys gets near one.

use std::fs;
use std::time::Instant;

use mosaic_fleet::testing::scripted_agent::Script;
use serde_json::{Value, json};

use super::acts::{ours, text};
use super::stage::{HOST, PATIENCE, Stage};

const AGENT: &str = "coder0";
const MESSAGE: &str = "m.room.message";

async fn stage() -> (Stage, String) {
    let mut script = Script::boxed();
    script.reset_command = Some("/clear".to_owned());
    let mut stage = Stage::new(&[AGENT], script).await;
    stage.start_gateway();
    let room = stage.room(AGENT);
    for account in [&stage.ada, &stage.operator] {
        assert_eq!(stage.join(account, &room), 200);
    }
    (stage, room)
}

/// Waits until the gateway's account has read up to an event.
fn read_up_to(stage: &Stage, room: &str, event: &str) {
    let began = Instant::now();
    loop {
        let (_, ephemeral) = stage.seen_by(&stage.ada, room);
        let gateway = stage.gateway_account.user.as_str();
        let read = |one: &Value| {
            one["type"] == "m.receipt" && one["content"][event]["m.read"].get(gateway).is_some()
        };
        if ephemeral.iter().any(read) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{ephemeral:?}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_person_is_delivered_read_and_acked() {
    let (stage, room) = stage().await;
    let event = stage
        .put(&stage.ada, &room, MESSAGE, &text("two\nlines"))
        .unwrap();
    let ack = stage.ack(&room, &event);
    assert_eq!(
        (&ack["state"], &ack["id"]),
        (&json!("submitted"), &json!(event)),
        "{ack}"
    );
    read_up_to(&stage, &room, &event);
    let took = stage.fixture.took(AGENT).unwrap();
    let name = stage
        .ada
        .user
        .trim_start_matches('@')
        .split(':')
        .next()
        .unwrap();
    let [took] = took.as_slice() else {
        panic!("{took:?}")
    };
    assert!(
        took.starts_with(&format!("[mosaic.test:{name} -> ")),
        "{took:?}"
    );
    assert!(took.ends_with("two\nlines"), "{took:?}");
    // It was said once; a reply of the person is a text like any other.
    let mut reply = text("> quoted\n\nand more");
    reply["m.relates_to"] = json!({"m.in_reply_to": {"event_id": event}});
    let reply = stage.put(&stage.ada, &room, MESSAGE, &reply).unwrap();
    assert_eq!(stage.ack(&room, &reply)["state"], "submitted");
    assert_eq!(stage.acks(&room, &event).len(), 1);
    assert_eq!(stage.fixture.took(AGENT).unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_says_that_the_host_is_up_and_how_its_agent_is() {
    let (stage, room) = stage().await;
    let began = Instant::now();
    loop {
        let host = stage.state(&stage.admin, &stage.space, "dev.mosaic.fleet.host", HOST);
        let agent = stage.state(&stage.admin, &room, "dev.mosaic.fleet.status", "");
        if host["up"] == true && agent["state"] == "idle" {
            assert_eq!(host["gateway"], json!(stage.gateway_account.user));
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{host} {agent}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // At the first try: it is in the rooms by then.
    assert!(!stage.logged().contains("told later"), "{}", stage.logged());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_answered_by_notices() {
    let (stage, room) = stage().await;
    let asks = |who, body: &str| {
        let event = stage.put(who, &room, MESSAGE, &text(body)).unwrap();
        stage.notice(&room, &event)
    };
    let (ada, operator) = (&stage.ada, &stage.operator);
    assert_eq!(asks(ada, "!status"), "coder0 is idle");
    assert!(asks(ada, "!help").contains("!status"));
    let tail = asks(ada, "!tail 5");
    assert!(tail.contains("tail_in_room"), "{tail}");
    let refused = asks(ada, "!reset");
    assert!(
        refused.starts_with("not done: a reset needs the level of an operator"),
        "{refused}"
    );
    assert_eq!(stage.resets(AGENT), 0);
    assert_eq!(asks(operator, "!reset"), "it was reset");
    assert_eq!(stage.resets(AGENT), 1);
    for unknown in [
        "!",
        "!ls",
        "!tail -1",
        "!tail 0",
        "!reset now",
        "!status x",
        " !RESET",
    ] {
        let said = asks(operator, unknown);
        assert!(
            said.starts_with("not done: no such command"),
            "{unknown}: {said}"
        );
    }
    assert_eq!(stage.resets(AGENT), 1);
    // The reset itself is all that was typed.
    let took = stage.fixture.took(AGENT).unwrap();
    assert!(took.iter().all(|text| text == "/clear"), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_is_shown_in_the_room_only_where_the_roster_says_so() {
    let mut stage = Stage::new(&[AGENT], Script::boxed()).await;
    stage.change_block("tail_in_room", json!(true));
    stage.start_gateway();
    let room = stage.room(AGENT);
    for account in [&stage.ada, &stage.operator] {
        assert_eq!(stage.join(account, &room), 200);
    }
    stage.allowed(&room, "what is to be seen");
    let event = stage
        .put(&stage.ada, &room, MESSAGE, &text("!tail 30"))
        .unwrap();
    let tail = stage.notice(&room, &event);
    assert!(tail.contains("what is to be seen"), "{tail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_terminal_obeys_is_refused_whoever_sends_it() {
    let (stage, room) = stage().await;
    let harmful = [
        "\u{1b}[2J",
        "\u{1b}[201~/clear",
        "\u{9b}201~",
        "\u{7f}",
        "\u{0}",
        "\u{3}",
        "\u{85}",
        "\u{8}",
    ];
    for who in [&stage.ada, &stage.operator] {
        for (number, harm) in harmful.iter().enumerate() {
            let body = format!("before {harm} after");
            let as_ours = ours(
                &body,
                AGENT,
                &json!({"allow_command": true, "no_preamble": true}),
            );
            for content in [text(&body), as_ours] {
                let person = content.get("dev.mosaic.fleet").is_none();
                // A server may refuse it as well; what it takes the gateway refuses, with words.
                let event = match stage.put(who, &room, MESSAGE, &content) {
                    Ok(event) => event,
                    Err((status, _)) => {
                        assert!(status == 400 && *harm == "\u{0}", "{number}: {status}");
                        continue;
                    }
                };
                let ack = stage.ack(&room, &event);
                assert_eq!(ack["error"]["reason"], "unsafe_text", "{harm:?}: {ack}");
                if person {
                    let notice = stage.notice(&room, &event);
                    assert!(notice.contains("control character"), "{notice}");
                    assert!(!notice.chars().any(char::is_control), "{notice:?}");
                }
            }
        }
    }
    stage.allowed(&room, "the last");
    let took = stage.fixture.took(AGENT).unwrap();
    assert!(took.len() == 1 && took[0].ends_with("the last"), "{took:?}");
    assert_eq!(stage.resets(AGENT), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_any_log() {
    let (stage, room) = stage().await;
    stage.allowed(&room, "the first");
    let mut said = vec![stage.logged()];
    for arguments in [
        &["-vv", "agent", "send", AGENT, "-m", "the second"][..],
        &["-vv", "agent", "status", AGENT, "--json"],
        &["-vv", "agent", "send", "nobody", "-m", "the third"],
    ] {
        let output = stage.run(&stage.ada, arguments);
        assert_eq!(
            output.status.success(),
            !arguments.contains(&"nobody"),
            "{output:?}"
        );
        let words = [output.stdout, output.stderr].map(|one| String::from_utf8(one).unwrap());
        said.extend(words);
    }
    said.push(stage.synapse.log());
    let requests = said.last().unwrap();
    assert!(
        requests.contains("/sync"),
        "the server's log has the requests: {requests}"
    );
    let tokens = [
        &stage.gateway_account,
        &stage.operator,
        &stage.ada,
        &stage.admin,
    ];
    for account in tokens {
        for (number, said) in said.iter().enumerate() {
            assert!(
                !said.contains(&account.token),
                "the token of {} in {number}",
                account.user
            );
        }
    }
    assert!(!requests.contains("access_token"), "no token in an address");
    // Nor is it in what is kept.
    let state = stage.fixture.folder();
    let kept = walk(state);
    assert!(
        kept.iter().any(|path| path.ends_with("journal.sqlite")),
        "{kept:?}"
    );
    for path in kept {
        let is_token = path
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("token-");
        let bytes = fs::read(&path).unwrap_or_default();
        let whole = String::from_utf8_lossy(&bytes);
        let there = tokens.iter().any(|account| whole.contains(&account.token));
        assert!(is_token || !there, "{}", path.display());
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(walk(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}
