//! `agent answer`: a question of an agent is answered, and that is proved.

use std::time::Duration;

use clap::{ArgGroup, Args};
use mosaic_fleet::{AgentName, Answer as Reply, AnswerOptions};

use crate::app::{Answered, Session};
use crate::exit;
use crate::output::human;
use crate::output::json::Document;
use crate::values;

/// Answer the question that an agent asks; the only command that does
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("answer").required(true).args(["choice", "deny"])))]
pub(crate) struct Answer {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// Take the choice of this number, 1 to 9, as the question shows it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=9))]
    choice: Option<u8>,
    /// Say no
    #[arg(long)]
    deny: bool,
    /// Answer only a question that has these words
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// The deadline of the whole call [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl Answer {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let reply = self.choice.map_or(Ok(Reply::Deny), Reply::choice)?;
        let mut options = AnswerOptions::new();
        options.expect.clone_from(&self.expect);
        options.timeout = self.timeout.unwrap_or(options.timeout);
        let report = fleet.answer(&self.agent, reply, options).await?;
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(&report))?,
            false => output.success(&format!(
                "{}: answered {:?} with {} ({}) in {}\n",
                report.agent,
                report.question,
                report.answer,
                human::evidence(&report.evidence),
                human::took(report.elapsed)
            ))?,
        }
        Ok(exit::Answer::Done)
    }
}
