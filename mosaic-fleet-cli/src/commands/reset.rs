//! `agent reset`: an agent forgets, and gets its first prompt.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mosaic_fleet::fleet::{Kickstart, ResetOutcome};
use mosaic_fleet::{AgentName, AgentState, ErrorKind, ResetMode, ResetOptions};

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::files;
use crate::output::human;
use crate::output::json::Document;
use crate::values;

/// Make an agent forget its conversation, prove it, and send its first prompt
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// Empty the conversation (Claude's /clear); without a mode, the runtime's own way
    #[arg(long, conflicts_with = "new")]
    clear: bool,
    /// Begin a new session (pi's /new)
    #[arg(long)]
    new: bool,
    /// A first prompt instead of the roster's
    #[arg(long, value_name = "FILE", conflicts_with = "no_kickstart")]
    kickstart: Option<PathBuf>,
    /// Send no first prompt
    #[arg(long)]
    no_kickstart: bool,
    /// Also an agent that is at work, or whose conversation the roster protects
    #[arg(long)]
    force: bool,
    /// How long an agent at work may take to become idle (30s, 5m, 1h30m)
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "force")]
    wait: Option<Duration>,
    /// The deadline of the reset [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl Reset {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let kickstart = match &self.kickstart {
            Some(file) => Kickstart::Template(files::read(file)?),
            None if self.no_kickstart => Kickstart::None,
            None => Kickstart::Roster,
        };
        let mut options = ResetOptions::new().with_force(self.force);
        options.timeout = self.timeout.unwrap_or(options.timeout);
        options.mode = match (self.clear, self.new) {
            (true, _) => Some(ResetMode::Clear),
            (_, true) => Some(ResetMode::New),
            _ => None,
        };
        if let Some(wait) = self.wait {
            // One that is at work all the same is refused by the reset itself.
            match fleet
                .wait_until(&self.agent, &[AgentState::Idle], wait)
                .await
            {
                Err(error) if error.kind() != ErrorKind::Timeout => return Err(error),
                _ => {}
            }
        }
        let outcome = fleet.reset(&self.agent, options, &kickstart).await?;
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(&outcome))?,
            false => output.success(&text(&outcome))?,
        }
        for warning in &outcome.warnings {
            output.warning(&format!("{}: {warning}", outcome.agent));
        }
        if let Some(error) = &outcome.kickstart_error {
            // The reset was done, so this is no refusal with nothing typed.
            output.error(error);
            return Ok(Answer::Unknown);
        }
        Ok(outcome
            .kickstart
            .as_ref()
            .map_or(Answer::Done, Answer::from))
    }
}

/// `coder0: reset with /clear (screen: …) in 80 ms`, and the kickstart's receipt.
pub(super) fn text(outcome: &ResetOutcome) -> String {
    let mut text = match &outcome.report {
        Some(report) => format!(
            "{}: reset with {} ({}) in {}\n",
            outcome.agent,
            report.command,
            human::evidence(&report.evidence),
            human::took(report.elapsed)
        ),
        None => format!("{}: restarted\n", outcome.agent),
    };
    if let Some(receipt) = &outcome.kickstart {
        text.push_str(&format!("kickstart of {}\n", human::receipt(receipt)));
    }
    text
}
