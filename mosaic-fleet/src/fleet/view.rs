//! How the fleet is: roster and reality side by side.

use std::collections::BTreeMap;
use std::time::SystemTime;

use futures::future::{join, join_all};
use serde::Serialize;

use super::Fleet;
use super::talk::Kickstart;
use crate::agent::{AgentName, AgentState, AgentStatus, rfc3339};
use crate::error::{Error, ErrorKind, Result};
use crate::options::ListOptions;
use crate::roster::AgentSpec;
use crate::runtime::Explanation;
use crate::supervise::{Check, Finding, Holder, HolderState};

/// The fleet at one moment. One part that cannot be asked hides nobody else.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct FleetStatus {
    /// The version of this shape.
    pub version: u32,
    /// When it was asked.
    #[serde(serialize_with = "rfc3339")]
    pub generated_at: Option<SystemTime>,
    /// What owns the agents' home; nothing where this library does not start agents.
    pub holder: Option<Holder>,
    /// The agents of the roster in its order, then those that run besides.
    pub agents: Vec<AgentReport>,
    /// What could not be asked.
    pub errors: Vec<ScopedError>,
}

/// One agent: what the roster and the transport say of it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AgentReport {
    /// Its role.
    pub class: Option<String>,
    /// The roster (or an environment file) has it. One that runs besides is never touched.
    pub in_roster: bool,
    /// What an environment file overrides.
    pub overridden: Vec<String>,
    /// The transport's word.
    #[serde(flatten)]
    pub status: AgentStatus,
}

/// An error, and what it keeps from being known.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ScopedError {
    /// The transport, host or agent that it is about.
    pub scope: String,
    /// What went wrong.
    pub error: Error,
}

/// What was seen of one part.
struct Seen {
    holder: Option<Holder>,
    /// The roster's, in its order.
    agents: Vec<AgentStatus>,
    /// Those that run besides.
    besides: Vec<AgentStatus>,
    error: Option<ScopedError>,
}

impl Seen {
    /// A part that could not be asked.
    fn nothing(scope: String, agents: &[AgentSpec], error: Error) -> Self {
        let unknown = |agent: &AgentSpec| {
            let (name, state) = (agent.name.clone(), AgentState::Unknown);
            AgentStatus::new(name, &scope, state, "could not be asked")
        };
        Seen {
            holder: None,
            agents: agents.iter().map(unknown).collect(),
            besides: Vec::new(),
            error: Some(ScopedError { scope, error }),
        }
    }
}

impl Fleet {
    /// How the agents are; all of them when `names` is empty. An agent of the roster that nothing
    /// runs for is `Stopped`.
    ///
    /// `composer` reads the screens, which tells idle from working; without it the answer costs a
    /// fraction (see [`ListOptions::composer`]).
    ///
    /// # Errors
    /// `AgentNotFound` for a name that neither the roster nor the transport knows. A backend that
    /// cannot be asked is in [`FleetStatus::errors`].
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn status(&self, names: &[AgentName], composer: bool) -> Result<FleetStatus> {
        let inner = &self.inner;
        // Side by side: one that does not answer holds nobody up who does.
        let asking = self.parts().into_iter().map(|part| async move {
            match part.fleet {
                Ok(fleet) => fleet.seen(part.scope, composer).await,
                Err(error) => Seen::nothing(part.scope, &part.agents, error),
            }
        });
        let mut parts = join_all(asking).await;
        let holder = parts.first_mut().and_then(|here| here.holder.take());
        let mut errors = Vec::new();
        let mut known = BTreeMap::new();
        let mut besides = Vec::new();
        for part in parts {
            errors.extend(part.error);
            known.extend(
                part.agents
                    .into_iter()
                    .map(|status| (status.name.clone(), status)),
            );
            besides.extend(part.besides);
        }
        let mut agents = Vec::new();
        for agent in &inner.agents {
            let Some(mut status) = known.remove(&agent.name) else {
                continue;
            };
            status.runtime.get_or_insert_with(|| self.runtime_of(agent));
            if status.host.is_none() {
                status.host.clone_from(&agent.host);
            }
            let overrides = inner.overrides.get(&agent.name);
            agents.push(AgentReport {
                class: agent.class.clone(),
                in_roster: true,
                overridden: overrides.map(|o| o.names()).unwrap_or_default(),
                status,
            });
        }
        agents.extend(besides.into_iter().map(|status| AgentReport {
            class: None,
            in_roster: false,
            overridden: Vec::new(),
            status,
        }));
        if !names.is_empty() {
            let known: Vec<String> = agents.iter().map(|a| a.status.name.to_string()).collect();
            for name in names {
                if !known.iter().any(|known| known == name.as_str()) {
                    let known = known.iter().map(String::as_str);
                    return Err(Error::agent_not_found(name.as_str(), known)
                        .with_operation("status")
                        .with_transport(inner.transport.info()));
                }
            }
            agents.retain(|agent| names.contains(&agent.status.name));
        }
        // What cannot be started is told before somebody tries.
        for agent in &agents {
            let name = &agent.status.name;
            let broken = inner
                .overrides
                .get(name)
                .and_then(|file| file.broken.as_ref());
            errors.extend(broken.map(|(what, fix)| ScopedError {
                scope: name.to_string(),
                error: Error::config_invalid(what.as_str()).with_hint(fix.as_str()),
            }));
        }
        Ok(FleetStatus {
            version: 1,
            generated_at: Some(SystemTime::now()),
            holder,
            agents,
            errors,
        })
    }

    /// How the agents of this part are.
    async fn seen(&self, scope: String, composer: bool) -> Seen {
        let inner = &self.inner;
        let options = ListOptions::new().with_composer(composer);
        // Two questions in one-shot callers' two processes: they need not wait for each other.
        let holder = async {
            match &inner.supervisor {
                // Of another host's only where nobody is found: it is a question more over the link.
                Some(supervisor) if inner.host.is_none() => supervisor.holder().await.ok(),
                _ => None,
            }
        };
        let (listed, mut holder) = join(inner.transport.list(options), holder).await;
        if let (Some(supervisor), Some(_), Err(_)) = (&inner.supervisor, &inner.host, &listed) {
            holder = supervisor.holder().await.ok();
        }
        let down = holder
            .as_ref()
            .is_some_and(|holder| holder.state == HolderState::Down);
        let mut found = match listed {
            Ok(found) => found,
            Err(error) if down && error.kind() == ErrorKind::Unavailable => Vec::new(),
            Err(error) => {
                return Seen {
                    holder,
                    ..Seen::nothing(scope, &inner.agents, error)
                };
            }
        };
        let mut agents = Vec::new();
        for agent in &inner.agents {
            let at = found.iter().position(|status| status.name == agent.name);
            agents.push(at.map_or_else(
                || {
                    let state = AgentState::Stopped;
                    AgentStatus::new(agent.name.clone(), &scope, state, "nothing runs for it")
                },
                |at| found.remove(at),
            ));
        }
        self.tell_ends(&mut agents).await;
        Seen {
            holder,
            agents,
            besides: found,
            error: None,
        }
    }

    /// Says of agents that nothing runs for how they came to their end, where that is known.
    async fn tell_ends(&self, agents: &mut [AgentStatus]) {
        let Some(supervisor) = &self.inner.supervisor else {
            return;
        };
        let stopped = agents
            .iter()
            .filter(|status| status.state == AgentState::Stopped);
        let stopped: Vec<AgentName> = stopped.map(|status| status.name.clone()).collect();
        if stopped.is_empty() {
            return;
        }
        let ends = supervisor.ends(&stopped).await;
        for status in agents.iter_mut() {
            if let Some(end) = ends.get(&status.name) {
                status.state = AgentState::Dead;
                status.since = end.at.map(Into::into);
                status.exit_status = Some(end.exit_status);
                status.evidence.clone_from(&end.reason);
            }
        }
    }

    /// What an agent's manifest sees in its terminal right now, and why.
    ///
    /// # Errors
    /// `Unsupported` where agents have no terminal of ours; as
    /// [`Transport::status`](crate::Transport::status).
    pub async fn explain(&self, name: &AgentName) -> Result<Explanation> {
        self.part_of(name)?.supervisor()?.explain(name).await
    }

    /// Whether this host has what the fleet needs: the supervisor's own checks, and each agent's
    /// program and working directory.
    pub async fn doctor(&self) -> Vec<Check> {
        let mut checks = vec![Check::new(
            "roster",
            Finding::Ok,
            match self.inner.agents.len() {
                1 => "1 agent".to_owned(),
                agents => format!("{agents} agents"),
            },
        )];
        let here = self.part_here();
        if let Some(supervisor) = &here.inner.supervisor {
            checks.extend(supervisor.check(&here.inner.agents).await);
        }
        for agent in &here.inner.agents {
            checks.push(here.check_agent(agent).await);
        }
        checks.extend(self.check_elsewhere().await);
        for wrong in &self.inner.nobodys {
            let seen = format!("{}: {}", wrong.path.display(), wrong.why);
            let check = Check::new("environment file", Finding::Warning, seen);
            checks.push(check.with_fix("name it after an agent, or move it away"));
        }
        checks
    }

    /// Whether the other places answer, and whether agents can be started there.
    async fn check_elsewhere(&self) -> Vec<Check> {
        let parts = self.parts().into_iter().skip(1).map(|part| async move {
            let name = format!("agents of {}", part.scope);
            let failed = |error: Error| {
                let fix = error.hint().unwrap_or("see that it is up").to_owned();
                vec![Check::new(&name, Finding::Failure, error.to_string()).with_fix(fix)]
            };
            let fleet = match part.fleet {
                Ok(fleet) => fleet,
                Err(error) => return failed(error),
            };
            let seen = fleet.seen(part.scope, false).await;
            if let Some(scoped) = seen.error {
                return failed(scoped.error);
            }
            let stopped = |status: &&AgentStatus| status.state == AgentState::Stopped;
            let run = seen.agents.len() - seen.agents.iter().filter(stopped).count();
            let seen = format!("it answers; {} run there", run + seen.besides.len());
            let mut checks = vec![Check::new(&name, Finding::Ok, seen)];
            let Some(supervisor) = &fleet.inner.supervisor else {
                return checks;
            };
            checks.extend(supervisor.check(&[]).await);
            let agents = fleet.inner.agents.iter();
            match supervisor.is_ours().await {
                Ok(()) => {
                    checks.extend(join_all(agents.map(|agent| fleet.check_agent(agent))).await);
                }
                // They are that host's to look over.
                Err(error) => checks.push(Check::new(
                    &name,
                    Finding::Ok,
                    error.hint().unwrap_or("kept there"),
                )),
            }
            checks
        });
        let checks = join_all(parts).await;
        checks.into_iter().flatten().collect()
    }

    async fn check_agent(&self, agent: &AgentSpec) -> Check {
        let name = format!("agent {}", agent.name);
        let looked = async {
            let launch = self.launch_found(agent).await?;
            self.first_prompt(agent, &Kickstart::Roster)?;
            Ok::<_, Error>(launch)
        };
        let launch = match looked.await {
            Ok(launch) => launch,
            Err(error) => {
                let hint = error.hint().unwrap_or("mend the roster").to_owned();
                return Check::new(name, Finding::Failure, error.to_string()).with_fix(hint);
            }
        };
        let Some(program) = self.program_of(agent, &launch) else {
            let seen = "a shell line, which is not checked";
            return Check::new(name, Finding::Warning, seen);
        };
        let mut seen = match self.find_program(&program, &launch) {
            Some(path) => format!("runs {}", path.display()),
            None => format!("runs {program} in {}", launch.directory.display()),
        };
        let overrides = self.inner.overrides.get(&agent.name);
        let overridden = overrides.map(|found| found.names()).unwrap_or_default();
        if !overridden.is_empty() {
            let file = format!("; its env file overrides {}", overridden.join(", "));
            seen.push_str(&file);
        }
        Check::new(name, Finding::Ok, seen)
    }
}
