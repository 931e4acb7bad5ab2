//! Opening a fleet: what the caller says, and what is put together from that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::envfile::read_all;
use super::parts::{Opened, Opener, Part, Place};
use super::{Fleet, Inner};
use crate::error::{Error, Result, Retry};
use crate::home::{MosaicHome, user_home};
use crate::registry::{Context, Reach, Registry};
use crate::roster::{AgentSpec, Known, Roster};
use crate::runtime::Catalog;
use crate::supervise;
use crate::transport::tmux::{Timing, is_this_host};

/// How a fleet is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FleetOptions {
    /// The caller's environment. This library never reads the process's own.
    pub environment: BTreeMap<String, String>,
    /// The roster's file, instead of the one in the fleet's home.
    pub roster: Option<PathBuf>,
    /// The roster itself, instead of a file.
    pub roster_text: Option<String>,
    /// The transport's instance (`--socket`), instead of the environment's and the roster's.
    pub instance: Option<String>,
    /// The transports that are known.
    pub registry: Registry,
    /// The caller stays: connections are kept.
    pub lasting: bool,
    /// How long the steps of a send may take.
    pub timing: Option<Timing>,
}

impl FleetOptions {
    /// No environment at all: name the roster and the instance.
    pub fn new() -> Self {
        FleetOptions {
            environment: BTreeMap::new(),
            roster: None,
            roster_text: None,
            instance: None,
            registry: Registry::builtin(),
            lasting: false,
            timing: None,
        }
    }

    /// With these variables, usually `std::env::vars()`.
    pub fn from_environment(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut options = Self::new();
        options.environment.extend(environment);
        options
    }

    /// Names the roster's file.
    #[must_use]
    pub fn with_roster(mut self, path: impl Into<PathBuf>) -> Self {
        self.roster = Some(path.into());
        self
    }

    /// Gives the roster itself, as YAML.
    #[must_use]
    pub fn with_roster_text(mut self, text: impl Into<String>) -> Self {
        self.roster_text = Some(text.into());
        self
    }

    /// Names the transport's instance.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Sets the transports that are known.
    #[must_use]
    pub fn with_registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Says that the caller stays, and connections are worth their while.
    #[must_use]
    pub fn with_lasting(mut self, lasting: bool) -> Self {
        self.lasting = lasting;
        self
    }

    /// Sets how long the steps of a send may take.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = Some(timing);
        self
    }
}

impl Default for FleetOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    /// Opens the fleet that the roster describes. Without a roster and without one being named,
    /// the fleet has no agents of its own and still talks to those that run.
    ///
    /// Reads files; talks to no backend.
    ///
    /// # Errors
    /// `ConfigInvalid` with the file, line and column where something is wrong.
    pub fn open(options: FleetOptions) -> Result<Fleet> {
        let home = MosaicHome::from_environment(&options.environment);
        let path = options.roster.clone().unwrap_or_else(|| home.roster());
        let roster = if let Some(text) = &options.roster_text {
            Self::read_roster(text, "roster", &options.registry)?
        } else if options.roster.is_none() && !path.exists() {
            Roster::default()
        } else {
            with_known(&options.registry, |known| Roster::load(&path, known))?
        };
        Self::with_roster(roster, options)
    }

    /// A roster as a fleet with these transports reads it. `origin` names the text in errors.
    ///
    /// # Errors
    /// As [`Roster::parse`].
    pub fn read_roster(text: &str, origin: &str, registry: &Registry) -> Result<Roster> {
        with_known(registry, |known| Roster::parse(text, origin, known))
    }

    /// Opens the fleet of a roster that the caller has.
    ///
    /// # Errors
    /// As [`Fleet::open`].
    pub fn with_roster(roster: Roster, options: FleetOptions) -> Result<Fleet> {
        let home = MosaicHome::from_environment(&options.environment);
        let catalog = Catalog::shipped()?
            .with_overrides(&roster.runtimes)
            .map_err(|error| {
                let named = error.message().strip_prefix("runtime ").unwrap_or_default();
                let runtime = named.split(':').next().unwrap_or_default().to_owned();
                placed(&roster, &["runtimes", &runtime], error)
            })?;
        let (overrides, nobodys) = read_all(&home.agents());
        let mut agents = roster.agents.clone();
        for (name, file) in &overrides {
            match agents.iter_mut().find(|agent| agent.name == *name) {
                Some(agent) => file.apply(agent),
                None => {
                    let mut agent = AgentSpec::new(name.clone());
                    file.apply(&mut agent);
                    agents.push(agent);
                }
            }
        }
        // Said or not said, it is the same.
        for agent in &mut agents {
            agent.transport.take_if(|named| *named == roster.transport);
            let scheme = agent.transport.as_ref().unwrap_or(&roster.transport);
            if options.registry.reach(scheme) != Some(Reach::Everywhere) {
                agent.host.take_if(|named| is_this_host(named));
            }
        }
        let runtimes = agents
            .iter()
            .map(|agent| (agent.name.clone(), roster.runtime(agent).to_owned()));
        let mut context = Context::new()
            .with_environment(options.environment.clone())
            .with_catalog(catalog.clone())
            .with_runtimes(runtimes)
            .with_lasting(options.lasting);
        context.instance.clone_from(&options.instance);
        context.timing = options.timing;
        let opener = Opener {
            registry: options.registry.clone(),
            context,
        };
        let Opened {
            transport,
            supervisor,
        } = opener.open(&Place::here(&roster), &roster)?;
        let parts = Part::all(&agents, &roster, &options.registry);
        let environment = &options.environment;
        let roster_file = options.roster.clone().unwrap_or_else(|| home.roster());
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let state = supervise::state_folder(environment);
        let instance = transport.info().instance.replace('/', "%");
        let path = supervisor.as_ref().and_then(|supervisor| supervisor.path());
        let whole = Inner {
            events: state.join("mosaic-fleet").join("events").join(instance),
            user_home: user_home(environment),
            path: path.or_else(|| set("PATH").cloned()),
            roster_file: std::path::absolute(&roster_file).unwrap_or(roster_file),
            roster,
            agents,
            overrides,
            nobodys,
            catalog,
            transport,
            supervisor,
            here: None,
            elsewhere: Vec::new(),
            opener,
            host: None,
            home,
            state,
        };
        Ok(whole.in_parts(parts))
    }
}

/// What a roster may name: the shipped runtimes, the registry's schemes, and what this build cannot
/// do yet.
fn with_known<T>(registry: &Registry, read: impl FnOnce(&Known<'_>) -> Result<T>) -> Result<T> {
    let shipped = Catalog::shipped()?;
    let runtimes: Vec<&str> = shipped.names().collect();
    let mut schemes: Vec<&str> = registry.schemes().collect();
    if !schemes.contains(&"matrix") {
        schemes.push("matrix");
    }
    read(&Known::new(&schemes, &runtimes))
}

/// An error about a part of the roster, with that part's place in the file.
pub(super) fn placed(roster: &Roster, path: &[&str], error: Error) -> Error {
    if roster.block(path[0]).is_none() && path[0] != "runtimes" {
        return error;
    }
    let mut placed = roster
        .complain(path, error.message())
        .with_retry(Retry::Never);
    if let Some(hint) = error.hint() {
        placed = placed.with_hint(hint);
    }
    placed.with_source(error)
}
