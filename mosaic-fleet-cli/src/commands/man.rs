//! `man`: the help of every command as manual pages.

use std::io;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use mosaic_fleet::{Error, ErrorKind};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::args::Arguments;
use crate::exit::{self, Answer};
use crate::files;
use crate::output::json::Document;

/// Print the manual page, or write those of all commands
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Write a page a command into this folder, as mosaic-fleet-agent-send.1
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Printed<'a> {
    page: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Written<'a> {
    folder: &'a PathBuf,
    pages: Vec<&'a str>,
}

impl Man {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let mut command = Arguments::command();
        command.build();
        let output = &session.output;
        let Some(folder) = &self.dir else {
            let (page, text) = &page(&command).map_err(unwritten)?;
            match output.is_json() {
                true => output.document(&Document::new(Printed { page, text }))?,
                false => output.verbatim(text)?,
            }
            return Ok(Answer::Done);
        };
        let mut pages = Vec::new();
        all(&command, &mut pages).map_err(unwritten)?;
        for (name, text) in &pages {
            files::write(&folder.join(name), text)?;
        }
        if output.is_json() {
            let pages = pages.iter().map(|(name, _)| name.as_str()).collect();
            output.document(&Document::new(Written { folder, pages }))?;
        } else {
            let (count, folder) = (pages.len(), folder.display());
            output.success(&format!("wrote {count} pages into {folder}\n"))?;
        }
        Ok(Answer::Done)
    }
}

fn unwritten(error: io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "a manual page cannot be made").with_source(error)
}

/// The pages of a command and of all below it, but for hidden ones.
fn all(command: &Command, pages: &mut Vec<(String, String)>) -> io::Result<()> {
    pages.push(page(command)?);
    let shown = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    shown.into_iter().try_for_each(|below| all(below, pages))
}

/// A page's file name and its text. No date is in it: the same program makes the same page.
fn page(command: &Command) -> io::Result<(String, String)> {
    let source = concat!("mosaic-fleet ", env!("CARGO_PKG_VERSION"));
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let below = codes(&command);
    // The codes have a section of their own, where the lines stay apart.
    let command = command
        .after_help(None)
        .override_usage(usage)
        .subcommand_help_heading("COMMANDS");
    let page = Page::new(command).source(source).manual("mosaic-fleet");
    let mut text = Vec::new();
    page.render(&mut text)?;
    below.to_writer(&mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    Ok((page.get_filename(), text))
}

/// The exit codes of a command; the whole table at the top, and none for a group of commands.
fn codes(command: &Command) -> Roff {
    let mut section = Roff::default();
    let path = command.get_bin_name().unwrap_or_default();
    let words: Vec<&str> = path.split(' ').skip(1).collect();
    if !words.is_empty() && command.has_subcommands() {
        return section;
    }
    section.control("SH", ["EXIT STATUS"]);
    for (commands, codes) in exit::table(&words) {
        if words.is_empty() {
            section.control("SS", [commands]);
        }
        for (code, meaning) in codes {
            section.control("TP", []);
            section.text([bold(code.to_string())]);
            section.text([roman(meaning)]);
        }
    }
    section
}
