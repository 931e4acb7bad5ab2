//! The crash matrix: the gateway killed forty times and the homeserver five times, at seeded random
//! moments, while a thousand texts are on their way. None is lost, none is taken twice, each room keeps
//! its order, each has one answer, and an answer that is not known says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mosaic_fleet::testing::scripted_agent::Script;
use serde_json::{Value, json};

use super::http::{call, encoded};
use super::stage::{HOST, Server, Stage, fixture};
use super::synapse::Synapse;

const AGENTS: usize = 10;
const TEXTS: usize = 100;
const GATEWAY_KILLS: usize = 40;
const SERVER_KILLS: usize = 5;

/// How long all may take, on a loaded machine.
const LIMIT: Duration = Duration::from_secs(400);

/// A generator of its own, so that a seed means the same for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What a text came to: the event that it is, in the order of its room.
struct Put {
    event: String,
    text: String,
}

/// Puts the texts of one agent into its room, one after the other, each until it is there.
fn put_all(url: &str, token: &str, room: &str, agent: &str, done: &AtomicUsize) -> Vec<Put> {
    (0..TEXTS)
        .map(|number| {
            let text = format!("{agent} text {number}");
            let id = format!("c{number}");
            let content = json!({
                "msgtype": "m.text", "body": text, "m.mentions": {},
                "dev.mosaic.fleet": {
                    "v": 1, "id": id, "to": agent, "no_preamble": true, "timeout_ms": 60_000,
                    "expires_at": 4_000_000_000_000_u64,
                },
            });
            let path = format!(
                "{url}/_matrix/client/v3/rooms/{}/send/m.room.message/mf-send-{id}",
                encoded(room)
            );
            let event = loop {
                // The same transaction id each time: an answer that is lost makes no second event.
                if let (200, answer) = call("PUT", &path, Some(token), Some(&content)) {
                    break answer["event_id"].as_str().unwrap().to_owned();
                }
                std::thread::sleep(Duration::from_millis(200));
            };
            done.fetch_add(1, Ordering::SeqCst);
            Put { event, text }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_is_done_twice_whatever_is_killed() {
    let seed = std::env::var("MOSAIC_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(0x005e_ed0f_ca5e);
    let names: Vec<String> = (0..AGENTS)
        .map(|number| format!("agent-{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fixture = fixture();
    for name in &names {
        fixture.start(name, &Script::boxed()).await.unwrap();
    }
    for name in &names {
        fixture.ready(name).await.unwrap();
    }
    let mut stage = Stage::around(Server::Own(Synapse::new()), fixture, &names);
    let rooms: Vec<String> = names.iter().map(|name| stage.room(name)).collect();
    for room in &rooms {
        assert_eq!(stage.join(&stage.operator, room), 200);
    }
    let done = Arc::new(AtomicUsize::new(0));
    let senders: Vec<_> = names
        .iter()
        .zip(&rooms)
        .map(|(name, room)| {
            let (url, token) = (stage.synapse.url(), stage.operator.token.clone());
            let (name, room, done) = ((*name).to_owned(), room.clone(), Arc::clone(&done));
            std::thread::spawn(move || put_all(&url, &token, &room, &name, &done))
        })
        .collect();
    let mut random = Random(seed);
    let began = Instant::now();
    for kill in 0..GATEWAY_KILLS {
        stage.spawn_gateway();
        std::thread::sleep(Duration::from_millis(300 + random.below(3000)));
        if kill % (GATEWAY_KILLS / SERVER_KILLS) == 3
            && let Server::Own(synapse) = &mut stage.synapse
        {
            synapse.kill();
            std::thread::sleep(Duration::from_millis(random.below(500)));
            synapse.start();
        }
        stage.kill_gateway();
        let (put, seconds) = (done.load(Ordering::SeqCst), began.elapsed().as_secs());
        eprintln!("kill {kill} after {seconds} s: {put} put");
    }
    let put_when_last_killed = done.load(Ordering::SeqCst);
    stage.start_gateway();
    let put: Vec<Vec<Put>> = senders.into_iter().map(|one| one.join().unwrap()).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for ((name, room), put) in names.iter().zip(&rooms).zip(&put) {
        let acks = all_acks(&stage, room, put, began);
        let taken = stage.fixture.took(name).unwrap();
        let mut last = None;
        for one in put {
            let times = taken.iter().filter(|text| **text == one.text).count();
            let mine = &acks[&one.event];
            assert_eq!(mine.len(), 1, "{}: one answer, not {mine:?}", one.text);
            let ack = &mine[0];
            assert_eq!(ack["host"], HOST);
            let answer = match (
                ack["state"].as_str().unwrap(),
                ack["error"]["code"].as_str(),
            ) {
                ("failed", Some(code)) => code.to_owned(),
                (state, _) => state.to_owned(),
            };
            match answer.as_str() {
                "submitted" | "queued" => assert_eq!(times, 1, "{}: {answer}", one.text),
                "delivery_unknown" | "unconfirmed" => assert!(times <= 1, "{}: {times}", one.text),
                other => panic!("{}: {other}: {ack}", one.text),
            }
            *counts
                .entry(format!("{answer}, taken {times}"))
                .or_default() += 1;
            let at = taken.iter().position(|text| *text == one.text);
            assert!(
                at.is_none() || at > last,
                "{} is out of its order",
                one.text
            );
            last = at.or(last);
        }
        // Nothing else was ever typed.
        assert!(
            taken
                .iter()
                .all(|text| put.iter().any(|one| one.text == *text)),
            "{taken:?}"
        );
    }
    eprintln!(
        "seed {seed}: {GATEWAY_KILLS} kills of the gateway, {SERVER_KILLS} of the homeserver, {} texts ({put_when_last_killed} put \
         by the last kill), {:.0} s: {counts:?}",
        AGENTS * TEXTS,
        began.elapsed().as_secs_f64()
    );
    // Or the kills were not where it matters.
    assert!(put_when_last_killed > TEXTS, "{put_when_last_killed}");
}

/// The contents of the acks in a room, by the event that they answer; all of `put` have one.
fn all_acks(
    stage: &Stage,
    room: &str,
    put: &[Put],
    began: Instant,
) -> BTreeMap<String, Vec<Value>> {
    loop {
        let acks = room_acks(stage, room);
        if put.iter().all(|one| acks.contains_key(&one.event)) {
            return acks;
        }
        let log = std::fs::read_to_string(stage.gateway_log()).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let missing = put.iter().filter(|one| !acks.contains_key(&one.event));
        let missing: Vec<&str> = missing.map(|one| one.text.as_str()).collect();
        assert!(
            began.elapsed() < LIMIT,
            "{missing:?} have no answer: {tail:#?}"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn room_acks(stage: &Stage, room: &str) -> BTreeMap<String, Vec<Value>> {
    let filter = encoded(&json!({"types": ["dev.mosaic.fleet.ack"]}).to_string());
    let mut from = String::new();
    let mut acks: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    loop {
        let path = format!(
            "rooms/{}/messages?dir=b&limit=500&filter={filter}{from}",
            encoded(room)
        );
        let (_, page) = stage.ask(&stage.operator, "GET", &path, None);
        let chunk = page["chunk"].as_array().cloned().unwrap_or_default();
        for ack in &chunk {
            let content = ack["content"].clone();
            let event = content["m.relates_to"]["event_id"]
                .as_str()
                .unwrap_or_default();
            acks.entry(event.to_owned())
                .or_default()
                .push(content.clone());
        }
        match page["end"].as_str() {
            Some(end) if !chunk.is_empty() => from = format!("&from={}", encoded(end)),
            _ => return acks,
        }
    }
}
