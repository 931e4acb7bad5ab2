//! What a pretended homeserver shows: the stream, what came before, and what refers to what.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fault::Fault;
use super::world::{Account, Event, Refused, World};

type Parameters = BTreeMap<String, String>;

/// Which events are asked for.
#[derive(Debug, Default)]
struct Filter {
    rooms: Option<Vec<String>>,
    types: Option<Vec<String>>,
    limit: Option<usize>,
}

fn words(list: &Value) -> Option<Vec<String>> {
    let words = list.as_array()?.iter().filter_map(Value::as_str);
    Some(words.map(str::to_owned).collect())
}

impl Filter {
    /// Of a sync.
    fn of(query: &Parameters) -> Self {
        let asked = query
            .get("filter")
            .and_then(|text| serde_json::from_str(text).ok());
        let room = asked.map_or(Value::Null, |asked: Value| asked["room"].clone());
        let limit = room["timeline"]["limit"].as_u64();
        Filter {
            rooms: words(&room["rooms"]),
            types: words(&room["timeline"]["types"]),
            limit: limit.and_then(|limit| limit.try_into().ok()),
        }
    }

    fn takes(&self, event: &Event) -> bool {
        self.types
            .as_ref()
            .is_none_or(|types| types.contains(&event.kind))
    }
}

/// A place in the stream, as a client passes it.
fn place(token: Option<&String>) -> Option<u64> {
    token?.strip_prefix('s')?.parse().ok()
}

/// One look at the stream, and whether there is anything new in it.
pub(super) fn sync(
    world: &mut World,
    account: &Account,
    query: &Parameters,
    fault: Option<&Fault>,
) -> (Value, bool) {
    let since = place(query.get("since"));
    let (since, twice) = match fault {
        Some(Fault::Again) => (since.map(|_| 0), true),
        _ => (since, false),
    };
    let mut filter = Filter::of(query);
    if let Some(Fault::Gap(most)) = fault {
        filter.limit = Some(*most);
    }
    let mut joined = serde_json::Map::new();
    for room in world.rooms_of(&account.user, "join") {
        if filter
            .rooms
            .as_ref()
            .is_some_and(|rooms| !rooms.contains(&room))
        {
            continue;
        }
        // Who came in meanwhile is shown what was there before.
        let entered = world.state(&room, "m.room.member", &account.user);
        let entered = entered.map_or(0, |event| event.place);
        let from = since.filter(|since| *since >= entered || twice);
        let events = world.events.iter().filter(|event| {
            event.room == room && event.place > from.unwrap_or(0) && filter.takes(event)
        });
        let events: Vec<&Event> = events.collect();
        let left_out = events.len() - events.len().min(filter.limit.unwrap_or(10));
        let shown = &events[left_out..];
        if events.is_empty() && since.is_some() {
            continue;
        }
        let before = shown.first().map_or(world.last(), |first| first.place - 1);
        let times = if twice { 2 } else { 1 };
        let shown = shown.iter().flat_map(|event| vec![event.shown(); times]);
        let timeline = json!({
            "events": shown.collect::<Vec<_>>(), "prev_batch": format!("s{before}"),
            "limited": left_out > 0 || (from.is_none() && since.is_some()),
        });
        joined.insert(room, json!({"timeline": timeline, "state": {"events": []}}));
    }
    let moved = |membership: &str, part: &str| {
        let rooms = world.rooms_of(&account.user, membership).into_iter();
        let new = rooms.filter(|room| {
            let member = world.state(room, "m.room.member", &account.user);
            let place = member.map_or(0, |event| event.place);
            place > since.unwrap_or(0) && (since.is_some() || membership == "invite")
        });
        let rooms = new.map(|room| (room, json!({part: {"events": []}})));
        rooms.collect::<serde_json::Map<_, _>>()
    };
    let (invited, left) = (moved("invite", "invite_state"), moved("leave", "timeline"));
    let me = (
        account.user.clone(),
        account.device.clone().unwrap_or_default(),
    );
    // What a device has fetched, it has said by asking for what comes after.
    world
        .letters
        .retain(|letter| letter.to != me || letter.place > since.unwrap_or(0));
    let letters = world.letters.iter().filter(|letter| letter.to == me);
    let letters = letters.map(
        |letter| json!({"type": letter.kind, "sender": letter.sender, "content": letter.content}),
    );
    let letters: Vec<Value> = letters.collect();
    let news = !(joined.is_empty() && invited.is_empty() && left.is_empty() && letters.is_empty());
    let batch = json!({
        "next_batch": format!("s{}", world.last()),
        "rooms": {"join": joined, "invite": invited, "leave": left},
        "to_device": {"events": letters},
    });
    (batch, news)
}

/// A page of what happened in a room, backwards.
pub(super) fn messages(world: &World, room: &str, query: &Parameters) -> Value {
    let asked = query
        .get("filter")
        .and_then(|text| serde_json::from_str(text).ok());
    let asked: Value = asked.unwrap_or_default();
    let filter = Filter {
        types: words(&asked["types"]),
        ..Filter::default()
    };
    let from = place(query.get("from")).unwrap_or(world.last());
    let to = place(query.get("to")).unwrap_or(0);
    let limit = query.get("limit").and_then(|limit| limit.parse().ok());
    let limit: usize = limit.unwrap_or(10);
    let events = world.events.iter().rev().filter(|event| {
        event.room == room && event.place <= from && event.place > to && filter.takes(event)
    });
    let chunk: Vec<&Event> = events.take(limit).collect();
    let shown: Vec<Value> = chunk.iter().map(|event| event.shown()).collect();
    let mut page = json!({"start": format!("s{from}"), "chunk": shown, "state": []});
    // Where the page is full, there may be more.
    if let Some(last) = chunk.last().filter(|_| chunk.len() == limit) {
        page["end"] = json!(format!("s{}", last.place - 1));
    }
    page
}

/// The events of a type that refer to another in one way, the oldest first.
pub(super) fn relations(world: &World, room: &str, event: &str, way: &str, kind: &str) -> Value {
    let refers = |one: &&Event| {
        let to = &one.content["m.relates_to"];
        one.room == room && one.kind == kind && to["event_id"] == event && to["rel_type"] == way
    };
    let events = world.events.iter().filter(refers);
    json!({"chunk": events.map(Event::shown).collect::<Vec<_>>()})
}

/// One event of a room.
pub(super) fn event(world: &World, room: &str, id: &str) -> Result<Value, Refused> {
    let mut events = world.events.iter();
    let found = events.find(|event| event.room == room && event.id == id);
    found
        .map(Event::shown)
        .ok_or((404, "M_NOT_FOUND", "there is no such event"))
}
