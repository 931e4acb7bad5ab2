//! `verify`: the promises, tried on the live server.

use clap::Args;
use comfy_table::Color;
use mosaic_fleet::fleet::Verified;

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// Prove on the live server, with two canaries and without touching an agent, that all is well
#[derive(Debug, Args)]
pub(crate) struct Verify {}

impl Verify {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let verified = session.fleet()?.verify().await?;
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(&verified))?,
            false => output.result(&text(output.colours(), &verified))?,
        }
        Ok(if verified.ok {
            Answer::Done
        } else {
            Answer::Failed
        })
    }
}

fn text(colours: bool, verified: &Verified) -> String {
    let mut table = human::table(colours, &["", "PROMISE", "SEEN"]);
    for check in &verified.checks {
        let (word, colour) = match check.ok {
            true => ("ok", Color::Green),
            false => ("FAIL", Color::Red),
        };
        table.add_row([
            human::cell(word, Some(colour), colours),
            human::cell(check.name, None, colours),
            human::cell(&check.seen, None, colours),
        ]);
    }
    human::rendered(table)
}
