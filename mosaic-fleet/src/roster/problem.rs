//! What is wrong with a roster, and where; and how a list of it becomes one error.

use std::fmt;

use crate::error::{Error, nearest};

/// How many further problems a hint lists.
const LISTED: usize = 20;

/// A place in a text, as editors count: both start at 1, columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The place at `line` and `column`.
    pub const fn new(line: usize, column: usize) -> Self {
        Position { line, column }
    }
}

/// `LINE:COLUMN`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong with a roster. The message names fields and never shows their values.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub at: Position,
    /// What.
    pub message: String,
}

impl Problem {
    pub(super) fn new(at: Position, message: impl Into<String>) -> Self {
        Problem {
            at,
            message: message.into(),
        }
    }
}

/// Everything that is wrong with one roster: the source of the error that [`parse`] returns.
///
/// [`parse`]: super::Roster::parse
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problems {
    /// The file's name, as the caller gave it.
    pub origin: String,
    /// What is wrong, in the order of the text; never empty.
    pub all: Vec<Problem>,
}

/// One line a problem: `FILE:LINE:COLUMN: what`.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.all.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            let Problem { at, message } = problem;
            write!(f, "{line_break}{}:{at}: {message}", self.origin)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// One error for all of `problems`: the first is its message, the others are its hint, and all of
/// them are its source.
pub(super) fn invalid(origin: &str, mut problems: Vec<Problem>) -> Error {
    problems.sort_by_key(|problem| problem.at);
    let Some(first) = problems.first() else {
        return Error::config_invalid(format!("{origin}: not a roster"));
    };
    let mut message = format!("{origin}:{}: {}", first.at, first.message);
    let more = problems.len() - 1;
    if more > 0 {
        message.push_str(&format!(" (and {more} more)"));
    }
    let mut error = Error::config_invalid(message);
    if more > 0 {
        let mut hint = "mend these too:".to_owned();
        for problem in problems.iter().skip(1).take(LISTED) {
            hint.push_str(&format!("\n{origin}:{}: {}", problem.at, problem.message));
        }
        if more > LISTED {
            hint.push_str(&format!("\nand {} more", more - LISTED));
        }
        error = error.with_hint(hint);
    }
    error.with_source(Problems {
        origin: origin.to_owned(),
        all: problems,
    })
}

/// `, did you mean …?` or, when nothing is near, `; known: …`.
pub(super) fn suggestion<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!(", did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = known.into_iter().collect();
            format!("; known: {}", all.join(", "))
        }
    }
}
