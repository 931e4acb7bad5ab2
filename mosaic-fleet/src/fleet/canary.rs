//! Two harmless agents of our own, which `verify` starts, talks to and removes. They write down what
//! they take: their word, not ours, says how often a text arrived.

use std::fs;
use std::path::{Path, PathBuf};

use super::Fleet;
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::runtime::Launch;

/// Their names: alike on purpose.
pub(super) const CANARIES: [&str; 2] = ["_canary", "_canary0"];

/// How they are read.
const RUNTIME: &str = "_canary";

/// What a canary runs: it takes lines, writes them down, and knows one reset.
const SCRIPT: &str = r#"
printf 'ready\n' >> "$1"
while printf 'canary> ' && IFS= read -r line; do
    case $line in
    '') ;;
    /clear) printf 'cleared\n' >> "$1"; printf '\033[H\033[2Jbegun anew\n' ;;
    *) printf 'took %s\n' "$line" >> "$1"; printf 'took it\n' ;;
    esac
done"#;

/// An agent of the fleet, or one of the canaries.
pub(super) fn agent_name(name: &str) -> Result<AgentName> {
    match CANARIES.contains(&name) {
        true => AgentName::reserved(name),
        false => AgentName::new(name),
    }
}

pub(super) fn is_canary(name: &AgentName) -> bool {
    CANARIES.contains(&name.as_str())
}

/// Nobody else may enter it, nor those above it that are made with it.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

impl Fleet {
    /// Where a canary writes down what it takes.
    pub(super) fn canary_log(&self, name: &AgentName) -> PathBuf {
        self.inner.events.join(format!("{name}.canary"))
    }

    /// What it takes to start a canary.
    pub(super) fn canary_launch(&self, name: &AgentName) -> Result<Launch> {
        let log = self.canary_log(name);
        let folder = log.parent().unwrap_or(Path::new("/"));
        private_folder(folder).map_err(|error| {
            Error::config_invalid(format!("cannot write in {}: {error}", folder.display()))
                .with_source(error)
        })?;
        let log = log.display().to_string();
        let words = ["/bin/sh", "-c", SCRIPT, "canary", &log].map(str::to_owned);
        Ok(Launch::new(name.clone(), RUNTIME, words.to_vec(), folder))
    }

    /// What a canary took so far.
    pub(super) fn canary_took(&self, name: &AgentName) -> Vec<String> {
        let text = fs::read_to_string(self.canary_log(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
