//! Everything together: a homeserver with accounts, a host with agents in real terminals, its gateway
//! as a process, and the roster that both ends read.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::{TmuxFixture, manifests};
use mosaic_fleet::transport::matrix::{MatrixConfig, MatrixTransport};
use serde_json::{Value, json};

use super::http::{call, encoded};
use super::synapse::{Account, Synapse, shared};

/// The host of the agents, as the roster names it.
pub(crate) const HOST: &str = "box1";

/// How long something may take that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The homeserver of a stage.
pub(crate) enum Server {
    Shared(&'static Synapse),
    Own(Synapse),
}

impl std::ops::Deref for Server {
    type Target = Synapse;
    fn deref(&self) -> &Synapse {
        match self {
            Server::Shared(synapse) => synapse,
            Server::Own(synapse) => synapse,
        }
    }
}

pub(crate) struct Stage {
    pub(crate) synapse: Server,
    /// The way to it, which a test may close.
    pub(crate) door: Door,
    pub(crate) fixture: TmuxFixture,
    pub(crate) admin: Account,
    /// May reset and command.
    pub(crate) operator: Account,
    /// May send.
    pub(crate) ada: Account,
    pub(crate) stranger: Account,
    pub(crate) gateway_account: Account,
    pub(crate) space: String,
    gateway: Option<Child>,
    agents: Vec<String>,
    /// What the roster's block has besides.
    more: BTreeMap<String, Value>,
}

impl Stage {
    /// With these agents, running and idle, and rooms for them; no gateway yet.
    pub(crate) async fn new(agents: &[&str], script: Script) -> Self {
        let fixture = fixture();
        for name in agents {
            fixture.start(name, &script).await.unwrap();
        }
        for name in agents {
            fixture.ready(name).await.unwrap();
        }
        Self::around(Server::Shared(shared()), fixture, agents)
    }

    /// Around a host that is there already.
    pub(crate) fn around(synapse: Server, fixture: TmuxFixture, agents: &[&str]) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let account = |name: &str| synapse.account(&format!("{name}-{number}"));
        let mut stage = Stage {
            door: Door::to(synapse.port),
            admin: account("admin"),
            operator: account("operator"),
            ada: account("ada"),
            stranger: account("stranger"),
            gateway_account: account("gw-box1"),
            synapse,
            fixture,
            space: String::new(),
            gateway: None,
            agents: agents.iter().map(|name| (*name).to_owned()).collect(),
            more: BTreeMap::new(),
        };
        stage.write_roster();
        let made = stage.run(&stage.admin, &["matrix", "provision", "--json"]);
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        stage.space = made["space"].as_str().unwrap().to_owned();
        stage.write_roster();
        stage
    }

    pub(crate) fn block(&self) -> Value {
        let mut block = json!({
            "homeserver": self.door.url(), "admin": self.admin.user,
            "gateways": {HOST: self.gateway_account.user},
            "senders": [self.ada.user], "operators": [self.operator.user],
        });
        if !self.space.is_empty() {
            block["space"] = json!(self.space);
        }
        for (key, value) in &self.more {
            block[key] = value.clone();
        }
        block
    }

    /// Has the roster's block say something else.
    pub(crate) fn change_block(&mut self, key: &str, value: Value) {
        self.more.insert(key.to_owned(), value);
        self.write_roster();
    }

    /// Has the roster not say which Space it is.
    pub(crate) fn forget_space(&mut self) {
        self.more.insert("space".to_owned(), Value::Null);
        self.write_roster();
    }

    /// Has the roster name these agents.
    pub(crate) fn change_agents(&mut self, agents: &[&str]) {
        self.agents = agents.iter().map(|name| (*name).to_owned()).collect();
        self.write_roster();
    }

    fn roster(&self) -> PathBuf {
        self.fixture
            .folder()
            .join("config/mosaic/fleet/roster.yaml")
    }

    fn write_roster(&self) {
        let agents: Vec<Value> = self
            .agents
            .iter()
            .map(|name| json!({"name": name, "transport": "matrix", "host": HOST, "runtime": "scripted-box"}))
            .collect();
        let roster = json!({
            "version": 1, "transport": "tmux", "tmux": {"socket_name": "test"},
            "matrix": self.block(), "runtimes": manifests(), "agents": agents,
        });
        fs::create_dir_all(self.roster().parent().unwrap()).unwrap();
        fs::write(
            self.roster(),
            serde_json::to_string_pretty(&roster).unwrap(),
        )
        .unwrap();
    }

    fn command(&self, account: &Account, arguments: &[&str]) -> Command {
        let token = self
            .fixture
            .folder()
            .join(format!("token-{}", account.device));
        fs::write(&token, &account.token).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mosaic-fleet"));
        command.env_clear().envs(&self.fixture.config.environment);
        command
            .env("MOSAIC_MATRIX_TOKEN", &account.token)
            .args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the command line as somebody.
    pub(crate) fn run(&self, account: &Account, arguments: &[&str]) -> Output {
        self.command(account, arguments).output().unwrap()
    }

    /// Starts the gateway, without waiting for it.
    pub(crate) fn spawn_gateway(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.gateway_log())
            .unwrap();
        let mut command = self.command(&self.gateway_account, &["-vv", "gateway", "--host", HOST]);
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.gateway = Some(command.spawn().unwrap());
    }

    /// Starts the gateway and waits until it serves.
    pub(crate) fn start_gateway(&mut self) {
        let served = || {
            let log = fs::read_to_string(self.gateway_log()).unwrap_or_default();
            log.matches("serves ").count()
        };
        let before = served();
        self.spawn_gateway();
        let began = Instant::now();
        let log = self.gateway_log();
        let now = || {
            let log = fs::read_to_string(&log).unwrap_or_default();
            log.matches("serves ").count()
        };
        while now() == before {
            let ended = self.gateway.as_mut().unwrap().try_wait().unwrap();
            let log = fs::read_to_string(self.gateway_log()).unwrap_or_default();
            assert!(
                ended.is_none() && began.elapsed() < PATIENCE,
                "the gateway does not come: {log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn gateway_log(&self) -> PathBuf {
        self.fixture.folder().join("gateway.log")
    }

    /// Kills the gateway, wherever it is.
    pub(crate) fn kill_gateway(&mut self) {
        if let Some(mut gateway) = self.gateway.take() {
            let _ = gateway.kill();
            let _ = gateway.wait();
        }
    }

    /// A transport of an account.
    pub(crate) fn transport(&self, account: &Account) -> MatrixTransport {
        MatrixTransport::new(self.config(account)).unwrap()
    }

    /// The roster's block, as an account reads it.
    pub(crate) fn config(&self, account: &Account) -> MatrixConfig {
        let environment =
            BTreeMap::from([("MOSAIC_MATRIX_TOKEN".to_owned(), account.token.clone())]);
        MatrixConfig::from_block(&self.block(), &environment).unwrap()
    }

    /// The room of an agent, as the Space has it.
    pub(crate) fn room(&self, agent: &str) -> String {
        let path = format!("rooms/{}/state", encoded(&self.space));
        let (_, state) = self.ask(&self.admin, "GET", &path, None);
        let mut children = state.as_array().unwrap().iter();
        let child = children.find(|event| {
            event["type"] == "m.space.child"
                && event["content"]["dev.mosaic.fleet"]["agent"] == agent
        });
        child.unwrap()["state_key"].as_str().unwrap().to_owned()
    }

    /// A request of a client that is none of ours.
    pub(crate) fn ask(
        &self,
        account: &Account,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let url = format!("{}/_matrix/client/v3/{path}", self.synapse.url());
        call(method, &url, Some(&account.token), body)
    }

    /// Joins a room.
    pub(crate) fn join(&self, account: &Account, room: &str) -> u16 {
        let path = format!("rooms/{}/join", encoded(room));
        self.ask(account, "POST", &path, Some(&json!({}))).0
    }

    /// Puts an event into a room as any client would. Its id, or why not.
    pub(crate) fn put(
        &self,
        account: &Account,
        room: &str,
        kind: &str,
        content: &Value,
    ) -> Result<String, (u16, Value)> {
        let id = uuid_like();
        let path = format!("rooms/{}/send/{}/{id}", encoded(room), encoded(kind));
        match self.ask(account, "PUT", &path, Some(content)) {
            (200, answer) => Ok(answer["event_id"].as_str().unwrap().to_owned()),
            refused => Err(refused),
        }
    }

    /// The acks of an event.
    pub(crate) fn acks(&self, room: &str, event: &str) -> Vec<Value> {
        let url = format!(
            "{}/_matrix/client/v1/rooms/{}/relations/{}/m.reference/dev.mosaic.fleet.ack",
            self.synapse.url(),
            encoded(room),
            encoded(event)
        );
        let (_, answer) = call("GET", &url, Some(&self.operator.token), None);
        answer["chunk"].as_array().cloned().unwrap_or_default()
    }

    /// The ack of an event, once it is there.
    pub(crate) fn ack(&self, room: &str, event: &str) -> Value {
        let began = Instant::now();
        loop {
            if let Some(ack) = self.acks(room, event).pop() {
                return ack["content"].clone();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "no ack: {}",
                fs::read_to_string(self.gateway_log()).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill_gateway();
    }
}

/// A host whose agents run the scripted agent of the built command.
pub(crate) fn fixture() -> TmuxFixture {
    let fixture = TmuxFixture::new("unset").unwrap();
    let agent = fixture.folder().join("scripted-agent");
    let program = env!("CARGO_BIN_EXE_mosaic-fleet");
    let text = format!("#!/bin/sh\nexec {program} demo-agent \"$@\"\n");
    // Another process writes it: what this one has open while another test forks cannot be run.
    let mut write = Command::new("sh");
    write.args([
        "-c",
        "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"",
        "sh",
        &text,
    ]);
    assert!(write.arg(&agent).status().unwrap().success());
    fixture.with_agent_program(agent)
}

/// Makes accounts and events of one process differ.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A way to a port that can be closed for good: nobody is there then.
pub(crate) struct Door {
    port: u16,
    closed: Arc<AtomicBool>,
    passing: Arc<Mutex<Vec<TcpStream>>>,
    porter: Mutex<Option<JoinHandle<()>>>,
}

impl Door {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let door = Door {
            port: listener.local_addr().unwrap().port(),
            closed: Arc::default(),
            passing: Arc::default(),
            porter: Mutex::default(),
        };
        let (closed, passing) = (Arc::clone(&door.closed), Arc::clone(&door.passing));
        let porter = std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let ends = [(&near, &far), (&far, &near)];
                for (from, to) in ends.map(|(from, to)| (from.try_clone(), to.try_clone())) {
                    let (mut from, mut to) = (from.unwrap(), to.unwrap());
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                let mut passing = passing.lock().unwrap();
                passing.retain(|one| one.peer_addr().is_ok());
                passing.extend([near, far]);
            }
        });
        *door.porter.lock().unwrap() = Some(porter);
        door
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Closes it, and all that pass.
    pub(crate) fn close(&self) {
        let Some(porter) = self.porter.lock().unwrap().take() else {
            return;
        };
        self.closed.store(true, Ordering::SeqCst);
        // It waits for somebody to come.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = porter.join();
        for one in self.passing.lock().unwrap().drain(..) {
            let _ = one.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

pub(crate) fn uuid_like() -> String {
    format!(
        "t{}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
