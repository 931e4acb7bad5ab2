//! What is still in use of the bash version, and what replaces it. Changes nothing.

use serde::Serialize;

use super::parts::is_here;
use super::{Fleet, ScopedError};
use crate::agent::AgentName;
use crate::error::Result;
use crate::setup::{Leftover, LeftoverKind, old_scripts};

/// What was found.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Migration {
    /// What is in use of the bash version: units, environment files, scripts, then agents.
    pub leftovers: Vec<Leftover>,
    /// What could not be looked at.
    pub errors: Vec<ScopedError>,
}

impl Fleet {
    /// What is still in use of the bash version: units, environment files (which go on to be used, and
    /// are told of by names only), scripts, and agents that run without being this fleet's.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn leftovers(&self) -> Migration {
        let mut leftovers = Vec::new();
        let mut errors = Vec::new();
        if let Some(supervisor) = &self.inner.supervisor {
            leftovers.extend(supervisor.leftovers(&self.names()));
        }
        leftovers.extend(self.environment_files());
        leftovers.extend(old_scripts(&self.inner.home.path));
        match self.agents_left().await {
            Ok(agents) => leftovers.extend(agents),
            Err(error) => errors.push(ScopedError {
                scope: self.inner.transport.info().to_string(),
                error,
            }),
        }
        Migration { leftovers, errors }
    }

    fn environment_files(&self) -> Vec<Leftover> {
        let inner = &self.inner;
        let places = inner.supervisor.as_ref().map(|of| of.places());
        let places = places.unwrap_or_default();
        let folder = inner.home.agents();
        let mut found = Vec::new();
        for (name, file) in &inner.overrides {
            let path = folder.join(format!("{name}.env"));
            let leftover = |what: String| {
                let replaced_by = "nothing: it goes on to override the roster";
                Leftover::new(LeftoverKind::EnvFile, name.as_str(), what, replaced_by)
                    .with_path(&path)
            };
            if let Some((what, fix)) = &file.broken {
                let broken =
                    leftover("it cannot be read, so that its agent cannot start".to_owned());
                found.push(broken.with_warning(Some(what.clone())).with_next(fix));
                continue;
            }
            let changes = match file.names() {
                names if names.is_empty() => "changes nothing".to_owned(),
                names => format!("changes {}", names.join(", ")),
            };
            let elsewhere: Vec<String> = places
                .iter()
                .filter(|(key, here)| {
                    let there = file.places.get(**key).filter(|there| !there.is_empty());
                    there.is_some_and(|there| there != *here)
                })
                .map(|(key, here)| {
                    format!("{key} is not this fleet's ({here}), and one agent cannot be elsewhere")
                })
                .collect();
            let known = self
                .inner
                .roster
                .agents
                .iter()
                .any(|agent| agent.name == *name);
            let mut leftover = leftover(changes);
            if !elsewhere.is_empty() {
                leftover = leftover.with_warning(Some(elsewhere.join("; "))).with_next(
                    "take the line out; --socket and the roster say where the whole fleet lives",
                );
            } else if !known {
                leftover = leftover.with_next(format!(
                    "mosaic-fleet roster add {name}, which says what else it is"
                ));
            }
            found.push(leftover);
        }
        for file in &inner.nobodys {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            let what = "it is no agent's";
            let nobodys = Leftover::new(LeftoverKind::EnvFile, name, what, "nothing reads it")
                .with_path(&file.path)
                .with_warning(Some(file.why.clone()))
                .with_next("name it after an agent, or move it away");
            found.push(nobodys);
        }
        found
    }

    async fn agents_left(&self) -> Result<Vec<Leftover>> {
        let Some(supervisor) = &self.inner.supervisor else {
            return Ok(Vec::new());
        };
        let holder = supervisor.holder().await?;
        let running = self.running(&holder, false).await?;
        let leftover = |name: &AgentName| {
            let new = |what, replaced_by| {
                Leftover::new(LeftoverKind::Agent, name.as_str(), what, replaced_by)
            };
            match self.agent(name) {
                Err(_) => Some(
                    new(
                        "runs, and is not in the roster",
                        "an agent of the roster, which is started and kept",
                    )
                    .with_next(format!("mosaic-fleet roster add {name}")),
                ),
                Ok(agent) if !is_here(agent) || running.kept.contains(name) => None,
                Ok(_) => Some(
                    new(
                        "runs, and was not started by this fleet",
                        "the same agent, started anew by this fleet",
                    )
                    .with_next(format!("mosaic-fleet cutover {name}")),
                ),
            }
        };
        let names = running.agents.iter().map(|status| &status.name);
        Ok(names.filter_map(leftover).collect())
    }
}
