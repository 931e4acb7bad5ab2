//! How an in-process transport is made.

use serde::Deserialize;

use crate::agent::AgentName;

/// How a [`MemoryTransport`](super::MemoryTransport) is made; also what a roster's `memory` block may say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MemoryOptions {
    /// The instance in `memory:instance`.
    pub instance: String,
    /// Agents that are there from the beginning, idle.
    pub agents: Vec<AgentName>,
    /// How many lines of output are kept for each agent.
    pub history: usize,
    /// The largest body, in bytes.
    pub max_message_bytes: Option<u64>,
}

impl MemoryOptions {
    /// `memory:local`, no agents, 10,000 lines of history, bodies of any size.
    pub fn new() -> Self {
        MemoryOptions {
            instance: "local".to_owned(),
            agents: Vec::new(),
            history: 10_000,
            max_message_bytes: None,
        }
    }

    /// Sets the instance.
    #[must_use]
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = instance.into();
        self
    }

    /// Adds agents.
    #[must_use]
    pub fn with_agents(mut self, agents: impl IntoIterator<Item = AgentName>) -> Self {
        self.agents.extend(agents);
        self
    }

    /// Sets how many lines of output are kept for each agent.
    #[must_use]
    pub fn with_history(mut self, lines: usize) -> Self {
        self.history = lines;
        self
    }

    /// Sets the largest body, in bytes.
    #[must_use]
    pub fn with_max_message_bytes(mut self, limit: Option<u64>) -> Self {
        self.max_message_bytes = limit;
        self
    }
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self::new()
    }
}
