//! Where the files of a user's fleet are, by the caller's environment. Nothing is read here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a fleet's files are (`$MOSAIC_HOME`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MosaicHome {
    /// The folder.
    pub path: PathBuf,
}

impl MosaicHome {
    /// A folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        MosaicHome { path: path.into() }
    }

    /// `$MOSAIC_HOME`, else `$XDG_CONFIG_HOME/mosaic`, else `~/.config/mosaic`.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Self {
        let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
        let path = match (set("MOSAIC_HOME"), set("XDG_CONFIG_HOME")) {
            (Some(home), _) => PathBuf::from(home),
            (None, Some(config)) => Path::new(config).join("mosaic"),
            (None, None) => user_home(environment).join(".config/mosaic"),
        };
        MosaicHome { path }
    }

    /// The roster.
    pub fn roster(&self) -> PathBuf {
        self.path.join("fleet/roster.yaml")
    }

    /// The roster's JSON Schema, for editors.
    pub fn roster_schema(&self) -> PathBuf {
        self.path.join("fleet/roster.schema.json")
    }

    /// The operator's environment files.
    pub fn agents(&self) -> PathBuf {
        self.path.join("fleet/agents")
    }

    /// Which login and which CI server belong to which owner of repositories.
    pub fn forges(&self) -> PathBuf {
        self.path.join("forges.yaml")
    }

    /// The skills that came with mosaic.
    pub fn skills(&self) -> PathBuf {
        self.path.join("skills")
    }

    /// The user's own skills.
    pub fn local_skills(&self) -> PathBuf {
        self.path.join("skills-local")
    }
}

/// The user's home folder, by `$HOME`; `/` without it.
pub(crate) fn user_home(environment: &BTreeMap<String, String>) -> PathBuf {
    let home = environment.get("HOME").filter(|home| !home.is_empty());
    home.map_or_else(|| PathBuf::from("/"), PathBuf::from)
}
