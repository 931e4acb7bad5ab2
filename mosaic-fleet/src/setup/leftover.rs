//! What is still in use of the bash version: the shape of a finding, and the scripts. Units are
//! found by `supervise`, the rest by `fleet`. Nothing is ever changed here.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::tools::{TOOLS, Tool, is_ours};
use crate::home::MosaicHome;

/// What kind of thing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftoverKind {
    /// A unit of the service manager.
    Unit,
    /// A unit that the service manager starts by itself.
    EnabledUnit,
    /// An environment file of an agent.
    EnvFile,
    /// A script.
    Script,
    /// An agent that runs.
    Agent,
}

impl LeftoverKind {
    /// The stable spelling, for example `env_file`.
    pub const fn as_str(self) -> &'static str {
        match self {
            LeftoverKind::Unit => "unit",
            LeftoverKind::EnabledUnit => "enabled_unit",
            LeftoverKind::EnvFile => "env_file",
            LeftoverKind::Script => "script",
            LeftoverKind::Agent => "agent",
        }
    }
}

/// One thing of the bash version that is in use, and what replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Leftover {
    /// What kind of thing.
    pub kind: LeftoverKind,
    /// What it is called.
    pub name: String,
    /// Where it is, if it is a file.
    pub path: Option<PathBuf>,
    /// What it does or changes.
    pub what: String,
    /// What will not be as it was, or is wrong already.
    pub warning: Option<String>,
    /// What is in its place from now on.
    pub replaced_by: String,
    /// What to do next; nothing where nothing need be done.
    pub next: Option<String>,
}

impl Leftover {
    /// A thing that `replaced_by` is in the place of.
    pub fn new(
        kind: LeftoverKind,
        name: impl Into<String>,
        what: impl Into<String>,
        replaced_by: impl Into<String>,
    ) -> Self {
        Leftover {
            kind,
            name: name.into(),
            path: None,
            what: what.into(),
            warning: None,
            replaced_by: replaced_by.into(),
            next: None,
        }
    }

    /// With its file.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// With what will not be as it was, or is wrong already.
    #[must_use]
    pub fn with_warning(mut self, warning: Option<String>) -> Self {
        self.warning = warning;
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn with_next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

/// Where the bash version has its scripts, in the fleet's home.
const FOLDERS: [&str; 4] = ["tmux", "fleet", "git", "woodpecker"];

/// The scripts of the bash version below `home` (`$MOSAIC_HOME`) that are known and not ours.
pub fn old_scripts(home: &Path) -> Vec<Leftover> {
    let places = FOLDERS.iter().map(|folder| home.join("tools").join(folder));
    let mut found: Vec<Leftover> = places
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .filter_map(|entry| script(home, &entry.path()))
        .collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn script(home: &Path, path: &Path) -> Option<Leftover> {
    let name = path.file_name()?.to_str()?;
    let tool = TOOLS
        .iter()
        .find(|tool| Path::new(tool.path).file_name() == path.file_name())?;
    let text = String::from_utf8_lossy(&fs::read(path).ok()?).into_owned();
    if is_ours(&text) {
        return None;
    }
    let leftover = |replaced_by: String| {
        Leftover::new(LeftoverKind::Script, name, tool.what, replaced_by)
            .with_path(path)
            .with_warning(owners_unknown(home, tool))
    };
    let place = home.join(tool.path);
    if place == path {
        let replaced_by = format!(
            "our drop-in of the same name and flags, and {}",
            tool.command
        );
        return Some(leftover(replaced_by).with_next("mosaic-fleet install-tools"));
    }
    let replaced_by = format!("{} and {}", place.display(), tool.command);
    let next = format!(
        "mosaic-fleet install-tools; then call {} in its place",
        place.display()
    );
    Some(leftover(replaced_by).with_next(next))
}

/// The old scripts that ask a forge or CI had a table of owners in their code.
fn owners_unknown(home: &Path, tool: &Tool) -> Option<String> {
    let asks = tool.path.starts_with("tools/git/") || tool.path.starts_with("tools/woodpecker/");
    let forges = MosaicHome::new(home).forges();
    (asks && !forges.exists()).then(|| {
        format!(
            "which login and which CI instance belong to which owner is read from {}, which is not there",
            forges.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_known_by_name_and_ours_are_left_out() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join("tools").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        assert_eq!(old_scripts(home.path()), []);
        write("tmux/agent-send.sh", "#!/bin/bash\nold\n");
        write(
            "fleet/start-agent-session.sh",
            "#!/bin/sh\n# mosaic-fleet tool 0123\n",
        );
        write("git/lane-brief.sh", "old\n");
        write("woodpecker/ci-wait.sh", "old\n");
        write("woodpecker/pipeline-status.sh", "of somebody\n");
        write("fleet/send-message.sh", "a copy\n");
        write("other/ci-wait.sh", "elsewhere\n");
        let found = old_scripts(home.path());
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "send-message.sh",
                "lane-brief.sh",
                "agent-send.sh",
                "ci-wait.sh"
            ]
        );
        let next = |at: usize| found[at].next.as_deref().unwrap();
        assert!(next(0).contains("call ") && next(0).contains("tools/tmux/send-message.sh"));
        for (at, command) in [(1, "lane brief"), (2, "agent send"), (3, "ci wait")] {
            assert_eq!(next(at), "mosaic-fleet install-tools");
            let replaced_by =
                format!("our drop-in of the same name and flags, and mosaic-fleet {command}");
            assert_eq!(found[at].replaced_by, replaced_by);
        }

        // Those that had owners in their code need a file that says the same.
        let warned = |found: &[Leftover]| -> Vec<bool> {
            let warnings = found.iter().map(|one| one.warning.as_deref());
            warnings
                .map(|warning| warning.is_some_and(|words| words.contains("forges.yaml")))
                .collect()
        };
        assert_eq!(warned(&found), [false, true, false, true]);
        fs::write(home.path().join("forges.yaml"), "version: 1\n").unwrap();
        assert_eq!(warned(&old_scripts(home.path())), [false; 4]);

        // In a folder of another of ours, it is told where ours is.
        write("git/ci-queue-wait.sh", "old\n");
        let found = old_scripts(home.path());
        let moved = found.iter().find(|one| one.name == "ci-queue-wait.sh");
        let next = moved.and_then(|one| one.next.as_deref()).unwrap();
        assert!(next.contains("tools/woodpecker/ci-queue-wait.sh"), "{next}");
    }
}
