//! The stage: a private tmux server with N scripted agents, and what reaches them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use mosaic_fleet::runtime::Catalog;
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::{TmuxFixture, manifests};
use mosaic_fleet::transport::tmux::{TmuxConfig, TmuxTransport};
use mosaic_fleet::{AgentName, AgentState, ListOptions, Transport};
use serde_json::{Value, json};

use crate::raw::{Client, Tmux, rest};

/// Lines of history of the first agent, whose tail is read.
const HISTORY: u32 = 6000;

/// A raw client that several ways take in turns.
pub(crate) type Shared = Rc<RefCell<Client>>;

/// N agents. All go when it is dropped.
pub(crate) struct Fleet {
    pub(crate) fixture: TmuxFixture,
    pub(crate) tmux: Tmux,
    pub(crate) names: Vec<AgentName>,
    /// `$S:.%P` of each, in the same order.
    pub(crate) targets: Vec<String>,
    pub(crate) one_shot: TmuxTransport,
    pub(crate) connected: TmuxTransport,
    /// A raw client on the holder's session.
    pub(crate) raw: Shared,
}

/// The manifests of the scripted agents, played by this very program.
fn runtimes() -> BTreeMap<String, Value> {
    let mut manifests = manifests();
    for manifest in manifests.values_mut() {
        manifest["processes"] = json!(["benches"]);
    }
    manifests
}

/// What is known of programs that agents run.
pub(crate) fn catalog() -> Result<Catalog> {
    Ok(Catalog::shipped()?.with_overrides(&runtimes())?)
}

/// This program.
pub(crate) fn program() -> Result<PathBuf> {
    Ok(std::env::current_exe()?)
}

impl Fleet {
    /// Starts the server and `agents` agents, and waits until all are idle.
    pub(crate) async fn start(agents: usize) -> Result<Fleet> {
        let mut fixture = TmuxFixture::new(program()?)?;
        fixture.config.catalog = catalog()?;
        let tmux = Tmux {
            environment: fixture.config.environment.clone(),
        };
        let program = program()?.display().to_string();
        let names: Vec<AgentName> = (1..=agents)
            .map(|number| AgentName::new(format!("agent-{number}")))
            .collect::<Result<_, _>>()?;
        let (first, others) = names.split_first().context("no agents")?;
        let mut script = Script::new();
        script.print_flood_lines = HISTORY;
        let command = [program.clone(), "agent".to_owned(), "--script".to_owned()];
        let command = [&command[..], &[script.to_json()]].concat();
        fixture
            .start_command(first.as_str(), "scripted-line", &command)
            .await?;
        start_cheaply(&tmux, others, &program)?;
        let connected = TmuxTransport::connect(fixture.config.clone());
        let holder = format!("={}:", fixture.config.holder);
        let fleet = Fleet {
            raw: Rc::new(RefCell::new(tmux.attach(&holder, false)?)),
            targets: targets(&tmux, &names)?,
            one_shot: fixture.one_shot(),
            connected,
            fixture,
            tmux,
            names,
        };
        fleet.write_roster()?;
        fleet.wait_idle().await?;
        Ok(fleet)
    }

    async fn wait_idle(&self) -> Result<()> {
        let mut last = Vec::new();
        for _ in 0..600 {
            let all = self.connected.list(ListOptions::new()).await?;
            last = all
                .into_iter()
                .filter(|agent| agent.state != AgentState::Idle)
                .collect();
            if last.is_empty() {
                return Ok(());
            }
            rest(100).await;
        }
        bail!("not idle: {:?}", last.first())
    }

    /// The configuration of another transport to the same server.
    pub(crate) fn config(&self) -> &TmuxConfig {
        &self.fixture.config
    }

    /// Where the fleet's roster is, for the command.
    pub(crate) fn roster(&self) -> PathBuf {
        self.fixture.folder().join("roster.json")
    }

    fn write_roster(&self) -> Result<()> {
        let agent = |name: &AgentName| json!({"name": name, "class": "coder"});
        let roster = json!({
            "version": 1,
            "transport": "tmux",
            "tmux": {"socket_name": "test"},
            "runtimes": runtimes(),
            "defaults": {"runtime": "scripted-line"},
            "agents": self.names.iter().map(agent).collect::<Vec<_>>(),
        });
        Ok(std::fs::write(self.roster(), roster.to_string())?)
    }

    /// A raw client that hears the agent `number`.
    pub(crate) fn listen(&self, number: usize) -> Result<Shared> {
        let target = self.targets.get(number).context("no such agent")?;
        let session = target.split(':').next().unwrap_or_default();
        Ok(Rc::new(RefCell::new(self.tmux.attach(session, true)?)))
    }
}

/// Many sessions a process: a fleet of a thousand would take minutes to start one by one.
fn start_cheaply(tmux: &Tmux, names: &[AgentName], program: &str) -> Result<()> {
    for names in names.chunks(20) {
        let mut words = Vec::new();
        for name in names {
            let target = format!("={name}:");
            let command = format!("exec '{program}' agent --style line --name {name}");
            words.extend(
                ["new-session", "-d", "-s", name.as_str(), "-n", "agent"].map(str::to_owned),
            );
            words.extend(["-x", "100", "-y", "30", &command, ";"].map(str::to_owned));
            for (option, value) in [
                ("@mosaic_agent", name.as_str()),
                ("@mosaic_runtime", "scripted-line"),
            ] {
                let set = ["set-option", "-p", "-t", &target, option, value, ";"];
                words.extend(set.map(str::to_owned));
            }
        }
        tmux.process(words)?;
    }
    Ok(())
}

fn targets(tmux: &Tmux, names: &[AgentName]) -> Result<Vec<String>> {
    let format = "#{session_name} #{session_id}:.#{pane_id}";
    let listed = tmux.process(["list-panes", "-a", "-F", format])?;
    let listed = String::from_utf8(listed)?;
    let found: std::collections::HashMap<&str, &str> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    names
        .iter()
        .map(|name| {
            let target = found.get(name.as_str()).context("an agent is missing")?;
            Ok((*target).to_owned())
        })
        .collect()
}
