//! Many sends with faults injected, from a seed: nothing reported and lost, nothing twice, nothing
//! to the wrong agent, no dialog answered. `MOSAIC_SOAK` is the number of sends (default 1,000),
//! `MOSAIC_SEED` the seed (default: of the clock; a failure prints it).

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use mosaic_fleet::testing::scripted_agent::{By, Entry, Script, SubmitKey};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{ErrorKind, Message, Receipt, Result, SendOptions, Transport, Verdict};

use super::{fixture, name};

/// Look-alikes, two of each style.
const AGENTS: [&str; 4] = ["agent", "agent-1", "agent-10", "agent0"];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn text(random: &mut Random, mark: &str) -> String {
    let filler = match random.below(6) {
        0 => "short".to_owned(),
        1 => "a line; with 'quotes' \"and\" $HOME `x` \\ & | > #{pid};".to_owned(),
        2 => (0..random.below(30) + 2)
            .map(|n| format!("line {n}\n"))
            .collect(),
        3 => "日本語 🎉 é ü — ".repeat(usize::try_from(random.below(12) + 1).unwrap()),
        4 => "long ".repeat(usize::try_from(random.below(800) + 1).unwrap()),
        _ => "- # ? > & @ % ~ {{ }} /not-a-command".to_owned(),
    };
    format!("{mark} {filler} end-{mark}")
}

/// What became of one send, as its caller was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Taken,
    NotTyped,
    Unknown,
}

fn told(result: &Result<Receipt>) -> Told {
    match result {
        Ok(receipt) if matches!(receipt.verdict, Verdict::Submitted | Verdict::Queued) => {
            Told::Taken
        }
        Ok(_) => Told::Unknown,
        Err(error) if error.kind() == ErrorKind::DeliveryUnknown => Told::Unknown,
        Err(error) if matches!(error.kind(), ErrorKind::Refused | ErrorKind::Timeout) => {
            Told::NotTyped
        }
        Err(error) => panic!("an answer that is none of a send's: {error:?}"),
    }
}

async fn worker(
    fixture: &TmuxFixture,
    agent: &str,
    seed: u64,
    sends: u64,
) -> HashMap<String, (Told, String)> {
    let mut random = Random(seed);
    let transports = [fixture.one_shot(), fixture.connected()];
    let mut all = HashMap::new();
    let to = name(agent);
    for number in 0..sends {
        let transport = &transports[usize::try_from(random.below(2)).unwrap()];
        let text = text(&mut random, &format!("m{seed:x}-{number}"));
        if random.below(20) == 0 {
            // A person scrolls back.
            fixture.scroll_back(agent).await.unwrap();
        }
        let options = SendOptions::new().with_wait(Duration::from_secs(3));
        let send = transport.send(&to, Message::new(text.as_str()), options);
        let (outcome, words) = if random.below(25) == 0 {
            // A caller that goes away.
            let limit = Duration::from_millis(random.below(60));
            match tokio::time::timeout(limit, send).await {
                Ok(result) => (told(&result), format!("{result:?}")),
                Err(_) => (Told::Unknown, "cancelled".to_owned()),
            }
        } else {
            let result = send.await;
            (told(&result), format!("{result:?}"))
        };
        all.insert(text, (outcome, words));
    }
    for transport in transports {
        transport.close().await.unwrap();
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn soak_nothing_is_lost_doubled_or_misdirected() {
    let sends = number("MOSAIC_SOAK").unwrap_or(1000);
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let seed = number("MOSAIC_SEED").unwrap_or(clock.as_nanos() as u64);
    eprintln!("soak: {sends} sends, MOSAIC_SEED={seed}");
    let mut fixture = fixture();
    // Where a dialog can open at any moment, only a key that it ignores is safe from the last
    // microseconds between the program and its terminal; where Enter is all there is, none opens.
    let mut manifests = mosaic_fleet::testing::tmux::manifests();
    manifests.get_mut("scripted-box").unwrap()["submit"] = serde_json::json!({"key": "C-x C-y"});
    fixture.config.catalog = fixture.config.catalog.with_overrides(&manifests).unwrap();
    for (at, agent) in AGENTS.into_iter().enumerate() {
        let mut script = if at % 2 == 0 {
            Script::boxed()
        } else {
            Script::new()
        };
        script.seed = seed;
        script.fault_rate = 0.3;
        script.fault_dialogs = at % 2 == 0;
        script.submit_keys = vec![SubmitKey::Enter, SubmitKey::Chord];
        fixture.start(agent, &script).await.unwrap();
        fixture.ready(agent).await.unwrap();
    }
    let server = fixture
        .tmux_text(&["display-message", "-p", "#{pid}"])
        .unwrap();
    // Two senders an agent, which meet at its lease.
    let workers = (0..8u64).map(|at| {
        let agent = AGENTS[usize::try_from(at % 4).unwrap()];
        worker(&fixture, agent, seed.wrapping_add(at), sends.div_ceil(8))
    });
    let told = futures::future::join_all(workers).await;
    // What was left in a composer is cleared by the next send, and everything before it is settled.
    for agent in AGENTS {
        let options = SendOptions::new().with_wait(Duration::from_secs(20));
        let fence = fixture.one_shot();
        let sent = fence
            .send(&name(agent), Message::new("fence"), options)
            .await;
        let _ = sent
            .unwrap_or_else(|error| panic!("MOSAIC_SEED={seed}: no fence for {agent}: {error}"));
    }
    assert_eq!(
        fixture
            .tmux_text(&["display-message", "-p", "#{pid}"])
            .unwrap(),
        server
    );

    let mut counts = [0u64; 3];
    let mut faults = Vec::new();
    for (at, agent) in AGENTS.into_iter().enumerate() {
        let mut took: HashMap<String, u32> = HashMap::new();
        for entry in fixture.log(agent).unwrap() {
            match entry {
                Entry::Took { text, .. } => *took.entry(text).or_default() += 1,
                Entry::DialogAnswered { by, .. } if by != By::Script => {
                    faults.push(format!("{agent}: a dialog was answered by {by:?}"));
                }
                _ => {}
            }
        }
        took.remove("fence");
        for sent in told.iter().skip(at).step_by(4) {
            for (text, (told, words)) in sent {
                let times = took.remove(text).unwrap_or(0);
                let (slot, right) = match told {
                    Told::Taken => (0, times == 1),
                    Told::NotTyped => (1, times == 0),
                    Told::Unknown => (2, times <= 1),
                };
                counts[slot] += 1;
                if !right {
                    let head: String = text.chars().take(40).collect();
                    faults.push(format!(
                        "{agent}: {head:?} was taken {times} times, told {words}"
                    ));
                }
            }
        }
        // What is left nobody sent to this agent, or not like that.
        for text in took.keys() {
            let head: String = text.chars().take(80).collect();
            faults.push(format!("{agent}: took what nobody sent to it: {head:?}"));
        }
    }
    let [taken, refused, unknown] = counts;
    eprintln!("soak: {taken} taken, {refused} refused with nothing typed, {unknown} unknown");
    assert!(
        faults.is_empty(),
        "MOSAIC_SEED={seed}\n{}",
        faults.join("\n")
    );
    assert!(
        taken * 10 >= sends * 8,
        "MOSAIC_SEED={seed}: only {taken} of {sends} were taken"
    );
}
