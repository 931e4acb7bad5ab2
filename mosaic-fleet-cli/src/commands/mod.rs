//! The commands: each parses its options, calls the library and prints the answer.

pub(crate) mod agent;
pub(crate) mod answer;
pub(crate) mod attach;
mod changes;
pub(crate) mod ci;
pub(crate) mod completions;
pub(crate) mod cutover;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod gateway;
pub(crate) mod holder;
pub(crate) mod hook;
pub(crate) mod init;
pub(crate) mod install;
pub(crate) mod lane;
pub(crate) mod life;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod matrix;
pub(crate) mod migrate;
pub(crate) mod pane;
pub(crate) mod reset;
pub(crate) mod roster;
pub(crate) mod run;
pub(crate) mod runtime;
pub(crate) mod send;
pub(crate) mod skills;
pub(crate) mod start_session;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod text;
pub(crate) mod tools;
pub(crate) mod tree;
pub(crate) mod units;
pub(crate) mod verify;
pub(crate) mod wait;

use std::future::Future;

use mosaic_fleet::{Error, ErrorKind, Result};

use crate::app::{Answered, Session};
use crate::args::Command;

/// Runs a command.
pub(crate) fn run(session: &Session, command: Command) -> Answered {
    match command {
        Command::Init(command) => command.run(session),
        Command::Start(command) => wait_for(command.run(session)),
        Command::Stop(command) => wait_for(command.run(session)),
        Command::Restart(command) => wait_for(command.run(session)),
        Command::Drain(command) => wait_for(command.run(session)),
        Command::Status(command) => wait_for(command.run(session)),
        Command::InstallSystemd(command) => wait_for(command.run(session)),
        Command::UninstallSystemd(command) => wait_for(command.run(session)),
        Command::Migrate(command) => wait_for(command.run(session)),
        Command::Cutover(command) => wait_for(command.run(session)),
        Command::Verify(command) => wait_for(command.run(session)),
        Command::Holder(command) => wait_for(command.run(session)),
        Command::AgentLaunch(command) => wait_for(command.run(session)),
        Command::Attach(command) => wait_for(command.run(session)),
        Command::Doctor(command) => wait_for(command.run(session)),
        Command::Demo(command) => wait_for(command.run(session)),
        Command::Agent(command) => wait_for(command.run(session)),
        Command::Pane(command) => wait_for(command.run(session)),
        Command::Lane(command) => wait_for(command.run(session)),
        Command::Ci(command) => wait_for(command.run(session)),
        Command::Gateway(command) => wait_for(command.run(session)),
        Command::Matrix(command) => wait_for(command.run(session)),
        Command::Roster(command) => command.run(session),
        Command::Runtime(command) => wait_for(command.run(session)),
        Command::Skills(command) => command.run(session),
        Command::Completions(command) => command.run(session),
        Command::Man(command) => command.run(session),
        Command::Tree(_) => tree::Tree::run(session),
        Command::InstallTools(command) => command.run(session),
        Command::StartSession(command) => wait_for(command.run(session)),
        Command::Hook(command) => command.run(session),
        Command::DemoAgent(command) => command.run(),
    }
}

/// One thread is enough: what takes time is tmux's.
fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Unexpected, "cannot start the event loop").with_source(error)
        })?;
    runtime.block_on(Box::pin(work))
}

/// Waits for the request to end: from the keyboard, the service manager or a closed terminal.
pub(crate) async fn interrupted() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| {
        signal(kind).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "cannot listen for signals").with_source(error)
        })
    };
    let mut keyboard = listen(SignalKind::interrupt())?;
    let mut manager = listen(SignalKind::terminate())?;
    let mut terminal = listen(SignalKind::hangup())?;
    tokio::select! {
        _ = keyboard.recv() => {}
        _ = manager.recv() => {}
        _ = terminal.recv() => {}
    }
    Ok(())
}
