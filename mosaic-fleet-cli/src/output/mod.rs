//! Where results, progress and errors are printed, and in which form.

pub(crate) mod human;
pub(crate) mod json;

use std::io::{self, ErrorKind as IoErrorKind, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use mosaic_fleet::{Error, ErrorKind, Result};
use owo_colors::OwoColorize;
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

use crate::args::Colour;
use crate::exit::{self, Answer, Family};

/// The two streams and their forms. A reader that went away is no error: what is printed after that
/// is dropped.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: Colour,
    closed: AtomicBool,
}

impl Output {
    pub(crate) fn new(json: bool, colour: Colour) -> Self {
        Output {
            json,
            quiet: false,
            colour,
            closed: AtomicBool::new(false),
        }
    }

    /// Without progress and words of success.
    pub(crate) fn quiet(mut self, quiet: bool) -> Self {
        self.quiet = quiet;
        self
    }

    /// Results are for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// What is going on is shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet
    }

    /// Nobody reads stdout any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Tells on stderr what the library does.
    pub(crate) fn trace(&self, verbose: u8) {
        let level = match verbose {
            0 => return,
            1 => LevelFilter::INFO,
            2 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        // Set already: by the binary around us, whose choice it is.
        let _ = tracing_subscriber::fmt()
            .with_writer(io::stderr)
            .with_max_level(level)
            .with_ansi(self.choice(&io::stderr()) != ColorChoice::Never)
            .try_init();
    }

    fn choice(&self, stream: &impl anstream::stream::RawStream) -> ColorChoice {
        match self.colour {
            Colour::Auto => AutoStream::choice(stream),
            Colour::Always => ColorChoice::Always,
            Colour::Never => ColorChoice::Never,
        }
    }

    /// Whether what goes to stdout may be coloured.
    pub(crate) fn colours(&self) -> bool {
        self.choice(&io::stdout()) != ColorChoice::Never
    }

    /// A result that was asked for: to stdout or, where that is for programs, to stderr.
    pub(crate) fn result(&self, text: &str) -> Result<()> {
        if self.json {
            self.stderr(text);
            return Ok(());
        }
        self.stdout(text)
    }

    /// Words of success: as [`Output::result`], and not at all if quiet.
    pub(crate) fn success(&self, text: &str) -> Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.result(text)
    }

    /// What is going on: to stderr, and not at all if quiet.
    pub(crate) fn progress(&self, text: &str) {
        if !self.quiet {
            self.stderr(text);
        }
    }

    /// What should be known though all is well: to stderr.
    pub(crate) fn warning(&self, text: &str) {
        self.stderr(&format!("{} {text}\n", "warning:".yellow()));
    }

    /// A question to a person, who has the answer to give: to stderr, also if quiet.
    pub(crate) fn question(&self, text: &str) {
        self.stderr(text);
    }

    /// The one document for a program.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(document).map_err(unwritable)?;
        self.stdout(&(text + "\n"))
    }

    /// A document that people read as well.
    pub(crate) fn pretty(&self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document).map_err(unwritable)?;
        self.stdout(&(text + "\n"))
    }

    /// An error that ends the command, and its exit code.
    pub(crate) fn failure(&self, error: &Error, family: Family) -> u8 {
        if self.json {
            // Where stdout fails there is nobody left to tell.
            let _ = self.document(&json::Failure::new(error));
        }
        self.error(error);
        exit::code(family, Answer::from(error))
    }

    /// An error for people.
    pub(crate) fn error(&self, error: &Error) {
        self.stderr(&format!("{} {error}\n", "mosaic-fleet:".red()));
        if let Some(hint) = error.hint() {
            self.stderr(&format!("{} {hint}\n", "hint:".cyan()));
        }
    }

    /// What the parser has to say, which may be the help that was asked for.
    pub(crate) fn parser(&self, error: &clap::Error, family: Family) -> u8 {
        if !error.use_stderr() {
            let _ = self.stdout(&error.render().ansi().to_string());
            return 0;
        }
        if self.json {
            let _ = self.document(&json::Failure::new(&json::usage(error)));
        }
        self.stderr(&error.render().ansi().to_string());
        exit::code(family, Answer::Usage)
    }

    /// Text to stdout, colours as they fit.
    pub(crate) fn stdout(&self, text: &str) -> Result<()> {
        self.write(|stdout| {
            let choice = self.choice(&stdout);
            let mut stream = AutoStream::new(stdout, choice);
            stream.write_all(text.as_bytes())?;
            stream.flush()
        })
    }

    /// Text for a program to stdout, with every byte of it.
    pub(crate) fn verbatim(&self, text: &str) -> Result<()> {
        self.write(|mut stdout| {
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        })
    }

    fn write(&self, write: impl FnOnce(StdoutLock<'static>) -> io::Result<()>) -> Result<()> {
        if self.is_closed() {
            return Ok(());
        }
        match write(io::stdout().lock()) {
            Err(error) if error.kind() == IoErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                // The failure's own report would fail as well.
                self.closed.store(true, Ordering::Relaxed);
                Err(
                    Error::new(ErrorKind::Unexpected, "cannot write to standard output")
                        .with_source(error),
                )
            }
            Ok(()) => Ok(()),
        }
    }

    fn stderr(&self, text: &str) {
        let stderr = io::stderr();
        let choice = self.choice(&stderr);
        // Where stderr fails there is nobody left to tell.
        let _ = AutoStream::new(stderr.lock(), choice).write_all(text.as_bytes());
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    let what = "the answer cannot be written as JSON";
    Error::new(ErrorKind::Unexpected, what).with_source(error)
}
