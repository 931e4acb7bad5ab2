//! From the process's arguments to its exit code.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, FromArgMatches};
use mosaic_fleet::registry::Context as FactoryContext;
use mosaic_fleet::transport::DynTransport;
use mosaic_fleet::{Error, Fleet, FleetOptions, Registry, Result};

use crate::args::{Arguments, Early, Globals};
use crate::commands;
use crate::exit::{self, Answer, Family};
use crate::output::Output;

/// The command line with the transports that it knows.
///
/// ```no_run
/// use std::sync::Arc;
/// use mosaic_fleet::transport::memory::MemoryTransport;
///
/// let app = mosaic_fleet_cli::App::new()
///     .transport("slack", |_block, _context| Ok(Arc::new(MemoryTransport::new())));
/// std::process::exit(i32::from(app.run() != std::process::ExitCode::SUCCESS));
/// ```
#[derive(Debug)]
pub struct App {
    registry: Registry,
    misregistered: Option<Error>,
}

impl App {
    /// The command line with every transport that this build has.
    pub fn new() -> Self {
        App {
            registry: Registry::builtin(),
            misregistered: None,
        }
    }

    /// Adds a transport: `factory` opens it from the roster's block of that name. A scheme that is
    /// taken, or is no lower-case word, is reported by [`App::run`].
    #[must_use]
    pub fn transport<F>(mut self, scheme: &str, factory: F) -> Self
    where
        F: Fn(&serde_json::Value, &FactoryContext) -> Result<DynTransport> + Send + Sync + 'static,
    {
        if let Err(error) = self.registry.register(scheme, Arc::new(factory)) {
            self.misregistered.get_or_insert(error);
        }
        self
    }

    /// Runs the command that the process's arguments name, and returns its exit code.
    pub fn run(self) -> ExitCode {
        let words: Vec<OsString> = env::args_os().collect();
        // To an agent's program a failed hook can mean that a prompt is to be stopped.
        let must_succeed = words.get(1).is_some_and(|command| command == "hook");
        let early = Early::read(&words);
        let output = Output::new(early.json, early.colour);
        let parsed = Arguments::command()
            .color(early.colour.for_clap())
            .try_get_matches_from(words)
            .and_then(|matches| Arguments::from_arg_matches(&matches));
        let code = match (parsed, self.misregistered) {
            (Err(error), _) => output.parser(&error, early.family),
            (Ok(_), Some(error)) => output.failure(&error, early.family),
            (Ok(arguments), None) => {
                let family = early.family;
                let session = Session::new(output, arguments.globals, self.registry);
                match commands::run(&session, arguments.command) {
                    Ok(answer) => exit::code(family, answer),
                    Err(error) => session.output.failure(&error, family),
                }
            }
        };
        ExitCode::from(if must_succeed { 0 } else { code })
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

/// What every command needs: where it prints, and how it opens the fleet.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) output: Output,
    pub(crate) globals: Globals,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) registry: Registry,
}

impl Session {
    fn new(output: Output, globals: Globals, registry: Registry) -> Self {
        let output = output.quiet(globals.quiet);
        output.trace(globals.verbose);
        // A variable that is not UTF-8 cannot be one that we know.
        let environment = env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Session {
            output,
            globals,
            environment,
            registry,
        }
    }

    /// How the fleet is opened, as the global options say.
    pub(crate) fn options(&self) -> FleetOptions {
        let mut options = FleetOptions::from_environment(self.environment.clone())
            .with_registry(self.registry.clone());
        options.roster.clone_from(&self.globals.roster);
        options.instance.clone_from(&self.globals.socket);
        options
    }

    /// The fleet, for a call or two.
    pub(crate) fn fleet(&self) -> Result<Fleet> {
        Fleet::open(self.options())
    }

    /// The fleet, for a caller that stays.
    pub(crate) fn lasting_fleet(&self) -> Result<Fleet> {
        Fleet::open(self.options().with_lasting(true))
    }
}

/// What a command answers.
pub(crate) type Answered = Result<Answer>;

/// The family of exit codes is the parser's to say, before there are arguments.
pub(crate) fn family(words: &[&str]) -> Family {
    Family::of(words)
}
