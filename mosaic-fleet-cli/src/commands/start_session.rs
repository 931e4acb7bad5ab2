//! `start-session`: an agent started as the environment says, for the drop-in of the old script of
//! that name and the units that run it. Its exit codes are those of `agent run`, as that script's were.

use std::process;

use clap::Args;
use mosaic_fleet::AgentName;
use mosaic_fleet::fleet::{Kickstart, LifeOptions, Outcome};
use mosaic_fleet::roster::StepKind;
use serde::Serialize;

use super::life;
use crate::app::{Answered, Session};
use crate::exit::{Answer, Family};
use crate::output::json::Document;

/// Have an agent run as MOSAIC_AGENT_RUNTIME, MOSAIC_AGENT_WORKDIR and MOSAIC_AGENT_COMMAND say
#[derive(Debug, Args)]
pub(crate) struct StartSession {
    /// Which agent, whether the roster has it or not
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct Results {
    results: [Outcome; 1],
}

impl StartSession {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self.start(session).await {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let code = session.output.failure(&error, Family::Run);
                process::exit(code.into())
            }
        }
    }

    async fn start(&self, session: &Session) -> Answered {
        let name = AgentName::new(&self.name)?;
        let fleet = session.fleet()?;
        // The old script typed nothing either, and a unit would take a late prompt for a failed start.
        let options = LifeOptions::new().with_kickstart(Kickstart::None);
        let mut outcome = fleet
            .start_as_called(&name, &session.environment, &options)
            .await?;
        if let Some(error) = outcome.error.take() {
            return Err(error);
        }
        if outcome.what == StepKind::Adopt {
            // Who keeps it is no concern of this caller.
            outcome.what = StepKind::AlreadyRunning;
        }
        let output = &session.output;
        let line = life::line(&fleet, &outcome);
        match outcome.what.is_idle() {
            true => output.success(&line)?,
            false => output.progress(&line),
        }
        if output.is_json() {
            let results = [outcome];
            output.document(&Document::new(Results { results }))?;
        }
        Ok(Answer::Done)
    }
}
