//! Which events change who may do what in a room.

use std::collections::BTreeMap;

use ruma::{EventId, OwnedUserId, RoomId, UserId};
use serde_json::json;

use super::super::super::event::Event;
use super::super::super::protocol::kind;
use super::super::judge::Levels;
use super::super::served::{Rooms, Served, changed};
use crate::agent::AgentName;

fn event(kind: &str, key: Option<&str>) -> Event {
    let root: OwnedUserId = UserId::parse("@root:example.com").unwrap();
    Event {
        kind: kind.to_owned(),
        content: json!({"users": {root.as_str(): 100}}),
        sender: root,
        event_id: EventId::parse("$an-event").unwrap(),
        state_key: key.map(str::to_owned),
        origin_server_ts: 0,
    }
}

#[test]
fn only_the_rooms_own_levels_change_who_may() {
    let room = RoomId::parse("!room:example.com").unwrap();
    let served = Served {
        agent: AgentName::new("coder0").ok(),
        levels: Levels::default(),
    };
    let mut rooms: Rooms = BTreeMap::from([(room.clone(), served)]);
    // A message of that type, or state under another key, is not what the server goes by.
    for key in [None, Some("@root:example.com")] {
        assert!(!changed(&mut rooms, &room, &event(kind::POWER, key)));
        assert_eq!(rooms[&room].levels, Levels::default());
    }
    assert!(!changed(&mut rooms, &room, &event(kind::POWER, Some(""))));
    assert_ne!(rooms[&room].levels, Levels::default());
    // Nor are rooms read anew for messages.
    for kind in [kind::CHILD, kind::AGENT] {
        assert!(!changed(&mut rooms, &room, &event(kind, None)));
        assert!(changed(&mut rooms, &room, &event(kind, Some(""))));
    }
}
