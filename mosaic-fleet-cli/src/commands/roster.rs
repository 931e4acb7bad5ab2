//! `roster …`: the file that says who is in the fleet.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mosaic_fleet::roster::{self, AgentSpec, CommandLine};
use mosaic_fleet::{AgentName, Error, Result};
use serde::Serialize;

use super::init::{check, path_of};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::files;
use crate::output::json::Document;

/// Show and change the roster
#[derive(Debug, Subcommand)]
pub(crate) enum Roster {
    Show(Show),
    Add(Box<Add>),
    Remove(Remove),
    Schema(Schema),
}

/// Print the roster
#[derive(Debug, Args)]
pub(crate) struct Show {}

/// Add an agent; comments and order stay, and a backup is kept
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Its name
    name: AgentName,
    /// The program that runs; without it, the roster's default
    #[arg(long)]
    runtime: Option<String>,
    /// Its role, in free text
    #[arg(long)]
    class: Option<String>,
    /// What to run instead of the runtime's own command
    #[arg(long)]
    command: Option<String>,
    /// Where it starts
    #[arg(long, value_name = "FOLDER")]
    working_directory: Option<String>,
}

/// Remove an agent; one that runs goes on running
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Its name
    name: AgentName,
}

/// Print the JSON Schema of a roster
#[derive(Debug, Args)]
pub(crate) struct Schema {}

#[derive(Serialize)]
struct Shown<'a> {
    path: &'a Path,
    roster: &'a roster::Roster,
}

#[derive(Serialize)]
struct Edited<'a> {
    roster: &'a Path,
    backup: &'a Path,
    agent: &'a AgentName,
}

impl Roster {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        match self {
            Roster::Show(_) => show(session),
            Roster::Add(add) => add.run(session),
            Roster::Remove(remove) => edit(session, &remove.name, "removed", |text| {
                roster::remove_agent(text, &remove.name)
            }),
            Roster::Schema(_) => {
                session.output.stdout(roster::SCHEMA)?;
                Ok(Answer::Done)
            }
        }
    }
}

impl Add {
    fn run(&self, session: &Session) -> Answered {
        let mut agent = AgentSpec::new(self.name.clone());
        agent.runtime.clone_from(&self.runtime);
        agent.class.clone_from(&self.class);
        agent.working_directory.clone_from(&self.working_directory);
        agent.command = self.command.clone().map(CommandLine::Shell);
        edit(session, &self.name, "added", |text| {
            roster::add_agent(text, &agent)
        })
    }
}

fn read(session: &Session) -> Result<(PathBuf, String)> {
    let path = path_of(session);
    if !path.exists() {
        return Err(
            Error::config_invalid(format!("no roster {}", path.display()))
                .with_hint("write one: mosaic-fleet init --write"),
        );
    }
    let text = files::read(&path)?;
    Ok((path, text))
}

fn show(session: &Session) -> Answered {
    let (path, text) = read(session)?;
    let roster = check(session, &text, &path.display().to_string())?;
    let output = &session.output;
    if output.is_json() {
        let shown = Shown {
            path: &path,
            roster: &roster,
        };
        output.document(&Document::new(shown))?;
    } else {
        output.stdout(&text)?;
    }
    Ok(Answer::Done)
}

fn edit(
    session: &Session,
    agent: &AgentName,
    done: &str,
    change: impl FnOnce(&str) -> Result<String>,
) -> Answered {
    let (path, text) = read(session)?;
    let origin = path.display().to_string();
    check(session, &text, &origin)?;
    let changed = change(&text)?;
    check(session, &changed, &origin)?;
    let backup = files::backup(&path)?;
    files::write(&path, &changed)?;
    let output = &session.output;
    if output.is_json() {
        let edited = Edited {
            roster: &path,
            backup: &backup,
            agent,
        };
        output.document(&Document::new(edited))?;
    } else {
        let (path, backup) = (path.display(), backup.display());
        output.success(&format!(
            "{done} {agent} in {path}\nkept the old one as {backup}\n"
        ))?;
    }
    Ok(Answer::Done)
}
