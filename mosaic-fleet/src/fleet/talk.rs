//! Send, reset and tail: the transport's verbs with the roster's knowledge.

use std::ffi::OsString;
use std::time::Duration;

use serde::Serialize;

use super::Fleet;
use super::life::LifeOptions;
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::message::{Message, Receipt, ReceiptId, Sender};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::roster::{AgentSpec, Persona};

/// How long an agent may take to be ready for its kickstart after a reset.
const AFTER_RESET: Duration = Duration::from_secs(30);

/// The first prompt after a start or a reset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Kickstart {
    /// The roster's, if it has one.
    #[default]
    Roster,
    /// None.
    None,
    /// This template.
    Template(String),
}

/// What a reset came to.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ResetOutcome {
    /// Who was reset.
    pub agent: AgentName,
    /// What the program did; nothing where it knows no reset and was restarted instead.
    pub report: Option<ResetReport>,
    /// What came of the first prompt, if one was sent.
    pub kickstart: Option<Receipt>,
    /// Why the first prompt was not taken; the reset itself was done.
    pub kickstart_error: Option<Error>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

impl Fleet {
    /// Sends a message to an agent, in the roster or not.
    ///
    /// # Errors
    /// As [`Transport::send`](crate::Transport::send).
    ///
    /// # Cancel safety
    /// As [`Transport::send`](crate::Transport::send).
    pub async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let part = self.part_of(to)?;
        let sent = part.inner.transport.send(to, message, options).await;
        sent.map_err(|error| self.explained(to, error))
    }

    /// Sends one message to several agents side by side; the answers are in the order of `to`.
    ///
    /// # Cancel safety
    /// As [`Fleet::send`], for each of them.
    pub async fn send_each(
        &self,
        to: &[AgentName],
        message: &Message,
        options: &SendOptions,
    ) -> Vec<(AgentName, Result<Receipt>)> {
        let sends = to.iter().map(|name| async move {
            let sent = self.send(name, message.clone(), options.clone()).await;
            (name.clone(), sent)
        });
        futures::future::join_all(sends).await
    }

    /// Refuses while an agent is at work: a restart would end that.
    async fn at_rest(&self, name: &AgentName) -> Result<()> {
        let transport = &self.part_of(name)?.inner.transport;
        let status = transport.status(name, StatusOptions::new()).await?;
        let (why, reason) = match status.state {
            AgentState::Working | AgentState::Queued => ("it is at work", Refusal::Busy),
            AgentState::Waiting => ("it asks for an answer", Refusal::Dialog),
            _ => return Ok(()),
        };
        Err(Error::refused(reason, why)
            .with_operation("reset")
            .with_agent(name)
            .with_hint("wait for it (mosaic-fleet agent wait), or force it (--force): what it is at is lost then"))
    }

    /// Makes an agent forget, and gives it its first prompt.
    ///
    /// An agent whose conversation the roster protects (`persistent_persona: true`) must be forced.
    /// A program that knows no such reset is restarted.
    ///
    /// # Errors
    /// As [`Transport::reset`](crate::Transport::reset); `Refused` (`Persistent`); `AgentNotFound`
    /// for an agent that is not in the roster, where there is one.
    ///
    /// # Cancel safety
    /// A dropped call may have reset the agent without its first prompt.
    pub async fn reset(
        &self,
        name: &AgentName,
        options: ResetOptions,
        kickstart: &Kickstart,
    ) -> Result<ResetOutcome> {
        let without_roster = AgentSpec::new(name.clone());
        let agent = match self.agent(name) {
            Ok(agent) => agent,
            Err(_) if self.inner.agents.is_empty() => &without_roster,
            Err(error) => return Err(error.with_operation("reset")),
        };
        let part = self.part_of(name)?;
        // What is wrong with the first prompt is said before anything is forgotten.
        let prompt = self
            .first_prompt(agent, kickstart)
            .map_err(|error| error.with_operation("reset"))?;
        let mut warnings = Vec::new();
        match agent.persistent_persona {
            Persona::Yes if !options.force => {
                return Err(Error::refused(
                    Refusal::Persistent,
                    "the roster says that its conversation is to be kept (persistent_persona)",
                )
                .with_operation("reset")
                .with_agent(name)
                .with_hint("force it (--force) if that is what you want"));
            }
            Persona::Semi => warnings.push(format!(
                "{name} is half persistent (persistent_persona: semi): what it knew is gone"
            )),
            _ => {}
        }
        let force = options.force;
        let report = match part.inner.transport.reset(name, options).await {
            Ok(report) => Some(report),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                if !force {
                    self.at_rest(name).await?;
                }
                warnings.push(format!("{}; restarted it instead", error.message()));
                None
            }
            Err(error) => return Err(self.explained(name, error)),
        };
        let started = if report.is_some() {
            part.kickstart(name, prompt, AFTER_RESET).await
        } else {
            let life = LifeOptions::new().with_kickstart(kickstart.clone());
            let outcomes = self
                .restart(std::slice::from_ref(name), &life, |_| {})
                .await?;
            match outcomes.into_iter().next() {
                Some(outcome) => outcome.error.map_or(Ok(outcome.kickstart), Err),
                None => Ok(None),
            }
        };
        let (kickstart, kickstart_error) = match started {
            Ok(receipt) => (receipt, None),
            Err(error) if report.is_some() => (None, Some(error)),
            Err(error) => return Err(error),
        };
        Ok(ResetOutcome {
            agent: name.clone(),
            report,
            kickstart,
            kickstart_error,
            warnings,
        })
    }

    /// Answers the question that an agent asks.
    ///
    /// # Errors
    /// As [`Transport::answer`](crate::Transport::answer).
    ///
    /// # Cancel safety
    /// As [`Transport::answer`](crate::Transport::answer).
    pub async fn answer(
        &self,
        name: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let part = self.part_of(name)?;
        let answered = part.inner.transport.answer(name, answer, options).await;
        answered.map_err(|error| self.explained(name, error))
    }

    /// What an agent shows.
    ///
    /// # Errors
    /// As [`Transport::tail`](crate::Transport::tail).
    pub async fn tail(&self, name: &AgentName, options: TailOptions) -> Result<Tail> {
        let part = self.part_of(name)?;
        let tail = part.inner.transport.tail(name, options).await;
        tail.map_err(|error| self.explained(name, error))
    }

    /// How one agent is, by its transport. As [`Fleet::status`], without the roster's part.
    ///
    /// # Errors
    /// As [`Transport::status`](crate::Transport::status).
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn agent_status(
        &self,
        name: &AgentName,
        options: StatusOptions,
    ) -> Result<AgentStatus> {
        let part = self.part_of(name)?;
        let status = part.inner.transport.status(name, options).await;
        status.map_err(|error| self.explained(name, error))
    }

    /// The program and arguments that put a person before the agent's terminal.
    ///
    /// # Errors
    /// `Unsupported` where agents have no terminal of ours.
    pub fn attach_command(&self, name: &AgentName) -> Result<Vec<OsString>> {
        Ok(self.part_of(name)?.supervisor()?.attach_command(name))
    }

    /// Who the caller is: the agent in whose terminal it runs, `?` outside of one.
    pub async fn sender(&self) -> Option<Sender> {
        match &self.inner.supervisor {
            Some(supervisor) => Some(supervisor.sender().await),
            None => None,
        }
    }

    /// Everyone whom the fleet's transports know, ordered by name; see [`Fleet::status`] for the
    /// roster's part, and for an answer where not all can be asked.
    ///
    /// # Errors
    /// As [`Transport::list`](crate::Transport::list), of any place.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let parts = self.parts().into_iter().map(|part| {
            let options = options.clone();
            async move { part.fleet?.inner.transport.list(options).await }
        });
        let listed = futures::future::try_join_all(parts).await?;
        let mut agents: Vec<AgentStatus> = listed.into_iter().flatten().collect();
        agents.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(agents)
    }

    /// What became of an earlier send, whichever place it went to.
    ///
    /// # Errors
    /// As [`Transport::outcome`](crate::Transport::outcome), of the place that knows the receipt.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let mut refused = None;
        for part in self.parts() {
            let asked = async { part.fleet?.inner.transport.outcome(receipt).await };
            match asked.await {
                Ok(receipt) => return Ok(receipt),
                // Who does not know the receipt says less than who does.
                Err(error) => match &refused {
                    Some(first) if !is_strange(first) => {}
                    _ => refused = Some(error),
                },
            }
        }
        Err(refused.unwrap_or_else(|| Error::unsupported("asking for an outcome")))
    }

    /// Lets go of connections.
    ///
    /// # Errors
    /// As [`Transport::close`](crate::Transport::close); all are closed also where one fails.
    pub async fn close(&self) -> Result<()> {
        let closing = self.opened_parts().into_iter();
        let closing = closing.map(|part| async move { part.inner.transport.close().await });
        futures::future::join_all(closing)
            .await
            .into_iter()
            .collect()
    }

    /// Adds what the roster knows to an error about an agent: one that should run and does not, or
    /// the name that was meant.
    pub(super) fn explained(&self, name: &AgentName, error: Error) -> Error {
        let in_roster = self.agent(name).is_ok();
        match error.kind() {
            ErrorKind::AgentNotFound | ErrorKind::Unavailable if in_roster => {
                // Only where it can be started from here, and nothing better is known.
                let is_known = |part: &Fleet| {
                    // A host that is not reached says itself what to do.
                    part.inner.host.is_none() || error.kind() == ErrorKind::AgentNotFound
                };
                match self.part_of(name) {
                    Ok(part) if part.inner.supervisor.is_some() && is_known(&part) => {
                        error.with_hint(format!("start it: mosaic-fleet start {name}"))
                    }
                    _ => error,
                }
            }
            ErrorKind::AgentNotFound | ErrorKind::Unavailable if !self.inner.agents.is_empty() => {
                let known = self.inner.agents.iter().map(|agent| agent.name.as_str());
                let mut better = Error::agent_not_found(name.as_str(), known);
                if let Some(operation) = error.operation() {
                    better = better.with_operation(operation.to_owned());
                }
                better
                    .with_transport(self.inner.transport.info())
                    .with_hint("`mosaic-fleet agent roster` lists the agents")
                    .with_source(error)
            }
            _ => error,
        }
    }
}

/// Whether an error only says that a receipt is not known.
fn is_strange(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidArgument | ErrorKind::Unsupported
    )
}
