//! The documents of `--json` that the library does not write itself. Each has a `version`.

use mosaic_fleet::{AgentName, Error, Receipt, Tail};
use serde::Serialize;

/// The version of every shape here.
pub(crate) const VERSION: u32 = 1;

/// Any answer under its own name: `{version, NAME…}`.
#[derive(Debug, Serialize)]
pub(crate) struct Document<T> {
    version: u32,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Document<T> {
    pub(crate) fn new(body: T) -> Self {
        Document {
            version: VERSION,
            body,
        }
    }
}

/// `{version, error}`.
#[derive(Debug, Serialize)]
pub(crate) struct Failure<'a> {
    version: u32,
    error: &'a Error,
}

impl<'a> Failure<'a> {
    pub(crate) fn new(error: &'a Error) -> Self {
        Failure {
            version: VERSION,
            error,
        }
    }
}

/// The parser's words as an error of ours.
pub(crate) fn usage(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let mut parts = text.split("\n\n");
    let message = parts.next().unwrap_or_default();
    let message = message.trim_start_matches("error: ");
    let words: Vec<&str> = message.split_whitespace().collect();
    let tip = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("tip: "));
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    let hint = tip
        .map(str::to_owned)
        .or(usage.map(|usage| format!("usage: {usage}")));
    Error::invalid_argument(words.join(" "))
        .with_hint(hint.unwrap_or_else(|| "see --help".to_owned()))
}

/// What became of a send: `{version, receipts, errors}`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sent<'a> {
    version: u32,
    receipts: Vec<&'a Receipt>,
    errors: Vec<Unsent<'a>>,
}

#[derive(Debug, Serialize)]
struct Unsent<'a> {
    agent: &'a str,
    error: &'a Error,
}

impl<'a> Sent<'a> {
    pub(crate) fn new(answers: &'a [(String, Result<Receipt, Error>)]) -> Self {
        let mut sent = Sent {
            version: VERSION,
            ..Sent::default()
        };
        for (agent, answer) in answers {
            match answer {
                Ok(receipt) => sent.receipts.push(receipt),
                Err(error) => sent.errors.push(Unsent { agent, error }),
            }
        }
        sent
    }
}

/// What an agent shows: `{version, agent, lines, next, gap}`.
#[derive(Debug, Serialize)]
pub(crate) struct Tailed<'a> {
    agent: &'a AgentName,
    #[serde(flatten)]
    tail: &'a Tail,
}

impl<'a> Tailed<'a> {
    pub(crate) fn new(agent: &'a AgentName, tail: &'a Tail) -> Document<Self> {
        Document::new(Tailed { agent, tail })
    }
}
