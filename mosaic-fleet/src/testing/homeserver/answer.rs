//! What a pretended homeserver answers to a request.

use std::collections::BTreeMap;
use std::panic;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{Query, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::Kept;
use super::fault::{Fault, ordered};
use super::reading::{event, messages, relations, sync};
use super::world::{Account, Asked, Delayed, Letter, Refused, World, needed};

type Parameters = BTreeMap<String, String>;
type Done = Result<Value, Refused>;

/// A request, read.
struct Wish {
    method: String,
    /// Decoded, without `/_matrix/client`.
    parts: Vec<String>,
    query: Parameters,
    body: Value,
    token: String,
}

pub(super) async fn answer(kept: &Kept, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let path = decoded(head.uri.path());
    let what = format!("{} /{}", head.method, path.join("/"));
    let wish = Wish {
        method: head.method.to_string(),
        parts: path.into_iter().skip(2).collect(),
        query: Query::try_from_uri(&head.uri)
            .map(|query| query.0)
            .unwrap_or_default(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        token: token(&head.headers),
    };
    let fault = kept.change(|world| {
        let user = world
            .accounts
            .get(&wish.token)
            .map(|account| account.user.clone());
        world.asked.push(Asked {
            what: what.clone(),
            user,
        });
        ordered(&mut world.orders, &what)
    });
    match &fault {
        Some(Fault::Busy(pause)) => {
            let said = json!({"errcode": "M_LIMIT_EXCEEDED", "error": "too many requests", "retry_after_ms": pause});
            return (StatusCode::TOO_MANY_REQUESTS, said.to_string()).into_response();
        }
        Some(Fault::Status(status)) => {
            return (code(*status), "<html>a proxy's page</html>").into_response();
        }
        Some(Fault::Refused(status, word)) => return refused(&(*status, word, "on order")),
        Some(Fault::Drop) => closed(),
        Some(Fault::Silence) => {
            kept.change(|world| world.stalled += 1);
            return std::future::pending().await;
        }
        _ => {}
    }
    let done = match wish.parts.last().map(String::as_str) {
        Some("sync") => stream(kept, &wish, fault.as_ref()).await,
        _ => kept.change(|world| route(world, &wish)),
    };
    match &fault {
        Some(Fault::Lost) => closed(),
        Some(Fault::Held) => {
            let mine = kept.change(|world| {
                world.stalled += 1;
                world.stalled
            });
            kept.until(|world| world.released >= mine).await;
        }
        _ => {}
    }
    let text = match done {
        Ok(answer) => answer.to_string(),
        Err(why) => return refused(&why),
    };
    match &fault {
        Some(Fault::Cut) => text[..text.len() / 2].to_owned().into_response(),
        _ => text.into_response(),
    }
}

/// Ends the connection without an answer: its task ends with this, and no message is printed.
fn closed() -> ! {
    panic::resume_unwind(Box::new("closed on order"))
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn refused((status, word, why): &Refused) -> Response {
    (
        code(*status),
        json!({"errcode": word, "error": why}).to_string(),
    )
        .into_response()
}

fn token(headers: &HeaderMap) -> String {
    let header = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = header.and_then(|header| header.strip_prefix("Bearer "));
    token.unwrap_or_default().to_owned()
}

/// The parts of a path, each without its `%XX`.
fn decoded(path: &str) -> Vec<String> {
    let plain = |part: &str| {
        // A plus is a plus here, and a blank in the forms that this reads.
        let part = part.replace('+', "%2B");
        let mut pairs = url::form_urlencoded::parse(part.as_bytes());
        pairs
            .next()
            .map(|(part, _)| part.into_owned())
            .unwrap_or_default()
    };
    path.split('/').skip(1).map(plain).collect()
}

fn known(world: &World, wish: &Wish) -> Result<Account, Refused> {
    let account = world.accounts.get(&wish.token).cloned();
    account.ok_or((401, "M_UNKNOWN_TOKEN", "this token is not known"))
}

/// Looks at the stream until there is something new or the time is over.
async fn stream(kept: &Kept, wish: &Wish, fault: Option<&Fault>) -> Done {
    let wait = wish.query.get("timeout").and_then(|wait| wait.parse().ok());
    let limit = Instant::now() + Duration::from_millis(wait.unwrap_or(0));
    let waits = wish.query.contains_key("since");
    loop {
        let mut changes = kept.changes.subscribe();
        let (batch, news) = {
            let mut world = kept.world();
            let account = known(&world, wish)?;
            sync(&mut world, &account, &wish.query, fault)
        };
        if news || !waits || timeout_at(limit, changes.changed()).await.is_err() {
            return Ok(batch);
        }
    }
}

fn route(world: &mut World, wish: &Wish) -> Done {
    let parts: Vec<&str> = wish.parts.iter().map(String::as_str).collect();
    if let ["versions"] = parts[..] {
        let features = json!({"org.matrix.msc4140": world.delays});
        return Ok(json!({"versions": ["v1.11"], "unstable_features": features}));
    }
    if let [
        "unstable",
        "org.matrix.msc4140",
        "delayed_events",
        id,
        "restart",
    ] = parts[..]
    {
        let is_there = world.delayed.iter().any(|delayed| delayed.id == id);
        return is_there
            .then(|| json!({}))
            .ok_or((404, "M_NOT_FOUND", "it came, or never was"));
    }
    let account = known(world, wish)?;
    match (wish.method.as_str(), parts.get(1..).unwrap_or_default()) {
        ("GET", ["account", "whoami"]) => {
            let mut answer = json!({"user_id": account.user, "is_guest": false});
            if let Some(device) = &account.device {
                answer["device_id"] = json!(device);
            }
            Ok(answer)
        }
        ("GET", ["joined_rooms"]) => {
            Ok(json!({"joined_rooms": world.rooms_of(&account.user, "join")}))
        }
        ("POST", ["createRoom"]) => {
            let room = world.make_room(&account.user, &wish.body)?;
            Ok(json!({"room_id": room}))
        }
        ("PUT", ["sendToDevice", kind, transaction]) => {
            Ok(post(world, &account, wish, kind, transaction))
        }
        (_, ["rooms", room, rest @ ..]) => of_room(world, &account, wish, room, rest),
        _ => Err((404, "M_UNRECOGNIZED", "this is not done here")),
    }
}

fn of_room(world: &mut World, account: &Account, wish: &Wish, room: &str, rest: &[&str]) -> Done {
    let user = account.user.as_str();
    match (wish.method.as_str(), rest) {
        ("POST", ["join"]) => {
            if !matches!(world.membership(room, user), Some("join" | "invite")) {
                return Err((403, "M_FORBIDDEN", "you are not invited"));
            }
            world.set(
                user,
                room,
                "m.room.member",
                user,
                json!({"membership": "join"}),
            );
            return Ok(json!({"room_id": room}));
        }
        ("POST", ["invite"]) => {
            world.must_have_level(room, user, |levels| levels["invite"].as_i64().unwrap_or(0))?;
            let whom = wish.body["user_id"].as_str().unwrap_or_default();
            if world.membership(room, whom) == Some("join") {
                return Err((403, "M_FORBIDDEN", "it is in the room already"));
            }
            world.set(
                user,
                room,
                "m.room.member",
                whom,
                json!({"membership": "invite"}),
            );
            return Ok(json!({}));
        }
        _ => world.must_be_in(room, user)?,
    }
    match (wish.method.as_str(), rest) {
        ("GET", ["messages"]) => Ok(messages(world, room, &wish.query)),
        ("GET", ["event", id]) => event(world, room, id),
        ("GET", ["relations", id, way, kind]) => Ok(relations(world, room, id, way, kind)),
        ("GET", ["state"]) => {
            let state = world.all_state(room).into_iter();
            Ok(state.map(super::world::Event::shown).collect())
        }
        ("GET", ["state", kind, key @ ..]) => {
            let state = world.state(room, kind, key.first().unwrap_or(&""));
            let content = state.map(|event| event.content.clone());
            content.ok_or((404, "M_NOT_FOUND", "there is no such state"))
        }
        ("PUT", ["state", kind, key @ ..]) => {
            world.must_have_level(room, user, |levels| needed(levels, kind, true))?;
            let key = key.first().unwrap_or(&"");
            if wish.query.contains_key("org.matrix.msc4140.delay") {
                let id = format!("delayed{}", world.next());
                world.delayed.push(Delayed {
                    id: id.clone(),
                    sender: user.to_owned(),
                    room: room.to_owned(),
                    kind: (*kind).to_owned(),
                    key: (*key).to_owned(),
                    content: wish.body.clone(),
                });
                return Ok(json!({"delay_id": id}));
            }
            let id = world.set(user, room, kind, key, wish.body.clone());
            Ok(json!({"event_id": id}))
        }
        ("PUT", ["send", kind, transaction]) => {
            // Room, account, device and this: not the type.
            let name = format!("{room} {transaction}");
            let name = (user.to_owned(), account.device.clone(), name);
            if let Some(id) = world.transactions.get(&name) {
                return Ok(json!({"event_id": id}));
            }
            world.must_have_level(room, user, |levels| needed(levels, kind, false))?;
            let id = world.put(user, room, kind, None, wish.body.clone());
            world.transactions.insert(name, id.clone());
            Ok(json!({"event_id": id}))
        }
        ("POST", ["receipt", _, id]) => {
            let read = (user.to_owned(), room.to_owned(), (*id).to_owned());
            world.receipts.push(read);
            Ok(json!({}))
        }
        _ => Err((404, "M_UNRECOGNIZED", "this is not done here")),
    }
}

/// Hands letters to devices, once a transaction id.
fn post(world: &mut World, account: &Account, wish: &Wish, kind: &str, transaction: &str) -> Value {
    let name = (
        account.user.clone(),
        account.device.clone(),
        transaction.to_owned(),
    );
    if world.transactions.insert(name, String::new()).is_some() {
        return json!({});
    }
    for (user, devices) in wish.body["messages"].as_object().into_iter().flatten() {
        for (device, content) in devices.as_object().into_iter().flatten() {
            let letter = Letter {
                place: world.next(),
                to: (user.clone(), device.clone()),
                kind: kind.to_owned(),
                sender: account.user.clone(),
                content: content.clone(),
            };
            world.letters.push(letter);
        }
    }
    json!({})
}
