//! The exit codes, in one table, which the help prints.

use std::fmt::Write as _;

use mosaic_fleet::{Error, ErrorKind, Receipt, Verdict};

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// All well.
    Done,
    /// Something failed, and nothing is in doubt.
    Failed,
    /// What was waited for did not come in time.
    TimedOut,
    /// It cannot be told what became of a text.
    Unknown,
    /// The caller asked for what cannot be.
    Usage,
    /// Nothing was typed, on purpose.
    Refused,
}

/// The commands that share a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Those that type a text.
    Send,
    /// The one that waits for an agent.
    Wait,
    /// All others.
    Other,
}

struct Row {
    family: Family,
    commands: &'static str,
    /// The place is the code.
    codes: &'static [(Answer, &'static str)],
}

const TABLE: [Row; 3] = [
    Row {
        family: Family::Send,
        commands: "agent send, agent reset, agent answer, pane send",
        codes: &[
            (
                Answer::Done,
                "done: submitted, queued, accepted or answered",
            ),
            (Answer::Failed, "no such agent or target, unreachable"),
            (
                Answer::Unknown,
                "unconfirmed or unknown: do not send again blindly",
            ),
            (Answer::Usage, "usage"),
            (Answer::Refused, "refused: nothing was typed"),
        ],
    },
    Row {
        family: Family::Wait,
        commands: "agent wait",
        codes: &[
            (Answer::Done, "reached"),
            (Answer::Failed, "no such agent, unreachable"),
            (Answer::Usage, "usage"),
            (Answer::TimedOut, "not in time"),
        ],
    },
    Row {
        family: Family::Other,
        commands: "all others",
        codes: &[
            (Answer::Done, "all well"),
            (Answer::Failed, "something failed"),
            (Answer::Usage, "usage"),
        ],
    },
];

/// The exit code of an answer.
pub(crate) fn code(family: Family, answer: Answer) -> u8 {
    let row = TABLE.iter().find(|row| row.family == family);
    let place = row.and_then(|row| row.codes.iter().position(|(of, _)| *of == answer));
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(1)
}

/// The table for people.
pub(crate) fn help() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for row in &TABLE {
        let _ = writeln!(text, "  {}", row.commands);
        for (code, (_, words)) in row.codes.iter().enumerate() {
            let _ = writeln!(text, "    {code}  {words}");
        }
    }
    text
}

impl Family {
    /// The family of the command that these words name.
    pub(crate) fn of(words: &[&str]) -> Self {
        match words {
            ["agent", "send" | "reset" | "answer", ..] | ["pane", "send", ..] => Family::Send,
            ["agent", "wait", ..] => Family::Wait,
            _ => Family::Other,
        }
    }
}

impl From<&Error> for Answer {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidArgument => Answer::Usage,
            ErrorKind::Refused => Answer::Refused,
            ErrorKind::Timeout => Answer::TimedOut,
            ErrorKind::DeliveryUnknown => Answer::Unknown,
            _ => Answer::Failed,
        }
    }
}

impl From<&Receipt> for Answer {
    fn from(receipt: &Receipt) -> Self {
        match receipt.verdict {
            Verdict::Submitted | Verdict::Queued | Verdict::Accepted => Answer::Done,
            _ => Answer::Unknown,
        }
    }
}

/// The worst of several answers, all well if there are none.
pub(crate) fn worst(answers: impl IntoIterator<Item = Answer>) -> Answer {
    answers.into_iter().max().unwrap_or(Answer::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mosaic_fleet::{Refusal, Stage};

    #[test]
    fn the_codes_are_those_that_scripts_depend_on() {
        use Answer::{Done, Failed, Refused, TimedOut, Unknown, Usage};
        let all = [Done, Failed, Unknown, Usage, Refused];
        assert_eq!(
            all.map(|answer| code(Family::Send, answer)),
            [0, 1, 2, 3, 4]
        );
        assert_eq!(
            all.map(|answer| code(Family::Other, answer)),
            [0, 1, 1, 2, 1]
        );
        let waited = [Done, Failed, Usage, TimedOut];
        assert_eq!(
            waited.map(|answer| code(Family::Wait, answer)),
            [0, 1, 2, 3]
        );
        assert_eq!(code(Family::Send, TimedOut), 1);
    }

    #[test]
    fn an_error_says_its_code() {
        for (error, expected) in [
            (Error::agent_not_found("a", []), 1),
            (Error::unavailable("gone"), 1),
            (Error::config_invalid("bad"), 1),
            (Error::delivery_unknown(Stage::Pasted, "lost"), 2),
            (Error::invalid_argument("bad"), 3),
            (Error::refused(Refusal::Draft, "draft"), 4),
        ] {
            assert_eq!(
                code(Family::Send, Answer::from(&error)),
                expected,
                "{error}"
            );
        }
        assert_eq!(
            worst([Answer::Done, Answer::Refused, Answer::Unknown]),
            Answer::Refused
        );
    }
}
