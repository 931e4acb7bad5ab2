//! From a text to a [`Roster`]: every field is checked, and every problem has a place and a hint.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::Value as Json;

use super::fields::Reader;
use super::known::Known;
use super::problem::{Position, Problem, invalid, suggestion};
use super::schema::{AgentSpec, Defaults};
use super::tree::{self, Entry, Node, Value};
use super::{DEFAULT_TRANSPORT, Outline, Roster, Source, VERSION};
use crate::agent::AgentName;
use crate::error::{Error, Result};

pub(super) const ROSTER_FIELDS: &[&str] = &[
    "version",
    "transport",
    "working_directory",
    "defaults",
    "runtimes",
    "agents",
    "$schema",
];

pub(super) const DEFAULTS_FIELDS: &[&str] = &["working_directory", "runtime", "command", "env"];

pub(super) const AGENT_FIELDS: &[&str] = &[
    "name",
    "runtime",
    "class",
    "model_hint",
    "reset_between_tasks",
    "persistent_persona",
    "kickstart_template",
    "working_directory",
    "command",
    "env",
    "transport",
    "host",
    "memory_max",
    "tasks_max",
    "cpu_quota",
];

pub(super) fn load(path: &Path, known: &Known<'_>) -> Result<Roster> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let what = if missing {
            "no such roster"
        } else {
            "cannot be read"
        };
        let hint = if missing {
            "run `mosaic-fleet init --write` to begin with one of the profiles"
        } else {
            "check that it is a UTF-8 file and that you may read it"
        };
        Error::config_invalid(format!("{}: {what}", path.display()))
            .with_hint(hint)
            .with_source(error)
    })?;
    parse(&text, &path.display().to_string(), known)
}

pub(super) fn parse(text: &str, origin: &str, known: &Known<'_>) -> Result<Roster> {
    let mut problems = Vec::new();
    let root = tree::read(text, &mut problems);
    let Some(root) = root.filter(|root| !root.is_null()) else {
        if problems.is_empty() {
            problems.push(Problem::new(
                Position::new(1, 1),
                format!("the roster is empty; it begins with `version: {VERSION}`"),
            ));
        }
        return Err(invalid(origin, problems));
    };
    let mut reader = Reader {
        problems,
        known,
        runtimes: known.runtimes.to_vec(),
    };
    let mut roster = reader.roster(&root);
    if !reader.problems.is_empty() {
        return Err(invalid(origin, reader.problems));
    }
    roster.source = Source {
        origin: origin.to_owned(),
        outline: outline(&root, root.at),
    };
    Ok(roster)
}

fn outline(node: &Node, at: Position) -> Outline {
    let fields = match &node.value {
        Value::Scalar(..) => Vec::new(),
        Value::List(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), outline(item, item.at)))
            .collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.clone(), outline(&entry.value, entry.at)))
            .collect(),
    };
    Outline {
        at: Some(at),
        fields,
    }
}

impl<'a> Reader<'a> {
    fn roster(&mut self, root: &'a Node) -> Roster {
        let mut roster = Roster::default();
        if !matches!(root.value, Value::Map(_)) {
            let found = root.kind();
            self.problem(root.at, format!("a roster is a mapping, not {found}"));
            return roster;
        }
        if root.entry("version").is_none() {
            self.problem(
                root.at,
                format!("`version` is missing: this mosaic-fleet reads version {VERSION}"),
            );
        }
        // `agents` and `defaults` may name runtimes that the roster adds below them.
        if let Some(entry) = root.entry("runtimes") {
            roster.runtimes = self.runtimes(entry);
        }
        let mut nearby = None;
        for entry in root.entries() {
            match entry.key.as_str() {
                "version" => self.version(entry),
                "transport" => {
                    let named = self.transport(entry);
                    roster.transport = named.unwrap_or_else(|| DEFAULT_TRANSPORT.to_owned());
                }
                "working_directory" => roster.working_directory = self.directory(entry),
                "defaults" => roster.defaults = self.defaults(entry),
                "runtimes" | "$schema" => {}
                "agents" => roster.agents = self.agents(entry),
                scheme if self.known.schemes.contains(&scheme) => {
                    let (block, directory) = self.block(entry);
                    if let Some(directory) = directory {
                        nearby
                            .get_or_insert_with(BTreeMap::new)
                            .insert(scheme, directory);
                    }
                    roster.blocks.insert(scheme.to_owned(), block);
                }
                _ => {
                    let schemes = self.known.schemes.iter().copied();
                    let fields = ROSTER_FIELDS[..ROSTER_FIELDS.len() - 1].iter().copied();
                    self.unknown_field(entry, "", fields.chain(schemes));
                }
            }
        }
        if roster.working_directory.is_none() {
            let transport = roster.transport.as_str();
            roster.working_directory = nearby.and_then(|mut found| found.remove(transport));
        }
        roster
    }

    fn version(&mut self, entry: &Entry) {
        if entry.value.to_json() != VERSION {
            let found = match entry.value.to_json() {
                Json::Number(number) => format!("`version: {number}`"),
                _ => format!("`version` is {}", entry.value.kind()),
            };
            self.problem(
                entry.value.at,
                format!("{found}: this mosaic-fleet reads version {VERSION}"),
            );
        }
    }

    fn transport(&mut self, entry: &Entry) -> Option<String> {
        let word = self.text(entry)?;
        if self.known.schemes.contains(&word.as_str()) {
            return Some(word);
        }
        let near = suggestion(&word, self.known.schemes.iter().copied());
        self.problem(entry.value.at, format!("unknown transport `{word}`{near}"));
        None
    }

    /// A transport's block, and the working directory that may be written in it.
    fn block(&mut self, entry: &Entry) -> (Json, Option<String>) {
        if entry.value.is_null() {
            return (Json::Object(serde_json::Map::new()), None);
        }
        let mut block = entry.value.to_json();
        let Some(fields) = block.as_object_mut() else {
            self.wrong_type(entry, "a mapping");
            return (block, None);
        };
        fields.remove("working_directory");
        let directory = entry
            .value
            .entry("working_directory")
            .and_then(|entry| self.directory(entry));
        (block, directory)
    }

    fn runtimes(&mut self, entry: &'a Entry) -> BTreeMap<String, Json> {
        let mut runtimes = BTreeMap::new();
        for runtime in self.map(entry) {
            if runtime.key.is_empty() {
                self.problem(runtime.at, "a runtime needs a name");
            } else if runtime.value.is_null() {
                runtimes.insert(runtime.key.clone(), Json::Object(serde_json::Map::new()));
            } else if matches!(runtime.value.value, Value::Map(_)) {
                runtimes.insert(runtime.key.clone(), runtime.value.to_json());
            } else {
                self.wrong_type(runtime, "a mapping");
            }
            if !self.runtimes.contains(&runtime.key.as_str()) {
                self.runtimes.push(&runtime.key);
            }
        }
        runtimes
    }

    fn defaults(&mut self, entry: &'a Entry) -> Defaults {
        let mut defaults = Defaults::default();
        for field in self.map(entry) {
            match field.key.as_str() {
                "working_directory" => defaults.working_directory = self.directory(field),
                "runtime" => defaults.runtime = self.runtime(field),
                "command" => defaults.command = self.command(field),
                "env" => defaults.env = self.environment(field),
                _ => self.unknown_field(field, " in `defaults`", DEFAULTS_FIELDS.iter().copied()),
            }
        }
        defaults
    }

    fn agents(&mut self, entry: &'a Entry) -> Vec<AgentSpec> {
        let items = match &entry.value.value {
            Value::List(items) => items,
            _ if entry.value.is_null() => return Vec::new(),
            _ => {
                self.wrong_type(entry, "a list");
                return Vec::new();
            }
        };
        let mut seen: HashMap<AgentName, Position> = HashMap::new();
        let mut agents = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let Some(agent) = self.agent(item, index) else {
                continue;
            };
            let at = item.entry("name").map_or(item.at, |name| name.value.at);
            if let Some(first) = seen.get(&agent.name) {
                let name = &agent.name;
                self.problem(
                    at,
                    format!("duplicate agent name `{name}`, first at {first}"),
                );
            } else {
                seen.insert(agent.name.clone(), at);
                agents.push(agent);
            }
        }
        agents
    }

    fn agent(&mut self, item: &'a Node, index: usize) -> Option<AgentSpec> {
        if !matches!(item.value, Value::Map(_)) {
            let found = item.kind();
            self.problem(
                item.at,
                format!("agents[{index}] is a mapping, not {found}"),
            );
            return None;
        }
        let name = match item.entry("name") {
            Some(entry) => self.name(entry),
            None => {
                self.problem(item.at, format!("agents[{index}] has no `name`"));
                None
            }
        };
        // The other fields are checked also where the name is wrong.
        let stand_in = AgentName::new("unnamed").ok()?;
        let mut agent = AgentSpec::new(name.clone().unwrap_or(stand_in));
        for field in item.entries() {
            match field.key.as_str() {
                "name" => {}
                "runtime" => agent.runtime = self.runtime(field),
                "class" => agent.class = self.text(field),
                "model_hint" => agent.model_hint = self.text(field),
                "reset_between_tasks" => agent.reset_between_tasks = self.truth(field),
                "persistent_persona" => agent.persistent_persona = self.persona(field),
                "kickstart_template" => agent.kickstart_template = self.kickstart(field),
                "working_directory" => agent.working_directory = self.directory(field),
                "command" => agent.command = self.command(field),
                "env" => agent.env = self.environment(field),
                "transport" => agent.transport = self.transport(field),
                "host" => agent.host = self.host(field),
                "memory_max" => agent.memory_max = self.memory(field),
                "tasks_max" => agent.tasks_max = self.tasks(field),
                "cpu_quota" => agent.cpu_quota = self.quota(field),
                _ => {
                    let place = format!(" in agents[{index}]");
                    self.unknown_field(field, &place, AGENT_FIELDS.iter().copied());
                }
            }
        }
        name.map(|_| agent)
    }
}
