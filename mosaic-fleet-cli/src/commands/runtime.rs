//! `runtime …`: what is known of the programs that agents run.

use clap::{Args, Subcommand};
use mosaic_fleet::AgentName;
use mosaic_fleet::runtime::{Catalog, Explanation, Manifest};
use serde::Serialize;

use super::install::Install;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// Show what is known of the programs that agents run
#[derive(Debug, Subcommand)]
pub(crate) enum Runtime {
    List(List),
    Explain(Explain),
    Install(Install),
    Schema(Schema),
}

/// List the runtimes, with the roster's changes
#[derive(Debug, Args)]
pub(crate) struct List {}

/// Show what is seen on an agent's screen right now, and why
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: AgentName,
}

/// Print the JSON Schema of a runtime manifest
#[derive(Debug, Args)]
pub(crate) struct Schema {}

#[derive(Serialize)]
struct Runtimes<'a> {
    runtimes: Vec<&'a Manifest>,
}

#[derive(Serialize)]
struct Explained<'a> {
    agent: &'a AgentName,
    #[serde(flatten)]
    explanation: &'a Explanation,
}

impl Runtime {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        match self {
            Runtime::List(_) => list(session),
            Runtime::Explain(explain) => explain.run(session).await,
            Runtime::Install(install) => install.run(session),
            Runtime::Schema(_) => {
                session.output.document(&Catalog::schema())?;
                Ok(Answer::Done)
            }
        }
    }
}

impl Explain {
    async fn run(&self, session: &Session) -> Answered {
        let explanation = session.fleet()?.explain(&self.agent).await?;
        let output = &session.output;
        if output.is_json() {
            let explained = Explained {
                agent: &self.agent,
                explanation: &explanation,
            };
            output.document(&Document::new(explained))?;
        } else {
            output.result(&text(output.colours(), &self.agent, &explanation))?;
        }
        Ok(Answer::Done)
    }
}

fn text(colours: bool, agent: &AgentName, seen: &Explanation) -> String {
    let mut text = format!("{agent}: {}, read as {}\n", seen.state, seen.runtime);
    let composer = match &seen.composer {
        None => "none is seen".to_owned(),
        Some(composer) if composer.trim().is_empty() => "empty".to_owned(),
        Some(composer) => format!("{composer:?}"),
    };
    let question = seen.question.as_deref().unwrap_or("none");
    for (what, found) in [
        ("program", seen.program.as_str()),
        ("title", seen.title.as_str()),
        ("composer", composer.as_str()),
        ("question", question),
    ] {
        text.push_str(format!("{what}: {found}").trim_end());
        text.push('\n');
    }
    let mut table = human::table(colours, &["LOOKED FOR", "FOUND", "PATTERN"]);
    for part in &seen.seen {
        let found = part.found.as_deref().unwrap_or("-");
        table.add_row([part.what, found, part.pattern.as_str()]);
    }
    text.push_str(&format!("\n{}\n", human::rendered(table)));
    let drawn = seen.screen.iter().rposition(|row| !row.trim().is_empty());
    for row in seen.screen.iter().take(drawn.map_or(0, |last| last + 1)) {
        text.push_str(format!("| {row}").trim_end());
        text.push('\n');
    }
    text
}

fn list(session: &Session) -> Answered {
    let fleet = session.fleet()?;
    let output = &session.output;
    if output.is_json() {
        let runtimes = fleet.catalog().iter().collect();
        output.document(&Document::new(Runtimes { runtimes }))?;
        return Ok(Answer::Done);
    }
    let mut table = human::table(
        output.colours(),
        &["NAME", "PROGRAM", "STARTS WITH", "SEEN WITH"],
    );
    for manifest in fleet.catalog().iter() {
        table.add_row([
            manifest.name.clone(),
            manifest.description.clone(),
            manifest.launch.join(" "),
            manifest.seen.join(", "),
        ]);
    }
    output.result(&human::rendered(table))?;
    Ok(Answer::Done)
}
