//! A brief for people and for programs that read its lines. The lines are a promise: the issue is the
//! first `#N` of its line. What is on them is decided in `brief`.

use std::fmt;
use std::time::SystemTime;

use super::brief::{Brief, Candidate, Underway};
use super::link::Signal;
use crate::text::one_line;

/// A title is cut to so many characters, so that its line fits a screen.
const CANDIDATE_TITLE: usize = 90;
const UNDERWAY_TITLE: usize = 80;

/// A brief as text; see [`Brief::text`].
#[derive(Debug, Clone, Copy)]
pub struct BriefText<'a> {
    brief: &'a Brief,
    limit: usize,
}

impl Brief {
    /// The brief as lines, each with its end, and of each part at most `limit` issues. The counts are
    /// of all, and a line says how many are not shown.
    ///
    /// Characters of a title that a terminal acts on, or that turn the direction of a line, are
    /// replaced.
    pub fn text(&self, limit: usize) -> BriefText<'_> {
        BriefText { brief: self, limit }
    }
}

impl fmt::Display for BriefText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brief = self.brief;
        write!(f, "LANE BRIEF — {}", brief.repo)?;
        if let Some(milestone) = &brief.filter.milestone {
            write!(f, " · milestone:'{}'", one_line(milestone))?;
        }
        for label in &brief.filter.labels {
            write!(f, " · label:'{}'", one_line(label))?;
        }
        let login = one_line(&brief.login);
        writeln!(f, " · {} (login={login})", minute(brief.generated_at))?;
        writeln!(
            f,
            "(open issues only; closed are excluded by definition — that's the point)"
        )?;

        writeln!(
            f,
            "\nDISPATCH CANDIDATES (open · no open PR) — {} [cross-check vs live fleet]:",
            brief.candidates.len()
        )?;
        for candidate in brief.candidates.iter().take(self.limit) {
            write_candidate(f, candidate)?;
        }
        self.write_rest(f, brief.candidates.len())?;

        writeln!(
            f,
            "\nWORK UNDERWAY (open · PR in flight) — {}:",
            brief.underway.len()
        )?;
        for underway in brief.underway.iter().take(self.limit) {
            write_underway(f, underway)?;
        }
        self.write_rest(f, brief.underway.len())?;

        writeln!(
            f,
            "\nClosed issues are excluded — do NOT take a worker's self-reported 'todo' on faith."
        )?;
        writeln!(
            f,
            "A candidate is open and has no open PR; whether somebody is at it already, \
             only the live fleet knows."
        )
    }
}

impl BriefText<'_> {
    fn write_rest(&self, f: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
        match all.saturating_sub(self.limit) {
            0 => Ok(()),
            rest => writeln!(f, "  … {rest} more not shown"),
        }
    }
}

fn write_candidate(f: &mut fmt::Formatter<'_>, candidate: &Candidate) -> fmt::Result {
    let title = shown(&candidate.title, CANDIDATE_TITLE);
    write!(f, "  #{}  {title}", candidate.number)?;
    if candidate.assigned {
        f.write_str(" (gitea-assignee set)")?;
    }
    for (at, pull) in candidate.mentioned_by.iter().enumerate() {
        let before = if at == 0 {
            " (also mentioned by "
        } else {
            ", "
        };
        write!(f, "{before}#{pull}")?;
    }
    let end = if candidate.mentioned_by.is_empty() {
        ""
    } else {
        ")"
    };
    writeln!(f, "{end}")
}

fn write_underway(f: &mut fmt::Formatter<'_>, underway: &Underway) -> fmt::Result {
    let title = shown(&underway.title, UNDERWAY_TITLE);
    write!(f, "  #{}  {title}  [PR open: ", underway.number)?;
    for (at, pull) in underway.pulls.iter().enumerate() {
        let before = if at == 0 { "" } else { ", " };
        write!(f, "{before}#{}", pull.number)?;
        if let Some(signal) = pull.signals.first() {
            write!(f, " {}", signal.as_str())?;
        }
    }
    f.write_str("]")?;
    // Somebody wrote a keyword and will be surprised.
    let is_keyword = |signal: &Signal| matches!(signal, Signal::Body | Signal::TitleKeyword);
    let meant = |signals: &[Signal]| signals.iter().any(is_keyword);
    let mut pulls = underway.pulls.iter();
    if pulls.clone().any(|pull| meant(&pull.signals)) && !pulls.any(|pull| pull.will_close) {
        f.write_str(" (Gitea will not close this by its text)")?;
    }
    writeln!(f)
}

fn minute(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| "?".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%MZ").to_string(),
    )
}

/// The first characters of a text, so many, for a line of a terminal.
fn shown(text: &str, length: usize) -> String {
    one_line(text).chars().take(length).collect()
}
