//! `completions`: what a shell must know to complete our command lines.

use clap::Args;
use clap_complete::Shell;
use mosaic_fleet::{Error, ErrorKind};
use serde::Serialize;

use crate::app::{Answered, Session};
use crate::args;
use crate::exit::Answer;
use crate::output::json::Document;

/// Print a script that completes these commands in a shell
///
/// bash, for this shell only: eval "$(mosaic-fleet completions bash)". To stay, write it where the
/// shell looks: bash, ~/.local/share/bash-completion/completions/mosaic-fleet; zsh, _mosaic-fleet in a
/// folder of $fpath; fish, ~/.config/fish/completions/mosaic-fleet.fish.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Serialize)]
struct Script<'a> {
    shell: String,
    script: &'a str,
}

impl Completions {
    pub(crate) fn run(&self, session: &Session) -> Answered {
        let mut command = args::shown();
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, &name, &mut script);
        let mut script = String::from_utf8(script).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the script is not UTF-8").with_source(error)
        })?;
        if self.shell == Shell::Bash {
            // A program's name with a hyphen is written in two ways, and nothing below the first
            // command is completed (clap-rs/clap#6421).
            let branches = name.replace('-', "__subcmd__");
            script = script.replace(&branches, &name.replace('-', "__"));
        }
        let output = &session.output;
        match output.is_json() {
            true => output.document(&Document::new(Script {
                shell: self.shell.to_string(),
                script: &script,
            }))?,
            false => output.verbatim(&script)?,
        }
        Ok(Answer::Done)
    }
}
