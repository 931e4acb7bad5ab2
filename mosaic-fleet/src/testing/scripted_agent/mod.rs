//! A program that plays an agent's composer with all its vices, and logs exactly what it took.
//!
//! It is the oracle of "exactly once": a [`Script`] says how it looks and misbehaves, the program
//! `scripted-agent` plays it on its terminal with [`run`], and [`read_log`] tells afterwards what
//! arrived. Without vices it is the agent that the demo shows.
//!
//! Inside, `player` is a state machine without clock or terminal (keys and time in, frames and log
//! out; its parts are `edit`, `turn` and `dialog`), `picture` draws its states, `screen` paints
//! them, and `terminal` is the loop around it.

mod composer;
mod dialog;
mod edit;
mod faults;
mod input;
mod log;
mod picture;
mod player;
mod screen;
mod script;
mod tell;
mod terminal;
#[cfg(test)]
mod tests;
mod turn;

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};

pub use log::{By, Entry, read_log};
pub use script::{Script, Style, SubmitKey};
pub use terminal::run;

const USAGE: &str = "usage: scripted-agent [--script JSON | --script-file PATH] [--log PATH] \
                     [--style line|box] [--name NAME]\n";

/// What the program `scripted-agent` does with its arguments (without its own name): plays the
/// script and returns the exit code.
///
/// # Errors
/// An argument or the script cannot be understood, and all of [`run`].
pub fn main_with_args(args: impl IntoIterator<Item = OsString>) -> io::Result<i32> {
    let args: Vec<OsString> = args.into_iter().collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        io::stdout().write_all(USAGE.as_bytes())?;
        return Ok(0);
    }
    run(&script_of(args)?)
}

fn script_of(args: Vec<OsString>) -> io::Result<Script> {
    let wrong = |what: &str| io::Error::new(ErrorKind::InvalidInput, format!("{what}\n{USAGE}"));
    let mut script = Script::new();
    let mut overrides = Vec::new();
    let mut args = args.into_iter();
    while let Some(option) = args.next() {
        let option = option.to_string_lossy().into_owned();
        let value = args
            .next()
            .ok_or_else(|| wrong(&format!("{option} needs a value")))?;
        match option.as_str() {
            "--script" => script = serde_json::from_str(&value.to_string_lossy())?,
            "--script-file" => script = serde_json::from_str(&std::fs::read_to_string(value)?)?,
            _ => overrides.push((option, value)),
        }
    }
    for (option, value) in overrides {
        match (option.as_str(), &*value.to_string_lossy()) {
            ("--log", _) => script.log = Some(value.into()),
            ("--name", name) => script.name = Some(name.to_owned()),
            ("--style", "line") => script.style = Style::Line,
            ("--style", "box") => script.style = Style::Box,
            (option, value) => return Err(wrong(&format!("{option} {value}?"))),
        }
    }
    Ok(script)
}
