//! `hook RUNTIME`: what an agent program's hooks run. It takes one event from the standard input to
//! the agent's log, prints nothing and always succeeds: a broken fleet must never break an agent.

use std::io::{Read, stdin};

use clap::Args;
use mosaic_fleet::events::{EVENTS_VARIABLE, EventLog, told_by};

use crate::app::{Answered, Session};
use crate::exit::Answer;

/// The most bytes of one event that are read.
const MOST_BYTES: u64 = 16 << 20;

/// Take an event of an agent's program from its hook (set up by `runtime install`)
#[derive(Debug, Args)]
pub(crate) struct Hook {
    /// Which program
    #[arg(value_name = "RUNTIME")]
    runtime: String,
    /// The private key that the program was given for submitting
    #[arg(long, value_name = "KEYS")]
    submit_key: Option<String>,
}

impl Hook {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        if let Some(path) = session.environment.get(EVENTS_VARIABLE) {
            self.tell(&EventLog::at(path));
        }
        Ok(Answer::Done)
    }

    /// Whatever goes wrong stays here.
    fn tell(&self, log: &EventLog) -> Option<()> {
        let mut told = Vec::new();
        stdin().take(MOST_BYTES).read_to_end(&mut told).ok()?;
        let told = serde_json::from_slice(&told).ok()?;
        let event = told_by(&self.runtime, self.submit_key.as_deref(), &told)?;
        log.append(&event).ok()
    }
}
