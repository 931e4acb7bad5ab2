//! Before an upgrade or a reboot: nothing new is sent to the agents, each comes to the end of what it
//! has, and is stopped.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::Fleet;
use super::outcome::{Outcome, Progress};
use crate::agent::{AgentName, AgentState};
use crate::error::{Error, ErrorKind, Result};
use crate::options::StatusOptions;
use crate::roster::{Action, StepKind, plan};
use crate::supervise::Supervisor;

/// How long nothing new is sent to an agent if whoever drains it dies.
const HELD_BACK: Duration = Duration::from_secs(15);

/// How often that is renewed.
const RENEWED: Duration = Duration::from_secs(5);

/// How long whoever is sending may take to come to an end.
const SENDING: Duration = Duration::from_secs(60);

/// Options of a drain.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DrainOptions {
    /// How long the agents may take to come to an end of their work.
    pub timeout: Duration,
    /// Stop those that have not in time all the same.
    pub force: bool,
    /// How long a program may take to end by itself.
    pub grace: Duration,
}

impl DrainOptions {
    /// Half an hour to come to an end, five seconds to stop, nobody is stopped at work.
    pub fn new() -> Self {
        DrainOptions {
            timeout: Duration::from_secs(30 * 60),
            force: false,
            grace: Duration::from_secs(5),
        }
    }

    /// Sets how long the agents may take to come to an end of their work.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Stops those that have not come to an end in time all the same.
    #[must_use]
    pub fn with_force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }
}

impl Default for DrainOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    /// Lets nothing new be sent to the agents (all of the roster when `names` is empty), waits until
    /// each has come to the end of its turn and of what it holds, and stops it.
    ///
    /// A send to a drained agent is `Refused` (`Locked`), from every host; an answer to its question
    /// is not. `progress` is called with an agent's question as soon as it asks one, and with each
    /// agent as it is done. One that is still at work at the end is let go again, and told.
    ///
    /// # Errors
    /// As [`Fleet::stop`]. What fails for one agent is in its [`Outcome`]: `Timeout` for one that is
    /// still at work.
    ///
    /// # Cancel safety
    /// A dropped call leaves the agents as they are; they take texts again after 15 seconds.
    pub async fn drain(
        &self,
        names: &[AgentName],
        options: &DrainOptions,
        mut progress: impl FnMut(&Outcome) + Send,
    ) -> Result<Vec<Outcome>> {
        let (stop, progress) = (Action::Stop, &mut progress);
        self.in_each_part(
            stop,
            names,
            options,
            progress,
            |part, names, how, progress| part.drain_here(names, how, progress).boxed(),
        )
        .await
    }

    async fn drain_here(
        &self,
        names: &[AgentName],
        options: &DrainOptions,
        progress: Progress<'_>,
    ) -> Result<Vec<Outcome>> {
        let supervisor = self.supervisor()?.as_ref();
        supervisor.is_ours().await?;
        let actual = self.actual().await?;
        let plan = plan(&self.names(), &actual, Action::Stop, names)?;
        let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
        let drains = plan.steps.iter().enumerate().map(|(at, step)| {
            let asked = asked.clone();
            async move {
                let mut outcome = Outcome::new(step.agent.clone(), step.what);
                if step.what == StepKind::NotRunning {
                    // It may be about to be started again by its unit.
                    match supervisor.stop(&step.agent, options.grace).await {
                        Ok(_) => {}
                        Err(error) => outcome.error = Some(error.with_agent(&step.agent)),
                    }
                } else {
                    let drained = self.drain_one(supervisor, &mut outcome, options, |outcome| {
                        // Nobody listens once all are done.
                        let _ = asked.send(outcome);
                    });
                    if let Err(error) = drained.await {
                        outcome.error = Some(error.with_agent(&step.agent));
                    }
                }
                (at, outcome)
            }
        });
        let mut drains: FuturesUnordered<_> = drains.collect();
        let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
        loop {
            tokio::select! {
                Some(asking) = asks.recv() => progress(&asking),
                drained = drains.next() => match drained {
                    None => break,
                    Some((at, outcome)) => {
                        progress(&outcome);
                        outcomes.push((at, outcome));
                    }
                },
            }
        }
        self.release_if_empty().await;
        outcomes.sort_by_key(|(at, _)| *at);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }

    async fn drain_one(
        &self,
        supervisor: &dyn Supervisor,
        outcome: &mut Outcome,
        options: &DrainOptions,
        asking: impl Fn(Outcome),
    ) -> Result<()> {
        let name = outcome.agent.clone();
        let limit = Instant::now() + options.timeout;
        let done = self
            .come_to_an_end(supervisor, outcome, limit, asking)
            .await;
        match done {
            Ok(true) => {}
            Ok(false) if options.force => {}
            // It is no longer there.
            Err(error) if error.kind() == ErrorKind::AgentNotFound => {}
            Ok(false) => {
                supervisor.drain(&name, None).await?;
                let state = outcome.state.map_or("at work", AgentState::as_str);
                return Err(
                    Error::new(ErrorKind::Timeout, format!("it is still {state}"))
                        .with_operation("drain")
                        .with_hint(format!(
                            "allow more time (--timeout), or stop it: mosaic-fleet stop {name}"
                        )),
                );
            }
            Err(error) => {
                // It may be at work, and takes texts again.
                let _ = supervisor.drain(&name, None).await;
                return Err(error.with_operation("drain"));
            }
        }
        let stopped = supervisor.stop(&name, options.grace).await;
        stopped
            .map(drop)
            .map_err(|error| error.with_operation("stop"))
    }

    /// Whether the agent came to an end of its work in time.
    async fn come_to_an_end(
        &self,
        supervisor: &dyn Supervisor,
        outcome: &mut Outcome,
        limit: Instant,
        asking: impl Fn(Outcome),
    ) -> Result<bool> {
        let name = outcome.agent.clone();
        let transport = &self.inner.transport;
        supervisor.drain(&name, Some(HELD_BACK)).await?;
        let sending = SENDING.min(limit.saturating_duration_since(Instant::now()));
        let sending = supervisor.nobody_sends(&name, sending);
        tokio::select! {
            nobody = sending => nobody?,
            error = self.hold_back(supervisor, &name) => return Err(error),
        }
        loop {
            let mut options = StatusOptions::new();
            if let Some(seen) = outcome.state {
                let left = limit.saturating_duration_since(Instant::now());
                options = options.with_wait(seen, RENEWED.min(left));
            }
            let status = transport.status(&name, options).await?;
            let new_question = status.question.is_some() && status.question != outcome.question;
            outcome.state = Some(status.state);
            outcome.question = status.question;
            match status.state {
                AgentState::Idle | AgentState::Dead => return Ok(true),
                AgentState::Waiting if new_question => {
                    let mut told = Outcome::new(name.clone(), outcome.what);
                    told.state = outcome.state;
                    told.question.clone_from(&outcome.question);
                    asking(told);
                }
                _ => {}
            }
            if Instant::now() >= limit {
                return Ok(false);
            }
            supervisor.drain(&name, Some(HELD_BACK)).await?;
        }
    }

    /// Lets nothing new be sent, until it is dropped; returns only when that fails.
    async fn hold_back(&self, supervisor: &dyn Supervisor, name: &AgentName) -> Error {
        loop {
            tokio::time::sleep(RENEWED).await;
            if let Err(error) = supervisor.drain(name, Some(HELD_BACK)).await {
                return error;
            }
        }
    }
}
