//! How agents came to their last end: a small file each, since a terminal goes with its program and
//! a unit knows a code and no reason.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::{AgentName, ExitStatus};
use crate::error::{Error, Result};
use crate::transport::tmux::server::{private_dirs, private_file};

/// An agent's last end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastEnd {
    /// When, where that is known.
    pub at: Option<Timestamp>,
    /// How its program ended; empty where it never ran, or was lost.
    pub exit_status: ExitStatus,
    /// Why, in words.
    pub reason: String,
    /// What it showed last.
    pub lines: Vec<String>,
}

impl LastEnd {
    /// An end that has just come.
    pub fn new(exit_status: ExitStatus, reason: impl Into<String>) -> Self {
        LastEnd {
            at: Some(Timestamp::now()),
            exit_status,
            reason: reason.into(),
            lines: Vec::new(),
        }
    }

    /// With what the agent showed last.
    #[must_use]
    pub fn with_lines(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        self
    }
}

/// The last ends of one fleet's agents.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    state: PathBuf,
    below: String,
}

impl Ends {
    /// Those in the folder `state` (`$XDG_STATE_HOME`) of the fleet `instance`.
    pub(super) fn of(state: &Path, instance: &str) -> Self {
        let instance = instance.replace('/', "%");
        Ends {
            state: state.to_path_buf(),
            below: format!("mosaic-fleet/ended/{instance}"),
        }
    }

    fn file(&self, agent: &AgentName) -> PathBuf {
        let folder = self.state.join(&self.below);
        folder.join(format!("{agent}.json"))
    }

    /// Writes an end down, in the place of the one before.
    pub(super) fn record(&self, agent: &AgentName, end: &LastEnd) -> Result<()> {
        let text = serde_json::to_vec(end)
            .map_err(|error| Error::unavailable("an end cannot be written").with_source(error))?;
        private_dirs(&self.state, &self.below).map_err(|error| self.cannot(error))?;
        private_file(&self.file(agent), &text).map_err(|error| self.cannot(error))
    }

    fn cannot(&self, error: std::io::Error) -> Error {
        let folder = self.state.join(&self.below);
        Error::config_invalid(format!("cannot write in {}: {error}", folder.display()))
            .with_source(error)
    }

    /// The last end, if there is one that nobody started after.
    pub(super) fn last(&self, agent: &AgentName) -> Option<LastEnd> {
        let text = fs::read(self.file(agent)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// It was started, or is meant to be stopped: how it ended before is of no interest.
    pub(super) fn forget(&self, agent: &AgentName) {
        let _ = fs::remove_file(self.file(agent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_kept_until_it_is_forgotten_and_only_for_us() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let ends = Ends::of(folder.path(), "/run/a b");
        let name = AgentName::new("coder0").unwrap();
        assert_eq!(ends.last(&name), None);
        let end = LastEnd::new(ExitStatus::new(Some(3), None), "it exited with code 3")
            .with_lines(vec!["no key".to_owned()]);
        ends.record(&name, &end).unwrap();
        ends.record(&name, &end).unwrap();
        assert_eq!(ends.last(&name), Some(end));
        let mode = fs::metadata(ends.file(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        // Others of ours stand in the same folder, and want it so.
        let ours = fs::metadata(folder.path().join("mosaic-fleet")).unwrap();
        assert_eq!(ours.permissions().mode() & 0o077, 0);
        ends.forget(&name);
        assert_eq!(ends.last(&name), None);
    }
}
