//! What people and strangers do with any Matrix client, and what is seen of it.

use std::fs;
use std::time::Instant;

use mosaic_fleet::testing::scripted_agent::Entry;
use serde_json::{Value, json};

use super::http::encoded;
use super::stage::{PATIENCE, Stage, uuid_like};
use super::synapse::Account;

/// Far enough in the future, in milliseconds since 1970.
pub(crate) const LATER: u64 = 4_000_000_000_000;

/// A plain message.
pub(crate) fn text(body: &str) -> Value {
    json!({"msgtype": "m.text", "body": body})
}

/// A message as our own transport puts it.
pub(crate) fn ours(body: &str, agent: &str, more: &Value) -> Value {
    let mut part = json!({"v": 1, "id": uuid_like(), "to": agent, "expires_at": LATER});
    let fields = part.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({"msgtype": "m.text", "body": body, "dev.mosaic.fleet": part})
}

/// Every event of ours that asks for something, with its type.
pub(crate) fn asking(agent: &str, host: &str, device: &str) -> Vec<(&'static str, Value)> {
    let request = |more: &Value| {
        let mut request =
            json!({"v": 1, "id": uuid_like(), "reply_device": device, "expires_at": LATER});
        let fields = request.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        ("dev.mosaic.fleet.request", request)
    };
    vec![
        ("m.room.message", text("a plain text of a stranger")),
        ("m.room.message", text("!reset")),
        ("m.room.message", text("!tail 5")),
        (
            "m.room.message",
            ours(
                "a text in our shape",
                agent,
                &json!({"from": "box1:root", "allow_command": true}),
            ),
        ),
        (
            "m.room.message",
            ours("/clear", agent, &json!({"allow_command": true})),
        ),
        (
            "dev.mosaic.fleet.reset",
            json!({"v": 1, "id": uuid_like(), "force": true, "expires_at": LATER}),
        ),
        request(&json!({"op": "status"})),
        request(&json!({"op": "tail", "lines": 50})),
        request(&json!({"op": "list", "host": host})),
        request(&json!({"op": "outcome", "receipt": "any"})),
    ]
}

impl Stage {
    /// Puts all of it into a room. How often the server took it.
    pub(crate) fn put_all(&self, account: &Account, room: &str, agent: &str) -> usize {
        let all = asking(agent, super::stage::HOST, &account.device);
        let put = |(kind, content): &(&str, Value)| self.put(account, room, kind, content).is_ok();
        all.iter().filter(|one| put(one)).count()
    }

    /// Sends from device to device, to all of a user's.
    pub(crate) fn to_device(&self, account: &Account, user: &str, kind: &str, content: &Value) {
        let path = format!("sendToDevice/{}/{}", encoded(kind), uuid_like());
        let body = json!({"messages": {user: {"*": content}}});
        let (status, answer) = self.ask(account, "PUT", &path, Some(&body));
        assert_eq!(status, 200, "{answer}");
    }

    /// What a device was told by others, and what ephemeral events a room has for it.
    pub(crate) fn seen_by(&self, account: &Account, room: &str) -> (Vec<Value>, Vec<Value>) {
        let (status, answer) = self.ask(account, "GET", "sync", None);
        assert_eq!(status, 200, "{answer}");
        let list = |value: &Value| value["events"].as_array().cloned().unwrap_or_default();
        (
            list(&answer["to_device"]),
            list(&answer["rooms"]["join"][room]["ephemeral"]),
        )
    }

    /// Makes a room as a client asks for it.
    pub(crate) fn make_room(&self, account: &Account, wanted: &Value) -> String {
        let (status, answer) = self.ask(account, "POST", "createRoom", Some(wanted));
        assert_eq!(status, 200, "{answer}");
        answer["room_id"].as_str().unwrap().to_owned()
    }

    /// State of a room, as an account reads it.
    pub(crate) fn state(&self, account: &Account, room: &str, kind: &str, key: &str) -> Value {
        let path = format!(
            "rooms/{}/state/{}/{}",
            encoded(room),
            encoded(kind),
            encoded(key)
        );
        self.ask(account, "GET", &path, None).1
    }

    /// Sets state of a room. Whether the server let it.
    pub(crate) fn set_state(
        &self,
        account: &Account,
        room: &str,
        kind: &str,
        key: &str,
        content: &Value,
    ) -> bool {
        let path = format!(
            "rooms/{}/state/{}/{}",
            encoded(room),
            encoded(kind),
            encoded(key)
        );
        self.ask(account, "PUT", &path, Some(content)).0 == 200
    }

    /// The admin gives an account a level in a room.
    pub(crate) fn give_level(&self, room: &str, user: &str, level: i64) {
        let kind = "m.room.power_levels";
        let mut levels = self.state(&self.admin, room, kind, "");
        levels["users"][user] = json!(level);
        assert!(self.set_state(&self.admin, room, kind, "", &levels));
    }

    /// The admin has an account come into a room.
    pub(crate) fn let_in(&self, account: &Account, room: &str) {
        let path = format!("rooms/{}/invite", encoded(room));
        let body = json!({"user_id": account.user});
        let (status, answer) = self.ask(&self.admin, "POST", &path, Some(&body));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(self.join(account, room), 200);
    }

    /// Has an allowed account send something, and waits until it is done: whatever was put before it
    /// has been judged then.
    pub(crate) fn allowed(&self, room: &str, body: &str) {
        let event = self
            .put(&self.ada, room, "m.room.message", &text(body))
            .unwrap();
        let ack = self.ack(room, &event);
        assert_eq!(ack["state"], "submitted", "{ack}");
    }

    /// The notice that answers an event, once it is there.
    pub(crate) fn notice(&self, room: &str, event: &str) -> String {
        let path = format!("rooms/{}/messages?dir=b&limit=100", encoded(room));
        let began = Instant::now();
        loop {
            let (_, answer) = self.ask(&self.operator, "GET", &path, None);
            let events = answer["chunk"].as_array().cloned().unwrap_or_default();
            let answers = |one: &&Value| {
                one["content"]["msgtype"] == "m.notice"
                    && one["sender"] == json!(self.gateway_account.user)
                    && one["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == event
            };
            if let Some(notice) = events.iter().find(answers) {
                return notice["content"]["body"].as_str().unwrap().to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "no notice: {}", self.logged());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// What the gateway said.
    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(self.gateway_log()).unwrap_or_default()
    }

    /// How often an agent was made to forget.
    pub(crate) fn resets(&self, agent: &str) -> usize {
        let log = self.fixture.log(agent).unwrap();
        let reset = |entry: &&Entry| matches!(entry, Entry::Reset { .. });
        log.iter().filter(reset).count()
    }
}
