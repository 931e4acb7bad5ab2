//! The text of a message: from the command line, a file or stdin.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use mosaic_fleet::{Error, Result};

use crate::files;

/// Where the text comes from; stdin when nothing is said.
#[derive(Debug, Args)]
pub(crate) struct Text {
    /// The text
    #[arg(
        short,
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "file"
    )]
    message: Option<String>,
    /// A file with the text; - is stdin, which is also read without -m and -f
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Text {
    /// The text, without the line break that ends a file.
    pub(crate) fn read(&self) -> Result<String> {
        if let Some(message) = &self.message {
            return Ok(message.clone());
        }
        let mut text = match &self.file {
            Some(file) if file != Path::new("-") => files::read(file)?,
            Some(_) => stdin()?,
            None if io::stdin().is_terminal() => {
                return Err(Error::invalid_argument("no text to send")
                    .with_hint("give it with -m TEXT or -f FILE, or pipe it in"));
            }
            None => stdin()?,
        };
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Ok(text)
    }
}

fn stdin() -> Result<String> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| {
            let what = format!("cannot read a text from stdin: {error}");
            Error::invalid_argument(what).with_source(error)
        })?;
    Ok(text)
}
