//! Start, stop and restart: the plan of roster and reality, carried out agent by agent.

use std::path::Path;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};

use super::Fleet;
use super::outcome::{Outcome, Progress};
use super::talk::Kickstart;
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::message::{Message, Receipt};
use crate::options::{ListOptions, SendOptions, StatusOptions};
use crate::roster::{Action, Actual, StepKind, plan};
use crate::supervise::{AgentEnd, HolderState};

/// How long a program may take to draw its composer before its kickstart is given up.
pub(super) const START_UP: Duration = Duration::from_secs(60);

/// How long a program that shows nothing yet is watched: for ending at once, for its composer, for a
/// question that it asks before its first.
const SETTLE: Duration = Duration::from_secs(10);

/// Options of start, stop and restart.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LifeOptions {
    /// The first prompt after a start.
    pub kickstart: Kickstart,
    /// How long a program may take to end by itself.
    pub grace: Duration,
    /// How long a started program is watched until it shows how it is.
    pub settle: Duration,
}

impl LifeOptions {
    /// The roster's kickstart, five seconds to end, ten to show how it is.
    pub fn new() -> Self {
        LifeOptions {
            kickstart: Kickstart::Roster,
            grace: Duration::from_secs(5),
            settle: SETTLE,
        }
    }

    /// Chooses the first prompt.
    #[must_use]
    pub fn with_kickstart(mut self, kickstart: Kickstart) -> Self {
        self.kickstart = kickstart;
        self
    }

    /// Sets how long a program may take to end by itself.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets how long a started program is watched until it shows how it is.
    #[must_use]
    pub fn with_settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }
}

impl Default for LifeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What is sent to a program as soon as it is ready, if anything.
type FirstPrompt = Option<String>;

/// A program that ended at once did not start, whatever its launcher said.
fn ended_at_once(name: &AgentName, how: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("it ended at once: {how}"))
        .with_operation("start")
        .with_hint(format!(
            "see what it said: mosaic-fleet agent tail {name}, or agent logs {name}; \
             `mosaic-fleet doctor` checks its program"
        ))
}

impl Fleet {
    /// Has the agents run; all of the roster when `names` is empty, but for those that are started
    /// elsewhere only. One that runs is left as it is.
    ///
    /// Goes on past a failure; `progress` is called for each agent as it is done.
    ///
    /// # Errors
    /// When nothing could be begun: unknown names, no way to start agents, no home for them. What
    /// fails for one agent is in its [`Outcome`].
    ///
    /// # Cancel safety
    /// A dropped call has started some of the agents.
    pub async fn start(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Start, names, options, progress).await
    }

    /// Stops the agents; all of the roster when `names` is empty. With the last one, the home goes
    /// as well.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    ///
    /// # Cancel safety
    /// A dropped call has stopped some of the agents.
    pub async fn stop(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Stop, names, options, progress).await
    }

    /// Stops and starts the agents; all of the roster when `names` is empty.
    ///
    /// # Errors
    /// As [`Fleet::start`].
    ///
    /// # Cancel safety
    /// A dropped call may leave an agent stopped.
    pub async fn restart(
        &self,
        names: &[AgentName],
        options: &LifeOptions,
        progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        self.act(Action::Restart, names, options, progress).await
    }

    async fn act(
        &self,
        action: Action,
        names: &[AgentName],
        options: &LifeOptions,
        mut progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        let progress = &mut progress;
        self.in_each_part(
            action,
            names,
            options,
            progress,
            |part, names, how, progress| part.act_here(action, names, how, progress).boxed(),
        )
        .await
    }

    async fn act_here(
        &self,
        action: Action,
        names: &[AgentName],
        options: &LifeOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<Outcome>> {
        let supervisor = self.supervisor()?;
        supervisor.is_ours().await?;
        if action != Action::Stop {
            self.same_roster()?;
        }
        let actual = self.actual().await?;
        let plan = plan(&self.names(), &actual, action, names)?;
        let starts = plan
            .steps
            .iter()
            .any(|step| !step.what.is_idle() && step.what != StepKind::Stop);
        if starts {
            supervisor.prepare().await?;
        }
        let mut outcomes = Vec::new();
        let mut started = Vec::new();
        for step in &plan.steps {
            let (outcome, prompt) = self.step(&step.agent, step.what, options).await;
            match prompt {
                Some(prompt) => started.push((outcomes.len(), prompt)),
                None => progress(&outcome),
            }
            outcomes.push(outcome);
        }
        // Those that draw slowly, or ask something first, need not wait for each other.
        let settling = started.into_iter().map(|(at, prompt)| {
            let name = outcomes[at].agent.clone();
            async move { (at, self.settle(&name, prompt, options).await) }
        });
        let mut settling: FuturesUnordered<_> = settling.collect();
        while let Some((at, settled)) = settling.next().await {
            let outcome = &mut outcomes[at];
            outcome.settle(settled);
            progress(outcome);
        }
        if action == Action::Stop {
            self.release_if_empty().await;
        }
        Ok(outcomes)
    }

    /// What starts the agents reads the roster that the caller reads.
    fn same_roster(&self) -> Result<()> {
        let Some(theirs) = self.supervisor()?.roster() else {
            return Ok(());
        };
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let ours = &self.inner.roster_file;
        if real(&theirs) == real(ours) {
            return Ok(());
        }
        Err(Error::config_invalid(format!(
            "the units start what {} says, and this is {}",
            theirs.display(),
            ours.display()
        ))
        .with_operation("start")
        .with_hint(
            "leave --roster and MOSAIC_HOME as they were, or run install-systemd with these",
        ))
    }

    /// Lets go of the home with the last agent. Where that fails, all agents are stopped no less.
    pub(super) async fn release_if_empty(&self) {
        let released = async {
            let supervisor = self.supervisor()?;
            let empty = self.actual().await.is_ok_and(|actual| actual.is_empty());
            if empty && supervisor.holder().await?.state == HolderState::Up {
                supervisor.release().await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "the agents' home stays, with nobody in it");
        }
    }

    pub(super) async fn actual(&self) -> Result<Vec<Actual>> {
        if self.supervisor()?.holder().await?.state == HolderState::Down {
            return Ok(Vec::new());
        }
        let options = ListOptions::new().with_composer(false);
        match self.inner.transport.list(options).await {
            Ok(found) => Ok(found
                .into_iter()
                .map(|status| Actual::new(status.name, status.state))
                .collect()),
            Err(error) => Err(error),
        }
    }

    /// Takes a step. What is started has a first prompt, which may be none, to be sent when it is
    /// ready.
    async fn step(
        &self,
        name: &AgentName,
        what: StepKind,
        options: &LifeOptions,
    ) -> (Outcome, Option<FirstPrompt>) {
        let mut outcome = Outcome::new(name.clone(), what);
        match self.carry_out(name, what, options).await {
            Ok((done, prompt)) => {
                outcome.what = done;
                (outcome, prompt)
            }
            Err(error) => {
                outcome.error = Some(error.with_agent(name));
                (outcome, None)
            }
        }
    }

    async fn carry_out(
        &self,
        name: &AgentName,
        what: StepKind,
        options: &LifeOptions,
    ) -> Result<(StepKind, Option<FirstPrompt>)> {
        let supervisor = self.supervisor()?;
        if what == StepKind::AlreadyRunning {
            if self.agent(name).is_err() {
                return Ok((what, None));
            }
            let adopted = supervisor.adopt(name).await?;
            return Ok((if adopted { StepKind::Adopt } else { what }, None));
        }
        if what == StepKind::NotRunning {
            // It may be about to be started again by its unit; and how it ended is of no interest
            // any more.
            let there = supervisor.stop(name, options.grace).await;
            let there = there.map_err(|error| error.with_operation("stop"))?;
            return Ok((if there { StepKind::Stop } else { what }, None));
        }
        let starting = |error: Error| error.with_operation("start");
        // Everything that can be wrong is looked at before anything is stopped.
        let next = if what == StepKind::Stop {
            None
        } else {
            let agent = self.agent(name)?;
            let launch = self.launch_found(agent).await.map_err(starting)?;
            let prompt = self
                .first_prompt(agent, &options.kickstart)
                .map_err(starting)?;
            Some((launch, prompt))
        };
        if matches!(what, StepKind::Stop | StepKind::Restart | StepKind::Replace) {
            let stopped = supervisor.stop(name, options.grace).await;
            stopped.map_err(|error| error.with_operation("stop"))?;
        }
        let Some((launch, prompt)) = next else {
            return Ok((what, None));
        };
        supervisor.start(&launch).await.map_err(starting)?;
        Ok((what, Some(prompt)))
    }

    /// Watches a started program until it shows how it is, and sends it its first prompt.
    async fn settle(
        &self,
        name: &AgentName,
        prompt: FirstPrompt,
        options: &LifeOptions,
    ) -> Result<(AgentStatus, Option<Receipt>)> {
        let status = match self.settled(name, options.settle).await {
            Ok(status) => status,
            // Its terminal went with it, and its keeper knows why.
            Err(error) if error.kind() == ErrorKind::AgentNotFound => {
                let ends = self.supervisor()?.ends(std::slice::from_ref(name)).await;
                let end = ends.get(name).ok_or(error)?;
                return Err(ended_at_once(name, &end.reason));
            }
            Err(error) => return Err(error),
        };
        if status.state == AgentState::Dead {
            let end = AgentEnd::Program(status.exit_status.unwrap_or_default());
            return Err(ended_at_once(name, &end.to_string()));
        }
        if status.state == AgentState::Waiting && prompt.is_some() {
            // It would wait in vain: a send answers no question.
            let question = status.question.unwrap_or_default();
            let what = format!("it asks: {question}; its first prompt was not sent");
            return Err(Error::refused(Refusal::Dialog, what)
                .with_operation("kickstart")
                .with_hint(format!(
                    "answer it: mosaic-fleet agent answer {name} --choice N (or --deny)"
                )));
        }
        let receipt = self.kickstart(name, prompt, START_UP).await?;
        Ok((status, receipt))
    }

    /// An agent's state as soon as there is one, or the last one after `limit`.
    async fn settled(&self, name: &AgentName, limit: Duration) -> Result<AgentStatus> {
        let transport = &self.inner.transport;
        let limit = tokio::time::Instant::now() + limit;
        let undecided = [AgentState::Starting, AgentState::Unknown];
        let mut status = transport.status(name, StatusOptions::new()).await?;
        while undecided.contains(&status.state) && transport.capabilities().events {
            let left = limit.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                break;
            }
            let waiting = StatusOptions::new().with_wait(status.state, left);
            status = transport.status(name, waiting).await?;
        }
        Ok(status)
    }

    /// Sends the first prompt, waiting for the program to be ready for it.
    pub(super) async fn kickstart(
        &self,
        name: &AgentName,
        prompt: Option<String>,
        wait: Duration,
    ) -> Result<Option<Receipt>> {
        let Some(prompt) = prompt else {
            return Ok(None);
        };
        let options = SendOptions::new().with_wait(wait);
        let sent = self
            .inner
            .transport
            .send(name, Message::new(prompt), options);
        sent.await
            .map(Some)
            .map_err(|error| error.with_operation("kickstart"))
    }
}
