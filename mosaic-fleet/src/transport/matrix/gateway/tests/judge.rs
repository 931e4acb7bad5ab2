//! What a gateway makes of events: whatever a stranger puts there, of it nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ruma::{EventId, OwnedUserId, UserId, owned_user_id};
use serde_json::{Value, json};

use super::super::super::config::MatrixConfig;
use super::super::super::event::Event;
use super::super::super::protocol::{KEY, LONGEST_ID, kind};
use super::super::judge::{Deed, Judged, Known, Levels, Rank, Told, judge};
use crate::agent::AgentName;

const NOW: u64 = 1_800_000_000_000;
const ME: &str = "@gw-box1:example.com";
const FAR: &str = "@gw-box2:example.com";
const ADA: &str = "@ada:example.com";
const ROOT: &str = "@root:example.com";
const STRANGER: &str = "@mallory:example.com";

fn config() -> MatrixConfig {
    let block = json!({
        "homeserver": "http://127.0.0.1:1", "space": "!space:example.com", "admin": "@admin:example.com",
        "gateways": {"box1": ME, "box2": FAR}, "senders": [ADA], "operators": [ROOT], "expires": 60,
    });
    let environment = BTreeMap::from([("MOSAIC_MATRIX_TOKEN".to_owned(), "dummy".to_owned())]);
    MatrixConfig::from_block(&block, &environment).unwrap()
}

fn levels(users: &[(&str, i64)]) -> Levels {
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

fn event(sender: &str, kind: &str, content: Value) -> Event {
    Event {
        kind: kind.to_owned(),
        sender: UserId::parse(sender).unwrap(),
        content,
        event_id: EventId::parse("$an-event").unwrap(),
        state_key: None,
        origin_server_ts: NOW,
    }
}

fn judged_at(event: &Event, levels: &Levels, now: u64, agent: Option<&str>) -> Judged {
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

fn judged(event: &Event) -> Judged {
    judged_at(event, &provisioned(), NOW, Some("coder0"))
}

fn deed(judged: Judged) -> Deed {
    match judged {
        Judged::Do { deed, .. } => deed,
        other => panic!("{other:?}"),
    }
}

fn is_ignored(judged: &Judged) -> bool {
    matches!(judged, Judged::Ignore(_))
}

fn text(body: &str) -> Value {
    json!({"msgtype": "m.text", "body": body})
}

fn sent(body: &str, more: Value) -> Value {
    let mut part = json!({"v": 1, "id": "id-1", "to": "coder0", "expires_at": NOW + 1});
    merge(&mut part, more);
    json!({"msgtype": "m.text", "body": body, KEY: part})
}

fn reset(more: Value) -> Value {
    let mut content = json!({"v": 1, "id": "id-1", "expires_at": NOW + 1});
    merge(&mut content, more);
    content
}

fn request(more: Value) -> Value {
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

/// Contents of every shape that is acted on, and any others.
fn any_content() -> impl Strategy<Value = Value> {
    let word = || {
        prop_oneof![
            Just("/clear".to_owned()),
            Just("!reset".to_owned()),
            Just("!status".to_owned()),
            any::<String>(),
        ]
    };
    prop_oneof![
        word().prop_map(|body| text(&body)),
        (word(), any::<String>(), any::<bool>()).prop_map(|(body, from, yes)| {
            sent(
                &body,
                json!({"from": from, "allow_command": yes, "no_preamble": yes}),
            )
        }),
        any::<bool>().prop_map(|force| reset(json!({"force": force}))),
        prop_oneof![Just("status"), Just("tail"), Just("list"), Just("outcome")]
            .prop_map(|op| request(json!({"op": op, "lines": 9, "host": "box1", "receipt": "r"}))),
        any::<String>().prop_map(Value::String),
        Just(Value::Null),
        any::<Vec<String>>().prop_map(|list| json!(list)),
    ]
}

fn any_kind() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            kind::MESSAGE,
            kind::RESET,
            kind::REQUEST,
            kind::RESPONSE,
            kind::ACK,
            kind::AGENT,
            kind::STATUS,
            kind::HOST,
            kind::FLEET,
            kind::CHILD,
            kind::POWER,
            kind::MEMBER,
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

/// Accounts in no list: others, some that look like those in one, on this server and elsewhere.
fn any_stranger() -> impl Strategy<Value = OwnedUserId> {
    let looks_alike = prop::sample::select(vec![
        STRANGER,
        "@ADA:example.com",
        "@Ada:example.com",
        "@ada:example.com.evil.test",
        "@ada:EXAMPLE.com",
        "@ada:example.com:8448",
        "@ada_:example.com",
        "@root:evil.test",
        "@Root:example.com",
        "@gw-box1:evil.test",
        "@admin:example.com",
    ])
    .prop_map(str::to_owned);
    let other = "@[a-z0-9._=/-]{1,20}:[a-z]{1,10}\\.test";
    prop_oneof![looks_alike, other].prop_map(|user| UserId::parse(user).unwrap())
}

/// Accounts that the roster lists, with any level.
fn any_account() -> impl Strategy<Value = (OwnedUserId, i64)> {
    let listed =
        prop::sample::select(vec![ADA, ROOT, FAR]).prop_map(|one| UserId::parse(one).unwrap());
    (
        listed,
        prop_oneof![Just(39_i64), Just(40), Just(74), Just(75), -10_i64..110],
    )
}

proptest! {
    #[test]
    fn nothing_of_a_stranger_is_ever_done(
        user in any_stranger(), kind in any_kind(), content in any_content(),
        level in prop_oneof![Just(0_i64), Just(40), Just(75), Just(100), any::<i64>()],
        in_space in any::<bool>(),
    ) {
        // Whatever level the room gives it: the roster does not know it.
        let levels = levels(&[(user.as_str(), level), (ADA, 40), (ROOT, 75)]);
        let event = event(user.as_str(), &kind, content);
        let agent = (!in_space).then_some("coder0");
        prop_assert!(is_ignored(&judged_at(&event, &levels, NOW, agent)));
    }

    #[test]
    fn nothing_of_a_listed_account_is_done_beyond_its_level(
        (user, level) in any_account(), kind in any_kind(), content in any_content(),
    ) {
        let levels = levels(&[(user.as_str(), level)]);
        let judged = judged_at(&event(user.as_str(), &kind, content), &levels, NOW, Some("coder0"));
        if level < 40 {
            prop_assert!(is_ignored(&judged));
        }
        if level < 75 || user != ROOT {
            let beyond = matches!(
                &judged,
                Judged::Do { deed: Deed::Reset { .. } | Deed::Send { allow_command: true, .. } | Deed::Send { from: None, .. }, .. }
            );
            prop_assert!(!beyond, "{judged:?}");
        }
    }

    #[test]
    fn state_our_own_and_the_default_level_are_nothing(kind in any_kind(), content in any_content(), key in any::<String>()) {
        let mut state = event(ROOT, &kind, content.clone());
        state.state_key = Some(key);
        prop_assert!(is_ignored(&judged(&state)));
        prop_assert!(is_ignored(&judged(&event(ME, &kind, content.clone()))));
        let low = levels(&[]);
        prop_assert!(is_ignored(&judged_at(&event(ROOT, &kind, content), &low, NOW, Some("coder0"))));
    }

    #[test]
    fn what_a_terminal_obeys_is_never_sent(body in any::<String>(), more in "[\u{0}-\u{1f}\u{7f}-\u{9f}]{0,3}", root in any::<bool>()) {
        let body = format!("{body}{more}");
        let who = if root { ROOT } else { ADA };
        for content in [text(&body), sent(&body, json!({"allow_command": true, "no_preamble": true}))] {
            if let Judged::Do { deed: Deed::Send { body, from, .. }, .. } = judged(&event(who, kind::MESSAGE, content)) {
                let harmful = |c: char| c.is_control() && c != '\n' && c != '\t';
                prop_assert!(!body.contains(harmful), "{body:?}");
                prop_assert!(!from.unwrap_or_default().contains(char::is_control));
            }
        }
    }

    #[test]
    fn a_claimed_sender_is_believed_only_of_those_who_may(from in prop_oneof![Just("box1:root".to_owned()), Just("box2:x".to_owned()), any::<String>()]) {
        let content = || sent("hello", json!({"from": from}));
        let of = |who: &str| match deed(judged(&event(who, kind::MESSAGE, content()))) {
            Deed::Send { from, .. } => from.unwrap(),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(of(ADA), "example.com:ada");
        let far = of(FAR);
        prop_assert!(far == "example.com:gw-box2" || (far == from && from.starts_with("box2:")), "{}", far);
        let root = of(ROOT);
        prop_assert!(root == "example.com:root" || root == from, "{}", root);
    }
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
        request(json!({"expires_at": NOW - 1})),
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
        reset(json!({"expires_at": NOW - 1})),
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
