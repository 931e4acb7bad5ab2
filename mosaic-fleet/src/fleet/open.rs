//! Opening a fleet: what the caller says, and what is put together from that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::envfile::read_all;
use super::{Fleet, Inner};
use crate::error::{Error, Result, Retry};
use crate::home::{MosaicHome, user_home};
use crate::registry::{Context, Registry};
use crate::roster::{AgentSpec, Known, Roster};
use crate::runtime::Catalog;
use crate::supervise::{self, Supervisor};
use crate::transport::DynTransport;
use crate::transport::tmux::Timing;

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
        let scheme = roster.transport.as_str();
        let block = roster.block(scheme).unwrap_or(&Value::Null);
        let misplaced = |error: Error| {
            let words = error.message().trim_start_matches(scheme);
            let field = words.strip_prefix('.').and_then(|w| w.split(':').next());
            let unknown = error.message().split('`').nth(1);
            let path: Vec<&str> = [Some(scheme), field.or(unknown)]
                .into_iter()
                .flatten()
                .collect();
            let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            placed(&roster, &path, error)
        };
        let transport = options
            .registry
            .open(scheme, block, &context)
            .map_err(misplaced)?;
        let supervisor = supervise::open(scheme, block, &context).map_err(misplaced)?;
        Ok(Self::assemble(
            roster.clone(),
            agents,
            overrides,
            nobodys,
            catalog,
            transport,
            supervisor,
            home,
            &options,
        ))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a fleet, put together once"
    )]
    fn assemble(
        roster: Roster,
        agents: Vec<AgentSpec>,
        overrides: BTreeMap<crate::agent::AgentName, super::envfile::Overrides>,
        nobodys: Vec<super::envfile::Nobodys>,
        catalog: Catalog,
        transport: DynTransport,
        supervisor: Option<Arc<dyn Supervisor>>,
        home: MosaicHome,
        options: &FleetOptions,
    ) -> Fleet {
        let environment = &options.environment;
        let user_home = user_home(environment);
        let roster_file = options.roster.clone().unwrap_or_else(|| home.roster());
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let state = supervise::state_folder(environment);
        let instance = transport.info().instance.replace('/', "%");
        let events = state.join("mosaic-fleet").join("events").join(instance);
        let path = supervisor.as_ref().and_then(|supervisor| supervisor.path());
        Fleet {
            inner: Arc::new(Inner {
                roster,
                agents,
                overrides,
                nobodys,
                catalog,
                transport,
                supervisor,
                home,
                roster_file: std::path::absolute(&roster_file).unwrap_or(roster_file),
                user_home,
                state,
                events,
                path: path.or_else(|| set("PATH").cloned()),
            }),
        }
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
fn placed(roster: &Roster, path: &[&str], error: Error) -> Error {
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
