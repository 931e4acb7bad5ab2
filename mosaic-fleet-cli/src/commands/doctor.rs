//! `doctor`: what is right and wrong with this host.

use clap::Args;
use comfy_table::Color;
use mosaic_fleet::supervise::{Check, Finding};
use mosaic_fleet::{Fleet, Roster};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// Check this host, the roster, and each agent's program and folder
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    checks: &'a [Check],
}

impl Doctor {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let checks = match session.fleet() {
            Ok(fleet) => fleet.doctor().await,
            Err(error) => {
                // The host can be checked all the same.
                let hint = error
                    .hint()
                    .unwrap_or("mend it; see `mosaic-fleet roster schema`");
                let wrong =
                    Check::new("roster", Finding::Failure, error.to_string()).with_fix(hint);
                let mut checks = vec![wrong];
                let options = session.options();
                if let Ok(fleet) = Fleet::with_roster(Roster::default(), options) {
                    // Of the agents nothing is known without it.
                    let host = fleet.doctor().await.into_iter().skip(1);
                    checks.extend(host.filter(|check| !check.name.starts_with("agent ")));
                }
                checks
            }
        };
        let ok = checks.iter().all(|check| check.finding != Finding::Failure);
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(Report {
                ok,
                checks: &checks,
            }))?,
            false => output.result(&text(output.colours(), &checks))?,
        }
        Ok(if ok { Answer::Done } else { Answer::Failed })
    }
}

fn text(colours: bool, checks: &[Check]) -> String {
    let mut table = human::table(colours, &["", "CHECK", "SEEN"]);
    for check in checks {
        let (word, colour) = match check.finding {
            Finding::Ok => ("ok", Color::Green),
            Finding::Warning => ("warning", Color::Yellow),
            _ => ("FAIL", Color::Red),
        };
        let seen = match &check.fix {
            Some(fix) if !fix.is_empty() => format!("{}\n→ {fix}", check.seen),
            _ => check.seen.clone(),
        };
        table.add_row([
            human::cell(word, Some(colour), colours),
            human::cell(&check.name, None, colours),
            human::cell(seen, None, colours),
        ]);
    }
    human::rendered(table)
}
