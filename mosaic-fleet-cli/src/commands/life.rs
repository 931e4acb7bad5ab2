//! `start`, `stop` and `restart`.

use std::time::Duration;

use clap::Args;
use comfy_table::Color;
use mosaic_fleet::fleet::{DrainOptions, Kickstart, LifeOptions, Outcome};
use mosaic_fleet::roster::StepKind;
use mosaic_fleet::{AgentName, AgentState, Error, Fleet, Result};
use serde::Serialize;

use super::init::path_of;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;
use crate::values;

/// Have the agents run; one that runs is left as it is
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Which agents; all of the roster without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
    /// Send no first prompt
    #[arg(long)]
    no_kickstart: bool,
    /// How long to watch what was started until it shows how it is
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "10s")]
    wait: Duration,
}

/// Stop the agents and what they left behind
#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Which agents; all of the roster without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
}

/// Stop and start the agents
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Which agents; all of the roster without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
    /// Send no first prompt
    #[arg(long)]
    no_kickstart: bool,
    /// How long to watch what was started until it shows how it is
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "10s")]
    wait: Duration,
}

#[derive(Serialize)]
struct Results<'a> {
    results: &'a [Outcome],
}

/// Before an upgrade or a reboot: send nothing new, let the agents finish, and stop them
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// Which agents; all of the roster without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
    /// How long they may take to finish
    #[arg(long, value_name = "DURATION", value_parser = values::duration, default_value = "30m")]
    timeout: Duration,
    /// Stop those that have not finished in time all the same
    #[arg(long)]
    force: bool,
}

impl Drain {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let options = DrainOptions::new()
            .with_timeout(self.timeout)
            .with_force(self.force);
        let progress = |outcome: &Outcome| {
            let name = &outcome.agent;
            // Both a question that keeps it from finishing, and what it came to.
            let words = match (&outcome.question, &outcome.error) {
                (Some(question), None) if outcome.state == Some(AgentState::Waiting) => format!(
                    "{name} asks: {question}\n  answer it: mosaic-fleet agent answer {name} --choice N (or --deny)\n"
                ),
                _ => line(&fleet, outcome),
            };
            session.output.progress(&words);
        };
        let outcomes = fleet.drain(&self.names, &options, progress).await?;
        print(session, &outcomes)
    }
}

impl Start {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        somebody(session, &fleet, &self.names)?;
        let options = options(self.no_kickstart, self.wait);
        let progress = |outcome: &Outcome| session.output.progress(&line(&fleet, outcome));
        let outcomes = fleet.start(&self.names, &options, progress).await?;
        print(session, &outcomes)
    }
}

impl Stop {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        let progress = |outcome: &Outcome| session.output.progress(&line(&fleet, outcome));
        let outcomes = fleet
            .stop(&self.names, &LifeOptions::new(), progress)
            .await?;
        print(session, &outcomes)
    }
}

impl Restart {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let fleet = session.fleet()?;
        somebody(session, &fleet, &self.names)?;
        let options = options(self.no_kickstart, self.wait);
        let progress = |outcome: &Outcome| session.output.progress(&line(&fleet, outcome));
        let outcomes = fleet.restart(&self.names, &options, progress).await?;
        print(session, &outcomes)
    }
}

fn options(no_kickstart: bool, settle: Duration) -> LifeOptions {
    let options = LifeOptions::new().with_settle(settle);
    match no_kickstart {
        true => options.with_kickstart(Kickstart::None),
        false => options,
    }
}

/// Starting nobody is a mistake that is better told than done.
fn somebody(session: &Session, fleet: &Fleet, names: &[AgentName]) -> Result<()> {
    if !names.is_empty() || !fleet.names().is_empty() {
        return Ok(());
    }
    let path = path_of(session);
    let what = match path.exists() {
        true => format!("no agents in {}", path.display()),
        false => format!("no roster {}", path.display()),
    };
    Err(Error::config_invalid(what)
        .with_operation("start")
        .with_hint("write one: mosaic-fleet init --write"))
}

/// What is said of an agent as soon as it is done.
pub(super) fn line(fleet: &Fleet, outcome: &Outcome) -> String {
    let name = &outcome.agent;
    if outcome.error.is_none() && outcome.what == StepKind::AlreadyRunning {
        // The words that scripts of the bash version look for.
        let transport = fleet.transport_of(name);
        let socket = transport.map_or_else(|_| String::new(), |own| own.info().instance);
        return format!("Mosaic agent session already running: {name} on socket {socket}\n");
    }
    match &outcome.error {
        Some(error) => format!("{name}: failed: {}\n", error.message()),
        None => match &outcome.question {
            Some(question) => format!(
                "{name}: {}, and asks: {question}\n  answer it: mosaic-fleet agent answer {name} --choice N (or --deny)\n",
                done(outcome.what)
            ),
            None => format!("{name}: {}\n", done(outcome.what)),
        },
    }
}

fn done(what: StepKind) -> &'static str {
    match what {
        StepKind::Start => "started",
        StepKind::Replace => "started in place of an ended one",
        StepKind::Restart => "restarted",
        StepKind::Stop => "stopped",
        StepKind::AlreadyRunning => "runs already",
        StepKind::Adopt => "taken over as it runs",
        StepKind::NotRunning => "does not run",
        _ => "done",
    }
}

fn print(session: &Session, outcomes: &[Outcome]) -> Answered {
    let output = &session.output;
    let failed = outcomes.iter().any(|outcome| outcome.error.is_some());
    if output.is_json() {
        output.document(&Document::new(Results { results: outcomes }))?;
    } else if !outcomes.is_empty() {
        output.success(&table(output.colours(), outcomes))?;
    }
    for error in outcomes.iter().filter_map(|outcome| outcome.error.as_ref()) {
        output.error(error);
    }
    Ok(if failed { Answer::Failed } else { Answer::Done })
}

pub(super) fn table(colours: bool, outcomes: &[Outcome]) -> String {
    let mut table = human::table(colours, &["NAME", "RESULT", "STATE", "KICKSTART"]);
    for outcome in outcomes {
        let (words, colour) = match outcome.error {
            Some(_) => ("failed", Some(Color::Red)),
            None if outcome.what.is_idle() => (done(outcome.what), None),
            None => (done(outcome.what), Some(Color::Green)),
        };
        let state = outcome.state.map(|state| state.as_str());
        let kickstart = outcome
            .kickstart
            .as_ref()
            .map(|receipt| receipt.verdict.as_str());
        table.add_row([
            human::cell(&outcome.agent, None, colours),
            human::cell(words, colour, colours),
            human::cell(state.unwrap_or_default(), None, colours),
            human::cell(kickstart.unwrap_or_default(), None, colours),
        ]);
    }
    human::rendered(table)
}
