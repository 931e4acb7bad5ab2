//! What the command line asks for.

use std::ffi::OsString;

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: benches [--rounds N] [--agents 1,10,100] [--threads N] \
                     [--only WORDS] [--write]";

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    /// Rounds of each row; dear rows have fewer.
    pub(crate) rounds: usize,
    /// Sizes of fleets.
    pub(crate) agents: Vec<usize>,
    /// Threads of the library's runtime.
    pub(crate) threads: usize,
    /// Only rows whose operation has these words.
    pub(crate) only: Option<String>,
    /// Put the table into the README.
    pub(crate) write: bool,
    /// The words, as typed.
    pub(crate) words: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(words: &[OsString]) -> Result<Self> {
        let words: Vec<String> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        let mut arguments = Arguments {
            rounds: 30,
            agents: vec![1, 10, 100],
            threads: 1,
            only: None,
            write: false,
            words: words.clone(),
        };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let mut value = || -> Result<&String> { rest.next().context(USAGE) };
            match word.as_str() {
                "--rounds" => arguments.rounds = value()?.parse::<usize>()?.max(1),
                "--threads" => arguments.threads = value()?.parse::<usize>()?.max(1),
                "--agents" => {
                    let sizes = value()?.split(',').map(str::parse);
                    arguments.agents = sizes.collect::<Result<_, _>>()?;
                    arguments.agents.sort_unstable();
                }
                "--only" => arguments.only = Some(value()?.clone()),
                "--write" => arguments.write = true,
                _ => bail!(USAGE),
            }
        }
        if arguments.agents.is_empty() || arguments.agents.contains(&0) {
            bail!("a fleet has at least one agent\n{USAGE}");
        }
        Ok(arguments)
    }

    /// Whether an operation is asked for.
    pub(crate) fn wants(&self, operation: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|words| operation.contains(words.as_str()))
    }
}
