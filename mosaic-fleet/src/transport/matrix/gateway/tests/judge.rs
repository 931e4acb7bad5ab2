//! What a gateway makes of events: whatever a stranger puts there, of it nothing.

use std::collections::BTreeMap;

use ruma::{EventId, UserId, owned_user_id};
use serde_json::{Value, json};

use super::super::super::config::MatrixConfig;
use super::super::super::event::Event;
use super::super::super::protocol::{KEY, LONGEST_ID, kind};
use super::super::judge::{Deed, Judged, Known, Levels, Rank, Told, judge};
use crate::agent::AgentName;

pub(super) const NOW: u64 = 1_800_000_000_000;
pub(super) const ME: &str = "@gw-box1:example.com";
pub(super) const FAR: &str = "@gw-box2:example.com";
pub(super) const ADA: &str = "@ada:example.com";
pub(super) const ROOT: &str = "@root:example.com";
pub(super) const STRANGER: &str = "@mallory:example.com";

fn config() -> MatrixConfig {
    let block = json!({
        "homeserver": "http://127.0.0.1:1", "space": "!space:example.com", "admin": "@admin:example.com",
        "gateways": {"box1": ME, "box2": FAR}, "senders": [ADA], "operators": [ROOT], "expires": 60,
    });
    let environment = BTreeMap::from([("MOSAIC_MATRIX_TOKEN".to_owned(), "dummy".to_owned())]);
    MatrixConfig::from_block(&block, &environment).unwrap()
}

pub(super) fn levels(users: &[(&str, i64)]) -> Levels {
    let users: BTreeMap<_, _> = users.iter().copied().collect();
    Levels::read(
        &json!({"users": users}),
        Some(&owned_user_id!("@admin:example.com")),
    )
}

/// As `matrix provision` makes them.
fn provisioned() -> Levels {
    levels(&[(ME, 50), (FAR, 40), (ADA, 40), (ROOT, 75)])
}

pub(super) fn event(sender: &str, kind: &str, content: Value) -> Event {
    Event {
        kind: kind.to_owned(),
        sender: UserId::parse(sender).unwrap(),
        content,
        event_id: EventId::parse("$an-event").unwrap(),
        state_key: None,
        origin_server_ts: NOW,
    }
}

pub(super) fn judged_at(event: &Event, levels: &Levels, now: u64, agent: Option<&str>) -> Judged {
    let (config, me) = (config(), UserId::parse(ME).unwrap());
    let agent = agent.map(|name| AgentName::new(name).unwrap());
    let known = Known {
        config: &config,
        me: &me,
        agent: agent.as_ref(),
        levels,
        now,
    };
    judge(event, &known)
}

pub(super) fn judged(event: &Event) -> Judged {
    judged_at(event, &provisioned(), NOW, Some("coder0"))
}

pub(super) fn deed(judged: Judged) -> Deed {
    match judged {
        Judged::Do { deed, .. } => deed,
        other => panic!("{other:?}"),
    }
}

pub(super) fn is_ignored(judged: &Judged) -> bool {
    matches!(judged, Judged::Ignore(_))
}

pub(super) fn text(body: &str) -> Value {
    json!({"msgtype": "m.text", "body": body})
}

pub(super) fn sent(body: &str, more: Value) -> Value {
    let mut part = json!({"v": 1, "id": "id-1", "to": "coder0", "expires_at": NOW + 1});
    merge(&mut part, more);
    json!({"msgtype": "m.text", "body": body, KEY: part})
}

pub(super) fn reset(more: Value) -> Value {
    let mut content = json!({"v": 1, "id": "id-1", "expires_at": NOW + 1});
    merge(&mut content, more);
    content
}

pub(super) fn request(more: Value) -> Value {
    let mut content =
        json!({"v": 1, "id": "id-1", "op": "status", "reply_device": "D", "expires_at": NOW + 1});
    merge(&mut content, more);
    content
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else {
        panic!("fields")
    };
    into.as_object_mut().unwrap().extend(more);
}

fn rank(user: &str, levels: &Levels) -> Rank {
    let (config, me) = (config(), UserId::parse(ME).unwrap());
    let known = Known {
        config: &config,
        me: &me,
        agent: None,
        levels,
        now: NOW,
    };
    known.rank(&UserId::parse(user).unwrap())
}

#[test]
fn the_roster_and_the_levels_have_to_agree() {
    let all = provisioned();
    assert_eq!(rank(ROOT, &all), Rank::Operator);
    assert_eq!(rank(ADA, &all), Rank::Sender);
    assert_eq!(rank(FAR, &all), Rank::Sender, "another host's gateway");
    assert_eq!(rank(STRANGER, &all), Rank::Stranger);
    // A room that gives more than the roster, or to all.
    let generous = Levels::read(&json!({"users_default": 100}), None);
    assert_eq!(rank(ADA, &generous), Rank::Sender);
    assert_eq!(rank(STRANGER, &generous), Rank::Stranger);
    // And less.
    assert_eq!(rank(ROOT, &levels(&[(ROOT, 74)])), Rank::Sender);
    assert_eq!(rank(ADA, &levels(&[(ADA, 39)])), Rank::Stranger);
    assert_eq!(rank(ROOT, &levels(&[])), Rank::Stranger);
    // What cannot be read as levels gives none: not a word, not a list.
    for broken in [
        json!(null),
        json!({"users": [ROOT]}),
        json!({"users": {ROOT: "100"}, "users_default": "75"}),
    ] {
        assert_eq!(rank(ROOT, &Levels::read(&broken, None)), Rank::Stranger);
    }
    // The admin makes rooms and is in no list.
    assert_eq!(rank("@admin:example.com", &all), Rank::Stranger);
}

#[test]
fn those_who_may_are_heard() {
    let sends = deed(judged(&event(ADA, kind::MESSAGE, text("hello"))));
    let expected = Deed::Send {
        body: "hello".to_owned(),
        from: Some("example.com:ada".to_owned()),
        allow_command: false,
        wait_ms: None,
        timeout_ms: None,
        expires_at: Some(NOW + 60_000),
        person: true,
    };
    assert_eq!(sends, expected);
    let command = sent(
        "/clear",
        json!({"allow_command": true, "no_preamble": true}),
    );
    let by_root = deed(judged(&event(ROOT, kind::MESSAGE, command.clone())));
    assert!(
        matches!(
            by_root,
            Deed::Send {
                allow_command: true,
                from: None,
                ..
            }
        ),
        "{by_root:?}"
    );
    let by_ada = deed(judged(&event(ADA, kind::MESSAGE, command)));
    assert!(
        matches!(
            by_ada,
            Deed::Send {
                allow_command: false,
                from: Some(_),
                ..
            }
        ),
        "{by_ada:?}"
    );
    let forgets = deed(judged(&event(
        ROOT,
        kind::RESET,
        reset(json!({"force": true})),
    )));
    assert!(
        matches!(forgets, Deed::Reset { force: true, .. }),
        "{forgets:?}"
    );
    let refused = deed(judged(&event(ADA, kind::RESET, reset(json!({})))));
    assert!(
        matches!(&refused, Deed::Refuse { failure, .. } if failure.code == "permission_denied"),
        "{refused:?}"
    );
    let asks = judged(&event(ADA, kind::REQUEST, request(json!({}))));
    assert!(matches!(asks, Judged::Ask(_)), "{asks:?}");
}

#[test]
fn edits_notices_other_versions_and_other_agents_are_left_alone() {
    let mut edit = text("* other");
    merge(
        &mut edit,
        json!({"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}, "m.new_content": text("other")}),
    );
    let mut edit_of_ours = sent("* other", json!({}));
    merge(
        &mut edit_of_ours,
        json!({"m.relates_to": {"rel_type": "m.replace", "event_id": "$e"}}),
    );
    let long = "x".repeat(LONGEST_ID + 1);
    let messages = [
        edit,
        edit_of_ours,
        json!({"msgtype": "m.notice", "body": "hello"}),
        json!({"msgtype": "m.emote", "body": "hello"}),
        json!({"body": "hello"}),
        json!({"msgtype": "m.text"}),
        json!({"msgtype": "m.text", "body": 7}),
        json!({}),
        sent("hello", json!({"to": "coder1"})),
        sent("hello", json!({"to": "CODER0"})),
        sent("hello", json!({"v": 2})),
        sent("hello", json!({"v": 0})),
        sent("hello", json!({"v": "1"})),
        sent("hello", json!({"v": null})),
        sent("hello", json!({"expires_at": "soon"})),
        sent("hello", json!({"expires_at": -1})),
        sent("hello", json!({"id": long})),
        json!({"msgtype": "m.text", "body": "hello", KEY: "ours?"}),
        json!({"msgtype": "m.text", "body": "hello", KEY: null}),
    ];
    for content in messages {
        let judged = judged(&event(ROOT, kind::MESSAGE, content.clone()));
        assert!(is_ignored(&judged), "{content}: {judged:?}");
    }
    for content in [
        reset(json!({"v": 2})),
        reset(json!({"id": long})),
        json!({}),
    ] {
        assert!(is_ignored(&judged(&event(ROOT, kind::RESET, content))));
    }
    for content in [
        request(json!({"v": 2})),
        request(json!({"id": long})),
        request(json!({"expires_at": NOW - 60_001})),
        request(json!({"op": "shell"})),
    ] {
        assert!(is_ignored(&judged(&event(ROOT, kind::REQUEST, content))));
    }
    // The Space has no agent to send to.
    for (kind, content) in [
        (kind::MESSAGE, text("hello")),
        (kind::RESET, reset(json!({}))),
    ] {
        let event = event(ROOT, kind, content);
        assert!(is_ignored(&judged_at(&event, &provisioned(), NOW, None)));
    }
}

#[test]
fn what_comes_too_late_is_refused_with_words() {
    let late = |judged: Judged| match deed(judged) {
        Deed::Refuse { failure, .. } => assert_eq!(failure.reason.as_deref(), Some("not_ready")),
        other => panic!("{other:?}"),
    };
    late(judged(&event(
        ADA,
        kind::MESSAGE,
        sent("hello", json!({"expires_at": NOW - 1})),
    )));
    late(judged(&event(
        ROOT,
        kind::RESET,
        reset(json!({"expires_at": NOW - 60_001})),
    )));
    // A person says no time: what waited longer than anything may wait is not meant any more.
    for body in ["hello", "!reset"] {
        let event = event(ROOT, kind::MESSAGE, text(body));
        let in_time = judged_at(&event, &provisioned(), NOW + 60_000, Some("coder0"));
        assert!(matches!(
            deed(in_time),
            Deed::Send { .. } | Deed::Reset { .. }
        ));
        late(judged_at(
            &event,
            &provisioned(),
            NOW + 60_001,
            Some("coder0"),
        ));
    }
}

#[test]
fn a_person_commands_with_an_exclamation_mark() {
    let said = |who: &str, body: &str| deed(judged(&event(who, kind::MESSAGE, text(body))));
    let told = |what| Deed::Tell { what };
    assert_eq!(said(ADA, "!status"), told(Told::Status));
    assert_eq!(said(ADA, " !help\n"), told(Told::Help));
    assert_eq!(said(ADA, "!tail 7"), told(Told::Tail(7)));
    assert!(matches!(
        said(ROOT, "!reset"),
        Deed::Reset {
            force: false,
            person: true,
            ..
        }
    ));
    for (who, body) in [
        (ADA, "!reset"),
        (ROOT, "!"),
        (ROOT, "!rm -rf"),
        (ROOT, "!tail 4294967296"),
        (ROOT, "! reset now"),
    ] {
        assert!(
            matches!(said(who, body), Deed::Refuse { person: true, .. }),
            "{body}"
        );
    }
    // In our own shape it is a text: the local transport knows what is a command there.
    let ours = deed(judged(&event(
        ROOT,
        kind::MESSAGE,
        sent("!reset", json!({})),
    )));
    assert!(matches!(
        ours,
        Deed::Send {
            allow_command: false,
            ..
        }
    ));
}
