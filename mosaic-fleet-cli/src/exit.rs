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
    /// It failed because of what is configured: to try again would not help.
    Misconfigured,
    /// It failed because it is not allowed.
    Denied,
    /// It failed because this host cannot do it.
    Unable,
    /// What was waited for came, and is not what was hoped for.
    Otherwise,
    /// What was waited for did not come in time.
    TimedOut,
    /// The caller asked for what cannot be.
    Usage,
    /// Nothing was typed, on purpose.
    Refused,
    /// It cannot be told what became of a text. Of several answers it is the worst: who reads that
    /// nothing was typed sends again.
    Unknown,
}

/// The commands that share a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Those that type a text.
    Send,
    /// The one that waits for an agent.
    Wait,
    /// Those that ask a forge.
    Lane,
    /// Those that wait for pipelines.
    Ci,
    /// The one that waits for a branch to be clear.
    Guard,
    /// The one that keeps an agent, and ends as the agent does.
    Run,
    /// All others.
    Other,
}

struct Row {
    family: Family,
    commands: &'static str,
    codes: &'static [(u8, Answer, &'static str)],
}

const TABLE: [Row; 7] = [
    Row {
        family: Family::Send,
        commands: "agent send, agent reset, agent answer, pane send",
        codes: &[
            (
                0,
                Answer::Done,
                "done: submitted, queued, accepted or answered",
            ),
            (1, Answer::Failed, "no such agent or target, unreachable"),
            (
                2,
                Answer::Unknown,
                "unconfirmed or unknown: do not send again blindly",
            ),
            (3, Answer::Usage, "usage"),
            (4, Answer::Refused, "refused: nothing was typed"),
        ],
    },
    Row {
        family: Family::Wait,
        commands: "agent wait",
        codes: &[
            (0, Answer::Done, "reached"),
            (1, Answer::Failed, "no such agent, unreachable"),
            (2, Answer::Usage, "usage"),
            (3, Answer::TimedOut, "not in time"),
        ],
    },
    Row {
        family: Family::Lane,
        commands: "lane brief",
        codes: &[
            (0, Answer::Done, "all was read"),
            (1, Answer::Failed, "the forge said no, or is away"),
            (2, Answer::Usage, "usage, no login"),
        ],
    },
    Row {
        family: Family::Ci,
        commands: "ci wait, ci status",
        codes: &[
            (0, Answer::Done, "all succeeded"),
            (1, Answer::Otherwise, "some ended otherwise"),
            (2, Answer::Usage, "usage, no such pipeline, no token"),
            (3, Answer::TimedOut, "not over in time"),
            (
                4,
                Answer::Unknown,
                "cannot be told: token refused, or away for too long",
            ),
        ],
    },
    Row {
        family: Family::Guard,
        commands: "ci guard",
        codes: &[
            (0, Answer::Done, "clear"),
            (1, Answer::Otherwise, "the head did not succeed"),
            (2, Answer::Usage, "usage, no such branch, no token"),
            (3, Answer::TimedOut, "not clear in time"),
            (
                4,
                Answer::Unknown,
                "cannot be told: token refused, or away for too long",
            ),
        ],
    },
    Row {
        family: Family::Run,
        commands: "agent run (else the agent's own code)",
        codes: &[
            (0, Answer::Done, "stopped, or cleared away"),
            (64, Answer::Usage, "usage"),
            (69, Answer::Unable, "no tmux, or not on this host"),
            (75, Answer::Failed, "server or terminal lost: try again"),
            (78, Answer::Misconfigured, "configuration: mend it first"),
        ],
    },
    Row {
        family: Family::Other,
        commands: "all others",
        codes: &[
            (0, Answer::Done, "all well"),
            (1, Answer::Failed, "something failed"),
            (2, Answer::Usage, "usage"),
        ],
    },
];

/// The exit code of an answer.
pub(crate) fn code(family: Family, answer: Answer) -> u8 {
    let row = TABLE.iter().find(|row| row.family == family);
    let mut codes = row.into_iter().flat_map(|row| row.codes);
    let found = codes.find(|(_, of, _)| *of == answer);
    if let Some((code, _, _)) = found {
        return *code;
    }
    let nearest = match (family, answer) {
        (Family::Run, Answer::Denied) => Answer::Misconfigured,
        (Family::Run, _) => Answer::Failed,
        (Family::Lane | Family::Ci | Family::Guard, Answer::Misconfigured) => Answer::Usage,
        (Family::Ci | Family::Guard, Answer::Denied) => Answer::Usage,
        (Family::Ci | Family::Guard, _) => Answer::Unknown,
        _ => return 1,
    };
    code(family, nearest)
}

/// The table for people.
pub(crate) fn help() -> String {
    let mut text = "Exit codes:\n".to_owned();
    for row in &TABLE {
        let _ = writeln!(text, "  {}", row.commands);
        for (code, _, words) in row.codes {
            let _ = writeln!(text, "    {code}  {words}");
        }
    }
    text
}

/// Rows of the table: their commands, and each code with what it means. All for no words, else that
/// of the command which the words name.
pub(crate) fn table(
    words: &[&str],
) -> impl Iterator<Item = (&'static str, impl Iterator<Item = (u8, &'static str)>)> {
    let family = (!words.is_empty()).then(|| Family::of(words));
    let rows = TABLE
        .iter()
        .filter(move |row| family.is_none_or(|family| row.family == family));
    rows.map(|row| {
        (
            row.commands,
            row.codes.iter().map(|(code, _, meaning)| (*code, *meaning)),
        )
    })
}

impl Family {
    /// The family of the command that these words name.
    pub(crate) fn of(words: &[&str]) -> Self {
        match words {
            ["agent", "send" | "reset" | "answer", ..] | ["pane", "send", ..] => Family::Send,
            ["agent", "wait", ..] => Family::Wait,
            ["ci", "guard", ..] => Family::Guard,
            ["ci", ..] => Family::Ci,
            ["lane", ..] => Family::Lane,
            ["agent", "run", ..] | ["holder", ..] => Family::Run,
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
            // Code that is not ours failed: what it did by then cannot be told.
            ErrorKind::DeliveryUnknown | ErrorKind::Plugin => Answer::Unknown,
            ErrorKind::ConfigInvalid | ErrorKind::AgentNotFound => Answer::Misconfigured,
            ErrorKind::PermissionDenied => Answer::Denied,
            ErrorKind::Unsupported => Answer::Unable,
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
        use Answer::{
            Denied, Done, Failed, Misconfigured, Otherwise, Refused, TimedOut, Unable, Unknown,
            Usage,
        };
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
        let run = [Done, Usage, Unable, Failed, Misconfigured, TimedOut];
        assert_eq!(
            run.map(|answer| code(Family::Run, answer)),
            [0, 64, 69, 75, 78, 75]
        );
        let waited = [
            Done,
            Otherwise,
            Usage,
            TimedOut,
            Unknown,
            Failed,
            Misconfigured,
        ];
        for family in [Family::Ci, Family::Guard] {
            assert_eq!(
                waited.map(|answer| code(family, answer)),
                [0, 1, 2, 3, 4, 4, 2]
            );
        }
        let read = [Done, Failed, Denied, Usage, Misconfigured];
        assert_eq!(
            read.map(|answer| code(Family::Lane, answer)),
            [0, 1, 1, 2, 2]
        );
        assert_eq!(code(Family::Run, Denied), 78);
        assert_eq!(code(Family::Ci, Denied), 2);
        for family in [Family::Send, Family::Wait, Family::Other] {
            assert_eq!(code(family, Misconfigured), 1);
            assert_eq!(code(family, Denied), 1);
            assert_eq!(code(family, Unable), 1);
        }
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
            Answer::Unknown
        );
    }
}
