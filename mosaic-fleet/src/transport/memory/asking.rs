//! Questions of in-process agents, and their answers.

use std::time::Instant;

use super::MemoryTransport;
use super::house::Asked;
use crate::agent::{AgentName, AgentState};
use crate::error::{Error, Refusal, Result};
use crate::message::{Evidence, EvidenceKind};
use crate::options::{Answer, AnswerOptions, AnswerReport};
use crate::transport::Transport;

impl MemoryTransport {
    /// Has an agent ask a question; it waits until it is answered, or set to another state.
    ///
    /// # Errors
    /// `AgentNotFound`.
    pub fn ask(&self, name: &AgentName, question: &str, choices: &[&str]) -> Result<()> {
        self.change(|house| {
            let agent = house.agent(name)?;
            let before = agent.state;
            agent.become_(AgentState::Waiting);
            agent.question = Some(Asked {
                text: question.to_owned(),
                choices: choices.iter().map(ToString::to_string).collect(),
                before,
            });
            Ok(())
        })
    }

    /// What an agent's questions were answered with so far, in order.
    pub fn answers(&self, name: &AgentName) -> Vec<Answer> {
        let house = self.lock();
        let answers = house.agents.get(name).map(|agent| agent.answers.clone());
        answers.unwrap_or_default()
    }

    pub(super) fn settle(
        &self,
        name: &AgentName,
        answer: Answer,
        options: &AnswerOptions,
    ) -> Result<AnswerReport> {
        let began = Instant::now();
        let mut house = self.lock();
        house.open()?;
        let agent = house.agent(name)?;
        let none = |what: String| Err(Error::refused(Refusal::NoQuestion, what));
        if matches!(agent.state, AgentState::Dead | AgentState::Stopped) {
            return Err(Error::refused(Refusal::Dead, "the agent does not run"));
        }
        let Some(asked) = &agent.question else {
            return none("the agent asks nothing".to_owned());
        };
        if let Some(words) = &options.expect
            && !asked.text.contains(words.trim())
        {
            return none(format!("it asks something else: {:?}", asked.text));
        }
        let (words, before) = (asked.words_of(answer)?, asked.before);
        let question = asked.text.clone();
        agent.answers.push(answer);
        agent.become_(before);
        Ok(AnswerReport::new(
            name.clone(),
            self.info().to_string(),
            question,
            words,
            Evidence::new(EvidenceKind::Protocol, "the agent took the answer"),
            began.elapsed(),
        ))
    }
}

impl Asked {
    fn words_of(&self, answer: Answer) -> Result<String> {
        let Answer::Choice(number) = answer else {
            return Ok("deny".to_owned());
        };
        let index = usize::from(number).checked_sub(1);
        match index.and_then(|index| self.choices.get(index)) {
            Some(words) => Ok(format!("{number}. {words}")),
            None => Err(Error::refused(
                Refusal::NoQuestion,
                format!(
                    "there is no choice {number}, but {}",
                    self.choices.join("; ")
                ),
            )),
        }
    }
}
