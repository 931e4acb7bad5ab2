//! What it takes to start an agent's program: decided here, done by `supervise`.

use std::path::PathBuf;

use crate::agent::AgentName;

/// A program to start as an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Launch {
    /// Whose program it is.
    pub name: AgentName,
    /// The manifest that it will be read by.
    pub runtime: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it starts. Must exist.
    pub directory: PathBuf,
    /// Variables on top of those that every agent gets.
    pub environment: Vec<(String, String)>,
}

impl Launch {
    /// A program with its arguments, in a folder.
    pub fn new(
        name: AgentName,
        runtime: impl Into<String>,
        command: Vec<String>,
        directory: impl Into<PathBuf>,
    ) -> Self {
        Launch {
            name,
            runtime: runtime.into(),
            command,
            directory: directory.into(),
            environment: Vec::new(),
        }
    }

    /// Adds variables.
    #[must_use]
    pub fn with_environment(
        mut self,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        self.environment.extend(environment);
        self
    }
}
