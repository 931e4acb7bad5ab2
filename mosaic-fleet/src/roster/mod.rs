//! The roster: which agents a fleet has, and how each is started.
//!
//! Pure: texts and values in, decisions out. `schema` has the types, `load` (with `fields`, over
//! `tree`) reads them and says precisely what is wrong, `edit` (over `document`) changes a text and
//! keeps its comments, `profile` has the rosters we ship, `plan` compares what should run with what does. The block of a transport is a value
//! that only its factory understands; nothing here knows one.

mod document;
mod edit;
mod fields;
mod known;
mod load;
mod plan;
mod problem;
mod profile;
mod schema;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::agent::AgentName;
use crate::error::{Error, Result};

pub use edit::{add_agent, remove_agent};
pub use known::{DEFAULT_RUNTIME, DEFAULT_TRANSPORT, Known};
pub use plan::{Action, Actual, Plan, Step, StepKind, plan};
pub use problem::{Position, Problem, Problems};
pub use profile::{PROFILES, Profile, profile, rehearsal};
pub use schema::{
    AgentSpec, CommandLine, Defaults, Environment, Kickstart, Persona, SCHEMA, schema,
};

/// The only version of the roster that is read.
pub const VERSION: u32 = 1;

/// A fleet of mosaic-fleet: its agents, and what they have in common.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Roster {
    /// Always 1.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The scheme of the transport that reaches the agents.
    #[schemars(default = "default_transport", extend("examples" = known::SCHEMES))]
    pub transport: String,
    /// Where programs start when neither the agent nor `defaults` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(/|~$|~/)"))]
    pub working_directory: Option<String>,
    /// What holds for every agent that does not say otherwise.
    #[schemars(default)]
    pub defaults: Defaults,
    /// Changes to runtimes, and runtimes of one's own, by name; see the runtime manifest.
    #[schemars(default, with = "BTreeMap<String, serde_json::Map<String, Value>>")]
    pub runtimes: BTreeMap<String, Value>,
    /// The agents, in the order in which they are started.
    #[schemars(default, extend("type" = ["array", "null"]))]
    pub agents: Vec<AgentSpec>,
    /// The transports' own blocks by scheme. Only the transport's factory reads one.
    #[serde(flatten)]
    #[schemars(skip)]
    pub blocks: BTreeMap<String, Value>,
    /// Where all this was read.
    #[serde(skip)]
    #[schemars(skip)]
    source: Source,
}

fn default_transport() -> String {
    DEFAULT_TRANSPORT.to_owned()
}

/// Where a roster was read: the file's name and the places of its fields. It is no part of what the
/// roster says, so that any two are equal.
#[derive(Debug, Clone, Default)]
struct Source {
    origin: String,
    outline: Outline,
}

impl PartialEq for Source {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The places of a text's fields, without their values.
#[derive(Debug, Clone, Default)]
struct Outline {
    at: Option<Position>,
    fields: Vec<(String, Outline)>,
}

/// No agents; the transport and runtime are the library's own choice.
impl Default for Roster {
    fn default() -> Self {
        Roster {
            version: VERSION,
            transport: default_transport(),
            working_directory: None,
            defaults: Defaults::default(),
            runtimes: BTreeMap::new(),
            agents: Vec::new(),
            blocks: BTreeMap::new(),
            source: Source::default(),
        }
    }
}

/// Names the blocks and shows no value of theirs: they may hold secrets.
impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster")
            .field("transport", &self.transport)
            .field("working_directory", &self.working_directory)
            .field("defaults", &self.defaults)
            .field("runtimes", &self.runtimes.keys())
            .field("agents", &self.agents)
            .field("blocks", &self.blocks.keys())
            .finish_non_exhaustive()
    }
}

impl Roster {
    /// Reads a roster from YAML or JSON. `origin` is the file's name, for messages.
    ///
    /// # Errors
    /// `ConfigInvalid`. The message is `FILE:LINE:COLUMN: what is wrong`; further problems are in
    /// the hint, and all of them in the source, as [`Problems`]. Values are never shown.
    pub fn parse(text: &str, origin: &str, known: &Known<'_>) -> Result<Self> {
        load::parse(text, origin, known)
    }

    /// Reads the roster in the file at `path`.
    ///
    /// # Errors
    /// `ConfigInvalid` when there is no such file, when it cannot be read, and as
    /// [`parse`](Roster::parse).
    pub fn load(path: impl AsRef<Path>, known: &Known<'_>) -> Result<Self> {
        load::load(path.as_ref(), known)
    }

    /// The agents' names, in order.
    pub fn names(&self) -> Vec<AgentName> {
        self.agents.iter().map(|agent| agent.name.clone()).collect()
    }

    /// The agent of that name.
    ///
    /// # Errors
    /// `AgentNotFound`, with the nearest name suggested.
    pub fn agent(&self, name: &AgentName) -> Result<&AgentSpec> {
        self.agents
            .iter()
            .find(|agent| agent.name == *name)
            .ok_or_else(|| {
                let known = self.agents.iter().map(|agent| agent.name.as_str());
                Error::agent_not_found(name.as_str(), known)
            })
    }

    /// The runtime of `agent`: its own, or that of `defaults`, or [`DEFAULT_RUNTIME`].
    pub fn runtime<'a>(&'a self, agent: &'a AgentSpec) -> &'a str {
        agent
            .runtime
            .as_deref()
            .or(self.defaults.runtime.as_deref())
            .unwrap_or(DEFAULT_RUNTIME)
    }

    /// Where `agent` starts: as it says, or `defaults`, or the roster; else at `home`.
    ///
    /// A leading `~` is `home`, which must be that of the host the agent runs on. Nothing else is
    /// expanded.
    pub fn working_directory(&self, agent: &AgentSpec, home: &Path) -> PathBuf {
        let written = agent
            .working_directory
            .as_deref()
            .or(self.defaults.working_directory.as_deref())
            .or(self.working_directory.as_deref())
            .unwrap_or("~");
        match written.strip_prefix('~') {
            Some("") => home.to_path_buf(),
            Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
            _ => PathBuf::from(written),
        }
    }

    /// What to run for `agent`: its own command, or that of `defaults`. `None` means the runtime's
    /// own launch command.
    pub fn command<'a>(&'a self, agent: &'a AgentSpec) -> Option<&'a CommandLine> {
        agent.command.as_ref().or(self.defaults.command.as_ref())
    }

    /// The environment of `agent`: that of `defaults`, with its own over it.
    pub fn env(&self, agent: &AgentSpec) -> Environment {
        let mut env = self.defaults.env.clone();
        env.extend(
            agent
                .env
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        env
    }

    /// The block of `scheme`, if there is one.
    pub fn block(&self, scheme: &str) -> Option<&Value> {
        self.blocks.get(scheme)
    }

    /// Where the field at `path` is written, for example `["agents", "2", "class"]`: the place of
    /// its name, or of the item in a list. `None` when it was not read from a text.
    pub fn locate(&self, path: &[&str]) -> Option<Position> {
        let (depth, at) = self.source.outline.nearest(path);
        at.filter(|_| depth == path.len())
    }

    /// An error about the field at `path`, placed there, or at the nearest field around it that is
    /// written: `FILE:LINE:COLUMN: message`.
    ///
    /// For what only a transport's factory knows of its block. The message must not show values.
    pub fn complain(&self, path: &[&str], message: impl fmt::Display) -> Error {
        let origin = match self.source.origin.as_str() {
            "" => "roster",
            origin => origin,
        };
        match self.source.outline.nearest(path).1 {
            Some(at) => Error::config_invalid(format!("{origin}:{at}: {message}")),
            None => Error::config_invalid(format!("{origin}: {}: {message}", path.join("."))),
        }
    }
}

impl Outline {
    fn nearest(&self, path: &[&str]) -> (usize, Option<Position>) {
        let mut here = self;
        for (depth, step) in path.iter().enumerate() {
            match here.fields.iter().find(|(name, _)| name == step) {
                Some((_, next)) => here = next,
                None => return (depth, here.at),
            }
        }
        (path.len(), here.at)
    }
}

#[cfg(test)]
mod tests;
