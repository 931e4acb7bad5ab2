//! From agents that somebody else started to agents of this fleet, one by one: who runs and what is to
//! be done is decided first, what they show is saved before anything is stopped, and whoever asks may
//! stop half-way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::parts::is_here;
use super::{Fleet, LifeOptions, Outcome};
use crate::agent::{AgentName, AgentState, AgentStatus, rfc3339};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::options::{ListOptions, TailOptions};
use crate::roster::{AgentSpec, StepKind};
use crate::setup::LeftoverKind;
use crate::supervise::{Holder, HolderState, save_tail, tails_folder};

/// How many lines of an agent are saved.
const SAVED: usize = 2000;

/// What a cutover does with an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CutoverKind {
    /// It is stopped and started anew as one of this fleet.
    Recycle,
    /// As [`Recycle`](CutoverKind::Recycle), and it would lose what it is at: only if that is said.
    Busy,
    /// Nothing: it is kept by this fleet already.
    Kept,
    /// Nothing: it is in no roster.
    Stranger,
    /// Nothing: the roster has it elsewhere.
    Elsewhere,
    /// Nothing: the cutover itself runs in its terminal.
    Caller,
    /// Nothing: it does not run.
    NotRunning,
}

impl CutoverKind {
    /// Whether there is something to do.
    pub const fn is_to_do(self) -> bool {
        matches!(self, CutoverKind::Recycle | CutoverKind::Busy)
    }
}

/// One agent, and what is to be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CutoverStep {
    /// Who.
    pub agent: AgentName,
    /// What.
    pub what: CutoverKind,
    /// How it is.
    pub state: AgentState,
    /// Since when.
    #[serde(serialize_with = "rfc3339")]
    pub since: Option<SystemTime>,
    /// The question that it waits with.
    pub question: Option<String>,
}

/// Who runs, and what is to be done.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CutoverPlan {
    /// In the order of the roster, then those that it does not have.
    pub steps: Vec<CutoverStep>,
    /// What owns the agents' home now.
    pub holder: Holder,
    /// What the caller should know before anything is done.
    pub warnings: Vec<String>,
}

/// What became of an agent that was to be recycled.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Recycled {
    /// Where what it showed last is saved.
    pub saved: Option<PathBuf>,
    /// How it was started anew.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What is known of those that run.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) agents: Vec<AgentStatus>,
    /// Those of the roster that are this fleet's already.
    pub(super) kept: BTreeSet<AgentName>,
    /// In whose terminal this runs.
    caller: Option<AgentName>,
}

/// Decides what is to be done: with all that run or, if there are `names`, with those.
fn steps(
    desired: &[AgentSpec],
    running: &Running,
    names: &[AgentName],
) -> Result<Vec<CutoverStep>> {
    let is_desired = |name: &AgentName| desired.iter().any(|agent| agent.name == *name);
    let is_asked = |name: &AgentName| names.is_empty() || names.contains(name);
    let find = |name: &AgentName| running.agents.iter().find(|status| status.name == *name);
    if let Some(name) = names.iter().find(|name| !is_desired(name)) {
        if find(name).is_some() {
            let what = "it is not in the roster, so how to start it is not known";
            return Err(Error::invalid_argument(what)
                .with_agent(name)
                .with_hint(format!("add it first: mosaic-fleet roster add {name}")));
        }
        let known = desired.iter().map(|agent| agent.name.as_str());
        return Err(Error::agent_not_found(name.as_str(), known)
            .with_hint("`mosaic-fleet agent roster` lists the agents"));
    }
    let mut steps = Vec::new();
    for agent in desired.iter().filter(|agent| is_asked(&agent.name)) {
        let name = &agent.name;
        let what = match find(name) {
            Some(_) if !is_here(agent) => CutoverKind::Elsewhere,
            Some(_) if running.kept.contains(name) => CutoverKind::Kept,
            Some(_) if running.caller.as_ref() == Some(name) => CutoverKind::Caller,
            Some(status) => match status.state {
                AgentState::Idle | AgentState::Starting | AgentState::Dead => CutoverKind::Recycle,
                // What cannot be told may be work.
                _ => CutoverKind::Busy,
            },
            None if names.is_empty() => continue,
            None => CutoverKind::NotRunning,
        };
        steps.push(step(name, what, find(name)));
    }
    let strangers = running
        .agents
        .iter()
        .filter(|status| !is_desired(&status.name));
    if names.is_empty() {
        let left = |status: &AgentStatus| step(&status.name, CutoverKind::Stranger, Some(status));
        steps.extend(strangers.map(left));
    }
    Ok(steps)
}

fn step(name: &AgentName, what: CutoverKind, status: Option<&AgentStatus>) -> CutoverStep {
    CutoverStep {
        agent: name.clone(),
        what,
        state: status.map_or(AgentState::Stopped, |status| status.state),
        since: status.and_then(|status| status.since),
        question: status.and_then(|status| status.question.clone()),
    }
}

impl Fleet {
    /// Who runs and is not this fleet's yet, and what a cutover would do: with all that run or, if
    /// there are `names`, with those. Changes nothing.
    ///
    /// # Errors
    /// `AgentNotFound` for a name that nobody has, `InvalidArgument` for that of a stranger, whose
    /// start is not known; `Unavailable` when it cannot be asked who runs; `Unsupported` where this
    /// library starts no agents.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn cutover_plan(&self, names: &[AgentName]) -> Result<CutoverPlan> {
        let supervisor = self.supervisor()?;
        let holder = supervisor.holder().await?;
        let running = self.running(&holder, true).await?;
        let mut warnings = Vec::new();
        let left = supervisor.leftovers(&self.names());
        let old: Vec<String> = left
            .into_iter()
            .filter(|one| one.kind == LeftoverKind::Unit)
            .map(|one| one.name)
            .collect();
        if !old.is_empty() {
            warnings.push(format!(
                "old units are still there, and may end what is started without them: {}. Replace \
                 them first: mosaic-fleet install-systemd --enable",
                old.join(", ")
            ));
        }
        Ok(CutoverPlan {
            steps: steps(&self.inner.agents, &running, names)?,
            holder,
            warnings,
        })
    }

    /// Those that run, as the holder is; with `composer`, also what they do.
    pub(super) async fn running(&self, holder: &Holder, composer: bool) -> Result<Running> {
        if holder.state == HolderState::Down {
            return Ok(Running::default());
        }
        let supervisor = self.supervisor()?;
        let options = ListOptions::new().with_composer(composer);
        let agents = self.inner.transport.list(options).await?;
        let here = self.inner.agents.iter().filter(|agent| {
            let runs = agents.iter().any(|status| status.name == agent.name);
            runs && is_here(agent)
        });
        let here: Vec<AgentName> = here.map(|agent| agent.name.clone()).collect();
        Ok(Running {
            kept: supervisor.kept(&here).await?,
            caller: supervisor.caller().await,
            agents,
        })
    }

    /// Saves what these agents show, up to two thousand lines of each, in a new folder that nobody
    /// else can read, and says where. One that cannot be saved now is no error here:
    /// [`Fleet::recycle`] saves it again, and stops nobody without.
    ///
    /// # Errors
    /// `ConfigInvalid` where there can be no folder.
    ///
    /// # Cancel safety
    /// A dropped call has saved some of them.
    pub async fn save_tails(&self, names: &[AgentName]) -> Result<PathBuf> {
        let folder = tails_folder(&self.inner.state)?;
        for name in names {
            if let Err(error) = self.save_tail(name, &folder).await {
                tracing::warn!(agent = name.as_str(), %error, "what it shows is not saved");
            }
        }
        Ok(folder)
    }

    async fn save_tail(&self, name: &AgentName, folder: &Path) -> Result<PathBuf> {
        let options = TailOptions::new().with_lines(SAVED);
        let tail = self.tail(name, options).await?;
        save_tail(folder, name, &tail.lines)
    }

    /// Stops one agent and starts it anew as one of this fleet, after another look at it: one that is
    /// this fleet's by now, or does not run any more, is left as it is, and so is one that is busy
    /// and not meant to be interrupted (`busy_too`). What it shows is saved in `folder` first.
    ///
    /// What goes wrong is in the [`Outcome`].
    ///
    /// # Cancel safety
    /// A dropped call may leave the agent stopped.
    pub async fn recycle(
        &self,
        name: &AgentName,
        busy_too: bool,
        folder: &Path,
        options: &LifeOptions,
    ) -> Recycled {
        let mut saved = None;
        let recycled = async {
            let plan = self.cutover_plan(std::slice::from_ref(name)).await?;
            let what = plan.steps.first().map(|step| (step.what, step.state));
            match what {
                Some((CutoverKind::Recycle, _)) => {}
                Some((CutoverKind::Busy, _)) if busy_too => {}
                Some((CutoverKind::Busy, state)) => {
                    return Err(
                        Error::refused(Refusal::Busy, format!("it is {state} by now"))
                            .with_operation("cutover")
                            .with_hint("run it again when it is idle, or with --force"),
                    );
                }
                Some((CutoverKind::Kept, _)) => {
                    return Ok(Outcome::new(name.clone(), StepKind::AlreadyRunning));
                }
                _ => return Ok(Outcome::new(name.clone(), StepKind::NotRunning)),
            }
            saved = Some(self.save_tail(name, folder).await?);
            let outcomes = self.restart(std::slice::from_ref(name), options, |_| {});
            let outcome = outcomes.await?.pop();
            outcome.ok_or_else(|| Error::new(ErrorKind::Unexpected, "nothing was planned"))
        };
        let outcome = recycled.await.unwrap_or_else(|error| Outcome {
            error: Some(error.with_agent(name)),
            ..Outcome::new(name.clone(), StepKind::Restart)
        });
        Recycled { saved, outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> AgentName {
        AgentName::new(name).unwrap()
    }

    fn roster(names: &[&str]) -> Vec<AgentSpec> {
        names.iter().map(|one| AgentSpec::new(name(one))).collect()
    }

    fn running(agents: &[(&str, AgentState)]) -> Running {
        let status = |(one, state): &(&str, AgentState)| {
            AgentStatus::new(name(one), "memory:x", *state, "test")
        };
        Running {
            agents: agents.iter().map(status).collect(),
            ..Running::default()
        }
    }

    fn whats(steps: &[CutoverStep]) -> Vec<(&str, CutoverKind)> {
        let steps = steps.iter();
        steps.map(|one| (one.agent.as_str(), one.what)).collect()
    }

    #[test]
    fn what_is_done_follows_from_how_they_are() {
        use AgentState::{Dead, Idle, Queued, Starting, Unknown, Waiting, Working};
        for (state, what) in [
            (Idle, CutoverKind::Recycle),
            (Starting, CutoverKind::Recycle),
            (Dead, CutoverKind::Recycle),
            (Working, CutoverKind::Busy),
            (Queued, CutoverKind::Busy),
            (Waiting, CutoverKind::Busy),
            (Unknown, CutoverKind::Busy),
        ] {
            let planned = steps(&roster(&["a"]), &running(&[("a", state)]), &[]).unwrap();
            assert_eq!(whats(&planned), [("a", what)], "{state}");
            assert!(what.is_to_do());
        }
    }

    #[test]
    fn who_is_ours_strange_elsewhere_or_asking_is_left_alone() {
        let mut desired = roster(&["d", "c", "b", "a"]);
        desired[1].host = Some("other".to_owned());
        let all = ["a", "b", "c", "x"].map(|one| (one, AgentState::Idle));
        let mut running = running(&all);
        running.kept.insert(name("a"));
        running.caller = Some(name("b"));
        let planned = steps(&desired, &running, &[]).unwrap();
        assert_eq!(
            whats(&planned),
            [
                ("c", CutoverKind::Elsewhere),
                ("b", CutoverKind::Caller),
                ("a", CutoverKind::Kept),
                ("x", CutoverKind::Stranger),
            ]
        );
        assert!(planned.iter().all(|step| !step.what.is_to_do()));
        // The one that asks may be ours.
        running.caller = Some(name("a"));
        let planned = steps(&desired, &running, &[name("a"), name("d")]).unwrap();
        assert_eq!(
            whats(&planned),
            [("d", CutoverKind::NotRunning), ("a", CutoverKind::Kept)]
        );
        assert_eq!(planned[0].state, AgentState::Stopped);
    }

    #[test]
    fn a_name_that_cannot_be_meant_is_an_error() {
        let running = running(&[("coder0", AgentState::Idle), ("x", AgentState::Idle)]);
        let desired = roster(&["coder0"]);
        let of = |one: &str| steps(&desired, &running, &[name(one)]).unwrap_err();
        assert_eq!(of("x").kind(), ErrorKind::InvalidArgument);
        assert!(of("x").hint().unwrap().contains("roster add x"));
        assert_eq!(of("coder1").kind(), ErrorKind::AgentNotFound);
        assert!(of("coder1").to_string().contains("coder0"));
    }
}
