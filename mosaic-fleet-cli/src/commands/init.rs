//! `init`: a roster to begin with.

use std::path::{Path, PathBuf};

use clap::Args;
use mosaic_fleet::home::MosaicHome;
use mosaic_fleet::roster::{self, CommandLine, PROFILES, Profile, Roster};
use mosaic_fleet::{Error, Fleet, Result};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::files;
use crate::output::json::Document;

/// Print a roster to begin with, or write it
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// minimal, usc-software-factory (usc), demo, or a file of yours
    #[arg(long, value_name = "NAME|FILE", default_value = "minimal")]
    profile: String,
    /// Write it to $MOSAIC_HOME/fleet/roster.yaml, with the JSON Schema beside it for editors; with usc,
    /// write $MOSAIC_HOME/forges.yaml as well, if there is none
    #[arg(long)]
    write: bool,
    /// Replace a roster that is there; a backup is kept
    #[arg(long)]
    force: bool,
    /// Rehearse with this runtime for every agent (shell, when only --command is given)
    #[arg(long, value_name = "RUNTIME")]
    runtime: Option<String>,
    /// Rehearse with this command for every agent, as in --command 'bash -i'
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
}

#[derive(Serialize)]
struct Printed<'a> {
    profile: &'a str,
    roster: &'a str,
    forges: Option<&'a str>,
}

#[derive(Serialize)]
struct Written<'a> {
    profile: &'a str,
    roster: &'a Path,
    schema: &'a Path,
    backup: Option<&'a Path>,
    forges: Option<Forges<'a>>,
}

/// Which login and CI instance belong to which owner.
#[derive(Serialize)]
struct Forges<'a> {
    path: &'a Path,
    // One that is there is left as it is.
    written: bool,
}

impl Init {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let text = self.rehearsed(self.text()?)?;
        check(session, &text, &self.profile)?;
        let profile = self.profile.as_str();
        let forges = shipped(profile).and_then(|profile| profile.forges);
        if !self.write {
            let printed = Printed {
                profile,
                roster: &text,
                forges,
            };
            return match session.output.is_json() {
                true => session.output.document(&Document::new(printed)),
                false => session.output.stdout(&text),
            }
            .map(|()| Answer::Done);
        }
        let path = path_of(session);
        let schema = path.with_file_name("roster.schema.json");
        let backup = self.make_room(&path)?;
        files::write(&path, &text)?;
        files::write(&schema, roster::SCHEMA)?;
        let place = MosaicHome::from_environment(&session.environment).forges();
        let forges = forges.map(|text| begin(&place, text)).transpose()?;
        if session.output.is_json() {
            let written = Written {
                profile,
                roster: &path,
                schema: &schema,
                backup: backup.as_deref(),
                forges,
            };
            session.output.document(&Document::new(written))?;
            return Ok(Answer::Done);
        }
        let mut words = format!("wrote {}\nwrote {}\n", path.display(), schema.display());
        if let Some(backup) = &backup {
            words.push_str(&format!("kept the old one as {}\n", backup.display()));
        }
        if let Some(Forges { path, written }) = forges {
            words.push_str(&match written {
                true => format!(
                    "wrote {}: write your CI instances into it\n",
                    path.display()
                ),
                false => format!("left {} as it is\n", path.display()),
            });
        }
        words.push_str("next: mosaic-fleet doctor; mosaic-fleet start\n");
        session.output.success(&words)?;
        Ok(Answer::Done)
    }

    fn text(&self) -> Result<String> {
        if let Some(profile) = shipped(&self.profile) {
            return Ok(profile.text.to_owned());
        }
        let path = Path::new(&self.profile);
        if path.exists() || self.profile.contains(['/', '.']) {
            return files::read(path);
        }
        let names = PROFILES.iter().flat_map(|profile| {
            [profile.name]
                .into_iter()
                .chain(profile.aliases.iter().copied())
        });
        let near = mosaic_fleet::error::nearest(&self.profile, names)
            .map(|near| format!(" (did you mean {near}?)"))
            .unwrap_or_default();
        let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        Err(
            Error::invalid_argument(format!("no such profile {:?}{near}", self.profile))
                .with_hint(format!("use one of {}, or a file", known.join(", "))),
        )
    }

    fn rehearsed(&self, text: String) -> Result<String> {
        let command = match (&self.runtime, &self.command) {
            (None, None) => return Ok(text),
            (_, Some(command)) => CommandLine::Shell(command.clone()),
            (Some(runtime), None) => {
                let catalog = mosaic_fleet::runtime::Catalog::shipped()?;
                CommandLine::Argv(catalog.get(runtime)?.launch.clone())
            }
        };
        let runtime = self.runtime.as_deref().unwrap_or("shell");
        roster::rehearsal(&text, runtime, &command)
    }

    fn make_room(&self, path: &Path) -> Result<Option<PathBuf>> {
        if !path.exists() {
            return Ok(None);
        }
        if !self.force {
            return Err(Error::config_invalid(format!(
                "there is a roster already: {}",
                path.display()
            ))
            .with_hint("add --force to replace it; a backup is kept"));
        }
        files::backup(path).map(Some)
    }
}

/// The profile of that name or alias.
fn shipped(name: &str) -> Option<&'static Profile> {
    let is = |profile: &&Profile| profile.name == name || profile.aliases.contains(&name);
    PROFILES.iter().find(is)
}

/// Writes the file if nothing is there, not even a link to nowhere.
fn begin<'a>(path: &'a Path, text: &str) -> Result<Forges<'a>> {
    let written = path.symlink_metadata().is_err();
    if written {
        files::write(path, text)?;
    }
    Ok(Forges { path, written })
}

/// Where the roster is, or would be.
pub(crate) fn path_of(session: &Session) -> PathBuf {
    let named = session.globals.roster.clone();
    named.unwrap_or_else(|| MosaicHome::from_environment(&session.environment).roster())
}

/// We write no roster that we would not read.
pub(crate) fn check(session: &Session, text: &str, origin: &str) -> Result<Roster> {
    Fleet::read_roster(text, origin, &session.registry)
}
