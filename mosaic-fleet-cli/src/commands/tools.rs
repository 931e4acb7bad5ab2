//! `install-tools`: our drop-ins for the scripts of the bash version, in the fleet's home.

use std::path::Path;

use clap::Args;
use mosaic_fleet::home::MosaicHome;
use mosaic_fleet::setup;
use serde::Serialize;

use super::changes::{Changed, How};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Put drop-ins for the old scripts into $MOSAIC_HOME/tools
///
/// agent-send.sh, send-message.sh, start-agent-session.sh, lane-brief.sh, ci-wait.sh and
/// ci-queue-wait.sh take the flags that they always took, and run mosaic-fleet. What was there is kept
/// beside each, and --uninstall puts it back.
#[derive(Debug, Args)]
pub(crate) struct InstallTools {
    #[command(flatten)]
    how: How,
}

#[derive(Serialize)]
struct Installed<'a> {
    folder: &'a Path,
    binary: &'a Path,
    written: bool,
    changes: Vec<Changed<'a>>,
}

impl InstallTools {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let binary = self.how.binary(session)?;
        let home = MosaicHome::from_environment(&session.environment).path;
        let current = setup::read_tools(&home)?;
        let changes = setup::tool_changes(&current, &binary, self.how.uninstall)?;
        let changed = self.how.carry_out(session, &changes, "")?;
        if session.output.is_json() {
            session.output.document(&Document::new(Installed {
                folder: &home,
                binary: &binary,
                written: self.how.writes() && !changes.is_empty(),
                changes: changed,
            }))?;
        }
        Ok(Answer::Done)
    }
}
