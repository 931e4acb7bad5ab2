//! What it takes to keep one agent in the foreground, and what comes of it.

use std::path::PathBuf;

use crate::agent::ExitStatus;

/// Who keeps an agent, and how its program is started.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Keeper {
    /// The service manager's unit that the agent's programs shall belong to.
    pub unit: Option<String>,
    /// Stop what runs under the name first, and do not take it over.
    pub replace: bool,
    /// The program that moves itself to the unit and then becomes the agent: words that the unit
    /// and the agent's own command are put behind.
    pub launcher: Vec<String>,
}

impl Keeper {
    /// Nobody's unit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops what runs under the name first.
    #[must_use]
    pub fn with_replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// The unit, and the launcher that moves a program to it.
    #[must_use]
    pub fn with_unit(mut self, unit: impl Into<String>, launcher: Vec<String>) -> Self {
        self.unit = Some(unit.into());
        self.launcher = launcher;
        self
    }
}

/// An agent whose program runs and is watched from now on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Kept {
    /// Its first process.
    pub pid: u32,
    /// It ran already, and was taken over as it is.
    pub adopted: bool,
    /// Somebody else sends its first prompt.
    pub expected: bool,
    pub(super) running: crate::transport::tmux::keep::Running,
}

/// How a kept agent ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentEnd {
    /// Its program exited, or was killed.
    Program(ExitStatus),
    /// Its terminal was closed, or the server that has them all ended; which, in words.
    Lost(&'static str),
    /// It was stopped, because that was asked for.
    Stopped,
}

impl AgentEnd {
    /// The exit code of whoever kept the agent: its own (128 and the signal's number if it was
    /// killed), 75 if it was lost, 0 if it was stopped.
    pub fn code(&self) -> u8 {
        match self {
            AgentEnd::Program(ExitStatus {
                code: Some(code), ..
            }) => u8::try_from(*code).unwrap_or(1),
            AgentEnd::Program(ExitStatus {
                signal: Some(signal),
                ..
            }) => u8::try_from(*signal).map_or(1, |signal| 128 | signal),
            // It ended, and the host cannot say how.
            AgentEnd::Program(_) => 1,
            AgentEnd::Lost(_) => 75,
            AgentEnd::Stopped => 0,
        }
    }
}

impl std::fmt::Display for AgentEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AgentEnd::Program(exit) => match (exit.code, exit.signal) {
                (Some(0), _) => f.write_str("its program ended with code 0"),
                (Some(code), _) => write!(f, "its program failed with code {code}"),
                (None, Some(signal)) => write!(f, "its program was killed by signal {signal}"),
                (None, None) => f.write_str("its program ended, and how is not known"),
            },
            AgentEnd::Lost(what) => write!(f, "it was lost: {what}"),
            AgentEnd::Stopped => f.write_str("it was stopped"),
        }
    }
}

/// What units are written for: which program runs them, and on which roster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UnitProgram {
    /// `mosaic-fleet`, by its absolute path.
    pub binary: PathBuf,
    /// The roster, where it is not the one in the fleet's home.
    pub roster: Option<PathBuf>,
    /// The file that the roster is read from, wherever that is.
    pub(crate) reads: PathBuf,
    /// Where the agents' programs are sought.
    pub path: String,
}

impl UnitProgram {
    /// This program, with programs sought on `path`.
    pub fn new(binary: impl Into<PathBuf>, path: impl Into<String>) -> Self {
        UnitProgram {
            binary: binary.into(),
            roster: None,
            reads: PathBuf::new(),
            path: path.into(),
        }
    }

    /// With a roster of one's own.
    #[must_use]
    pub fn with_roster(mut self, roster: Option<PathBuf>) -> Self {
        self.roster = roster;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keeper_ends_as_the_agent_did() {
        let exited = |code| AgentEnd::Program(ExitStatus::new(Some(code), None)).code();
        assert_eq!([exited(0), exited(78), exited(255)], [0, 78, 255]);
        let killed = AgentEnd::Program(ExitStatus::new(None, Some(9)));
        assert_eq!(killed.code(), 137);
        assert_eq!(AgentEnd::Program(ExitStatus::default()).code(), 1);
        assert_eq!(AgentEnd::Lost("x").code(), 75);
        assert_eq!(AgentEnd::Stopped.code(), 0);
    }
}
