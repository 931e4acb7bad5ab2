//! What became of one agent in a start, a stop, a restart or a drain.

use serde::Serialize;

use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::error::{Error, Result};
use crate::message::Receipt;
use crate::roster::{Action, StepKind};

/// What became of one agent.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Whose outcome it is.
    pub agent: AgentName,
    /// What was to be done.
    pub what: StepKind,
    /// How it was when it had started, where something was started.
    pub state: Option<AgentState>,
    /// The question that it asks before anything can be sent to it.
    pub question: Option<String>,
    /// What came of the first prompt, if one was sent.
    pub kickstart: Option<Receipt>,
    /// Why it failed.
    pub error: Option<Error>,
}

impl Outcome {
    pub(super) fn new(agent: AgentName, what: StepKind) -> Self {
        Outcome {
            agent,
            what,
            state: None,
            question: None,
            kickstart: None,
            error: None,
        }
    }

    pub(super) fn settle(&mut self, settled: Result<(AgentStatus, Option<Receipt>)>) {
        match settled {
            Ok((status, receipt)) => {
                self.state = Some(status.state);
                self.question = status.question;
                self.kickstart = receipt;
            }
            Err(error) => self.error = Some(error.with_agent(&self.agent)),
        }
    }
}

/// Told of each agent as it is done, by parts that act side by side.
pub(super) type Progress<'a> = &'a (dyn Fn(&Outcome) + Send + Sync);

/// The outcomes of agents for whom nothing could be begun, because of what is wrong with their place.
pub(super) fn none_of(
    names: &[AgentName],
    action: Action,
    error: &Error,
    progress: Progress<'_>,
) -> Vec<Outcome> {
    let outcomes = names.iter().map(|name| {
        let what = match action {
            Action::Stop => StepKind::Stop,
            Action::Restart => StepKind::Restart,
            Action::Start => StepKind::Start,
        };
        let mut outcome = Outcome::new(name.clone(), what);
        outcome.error = Some(error.repeated().with_agent(name));
        progress(&outcome);
        outcome
    });
    outcomes.collect()
}
