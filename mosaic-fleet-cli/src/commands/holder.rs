//! What units run besides `agent run`: the process that holds the server, and the first process of
//! an agent's terminal.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process;
use std::time::Duration;

use clap::{Args, Subcommand};
use mosaic_fleet::supervise::{Hold, move_to_unit};
use mosaic_fleet::{Error, Fleet, Result};

use super::run::{journal, rosterless};
use crate::app::{Answered, Session};
use crate::exit::Answer;

/// How long the service manager may take to move a process.
const MOVE: Duration = Duration::from_secs(10);

/// The server was another's, and ended: the unit starts again, and then has its own.
const AGAIN: i32 = 75;

/// For units: hold the server that has the agents' terminals
#[derive(Debug, Subcommand)]
pub(crate) enum Holder {
    /// Become the server, or watch the one that another started
    Run,
    /// Wait until the server is ready for agents
    Ready,
}

/// For units: move to the agent's unit, and become the agent
#[derive(Debug, Args)]
pub(crate) struct AgentLaunch {
    unit: String,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Holder {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        journal();
        let fleet = fleet(session)?;
        match self {
            Holder::Ready => {
                let main = session.environment.get("MAINPID");
                let main = main.and_then(|main| main.parse().ok());
                fleet.held(main).await.map(|()| Answer::Done)
            }
            Holder::Run => {
                let foreign = |pid| {
                    tracing::warn!(
                        event = "foreign",
                        pid,
                        "a server that this unit did not start runs: it is watched and left as it is"
                    );
                };
                match fleet.hold(foreign).await? {
                    Hold::Serve(server) => become_it(server).map(|never| match never {}),
                    Hold::Watched(pid) => {
                        tracing::warn!(event = "gone", pid, "the server of another ended");
                        process::exit(AGAIN)
                    }
                    _ => process::exit(AGAIN),
                }
            }
        }
    }
}

/// A roster that is being changed shall not keep the whole fleet down: the server needs little of it.
fn fleet(session: &Session) -> Result<Fleet> {
    session.fleet().or_else(|error| {
        tracing::error!(event = "roster", %error, "the server starts with defaults");
        rosterless(session)
    })
}

impl AgentLaunch {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let moving = tokio::time::timeout(MOVE, move_to_unit(&session.environment, &self.unit));
        let moved = moving
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the service manager does not answer")));
        if let Err(error) = moved {
            // In the agent's terminal; the agent runs all the same.
            session.output.warning(&format!(
                "this agent stays outside of {}: {error}",
                self.unit
            ));
        }
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Error::invalid_argument("no command"));
        };
        let mut command = process::Command::new(program);
        command.args(arguments);
        match become_it(command) {
            Ok(never) => match never {},
            Err(error) => {
                session.output.error(&error);
                // As a shell has it.
                process::exit(127)
            }
        }
    }
}

/// Only returns if it cannot.
fn become_it(mut command: process::Command) -> Result<Infallible> {
    let error = command.exec();
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let what = format!("cannot run {program}");
    Err(match missing {
        true => Error::new(mosaic_fleet::ErrorKind::Unsupported, what),
        false => Error::config_invalid(what),
    }
    .with_source(error))
}
