//! `runtime install`: sets a program up to tell its own word, in its own configuration.

use std::path::Path;

use clap::{Args, ValueEnum};
use mosaic_fleet::setup::{self, Program};
use serde::Serialize;

use super::changes::{Changed, How};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Set a program up to tell the fleet what it does, by hooks and a key
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Which program
    #[arg(value_name = "PROGRAM")]
    program: Installable,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Installable {
    Claude,
    Pi,
}

#[derive(Serialize)]
struct Installed<'a> {
    program: Program,
    folder: &'a Path,
    binary: &'a Path,
    written: bool,
    changes: Vec<Changed<'a>>,
}

impl Install {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let program = match self.program {
            Installable::Claude => Program::Claude,
            Installable::Pi => Program::Pi,
        };
        let binary = self.how.binary(session)?;
        let folder = program.folder(&session.environment)?;
        let current = setup::read(program, &folder)?;
        let changes = setup::changes(program, &current, &binary, self.how.uninstall)?;
        let done = format!("a {program} that runs sees it when it starts anew\n");
        let changed = self.how.carry_out(session, &changes, &done)?;
        if session.output.is_json() {
            session.output.document(&Document::new(Installed {
                program,
                folder: &folder,
                binary: &binary,
                written: self.how.writes() && !changes.is_empty(),
                changes: changed,
            }))?;
        }
        Ok(Answer::Done)
    }
}
