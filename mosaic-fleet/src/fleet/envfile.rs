//! The operator's environment files (`fleet/agents/NAME.env`), which override the roster, and the
//! variables of a call, which override both.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::roster::{AgentSpec, CommandLine};

/// What a file says of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) runtime: Option<String>,
    pub(super) working_directory: Option<String>,
    pub(super) command: Option<String>,
    /// Everything else, handed to the agent.
    pub(super) variables: BTreeMap<String, String>,
    /// Where it would have the agent live, which is the fleet's to say.
    pub(super) places: BTreeMap<String, String>,
    /// What is wrong with the file, and what to do: this one agent cannot be started.
    pub(super) broken: Option<(String, String)>,
}

impl Overrides {
    /// What is overridden, by the roster's words.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let fields = [
            ("runtime", &self.runtime),
            ("working_directory", &self.working_directory),
            ("command", &self.command),
        ];
        for (name, value) in fields {
            if value.is_some() {
                names.push(name.to_owned());
            }
        }
        names.extend(self.variables.keys().map(|key| format!("env.{key}")));
        names
    }

    /// What the variables of a call say; its other variables are none of the agent's.
    pub(super) fn of_call(variables: &BTreeMap<String, String>) -> Result<Self> {
        let set = |key: &str| {
            variables
                .get(key)
                .filter(|value| !value.is_empty())
                .cloned()
        };
        if variables
            .get("MOSAIC_AGENT_RUNTIME")
            .is_some_and(String::is_empty)
        {
            return Err(Error::config_invalid("MOSAIC_AGENT_RUNTIME is empty")
                .with_hint("name a runtime, or unset it"));
        }
        Ok(Overrides {
            runtime: set("MOSAIC_AGENT_RUNTIME"),
            working_directory: set("MOSAIC_AGENT_WORKDIR"),
            command: set("MOSAIC_AGENT_COMMAND"),
            ..Overrides::default()
        })
    }

    /// Lays them over an agent of the roster.
    pub(super) fn apply(&self, agent: &mut AgentSpec) {
        if let Some(runtime) = &self.runtime {
            agent.runtime = Some(runtime.clone());
        }
        if let Some(directory) = &self.working_directory {
            agent.working_directory = Some(directory.clone());
        }
        if let Some(command) = &self.command {
            agent.command = Some(CommandLine::Shell(command.clone()));
        }
        agent.env.extend(self.variables.clone());
    }
}

/// A file that is no agent's, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nobodys {
    pub(super) path: PathBuf,
    pub(super) why: String,
}

/// Reads every `NAME.env` of a folder. A folder that is not there has none. A file that is wrong is
/// wrong for its own agent only; one whose name is no agent's is told apart.
pub(super) fn read_all(folder: &Path) -> (BTreeMap<AgentName, Overrides>, Vec<Nobodys>) {
    let mut nobody = Vec::new();
    let mut all = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return (all, nobody);
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let is_env = path.extension().is_some_and(|extension| extension == "env");
        let Some(stem) = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .filter(|_| is_env)
        else {
            continue;
        };
        let origin = path.display().to_string();
        let bad = |message: String| Error::config_invalid(format!("{origin}: {message}"));
        let name = match AgentName::new(stem) {
            Ok(name) => name,
            Err(error) => {
                nobody.push(Nobodys {
                    why: error.message().to_owned(),
                    path,
                });
                continue;
            }
        };
        let read = fs::read_to_string(&path)
            .map_err(|error| bad(format!("cannot be read: {error}")))
            .and_then(|text| parse(&text, &origin));
        let overrides = read.unwrap_or_else(|error| Overrides {
            broken: Some((
                error.message().to_owned(),
                error.hint().unwrap_or("mend that line").to_owned(),
            )),
            ..Overrides::default()
        });
        all.insert(name, overrides);
    }
    (all, nobody)
}

/// Reads `KEY=VALUE` lines as service managers do: comments, blank lines, quotes around values.
fn parse(text: &str, origin: &str) -> Result<Overrides> {
    let mut overrides = Overrides::default();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let fits = |key: &str| {
            !key.is_empty()
                && !key.starts_with(|c: char| c.is_ascii_digit())
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        // The value may be a secret: it is in no message.
        let Some((key, value)) = line.split_once('=').filter(|(key, _)| fits(key)) else {
            return Err(Error::config_invalid(format!(
                "{origin}:{}: not KEY=VALUE",
                number + 1
            )));
        };
        let value = unquoted(value.trim());
        match key {
            "MOSAIC_AGENT_RUNTIME" if value.is_empty() => {
                return Err(Error::config_invalid(format!(
                    "{origin}:{}: the runtime is empty",
                    number + 1
                ))
                .with_hint("name one, or remove the line"));
            }
            "MOSAIC_AGENT_RUNTIME" => overrides.runtime = Some(value),
            "MOSAIC_AGENT_WORKDIR" if !value.is_empty() => {
                overrides.working_directory = Some(value);
            }
            "MOSAIC_AGENT_COMMAND" if !value.is_empty() => overrides.command = Some(value),
            "MOSAIC_AGENT_WORKDIR" | "MOSAIC_AGENT_COMMAND" | "MOSAIC_AGENT_NAME" => {}
            // Which server the whole fleet is on is not one agent's to say.
            "MOSAIC_TMUX_SOCKET" | "MOSAIC_TMUX_HOLDER" => {
                overrides.places.insert(key.to_owned(), value);
            }
            _ => {
                overrides.variables.insert(key.to_owned(), value);
            }
        }
    }
    Ok(overrides)
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|v| v.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.to_owned();
        }
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_overrides_and_hands_on() {
        let text = "# mine\nMOSAIC_AGENT_RUNTIME=claude\n\nMOSAIC_AGENT_COMMAND=\"sh -c 'x'\"\nTOKEN='s p'\nEMPTY=\n";
        let overrides = parse(text, "a.env").unwrap();
        assert_eq!(overrides.runtime.as_deref(), Some("claude"));
        assert_eq!(overrides.command.as_deref(), Some("sh -c 'x'"));
        assert_eq!(overrides.variables["TOKEN"], "s p");
        assert_eq!(
            overrides.names(),
            ["runtime", "command", "env.EMPTY", "env.TOKEN"]
        );
    }

    #[test]
    fn a_bad_line_is_named_without_its_value() {
        let error = parse("A=1\nsecret stuff\n", "a.env").unwrap_err();
        assert_eq!(error.message(), "a.env:2: not KEY=VALUE");
        assert!(parse("MOSAIC_AGENT_RUNTIME=\n", "a.env").is_err());
    }
}
