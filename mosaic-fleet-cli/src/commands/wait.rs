//! `agent wait`: until an agent is idle, asks something, has ended, …

use std::time::Duration;

use clap::Args;
use mosaic_fleet::{AgentName, AgentState};

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;
use crate::values;

/// Wait until an agent is in a state
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// idle, working, waiting or dead (as in status); several with commas
    #[arg(long, value_name = "STATE", value_delimiter = ',', required = true)]
    until: Vec<AgentState>,
    /// The longest time to wait; for ever without it
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl Wait {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.lasting_fleet()?;
        let timeout = self.timeout.unwrap_or(Duration::MAX);
        let reached = fleet.wait_until(&self.agent, &self.until, timeout).await;
        fleet.close().await?;
        let status = reached?;
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(&status))?,
            false => output.success(&format!("{}: {}\n", status.name, status.state))?,
        }
        Ok(Answer::Done)
    }
}
