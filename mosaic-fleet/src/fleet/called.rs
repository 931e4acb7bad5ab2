//! An agent started as the variables of a call say (`MOSAIC_AGENT_RUNTIME`, `MOSAIC_AGENT_WORKDIR`,
//! `MOSAIC_AGENT_COMMAND`), whether the roster has it or not: what old units and scripts do.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use super::envfile::Overrides;
use super::{Fleet, Inner, LifeOptions, Outcome};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Result};
use crate::roster::AgentSpec;

impl Fleet {
    /// Has one agent run as `variables` say; what they leave out is as its environment file and the
    /// roster say. One that runs is left as it is. A working directory that is missing is made.
    ///
    /// A unit knows nothing of a call: an agent that is to run in another way than the roster says is
    /// started without one.
    ///
    /// # Errors
    /// `ConfigInvalid` where a variable is wrong or the folder cannot be made; otherwise as
    /// [`Fleet::start`]. What fails at the start itself is in the [`Outcome`].
    ///
    /// # Cancel safety
    /// A dropped call may have started the agent.
    pub async fn start_as_called(
        &self,
        name: &AgentName,
        variables: &BTreeMap<String, String>,
        options: &LifeOptions,
    ) -> Result<Outcome> {
        let mut agent = match self.agent(name) {
            Ok(agent) => agent.clone(),
            Err(_) => AgentSpec::new(name.clone()),
        };
        Overrides::of_call(variables)?.apply(&mut agent);
        let part = self.part_of(name)?;
        let inner = &part.inner;
        if let Some(host) = &inner.host {
            let what = format!("starting an agent of {host} as it is called");
            return Err(Error::unsupported(what)
                .with_agent(name)
                .with_hint(format!("as the roster has it: mosaic-fleet start {name}")));
        }
        let directory = inner.roster.working_directory(&agent, &inner.user_home);
        if !directory.is_absolute() {
            let what = format!("the working directory {} is relative", directory.display());
            return Err(Error::config_invalid(what).with_hint("write it from / or from ~/"));
        }
        let mut supervisor = inner.supervisor.clone();
        let roster = &inner.roster;
        let how = |agent: &AgentSpec| {
            let directory = roster.working_directory(agent, &inner.user_home);
            (
                self.runtime_of(agent),
                directory,
                roster.command(agent).cloned(),
            )
        };
        if self.agent(name).ok().map(how) != Some(how(&agent)) {
            let kept = part.supervisor()?;
            if let Some(plain) = kept.without_units() {
                kept.prepare().await?;
                supervisor = Some(plain);
            }
        }
        // One that runs is not hurt by a folder that cannot be made.
        let made = fs::create_dir_all(&directory);
        let mut agents = inner.agents.clone();
        agents.retain(|other| other.name != *name);
        agents.push(agent);
        let called = Fleet {
            inner: Arc::new(Inner {
                agents,
                supervisor,
                ..Inner::clone(inner)
            }),
        };
        let names = std::slice::from_ref(name);
        let mut outcomes = called.start(names, options, |_| {}).await?;
        let outcome = outcomes.pop().ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "nothing was planned").with_agent(name)
        })?;
        match made {
            Err(error) if outcome.error.is_some() => Err(Error::config_invalid(format!(
                "cannot make the working directory {}: {error}",
                directory.display()
            ))
            .with_hint("set MOSAIC_AGENT_WORKDIR to a folder that can be made")
            .with_agent(name)
            .with_source(error)),
            _ => Ok(outcome),
        }
    }
}
