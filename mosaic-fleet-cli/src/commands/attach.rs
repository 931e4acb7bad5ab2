//! `attach` and `agent attach`: a person before an agent's terminal.

use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use mosaic_fleet::{AgentName, AgentState, Error, ErrorKind};

use crate::app::{Answered, Session};

/// Show an agent's terminal and type to it; leave with the detach key (C-b d)
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// Which agent
    #[arg(value_name = "NAME")]
    name: AgentName,
}

impl Attach {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let name = &self.name;
        let context = |error: Error| error.with_operation("attach").with_agent(name);
        let status = fleet.status(std::slice::from_ref(name), false).await?;
        if let Some(failed) = status.errors.into_iter().next() {
            return Err(context(failed.error));
        }
        if status
            .agents
            .iter()
            .any(|agent| agent.status.state == AgentState::Stopped)
        {
            return Err(context(Error::unavailable("it does not run"))
                .with_hint(format!("start it: mosaic-fleet start {name}")));
        }
        let command = fleet.attach_command(name)?;
        let Some((program, arguments)) = command.split_first() else {
            return Err(context(Error::unsupported("attaching")));
        };
        // Only comes back if it failed.
        let failed = Command::new(program).args(arguments).exec();
        let program = program.to_string_lossy();
        Err(context(Error::new(
            ErrorKind::ConfigInvalid,
            format!("cannot run {program}"),
        ))
        .with_source(failed))
    }
}
