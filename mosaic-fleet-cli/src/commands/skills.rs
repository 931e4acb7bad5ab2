//! `skills …`: what an agent's program is given of the skills that there are.

use clap::{Args, Subcommand};
use mosaic_fleet::{Error, Result, skills};
use serde::Serialize;

use super::ci::here;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::json::Document;

/// Tell which skills a program is started with
#[derive(Debug, Subcommand)]
pub(crate) enum Skills {
    PiArgs(PiArgs),
}

/// Print the arguments that give pi its skills, and then those of yours
///
/// $MOSAIC_PI_SKILL_MODE says which. Unset: the forced ones, and no others. all: every skill in
/// $MOSAIC_HOME/skills, $MOSAIC_HOME/skills-local and pi's own folders, and the forced ones. discover:
/// what pi finds itself, and the forced ones. $MOSAIC_PI_FORCE_SKILLS has the names of those, with colons
/// between them: mosaic-tools where it is not set, none where it is empty.
#[derive(Debug, Args)]
pub(crate) struct PiArgs {
    /// End each argument with NUL and not with a line break, as for xargs -0
    #[arg(short = '0', long, conflicts_with = "json")]
    null: bool,
    /// pi's other arguments; they come last, as they are
    #[arg(last = true, value_name = "RUNTIME_ARGS")]
    runtime_args: Vec<String>,
}

#[derive(Serialize)]
struct Arguments<'a> {
    args: &'a [String],
}

impl Skills {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        match self {
            Skills::PiArgs(command) => command.run(session),
        }
    }
}

impl PiArgs {
    fn run(&self, session: &Session) -> Answered {
        let (env, here) = (&session.environment, here()?);
        let args = skills::build_pi_skill_args(
            &self.runtime_args,
            env,
            &skills::discovered_skill_dirs(env, &here),
            &skills::forced_skill_dirs(env),
            &skills::pi_native_real_paths(env, &here),
        );
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(Arguments { args: &args }))?,
            false => output.verbatim(&self.text(&args)?)?,
        }
        Ok(Answer::Done)
    }

    /// A line must not be taken for two arguments.
    fn text(&self, args: &[String]) -> Result<String> {
        let end = if self.null { '\0' } else { '\n' };
        if let Some(arg) = args.iter().find(|arg| arg.contains(end)) {
            let what = format!("an argument is more than one line: {arg:?}");
            return Err(
                Error::invalid_argument(what).with_hint("take them with --null, or with --json")
            );
        }
        Ok(args.iter().map(|arg| format!("{arg}{end}")).collect())
    }
}
