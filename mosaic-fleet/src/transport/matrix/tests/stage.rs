//! A pretended homeserver with the rooms of a fleet, and agents in this process behind a gateway.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::protocol::{KEY, kind, now};
use super::super::{
    Gateway, GatewayOptions, MatrixConfig, MatrixTransport, Provision, RoomAgent, TOKEN_VARIABLE,
};
use crate::agent::AgentName;
use crate::error::{ErrorKind, Result};
use crate::options::SendOptions;
use crate::testing::homeserver::{Account, Event, Homeserver};
use crate::transport::DynTransport;
use crate::transport::memory::MemoryTransport;

pub(in super::super) const HOST: &str = "box1";
pub(in super::super) const AGENTS: [&str; 2] = ["coder0", "coder1"];

pub(in super::super) struct Stage {
    pub(in super::super) server: Homeserver,
    pub(in super::super) admin: Account,
    /// May reset and command.
    pub(in super::super) operator: Account,
    /// May send.
    pub(in super::super) ada: Account,
    pub(in super::super) gateway: Account,
    pub(in super::super) space: String,
    /// The agents themselves.
    pub(in super::super) local: MemoryTransport,
    folder: TempDir,
}

impl Stage {
    /// A server with accounts, and no rooms.
    pub(in super::super) fn empty() -> Self {
        let server = Homeserver::start().unwrap();
        let local = MemoryTransport::new();
        for name in AGENTS {
            local.add_agent(agent(name));
        }
        let login = |name: &str| server.login(name);
        Stage {
            admin: login("admin"),
            operator: login("operator"),
            ada: login("ada"),
            gateway: login("gw-box1"),
            space: String::new(),
            folder: tempfile::tempdir().unwrap(),
            local,
            server,
        }
    }

    /// With the rooms of the agents; no gateway runs.
    pub(in super::super) async fn new() -> Self {
        let mut stage = Stage::empty();
        stage.space = stage
            .provision()
            .run(false, |_| ())
            .await
            .unwrap()
            .space
            .unwrap();
        // What they do at their first call, so that a test's orders do not hit it.
        for room in stage.server.with(|world| {
            world
                .rooms()
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        }) {
            for account in [&stage.operator, &stage.ada] {
                let content = json!({"membership": "join"});
                stage
                    .server
                    .set(&account.user, &room, kind::MEMBER, &account.user, content);
            }
        }
        stage
    }

    pub(in super::super) fn block(&self) -> Value {
        let mut block = json!({
            "homeserver": self.server.url(), "admin": self.admin.user,
            "gateways": {HOST: self.gateway.user},
            "senders": [self.ada.user], "operators": [self.operator.user],
        });
        if !self.space.is_empty() {
            block["space"] = json!(self.space);
        }
        block
    }

    pub(in super::super) fn config(&self, account: &Account) -> MatrixConfig {
        let environment = BTreeMap::from([(TOKEN_VARIABLE.to_owned(), account.token.clone())]);
        MatrixConfig::from_block(&self.block(), &environment).unwrap()
    }

    pub(in super::super) fn provision(&self) -> Provision {
        let agents = AGENTS.map(|name| RoomAgent::new(agent(name), HOST));
        Provision::new(self.config(&self.admin), agents.to_vec()).unwrap()
    }

    pub(in super::super) fn transport(&self, account: &Account) -> MatrixTransport {
        MatrixTransport::new(self.config(account)).unwrap()
    }

    /// The room of an agent.
    pub(in super::super) fn room(&self, name: &str) -> String {
        let found = self.server.with(|world| {
            let mut rooms = world.rooms().into_iter();
            let whose = |room: &&str| {
                let agent = world.state(room, kind::AGENT, "");
                agent.is_some_and(|event| event.content["agent"] == name)
            };
            rooms.find(whose).map(str::to_owned)
        });
        found.unwrap()
    }

    /// Runs a gateway before these agents, and waits until it serves.
    pub(in super::super) async fn run_gateway(&self) -> Running {
        self.run_gateway_before(Arc::new(self.local.clone())).await
    }

    pub(in super::super) async fn run_gateway_before(&self, local: DynTransport) -> Running {
        let (ready, is_ready) = oneshot::channel();
        let running = self.spawn_gateway(local, ready).await;
        is_ready.await.expect("it ended before it served");
        running
    }

    /// Starts a gateway, and waits for nothing.
    pub(in super::super) async fn spawn_gateway(
        &self,
        local: DynTransport,
        ready: oneshot::Sender<()>,
    ) -> Running {
        let gateway = self.make_gateway(local).await;
        let serves = move || {
            let _ = ready.send(());
        };
        Running(tokio::spawn(gateway.run(std::future::pending(), serves)))
    }

    pub(in super::super) async fn make_gateway(&self, local: DynTransport) -> Gateway {
        let options = || GatewayOptions::new(HOST, AGENTS.map(agent), self.folder.path());
        loop {
            let config = self.config(&self.gateway);
            match Gateway::new(config, Arc::clone(&local), options()) {
                // What was dropped has the journal until its tasks have ended.
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    tokio::task::yield_now().await;
                }
                made => return made.unwrap(),
            }
        }
    }

    /// The next gateway has a journal with nothing in it.
    pub(in super::super) fn lose_journal(&mut self) {
        self.folder = tempfile::tempdir().unwrap();
    }

    /// Puts a text into an agent's room as a sender does. Its event.
    pub(in super::super) fn put(&self, name: &str, id: &str, body: &str) -> String {
        self.put_until(name, id, body, now() + 3_600_000)
    }

    pub(in super::super) fn put_until(
        &self,
        name: &str,
        id: &str,
        body: &str,
        expires_at: u64,
    ) -> String {
        let part = json!({"v": 1, "id": id, "to": name, "expires_at": expires_at});
        let content = json!({"msgtype": "m.text", "body": body, KEY: part});
        self.server
            .put(&self.ada.user, &self.room(name), kind::MESSAGE, content)
    }

    /// The acks in an agent's room.
    pub(in super::super) fn acks(&self, name: &str) -> Vec<Event> {
        self.server.events(&self.room(name), kind::ACK)
    }

    /// The acks in an agent's room, once there are so many.
    pub(in super::super) async fn acked(&self, name: &str, count: usize) -> Vec<Event> {
        let room = self.room(name);
        let acks = |event: &&Event| event.room == room && event.kind == kind::ACK;
        let all = self
            .server
            .until(|world| world.events.iter().filter(acks).count() >= count);
        all.await.unwrap();
        self.acks(name)
    }

    /// What an agent took, without who sent it.
    pub(in super::super) fn taken(&self, name: &str) -> Vec<String> {
        let inbox = self.local.inbox(&agent(name)).into_iter();
        let body = |text: String| text.rsplit("] ").next().unwrap_or_default().to_owned();
        inbox.map(body).collect()
    }
}

/// A gateway that runs; dropped, it has ended in the middle of whatever it did.
pub(in super::super) struct Running(JoinHandle<Result<()>>);

impl Running {
    /// How it ended by itself.
    pub(in super::super) async fn ended(mut self) -> Result<()> {
        (&mut self.0).await.unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(in super::super) fn agent(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

/// Time enough for what must come.
pub(in super::super) fn long() -> SendOptions {
    SendOptions::new().with_timeout(Duration::from_secs(60))
}

/// As long as it is worth waiting for what must not come.
pub(in super::super) fn short() -> SendOptions {
    SendOptions::new().with_timeout(Duration::from_millis(800))
}
