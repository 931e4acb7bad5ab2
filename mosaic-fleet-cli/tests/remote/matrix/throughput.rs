//! Fifty agents with twenty texts each through one gateway: every text is taken once and in its order,
//! and what that costs is printed. The gateway is in this process and its agents in memory, so that what
//! is measured is the rooms and not the terminals.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mosaic_fleet::transport::matrix::{Gateway, GatewayOptions};
use mosaic_fleet::transport::memory::MemoryTransport;
use mosaic_fleet::{AgentName, DynTransport, Message, SendOptions, Transport, Verdict};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::stage::{HOST, PATIENCE, Server, Stage, fixture};
use super::synapse::Synapse;

const AGENTS: usize = 50;
const TEXTS: usize = 20;

fn text(agent: &AgentName, number: usize) -> String {
    format!("{agent} text {number}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_agents_get_twenty_texts_each() {
    let names: Vec<String> = (0..AGENTS)
        .map(|number| format!("agent-{number}"))
        .collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let stage = Stage::around(Server::Own(Synapse::new()), fixture(), &words);
    let agents: Vec<AgentName> = names.iter().map(|name| name.parse().unwrap()).collect();
    let memory = MemoryTransport::new();
    for agent in &agents {
        memory.add_agent(agent.clone());
    }
    let local: DynTransport = Arc::new(memory.clone());
    let folder = stage.fixture.folder().join("gateway");
    std::fs::create_dir(&folder).unwrap();
    let options = GatewayOptions::new(HOST, agents.iter().cloned(), folder);
    let gateway = Gateway::new(stage.config(&stage.gateway_account), local, options).unwrap();
    let (serves, served) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let gateway = tokio::spawn(async move {
        let shutdown = async {
            let _ = stopped.await;
        };
        let ready = move || {
            let _ = serves.send(());
        };
        gateway.run(shutdown, ready).await
    });
    tokio::time::timeout(PATIENCE, served)
        .await
        .expect("the gateway comes in time")
        .expect("the gateway does not end before it serves");

    let transport = Arc::new(stage.transport(&stage.operator));
    // What a first look at the rooms costs is no part of a text.
    transport.list(Default::default()).await.unwrap();
    let (busy, began) = (stage.synapse.cpu_seconds(), Instant::now());
    let mut senders = JoinSet::new();
    for agent in agents.clone() {
        let transport = Arc::clone(&transport);
        senders.spawn(async move {
            let mut took = Vec::with_capacity(TEXTS);
            for number in 0..TEXTS {
                let (message, began) = (Message::new(text(&agent, number)), Instant::now());
                let options = SendOptions::new().with_timeout(PATIENCE);
                let receipt = transport.send(&agent, message, options).await.unwrap();
                assert_eq!(receipt.verdict, Verdict::Submitted, "{receipt:?}");
                took.push(began.elapsed());
            }
            took
        });
    }
    let mut took: Vec<Duration> = senders.join_all().await.concat();
    let (whole, busy) = (
        began.elapsed().as_secs_f64(),
        stage.synapse.cpu_seconds() - busy,
    );
    took.sort_unstable();
    let all = took.len();
    eprintln!(
        "{all} texts to {AGENTS} agents: {:.0} a second; taken and told after {} ms (median), {} ms (p95), {} ms (longest); \
         Synapse {:.0} % of a core, {:.0} ms a text",
        f64::from(u32::try_from(all).unwrap()) / whole,
        took[all / 2].as_millis(),
        took[all * 95 / 100].as_millis(),
        took[all - 1].as_millis(),
        100.0 * busy / whole,
        1000.0 * busy / f64::from(u32::try_from(all).unwrap()),
    );

    for agent in &agents {
        let expected: Vec<String> = (0..TEXTS).map(|number| text(agent, number)).collect();
        assert_eq!(memory.inbox(agent), expected, "{agent}");
    }
    stop.send(()).expect("the gateway still runs");
    gateway.await.unwrap().unwrap();
}
