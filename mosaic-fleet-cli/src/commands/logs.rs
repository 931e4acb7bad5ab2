//! `agent logs`: what an agent's keeper and the service manager wrote about it.

use std::process::Stdio;

use clap::Args;
use mosaic_fleet::supervise::LogEntry;
use mosaic_fleet::{AgentName, Error, Result};
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::interrupted;
use super::run::rosterless;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Print when an agent was started, how it ended, and what its unit did
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
    /// At most this many lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 80)]
    lines: usize,
    /// Go on with what comes, until interrupted
    #[arg(short, long)]
    follow: bool,
}

#[derive(Serialize)]
struct Entries<'a> {
    agent: &'a AgentName,
    entries: Vec<LogEntry>,
}

impl Logs {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        // A broken roster is a good reason to read a log.
        let fleet = session.fleet().or_else(|_| rosterless(session))?;
        let command = fleet.log_command(&self.agent, self.lines, self.follow)?;
        let cannot = |error| {
            let program = command.first().map_or("", String::as_str);
            Error::unavailable(format!("cannot run {program}")).with_source(error)
        };
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)?;
        let Some(stdout) = child.stdout.take() else {
            return Err(Error::unavailable("the journal says nothing"));
        };
        let mut lines = BufReader::new(stdout).lines();
        let mut gathered = Vec::new();
        let mut nothing = true;
        let interrupted = interrupted();
        tokio::pin!(interrupted);
        while !session.output.is_closed() {
            let line = tokio::select! {
                ended = &mut interrupted => {
                    ended?;
                    return Ok(Answer::Done);
                }
                line = lines.next_line() => line.map_err(cannot)?,
            };
            let Some(line) = line else { break };
            let Some(entry) = LogEntry::parse(&line) else {
                continue;
            };
            nothing = false;
            match session.output.is_json() && !self.follow {
                true => gathered.push(entry),
                false => self.print(session, entry)?,
            }
        }
        if nothing && !self.follow {
            // A name that nobody has is told before an empty log.
            fleet.agent(&self.agent)?;
        }
        if session.output.is_json() && !self.follow {
            session.output.document(&Document::new(Entries {
                agent: &self.agent,
                entries: gathered,
            }))?;
        }
        let status = child.wait().await.map_err(cannot)?;
        Ok(match status.success() {
            true => Answer::Done,
            false => Answer::Failed,
        })
    }

    fn print(&self, session: &Session, entry: LogEntry) -> Result<()> {
        if session.output.is_json() {
            return session.output.document(&Document::new(Entries {
                agent: &self.agent,
                entries: vec![entry],
            }));
        }
        let at = entry.at.map(|at| at.strftime("%F %T").to_string());
        let at = at.unwrap_or_default();
        session.output.stdout(&format!("{at}  {}\n", entry.message))
    }
}
