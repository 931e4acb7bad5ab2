//! `migrate`: what is in use of the bash version, and what replaces it.

use clap::Args;
use mosaic_fleet::setup::Leftover;

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// List what is in use of the bash version, and what replaces it
///
/// Changes nothing. The steps themselves are commands of their own: init writes a roster, install-systemd
/// replaces the units, cutover the agents that run, install-tools the scripts.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Only look: there is nothing else that this command does
    #[arg(long, required = true)]
    check: bool,
}

impl Migrate {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let migration = session.fleet()?.leftovers().await;
        let output = &session.output;
        if output.is_json() {
            output.document(&Document::new(&migration))?;
        } else if migration.leftovers.is_empty() && migration.errors.is_empty() {
            output.result("nothing of the bash version is in use\n")?;
        } else {
            let all = migration.leftovers.iter().map(text);
            output.result(&all.collect::<String>())?;
        }
        for failed in &migration.errors {
            output.error(&failed.error);
        }
        Ok(match migration.errors.is_empty() {
            true => Answer::Done,
            false => Answer::Failed,
        })
    }
}

fn text(leftover: &Leftover) -> String {
    let kind = leftover.kind.as_str().replace('_', " ");
    let mut text = format!("{kind} {}: {}\n", leftover.name, leftover.what);
    let mut line = |word: &str, words: &str| {
        text.push_str(&format!("  {word:<12} {words}\n"));
    };
    if let Some(path) = &leftover.path {
        line("file", &path.display().to_string());
    }
    if let Some(warning) = &leftover.warning {
        line("warning", warning);
    }
    line("replaced by", &leftover.replaced_by);
    if let Some(next) = &leftover.next {
        line("next", next);
    }
    text
}
