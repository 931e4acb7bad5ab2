//! The facade that every caller uses: a roster, a transport and a supervisor made one.

mod called;
mod canary;
mod cutover;
mod drain;
mod envfile;
mod kickstart;
mod launch;
mod life;
mod migrate;
mod open;
mod outcome;
mod parts;
mod run;
mod talk;
mod verify;
mod view;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use cutover::{CutoverKind, CutoverPlan, CutoverStep, Recycled};
pub use drain::DrainOptions;
pub use life::LifeOptions;
pub use migrate::Migration;
pub use open::FleetOptions;
pub use outcome::Outcome;
pub use run::RunEvent;
pub use talk::{Kickstart, ResetOutcome};
pub use verify::{Proof, Verified};
pub use view::{AgentReport, FleetStatus, ScopedError};

use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::home::MosaicHome;
use crate::roster::{AgentSpec, Roster};
use crate::runtime::Catalog;
use crate::supervise::Supervisor;
use crate::transport::DynTransport;
use envfile::{Nobodys, Overrides};
use parts::{Opener, Part};

/// A fleet: who should be there, how to talk to them, and who keeps them running. Cheap to clone.
///
/// The whole life of a fleet, tried with a harmless program in the place of every agent's own:
///
/// ```
/// use std::time::Duration;
///
/// use mosaic_fleet::fleet::{Kickstart, LifeOptions};
/// use mosaic_fleet::roster::{CommandLine, profile, rehearsal};
/// use mosaic_fleet::{
///     AgentName, Fleet, FleetOptions, Message, ResetMode, ResetOptions, SendOptions, TailOptions,
///     TransportExt, Verdict,
/// };
///
/// # fn folder(path: std::path::PathBuf) -> String {
/// #     std::fs::create_dir_all(&path).unwrap();
/// #     path.display().to_string()
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> mosaic_fleet::Result<()> {
/// # let home = tempfile::tempdir().unwrap();
/// # let at = |name: &str| folder(home.path().join(name));
/// # let environment = [
/// #     ("HOME", at("home")), ("XDG_RUNTIME_DIR", at("run")),
/// #     ("XDG_CONFIG_HOME", at("config")), ("PATH", std::env::var("PATH").unwrap()),
/// # ].map(|(key, value)| (key.to_owned(), value));
/// # at("home/src");
/// # let instance = home.path().join("own").display().to_string();
/// // `init --profile usc-software-factory`, with a plain shell for all thirteen.
/// let text = profile("usc-software-factory").unwrap();
/// let shell = CommandLine::Shell("bash --norc --noprofile -i".to_owned());
/// let roster = home.path().join("roster.yaml");
/// std::fs::write(&roster, rehearsal(text, "shell", &shell)?).unwrap();
///
/// let options = FleetOptions::from_environment(environment)
///     .with_roster(&roster)
///     .with_instance(instance);
/// let fleet = Fleet::open(options)?;
/// let life = LifeOptions::new().with_kickstart(Kickstart::None);
/// let started = fleet.start(&[], &life, |_| {}).await?;
/// assert!(started.iter().all(|agent| agent.error.is_none()), "{started:?}");
///
/// let coder = AgentName::new("coder0")?;
/// fleet.transport().wait_idle(&coder, Duration::from_secs(20)).await?;
/// let status = fleet.status(&[], true).await?;
/// assert_eq!(status.agents.len(), 13);
///
/// let receipt = fleet.send(&coder, Message::new("echo done"), SendOptions::new()).await?;
/// assert_eq!(receipt.verdict, Verdict::Submitted);
/// fleet.transport().wait_idle(&coder, Duration::from_secs(20)).await?;
/// let tail = fleet.tail(&coder, TailOptions::new().with_lines(4)).await?;
/// assert!(tail.lines.contains(&"done".to_owned()), "{tail:?}");
///
/// let first_prompt = Kickstart::Template("echo I am {{ name }}, {{ class }}".to_owned());
/// let clear = ResetOptions::new().with_mode(ResetMode::Clear);
/// let reset = fleet.reset(&coder, clear, &first_prompt).await?;
/// assert_eq!(reset.kickstart.unwrap().verdict, Verdict::Submitted);
///
/// let stopped = fleet.stop(&[], &life, |_| {}).await?;
/// assert!(stopped.iter().all(|agent| agent.error.is_none()), "{stopped:?}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Fleet {
    inner: Arc<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    roster: Roster,
    /// Agents of the roster, and those that only an environment file names, as they are meant to
    /// be started.
    agents: Vec<AgentSpec>,
    overrides: BTreeMap<AgentName, Overrides>,
    /// Environment files that are no agent's.
    nobodys: Vec<Nobodys>,
    catalog: Catalog,
    /// What reaches the agents on this host, or wherever the roster's own transport does.
    transport: DynTransport,
    supervisor: Option<Arc<dyn Supervisor>>,
    /// The part that those are, where there are others.
    here: Option<Fleet>,
    /// The other parts.
    elsewhere: Vec<Part>,
    opener: Opener,
    /// The host that this part is on, where it is another one.
    host: Option<String>,
    home: MosaicHome,
    /// Where the roster is read from.
    roster_file: PathBuf,
    /// The user's home folder.
    user_home: PathBuf,
    /// Where the state of every program of the user's is.
    state: PathBuf,
    /// Where agents report what they do, one log each.
    events: PathBuf,
    /// Where programs are sought.
    path: Option<String>,
}

impl Fleet {
    /// The roster.
    pub fn roster(&self) -> &Roster {
        &self.inner.roster
    }

    /// The roster's own transport, with the standard layers around it. Agents of the roster may be
    /// elsewhere: see [`Fleet::transport_of`].
    pub fn transport(&self) -> &DynTransport {
        &self.inner.transport
    }

    /// The transport that reaches an agent, with the standard layers around it: the roster's own for
    /// one that the roster does not have.
    ///
    /// # Errors
    /// What is wrong with the place that the agent is in; `Unsupported` where its transport reaches
    /// this host only.
    pub fn transport_of(&self, name: &AgentName) -> Result<DynTransport> {
        Ok(self.part_of(name)?.inner.transport.clone())
    }

    /// The manifests, with the roster's changes.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Where this fleet's files are.
    pub fn home(&self) -> &MosaicHome {
        &self.inner.home
    }

    /// The names of the agents that should run, in the roster's order.
    pub fn names(&self) -> Vec<AgentName> {
        let agents = self.inner.agents.iter();
        agents.map(|agent| agent.name.clone()).collect()
    }

    /// How an agent is meant to be.
    ///
    /// # Errors
    /// `AgentNotFound` with the nearest name suggested.
    pub fn agent(&self, name: &AgentName) -> Result<&AgentSpec> {
        let agents = &self.inner.agents;
        agents
            .iter()
            .find(|agent| agent.name == *name)
            .ok_or_else(|| {
                let known = agents.iter().map(|agent| agent.name.as_str());
                Error::agent_not_found(name.as_str(), known)
                    .with_hint("`mosaic-fleet agent roster` lists the agents")
            })
    }

    /// The agents of a class.
    ///
    /// # Errors
    /// `AgentNotFound` when there is none, with the nearest class suggested.
    pub fn class(&self, class: &str) -> Result<Vec<AgentName>> {
        let agents = &self.inner.agents;
        let of_class = |agent: &&AgentSpec| agent.class.as_deref() == Some(class);
        let names: Vec<_> = agents
            .iter()
            .filter(of_class)
            .map(|agent| agent.name.clone())
            .collect();
        if !names.is_empty() {
            return Ok(names);
        }
        let classes = agents.iter().filter_map(|agent| agent.class.as_deref());
        let near = crate::error::nearest(class, classes)
            .map(|near| format!(" (did you mean {near}?)"))
            .unwrap_or_default();
        Err(Error::new(
            crate::error::ErrorKind::AgentNotFound,
            format!("no agent of class {class:?}{near}"),
        ))
    }

    fn supervisor(&self) -> Result<&Arc<dyn Supervisor>> {
        self.inner.supervisor.as_ref().ok_or_else(|| {
            let info = self.inner.transport.info();
            let what = format!("starting and stopping agents of {}", info.scheme);
            Error::unsupported(what).with_transport(info)
        })
    }

    /// The runtime that an agent is read by.
    fn runtime_of(&self, agent: &AgentSpec) -> String {
        self.inner.roster.runtime(agent).to_owned()
    }
}
