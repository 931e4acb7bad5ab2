//! What a pretended homeserver holds: accounts, rooms and what happened in them, in one order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::fault::Order;

/// The level of whoever made a room: above all others.
const CREATOR: i64 = i64::MAX;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// As in `@ada:fleet.test`.
    pub user: String,
    /// The device of the login; an admin's token has none.
    pub device: Option<String>,
    /// What a request is known by.
    pub token: String,
}

/// Something that happened in a room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// Its place among everything that happened on this server.
    pub place: u64,
    /// Its name.
    pub id: String,
    /// Where.
    pub room: String,
    /// Its type.
    pub kind: String,
    /// Who put it.
    pub sender: String,
    /// What it says.
    pub content: Value,
    /// Only on state.
    pub key: Option<String>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// A message from device to device.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Letter {
    /// Its place among everything that happened on this server.
    pub place: u64,
    /// Account and device that it is for.
    pub to: (String, String),
    /// Its type.
    pub kind: String,
    /// Who sent it.
    pub sender: String,
    /// What it says.
    pub content: Value,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// Method and decoded path, as in `GET /_matrix/client/versions`.
    pub what: String,
    /// The account of its token.
    pub user: Option<String>,
}

/// Why a request is not done: the status, the word of the specification, and why.
pub(super) type Refused = (u16, &'static str, &'static str);

/// A state that comes by itself.
#[derive(Debug, Clone)]
pub(super) struct Delayed {
    pub(super) id: String,
    pub(super) sender: String,
    pub(super) room: String,
    pub(super) kind: String,
    pub(super) key: String,
    pub(super) content: Value,
}

/// Everything.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct World {
    /// By their tokens.
    pub accounts: BTreeMap<String, Account>,
    /// The oldest first.
    pub events: Vec<Event>,
    /// What no device has fetched yet.
    pub letters: Vec<Letter>,
    /// Up to which event an account has said to have read a room: account, room, event.
    pub receipts: Vec<(String, String, String)>,
    /// Every request so far.
    pub asked: Vec<Asked>,
    /// How many requests were answered late, or not at all, on order.
    pub stalled: usize,
    /// The server can set a state by itself (MSC4140).
    pub delays: bool,
    pub(super) delayed: Vec<Delayed>,
    pub(super) orders: Vec<Order>,
    pub(super) released: usize,
    /// What a transaction id of an account and device made.
    pub(super) transactions: BTreeMap<(String, Option<String>, String), String>,
    last: u64,
}

impl World {
    /// The place of what happened last.
    pub fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Puts an event, without asking whether its sender may. Its id.
    pub(super) fn put(
        &mut self,
        sender: &str,
        room: &str,
        kind: &str,
        key: Option<&str>,
        content: Value,
    ) -> String {
        let place = self.next();
        let id = format!("$event{place}");
        self.events.push(Event {
            place,
            id: id.clone(),
            room: room.to_owned(),
            kind: kind.to_owned(),
            sender: sender.to_owned(),
            content,
            key: key.map(str::to_owned),
            at: now(),
        });
        id
    }

    /// Sets a state. The same content again makes no event.
    pub(super) fn set(
        &mut self,
        sender: &str,
        room: &str,
        kind: &str,
        key: &str,
        content: Value,
    ) -> String {
        match self.state(room, kind, key) {
            Some(there) if there.content == content => there.id.clone(),
            _ => self.put(sender, room, kind, Some(key), content),
        }
    }

    /// A state of a room, as it is now.
    pub fn state(&self, room: &str, kind: &str, key: &str) -> Option<&Event> {
        let mine = |event: &&Event| {
            event.room == room && event.kind == kind && event.key.as_deref() == Some(key)
        };
        self.events.iter().rev().find(mine)
    }

    /// All state of a room, as it is now.
    pub(super) fn all_state(&self, room: &str) -> Vec<&Event> {
        let mut there = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.room == room) {
            if let Some(key) = &event.key {
                there.insert((&event.kind, key), event);
            }
        }
        there.into_values().collect()
    }

    /// How an account is in a room: `join`, `invite`, `leave`; nothing where it never was.
    pub fn membership(&self, room: &str, user: &str) -> Option<&str> {
        let member = self.state(room, "m.room.member", user)?;
        member.content["membership"].as_str()
    }

    /// All rooms.
    pub fn rooms(&self) -> BTreeSet<&str> {
        self.events
            .iter()
            .map(|event| event.room.as_str())
            .collect()
    }

    /// The rooms in which an account is in this way.
    pub(super) fn rooms_of(&self, user: &str, membership: &str) -> Vec<String> {
        let rooms = self.rooms().into_iter();
        let mine = rooms.filter(|room| self.membership(room, user) == Some(membership));
        mine.map(str::to_owned).collect()
    }

    pub(super) fn must_be_in(&self, room: &str, user: &str) -> Result<(), Refused> {
        match self.membership(room, user) {
            Some("join") => Ok(()),
            _ => Err((403, "M_FORBIDDEN", "you are not in this room")),
        }
    }

    /// Whether an account may put this, or do this, by the room's levels.
    pub(super) fn must_have_level(
        &self,
        room: &str,
        user: &str,
        needed: impl Fn(&Value) -> i64,
    ) -> Result<(), Refused> {
        self.must_be_in(room, user)?;
        let levels = self.state(room, "m.room.power_levels", "");
        let levels = levels.map_or_else(|| json!({}), |levels| levels.content.clone());
        let made = self.state(room, "m.room.create", "");
        let has = if made.is_some_and(|made| made.sender == user) {
            CREATOR
        } else {
            let own = levels["users"][user].as_i64();
            own.unwrap_or_else(|| levels["users_default"].as_i64().unwrap_or(0))
        };
        match has >= needed(&levels) {
            true => Ok(()),
            false => Err((403, "M_FORBIDDEN", "your level is too low for that")),
        }
    }

    /// Makes a room as `POST /createRoom` describes it.
    pub(super) fn make_room(&mut self, maker: &str, wish: &Value) -> Result<String, Refused> {
        let levels = &wish["power_level_content_override"];
        if levels["users"].get(maker).is_some() {
            return Err((
                400,
                "M_INVALID_PARAM",
                "who makes a room has no level in it",
            ));
        }
        let room = format!("!room{}:fleet.test", self.last + 1);
        let state = |world: &mut World, kind: &str, key: &str, content: Value| {
            world.put(maker, &room, kind, Some(key), content);
        };
        let mut creation = wish["creation_content"].clone();
        creation["room_version"] = wish["room_version"].clone();
        state(self, "m.room.create", "", creation);
        state(self, "m.room.member", maker, json!({"membership": "join"}));
        state(self, "m.room.power_levels", "", levels.clone());
        for one in wish["initial_state"].as_array().into_iter().flatten() {
            let word = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
            let (kind, key) = (word("type"), word("state_key"));
            state(self, &kind, &key, one["content"].clone());
        }
        for (field, kind) in [("name", "m.room.name"), ("topic", "m.room.topic")] {
            state(self, kind, "", json!({field: wish[field]}));
        }
        for account in wish["invite"].as_array().into_iter().flatten() {
            let account = account.as_str().unwrap_or_default();
            state(
                self,
                "m.room.member",
                account,
                json!({"membership": "invite"}),
            );
        }
        Ok(room)
    }
}

/// The level that a room's levels ask for an event.
pub(super) fn needed(levels: &Value, kind: &str, is_state: bool) -> i64 {
    let (field, usual) = match is_state {
        true => ("state_default", 50),
        false => ("events_default", 0),
    };
    let own = levels["events"][kind].as_i64();
    own.unwrap_or_else(|| levels[field].as_i64().unwrap_or(usual))
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

impl Event {
    /// As a client is shown it.
    pub(super) fn shown(&self) -> Value {
        let mut shown = json!({
            "event_id": self.id, "type": self.kind, "sender": self.sender, "content": self.content,
            "origin_server_ts": self.at, "room_id": self.room,
        });
        if let Some(key) = &self.key {
            shown["state_key"] = json!(key);
        }
        shown
    }
}
