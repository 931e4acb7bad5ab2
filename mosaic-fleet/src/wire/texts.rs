//! What is about texts alone: rosters, profiles, runtimes.

use serde::Deserialize;
use serde_json::{Value, json};

use super::arguments::read;
use super::asked::Nothing;
use super::{FREE_OPERATIONS, document, unknown_operation};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::fleet::Fleet;
use crate::registry::Registry;
use crate::roster::{PROFILES, Roster, add_agent, remove_agent, schema};
use crate::runtime::Catalog;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsing {
    text: String,
    origin: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adding {
    text: String,
    agent: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Removing {
    text: String,
    name: AgentName,
}

pub(super) fn call(operation: &str, arguments: Value) -> Result<Value> {
    match operation {
        "roster_parse" => {
            let asked: Parsing = read(arguments)?;
            let origin = asked.origin.as_deref().unwrap_or("roster");
            document(&parse(&asked.text, origin)?)
        }
        "roster_add" => {
            let asked: Adding = read(arguments)?;
            // The roster's own rules read it: JSON is YAML.
            let alone = json!({ "version": 1, "agents": [asked.agent] }).to_string();
            let mut agents = parse(&alone, "agent")?.agents;
            let agent = agents
                .pop()
                .ok_or_else(|| Error::invalid_argument("there is no agent to add"))?;
            document(&add_agent(&asked.text, &agent)?)
        }
        "roster_remove" => {
            let asked: Removing = read(arguments)?;
            document(&remove_agent(&asked.text, &asked.name)?)
        }
        "roster_schema" => {
            let Nothing {} = read(arguments)?;
            Ok(schema())
        }
        "profiles" => {
            let Nothing {} = read(arguments)?;
            let profiles = PROFILES.iter().map(|profile| {
                json!({
                    "name": profile.name, "aliases": profile.aliases,
                    "description": profile.description, "text": profile.text,
                })
            });
            Ok(profiles.collect())
        }
        "runtimes" => {
            let Nothing {} = read(arguments)?;
            let catalog = Catalog::shipped()?;
            let runtimes = catalog.iter().map(
                |manifest| json!({ "name": manifest.name, "description": manifest.description }),
            );
            Ok(runtimes.collect())
        }
        _ => Err(unknown_operation(operation, FREE_OPERATIONS)),
    }
}

fn parse(text: &str, origin: &str) -> Result<Roster> {
    Fleet::read_roster(text, origin, &Registry::builtin())
}
