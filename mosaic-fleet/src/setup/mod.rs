//! Setting a program up to tell its own word: our hooks, the private submit key and the extension,
//! merged into the program's own configuration, and taken out again; and our drop-ins for the scripts
//! of the bash version, put in their places and taken out again. What to write is planned without
//! touching anything ([`changes`], [`tool_changes`]); [`read`], [`read_tools`] and [`apply`] do the
//! rest. What is left of the bash version is told by [`old_scripts`]. What is not ours is never lost, and whatever cannot be understood is an error before
//! anything is written.

mod apply;
mod claude;
mod json;
mod leftover;
mod pi;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use apply::{apply, read, read_tools};
pub use leftover::{Leftover, LeftoverKind, old_scripts};
pub use tools::{ToolFiles, tool_changes};

use crate::error::{Error, Result};

/// The name that our binary has to have: what is ours is recognised by it.
const BINARY: &str = "mosaic-fleet";

/// A program that can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Program {
    /// Claude Code.
    Claude,
    /// The pi coding agent.
    Pi,
}

/// A file and what is in it; `None` if there is no such file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// Where it is.
    pub path: PathBuf,
    /// Its text.
    pub text: Option<String>,
}

/// A file that has to change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileChange {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it; `None` if there is no such file.
    pub before: Option<String>,
    /// What shall be in it; `None` if it shall go.
    pub after: Option<String>,
    /// Nothing of the user's is in it, so that no backup is needed.
    pub ours: bool,
    /// The mode of a program's file; `None` leaves it as it is.
    pub mode: Option<u32>,
    /// The backup that `after` is, and that goes with it.
    pub restores: Option<PathBuf>,
}

/// A file of a program's configuration, and how its next contents follow from its present ones.
struct Part {
    name: &'static str,
    plan: fn(&Before<'_>) -> Result<Option<String>>,
    /// The whole file is ours.
    ours: bool,
}

/// What a part is planned from.
struct Before<'a> {
    path: &'a Path,
    text: Option<&'a str>,
    binary: &'a str,
    uninstall: bool,
}

impl Program {
    /// The folder of the program's configuration, as the program finds it.
    ///
    /// # Errors
    ///
    /// `ConfigInvalid` if neither the program's own variable nor `HOME` says where it is.
    pub fn folder(self, environment: &BTreeMap<String, String>) -> Result<PathBuf> {
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let (variable, usual) = match self {
            Program::Claude => ("CLAUDE_CONFIG_DIR", ".claude"),
            Program::Pi => ("PI_CODING_AGENT_DIR", ".pi/agent"),
        };
        let home = || {
            set("HOME").map(PathBuf::from).ok_or_else(|| {
                Error::config_invalid("HOME is not set")
                    .with_hint(format!("set HOME, or {variable}, to where {self} looks"))
            })
        };
        match (self, set(variable)) {
            (Program::Pi, Some(own)) if own == "~" => home(),
            (Program::Pi, Some(own)) if own.starts_with("~/") => Ok(home()?.join(&own[2..])),
            (_, Some(own)) => Ok(PathBuf::from(own)),
            (_, None) => Ok(home()?.join(usual)),
        }
    }

    /// The files in `folder` that are changed, in the order in which it is safe to install.
    pub fn files(self, folder: &Path) -> Vec<PathBuf> {
        let files = self.parts().iter().map(|part| folder.join(part.name));
        files.collect()
    }

    /// The key is bound before a hook says so.
    fn parts(self) -> &'static [Part] {
        match self {
            Program::Claude => claude::PARTS,
            Program::Pi => pi::PARTS,
        }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Program::Claude => "claude",
            Program::Pi => "pi",
        })
    }
}

impl FileChange {
    /// The change for people, as a unified diff that `patch` understands.
    pub fn diff(&self) -> String {
        if self.before == self.after {
            return format!("{} can be run\n", self.path.display());
        }
        let side = |text: &Option<String>| match text {
            Some(_) => self.path.display().to_string(),
            None => "/dev/null".to_owned(),
        };
        let before = self.before.as_deref().unwrap_or_default();
        let after = self.after.as_deref().unwrap_or_default();
        similar::TextDiff::from_lines(before, after)
            .unified_diff()
            .header(&side(&self.before), &side(&self.after))
            .to_string()
    }
}

/// What has to change so that `program` tells its word to `binary`, or no longer does, in the order
/// to write it in. Pure; nothing if all is as it should be.
///
/// `current` is what [`read`] found in [`Program::files`]; `binary` is the absolute path of
/// `mosaic-fleet`.
///
/// # Errors
///
/// `ConfigInvalid` if a file is not what the program documents (with its path and the place in it),
/// if the user has given our key another meaning, or if a file of another stands in our place.
/// `InvalidArgument` if `binary` is not a path that a hook can name.
pub fn changes(
    program: Program,
    current: &[FileText],
    binary: &Path,
    uninstall: bool,
) -> Result<Vec<FileChange>> {
    let word = binary_word(binary)?;
    let mut changes = Vec::new();
    for (part, file) in program.parts().iter().zip(current) {
        let after = (part.plan)(&Before {
            path: &file.path,
            text: file.text.as_deref(),
            binary: word,
            uninstall,
        })?;
        if after != file.text {
            changes.push(FileChange {
                path: file.path.clone(),
                before: file.text.clone(),
                ours: part.ours || after.is_none(),
                after,
                mode: None,
                restores: None,
            });
        }
    }
    if uninstall {
        changes.reverse();
    }
    Ok(changes)
}

/// The binary's path, as a hook or a script may name it.
fn binary_word(binary: &Path) -> Result<&str> {
    let named = binary.file_name().is_some_and(|name| name == BINARY);
    let word = binary
        .to_str()
        .filter(|word| named && binary.is_absolute() && !word.contains(char::is_control));
    word.ok_or_else(|| {
        Error::invalid_argument(format!("hooks and scripts cannot run {}", binary.display()))
            .with_hint(
                "install it under the name mosaic-fleet, in a folder with a plain UTF-8 name",
            )
    })
}

/// A word for a shell.
fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
