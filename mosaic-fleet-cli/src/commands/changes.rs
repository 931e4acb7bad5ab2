//! How planned changes of files are shown, written and told: for every command that installs.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use mosaic_fleet::setup::{self, FileChange};
use mosaic_fleet::{Error, Result};
use serde::Serialize;

use crate::app::Session;

/// What is to be done with the changes.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Show what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take out what was put in, and nothing else
    #[arg(long)]
    pub(super) uninstall: bool,
}

/// One change, for programs.
#[derive(Serialize)]
pub(super) struct Changed<'a> {
    path: &'a Path,
    diff: String,
    backup: Option<PathBuf>,
    restored: Option<&'a Path>,
}

impl<'a> Changed<'a> {
    pub(super) fn new(change: &'a FileChange, backup: Option<PathBuf>) -> Self {
        Changed {
            path: &change.path,
            diff: change.diff(),
            backup,
            restored: change.restores.as_deref(),
        }
    }
}

impl How {
    /// Changes are written, not only shown.
    pub(super) fn writes(&self) -> bool {
        !self.dry_run
    }

    /// Where we are, with a warning if what is put in would not find us there for long.
    pub(super) fn binary(&self, session: &Session) -> Result<PathBuf> {
        let binary = binary()?;
        if !self.uninstall {
            warn_of_build(session, &binary);
        }
        Ok(binary)
    }

    /// Shows the changes, and writes them unless it is a rehearsal; `done` is said when all are.
    pub(super) fn carry_out<'a>(
        &self,
        session: &Session,
        changes: &'a [FileChange],
        done: &str,
    ) -> Result<Vec<Changed<'a>>> {
        let output = &session.output;
        let mut changed = Vec::new();
        for change in changes {
            let mut backup = None;
            if self.dry_run {
                output.result(&change.diff())?;
            } else {
                backup = write(session, change)?;
            }
            changed.push(Changed::new(change, backup));
        }
        output.success(if changes.is_empty() {
            "nothing to change\n"
        } else if self.dry_run {
            "nothing was written\n"
        } else {
            done
        })?;
        Ok(changed)
    }
}

/// Where we are, for what runs us for years.
pub(super) fn binary() -> Result<PathBuf> {
    env::current_exe()
        .and_then(|path| path.canonicalize())
        .map_err(|error| {
            Error::config_invalid(format!("cannot tell where mosaic-fleet is: {error}"))
                .with_source(error)
        })
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

/// Each change is told when it is made, so that it is known if the next one fails.
fn write(session: &Session, change: &FileChange) -> Result<Option<PathBuf>> {
    let backup = setup::apply(change)?;
    let path = change.path.display();
    let mut words = change.diff();
    words.push_str(&match (&change.restores, &change.after) {
        (Some(kept), _) => format!("put {} back as {path}\n", kept.display()),
        (None, Some(_)) => format!("wrote {path}\n"),
        (None, None) => format!("removed {path}\n"),
    });
    if let Some(backup) = &backup {
        words.push_str(&format!("kept the old one as {}\n", backup.display()));
    }
    session.output.success(&words)?;
    Ok(backup)
}
