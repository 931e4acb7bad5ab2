//! Reading a screen by a manifest: is the composer there, what is in it, is a question open, is a
//! turn running. Pure.

use regex::Regex;
use serde::Serialize;

use super::echo::squash;
use super::manifest::{ComposerLayout, Manifest, Pattern, Place};
use super::screen::Screen;
use crate::agent::AgentState;

/// The composer of a screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Composer {
    /// Its first row, from the top of the screen.
    pub first_row: usize,
    /// The row after its last one.
    pub end_row: usize,
    /// The text in it, a line a row, prompts and placeholders left out. Blanks inside are as drawn.
    pub text: String,
    /// Its first rows are hidden: only the end of the text is known.
    pub scrolled: bool,
}

impl Composer {
    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// An open question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// What is waited for: `permission` or `question`.
    pub waiting_for: String,
    /// The row that matched.
    pub text: String,
}

/// What a manifest sees on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// The state, as far as the screen tells it.
    pub state: AgentState,
    /// The open question.
    pub question: Option<Question>,
    /// The composer, unless a question covers it or it is not drawn.
    pub composer: Option<Composer>,
    /// A turn is running.
    pub busy: bool,
    /// The program holds messages for after the turn.
    pub queued: bool,
    /// The last turn was interrupted, or failed.
    pub cut_short: bool,
    /// Why: what was looked for and what was found, in order.
    pub seen: Vec<Seen>,
}

impl Reading {
    /// Something besides the screen shows that a turn is running, and that what looked like a
    /// composer is none.
    pub(crate) fn work_seen(&mut self, what: &str) {
        self.composer = None;
        self.busy = true;
        self.state = AgentState::Working;
        self.seen.push(Seen {
            what: "busy",
            pattern: "processes".to_owned(),
            found: Some(what.to_owned()),
        });
    }
}

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Seen {
    /// What was looked for: `dialog`, `composer`, `busy`, `queued`, `cut_short`, `ready`.
    pub what: &'static str,
    /// The pattern, where there is one.
    pub pattern: String,
    /// What matched; nothing if it did not.
    pub found: Option<String>,
}

/// What a manifest sees in an agent's terminal right now, and why: how a person finds out what a new
/// release of a program draws differently, and mends the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The manifest that was used.
    pub runtime: String,
    /// The state it sees.
    pub state: AgentState,
    /// The text in the composer; nothing if there is no composer.
    pub composer: Option<String>,
    /// The open question.
    pub question: Option<String>,
    /// The program in the foreground, where that matters to the manifest.
    pub program: String,
    /// What was looked for and what was found, in order.
    pub seen: Vec<Seen>,
    /// The rows of the screen.
    pub screen: Vec<String>,
    /// The terminal's title.
    pub title: String,
}

/// Reads a screen.
pub fn read(manifest: &Manifest, screen: &Screen) -> Reading {
    read_composer(manifest, screen, composer(&manifest.composer, screen))
}

/// Reads a screen whose composer is expected to hold a text. For programs with a prompt at the
/// cursor: `prompt` is what stood before the cursor when the composer was empty, `expected` the
/// text without blanks. A line of the text that looks like a prompt is then not taken for one.
pub(crate) fn read_expecting(
    manifest: &Manifest,
    screen: &Screen,
    prompt: &str,
    expected: &str,
) -> Reading {
    let composer = match &manifest.composer {
        ComposerLayout::Prompt { continuation, .. } => {
            let continuation = continuation.as_ref().map(|c| c.regex());
            behind_prompt(screen, prompt, continuation, expected)
                .or_else(|| composer(&manifest.composer, screen))
        }
        layout => composer(layout, screen),
    };
    read_composer(manifest, screen, composer)
}

fn read_composer(manifest: &Manifest, screen: &Screen, mut composer: Option<Composer>) -> Reading {
    if let Some(composer) = &mut composer {
        let text = composer.text.trim();
        let is_whole = |found: regex::Match<'_>| found.as_str() == text;
        let mut placeholders = manifest.placeholders.iter();
        if placeholders.any(|pattern| pattern.regex().find(text).is_some_and(is_whole)) {
            composer.text.clear();
        }
    }
    let mut seen = Vec::new();
    seen.push(Seen {
        what: "composer",
        pattern: layout_name(&manifest.composer).to_owned(),
        found: composer.as_ref().map(|composer| {
            format!(
                "rows {}..{}: {:?}",
                composer.first_row, composer.end_row, composer.text
            )
        }),
    });
    let question = manifest.dialog.iter().find_map(|dialog| {
        let found = find(
            dialog.matches.regex(),
            dialog.place,
            screen,
            composer.as_ref(),
        );
        seen.push(Seen {
            what: "dialog",
            pattern: format!("{:?}", dialog.matches),
            found: found.clone(),
        });
        found.map(|text| Question {
            waiting_for: dialog.waiting_for.clone(),
            text,
        })
    });
    let mut any = |what: &'static str, patterns: &[Pattern]| {
        patterns.iter().any(|pattern| {
            let found = find(
                pattern.matches.regex(),
                pattern.place,
                screen,
                composer.as_ref(),
            );
            let matched = found.is_some();
            seen.push(Seen {
                what,
                pattern: format!("{:?}", pattern.matches),
                found,
            });
            matched
        })
    };
    let busy = any("busy", &manifest.busy);
    let queued = any("queued", &manifest.queued);
    let cut_short = any("cut_short", &manifest.cut_short);
    let ready = manifest.ready.is_empty() || any("ready", &manifest.ready);
    let at_prompt = matches!(manifest.composer, ComposerLayout::Prompt { .. });
    // Between two prompts the last one stands above the output, and is no composer.
    // A composer that is drawn although something like a question is, stays in sight.
    let hidden = at_prompt && (busy || question.is_some());
    let composer = composer.filter(|_| ready && !hidden);
    let state = if question.is_some() {
        AgentState::Waiting
    } else if queued {
        AgentState::Queued
    } else if busy {
        AgentState::Working
    } else if composer.is_some() {
        AgentState::Idle
    } else {
        AgentState::Unknown
    };
    Reading {
        state,
        question,
        composer,
        busy,
        queued,
        cut_short,
        seen,
    }
}

/// Whether any of `patterns` matches the screen.
pub(crate) fn matches_any(patterns: &[Pattern], screen: &Screen) -> Option<String> {
    patterns
        .iter()
        .find_map(|pattern| find(pattern.matches.regex(), pattern.place, screen, None))
}

fn layout_name(layout: &ComposerLayout) -> &'static str {
    match layout {
        ComposerLayout::Prompt { .. } => "prompt at the cursor",
        ComposerLayout::Rules { .. } => "between two rules",
        ComposerLayout::LastPrompt { .. } => "last prompt",
    }
}

fn find(
    pattern: &Regex,
    place: Place,
    screen: &Screen,
    composer: Option<&Composer>,
) -> Option<String> {
    let end = screen.rows.len();
    let rows = match (place, composer) {
        (Place::Title, _) => {
            return pattern
                .is_match(&screen.title)
                .then(|| screen.title.clone());
        }
        (Place::Whole, _) => {
            let found = pattern.find(&screen.rows.join("\n"))?.as_str().to_owned();
            return Some(found.trim().to_owned());
        }
        (Place::Above, Some(composer)) => 0..composer.first_row.min(end),
        (Place::Below, Some(composer)) => composer.end_row.min(end)..end,
        _ => 0..end,
    };
    screen.rows[rows]
        .iter()
        .find(|row| pattern.is_match(row))
        .map(|row| row.trim().to_owned())
}

fn composer(layout: &ComposerLayout, screen: &Screen) -> Option<Composer> {
    match layout {
        ComposerLayout::Prompt {
            prompt,
            continuation,
        } => at_cursor(
            screen,
            prompt.regex(),
            continuation.as_ref().map(|c| c.regex()),
        ),
        ComposerLayout::Rules {
            top,
            bottom,
            prompt,
            continuation,
            scrolled,
        } => {
            let end_row = rposition(&screen.rows, bottom.regex(), screen.rows.len())?;
            let top_row = rposition(&screen.rows, top.regex(), end_row)?;
            let first_row = top_row + 1;
            let scrolled = scrolled
                .as_ref()
                .is_some_and(|scrolled| scrolled.regex().is_match(&screen.rows[top_row]));
            let prompt = prompt.as_ref().filter(|_| !scrolled).map(|p| p.regex());
            let text = stripped(
                &screen.bright[first_row..end_row],
                prompt,
                continuation.as_ref().map(|c| c.regex()),
            );
            Some(Composer {
                first_row,
                end_row,
                text,
                scrolled,
            })
        }
        ComposerLayout::LastPrompt {
            prompt,
            continuation,
            footer,
        } => {
            let first_row = rposition(&screen.rows, prompt.regex(), screen.rows.len())?;
            let below = &screen.rows[first_row + 1..];
            let footer = footer.as_ref();
            let footer = footer.and_then(|footer| rposition(below, footer.regex(), below.len()));
            let goes_on = |row: &&String| continuation.regex().is_match(row);
            let more = footer.unwrap_or_else(|| below.iter().take_while(goes_on).count());
            let end_row = first_row + 1 + more;
            let text = stripped(
                &screen.bright[first_row..end_row],
                Some(prompt.regex()),
                Some(continuation.regex()),
            );
            Some(Composer {
                first_row,
                end_row,
                text,
                scrolled: false,
            })
        }
    }
}

/// The composer of a shell: from the prompt to the end of the screen, while the cursor is in it.
///
/// The prompt of an empty composer ends at the cursor. With a text in it, the nearest row at or
/// above the cursor that starts with a prompt is where it begins.
fn at_cursor(screen: &Screen, prompt: &Regex, continuation: Option<&Regex>) -> Option<Composer> {
    let cursor_row = screen.cursor.0.min(screen.rows.len().checked_sub(1)?);
    let whole = |text: &str| {
        prompt
            .find(text)
            .is_some_and(|found| found.start() == 0 && found.end() == text.len())
    };
    let last = screen.rows.iter().rposition(|row| !row.is_empty())?;
    let end_row = last.max(cursor_row) + 1;
    let rest = screen.bright.get(cursor_row).map_or("", |row| {
        row.strip_prefix(&*screen.before_cursor).unwrap_or_default()
    });
    if whole(&screen.before_cursor) && rest.trim().is_empty() && last <= cursor_row {
        return Some(Composer {
            first_row: cursor_row,
            end_row,
            text: String::new(),
            scrolled: false,
        });
    }
    let first_row = (0..=cursor_row).rev().find(|row| {
        let text = &screen.bright[*row];
        prompt.find(text).is_some_and(|found| found.start() == 0)
    })?;
    if first_row < cursor_row && !reaches(screen, first_row, cursor_row) {
        return None;
    }
    Some(Composer {
        first_row,
        end_row,
        text: stripped(
            &screen.bright[first_row..end_row],
            Some(prompt),
            continuation,
        ),
        scrolled: false,
    })
}

/// The composer behind a known prompt, if it holds exactly the expected text.
fn behind_prompt(
    screen: &Screen,
    prompt: &str,
    continuation: Option<&Regex>,
    expected: &str,
) -> Option<Composer> {
    let cursor_row = screen.cursor.0.min(screen.rows.len().checked_sub(1)?);
    let end_row = cursor_row + 1;
    let starts = |row: &usize| !prompt.trim().is_empty() && screen.bright[*row].starts_with(prompt);
    (0..=cursor_row)
        .rev()
        .filter(starts)
        .filter(|first| reaches(screen, *first, cursor_row))
        .find_map(|first_row| {
            let mut text = stripped(&screen.bright[first_row..end_row], None, continuation);
            text.drain(..prompt.len());
            (squash(&text) == expected).then_some(Composer {
                first_row,
                end_row,
                text,
                scrolled: false,
            })
        })
}

/// Whether the text from `first` on goes on to the cursor: the cursor stands right behind the last
/// character, or indented below it where a line end was typed. Behind a command's output it stands
/// at the start of a row.
fn reaches(screen: &Screen, first: usize, cursor_row: usize) -> bool {
    let Some(last) = screen.rows.iter().rposition(|row| !row.is_empty()) else {
        return false;
    };
    let before = screen.before_cursor.as_str();
    let row = screen.bright.get(cursor_row).map_or("", String::as_str);
    let behind = last == cursor_row && !row.is_empty() && before.trim_end() == row;
    let below = last < cursor_row && !before.is_empty() && before.trim().is_empty();
    last >= first && (behind || below)
}

fn rposition(rows: &[String], pattern: &Regex, before: usize) -> Option<usize> {
    rows[..before].iter().rposition(|row| pattern.is_match(row))
}

fn stripped(rows: &[String], prompt: Option<&Regex>, continuation: Option<&Regex>) -> String {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let strip = if number == 0 { prompt } else { continuation };
        let start = strip
            .and_then(|pattern| pattern.find(row))
            .filter(|found| found.start() == 0)
            .map_or(0, |found| found.end());
        if number > 0 {
            text.push('\n');
        }
        text.push_str(&row[start..]);
    }
    text
}
