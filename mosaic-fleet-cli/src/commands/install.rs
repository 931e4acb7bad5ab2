//! `runtime install`: sets a program up to tell its own word, in its own configuration.

use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mosaic_fleet::setup::{self, FileChange, Program};
use mosaic_fleet::{Error, Result};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Set a program up to tell the fleet what it does, by hooks and a key
#[derive(Debug, Args)]
pub(crate) struct Install {
    /// Which program
    #[arg(value_name = "PROGRAM")]
    program: Installable,
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take out what was put in, and nothing else
    #[arg(long)]
    uninstall: bool,
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

#[derive(Serialize)]
struct Changed<'a> {
    path: &'a Path,
    diff: String,
    backup: Option<PathBuf>,
}

impl Install {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let program = match self.program {
            Installable::Claude => Program::Claude,
            Installable::Pi => Program::Pi,
        };
        let binary = binary()?;
        let folder = program.folder(&session.environment)?;
        let current = setup::read(program, &folder)?;
        let changes = setup::changes(program, &current, &binary, self.uninstall)?;
        let output = &session.output;
        if !self.uninstall {
            warn_of_build(session, &binary);
        }
        for change in changes.iter().filter(|_| self.dry_run) {
            output.result(&change.diff())?;
        }
        let mut changed = Vec::new();
        for change in &changes {
            let backup = match self.dry_run {
                true => None,
                false => self.write(session, change)?,
            };
            changed.push(Changed {
                path: &change.path,
                diff: change.diff(),
                backup,
            });
        }
        if changes.is_empty() {
            output.success("nothing to change\n")?;
        } else if self.dry_run {
            output.success("nothing was written\n")?;
        } else {
            output.success(&format!(
                "a {program} that runs sees it when it starts anew\n"
            ))?;
        }
        if output.is_json() {
            output.document(&Document::new(Installed {
                program,
                folder: &folder,
                binary: &binary,
                written: !self.dry_run && !changes.is_empty(),
                changes: changed,
            }))?;
        }
        Ok(Answer::Done)
    }

    /// Each change is told when it is made, so that it is known if the next one fails.
    fn write(&self, session: &Session, change: &FileChange) -> Result<Option<PathBuf>> {
        let backup = setup::apply(change)?;
        let path = change.path.display();
        let mut words = change.diff();
        words.push_str(&match change.after {
            Some(_) => format!("wrote {path}\n"),
            None => format!("removed {path}\n"),
        });
        if let Some(backup) = &backup {
            words.push_str(&format!("kept the old one as {}\n", backup.display()));
        }
        session.output.success(&words)?;
        Ok(backup)
    }
}

/// What is built anew is gone for a while, or for ever.
pub(super) fn warn_of_build(session: &Session, binary: &Path) {
    if binary.iter().any(|part| part == "target") {
        session.output.warning(&format!(
            "{} is in a build folder: install mosaic-fleet where it stays, and run this again from there",
            binary.display()
        ));
    }
}

/// Where we are, for hooks that run for years.
pub(super) fn binary() -> Result<PathBuf> {
    env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| {
            Error::config_invalid(format!("cannot tell where mosaic-fleet is: {error}"))
                .with_source(error)
        })
}
