//! The in-process transport's controls, by name: for tests of programs in other languages.

use serde::Deserialize;
use serde_json::Value;

use super::arguments::read;
use super::{document, unknown_operation};
use crate::agent::{AgentName, AgentState};
use crate::error::Result;
use crate::transport::memory::{MemoryOptions, MemoryTransport};

const OPERATIONS: &[&str] = &[
    "add_agent",
    "ask",
    "conversation",
    "finish_turn",
    "inbox",
    "say",
    "set_draft",
    "set_reachable",
    "set_state",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    #[serde(default)]
    agents: Vec<AgentName>,
    max_message_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    agent: AgentName,
    state: Option<AgentState>,
    text: Option<String>,
    #[serde(default)]
    choices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reachable {
    reachable: bool,
}

/// A transport with these `agents`, idle, that takes bodies of at most `max_message_bytes`.
///
/// # Errors
/// `InvalidArgument`.
pub fn open_memory(arguments: Value) -> Result<MemoryTransport> {
    let asked: Opening = read(arguments)?;
    let options = MemoryOptions::new().with_agents(asked.agents);
    let options = options.with_max_message_bytes(asked.max_message_bytes);
    Ok(MemoryTransport::with_options(options))
}

/// Calls a control of the transport: `add_agent`, `inbox`, `conversation`, `finish_turn` of an
/// `agent`; `set_state` to a `state`; `say` and `set_draft` a `text`; `ask` a `text` with `choices`;
/// `set_reachable`.
///
/// # Errors
/// As the method of that name; `InvalidArgument` for one that is not known.
pub fn memory(transport: &MemoryTransport, operation: &str, arguments: Value) -> Result<Value> {
    if operation == "set_reachable" {
        let asked: Reachable = read(arguments)?;
        transport.set_reachable(asked.reachable);
        return Ok(Value::Null);
    }
    if !OPERATIONS.contains(&operation) {
        return Err(unknown_operation(operation, OPERATIONS));
    }
    let asked: Asked = read(arguments)?;
    let agent = &asked.agent;
    let text = asked.text.as_deref().unwrap_or_default();
    match operation {
        "inbox" => return document(&transport.inbox(agent)),
        "conversation" => return document(&transport.conversation(agent)),
        "add_agent" => transport.add_agent(agent.clone()),
        "set_state" => transport.set_state(agent, asked.state.unwrap_or(AgentState::Idle))?,
        "set_draft" => transport.set_draft(agent, asked.text)?,
        "say" => transport.say(agent, text)?,
        "finish_turn" => transport.finish_turn(agent)?,
        _ => {
            let choices: Vec<&str> = asked.choices.iter().map(String::as_str).collect();
            transport.ask(agent, text, &choices)?;
        }
    }
    Ok(Value::Null)
}
