//! What holds for all events, whoever puts them and whatever is in them.

use proptest::prelude::*;
use ruma::{OwnedUserId, UserId};
use serde_json::{Value, json};

use super::super::super::protocol::kind;
use super::super::judge::{Deed, Judged};
use super::judge::{
    ADA, FAR, ME, NOW, ROOT, STRANGER, deed, event, is_ignored, judged, judged_at, levels, request,
    reset, sent, text,
};

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
        // Those that are acted on, most of the time.
        4 => prop::sample::select(vec![kind::MESSAGE, kind::RESET, kind::REQUEST]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
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
        1 => any::<String>(),
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
        let judged = judged_at(&event, &levels, NOW, agent);
        let refused = matches!(&judged, Judged::Do { deed: Deed::Refuse { .. }, .. });
        // Who made the room is above all levels.
        let let_in = level >= 40 || user.as_str() == "@admin:example.com";
        prop_assert!(is_ignored(&judged) || let_in && refused, "{judged:?}");
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
