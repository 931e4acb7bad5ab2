//! What a roster says about agents, as types, and the JSON Schema that editors complete it with.
//!
//! Reading these from a text is in `load`; nothing here touches a file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Roster;
use super::known::{RUNTIMES, SCHEMES};
use crate::agent::AgentName;

/// One agent, as the roster describes it. What it leaves out comes from `defaults`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct AgentSpec {
    /// The agent's address, unique in the roster.
    pub name: AgentName,
    /// The program that runs: claude, pi, codex, gemini, shell, or one of `runtimes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "String", length(min = 1), extend("examples" = RUNTIMES))]
    pub runtime: Option<String>,
    /// Its role, in free text: orchestrator, implementer, reviewer, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The model it should use, in words for people and orchestrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_hint: Option<String>,
    /// Tells an orchestrator to reset this agent between tasks; mosaic-fleet does not act on it.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(default)]
    pub reset_between_tasks: bool,
    /// Whether its conversation is worth keeping: a reset of `true` must be forced, of `semi` warns.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(default)]
    pub persistent_persona: Persona,
    /// The first prompt after a start and after each reset; a template over the agent's fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kickstart_template: Option<Kickstart>,
    /// Where the program starts: absolute, or from `~`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(/|~$|~/)"))]
    pub working_directory: Option<String>,
    /// What to run instead of the runtime's own launch command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// Environment variables, over those of `defaults`.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(default)]
    pub env: Environment,
    /// The transport that reaches it; the roster's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "String", length(min = 1), extend("examples" = SCHEMES))]
    pub transport: Option<String>,
    /// The host it runs on, as ssh or the transport knows it; this one when left out, or by its own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub host: Option<String>,
    /// The most memory its programs may use, as in 2G or 50%. Enforced by the service manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        default,
        with = "String",
        regex(pattern = r"^([1-9][0-9]*[KMGT]?|[1-9][0-9]?%)$")
    )]
    pub memory_max: Option<String>,
    /// The most processes and threads of it. Enforced by the service manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "u32", range(min = 1))]
    pub tasks_max: Option<u32>,
    /// The most of one processor that it may use, as in 150%. Enforced by the service manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "String", regex(pattern = r"^[1-9][0-9]*%$"))]
    pub cpu_quota: Option<String>,
}

impl AgentSpec {
    /// An agent of which only the name is said; fill in the rest with the fields.
    pub fn new(name: AgentName) -> Self {
        AgentSpec {
            name,
            runtime: None,
            class: None,
            model_hint: None,
            reset_between_tasks: false,
            persistent_persona: Persona::No,
            kickstart_template: None,
            working_directory: None,
            command: None,
            env: Environment::default(),
            transport: None,
            host: None,
            memory_max: None,
            tasks_max: None,
            cpu_quota: None,
        }
    }
}

/// What holds for every agent that does not say otherwise.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub struct Defaults {
    /// Where programs start: absolute, or from `~`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^(/|~$|~/)"))]
    pub working_directory: Option<String>,
    /// The program that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default, with = "String", length(min = 1), extend("examples" = RUNTIMES))]
    pub runtime: Option<String>,
    /// What to run instead of the runtime's own launch command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandLine>,
    /// Environment variables of every agent.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(default)]
    pub env: Environment,
}

/// Whether an agent's conversation is worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Persona {
    /// It may be reset at any time.
    #[default]
    No,
    /// A reset is done, with a warning.
    Semi,
    /// A reset must be forced.
    Yes,
}

impl Persona {
    /// `false`, `semi` or `true`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Persona::No => "false",
            Persona::Semi => "semi",
            Persona::Yes => "true",
        }
    }
}

impl fmt::Display for Persona {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Persona {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Persona::No => serializer.serialize_bool(false),
            Persona::Semi => serializer.serialize_str("semi"),
            Persona::Yes => serializer.serialize_bool(true),
        }
    }
}

impl JsonSchema for Persona {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Persona".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Whether an agent's conversation is worth keeping.",
            "enum": [true, false, "semi", "true", "false"]
        })
    }
}

/// Where the first prompt comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(deny_unknown_fields)]
#[non_exhaustive]
pub enum Kickstart {
    /// The template itself.
    Text(String),
    /// A file that holds the template.
    File {
        /// Its path: absolute, from `~`, or from the roster's folder.
        file: String,
    },
}

/// A command, in either spelling.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[non_exhaustive]
pub enum CommandLine {
    /// One line for the shell, which is replaced by its first program: `sh -c 'exec …'`.
    Shell(#[schemars(length(min = 1))] String),
    /// The program and its arguments, as they are.
    Argv(#[schemars(length(min = 1))] Vec<String>),
}

impl CommandLine {
    /// The program and its arguments.
    pub fn argv(&self) -> Vec<String> {
        match self {
            CommandLine::Shell(line) => vec!["sh".into(), "-c".into(), format!("exec {line}")],
            CommandLine::Argv(argv) => argv.clone(),
        }
    }
}

/// Shows the program only: arguments may hold secrets.
impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spelling, program) = match self {
            CommandLine::Shell(line) => ("Shell", line.split_whitespace().next()),
            CommandLine::Argv(argv) => ("Argv", argv.first().map(String::as_str)),
        };
        write!(f, "{spelling}({} …)", program.unwrap_or_default())
    }
}

/// Environment variables by name. `Debug` shows the names only: values may be secrets.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Environment(BTreeMap<String, String>);

impl Deref for Environment {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Environment {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Environment(variables.into_iter().collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl JsonSchema for Environment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Environment".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "Environment variables by name.",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": ["string", "number", "boolean"] }
        })
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The JSON Schema (2020-12) of a roster, generated from the types.
///
/// The same text is committed beside this file and written next to every roster we write.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Roster).to_value();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "$schema".to_owned(),
            json!({ "type": "string", "description": "Names this schema in a roster that is written as JSON." }),
        );
        for scheme in SCHEMES {
            properties.insert(
                (*scheme).to_owned(),
                json!({ "type": "object", "description": format!("Options of the {scheme} transport; it checks them itself when it is opened.") }),
            );
        }
    }
    schema
}

/// The schema as it is committed, and as it is written beside a roster.
pub const SCHEMA: &str = include_str!("roster.schema.json");
