//! Keywords and numbers in plain text. What of a body is plain text is decided in `markdown`.
//!
//! Each character is looked at a bounded number of times: the text is walked once, keywords are
//! short, and the blanks and digits behind one keyword are behind no other.

use std::collections::BTreeSet;

use unicode_normalization::char::is_combining_mark;

use super::place::{Form, Found, Place, is_word};

/// Stands in a reading for what is no text: code, a link, the edge of a paragraph.
pub(super) const GAP: char = '\0';

/// Whitespace that Gitea does not see at all: the hard end of a line.
pub(super) const UNSEEN: char = '\x0b';

/// A text as it is read, with what became of its links.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) text: String,
    /// Links to issues of the lane, in their order.
    pub(super) links: Vec<Linked>,
    /// It was Markdown.
    pub(super) markdown: bool,
}

/// A link to an issue of the lane.
#[derive(Debug, Clone)]
pub(super) struct Linked {
    /// The place of its [`GAP`].
    pub(super) at: usize,
    pub(super) number: u64,
    pub(super) address: String,
}

/// What a keyword asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Closes,
    Reopens,
}

/// A number that a keyword stands before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) number: u64,
    /// What people read in it.
    pub(super) action: Action,
    pub(super) gitea: Gitea,
    /// Gitea reads a text once for each way to write a number: those of a higher turn come later.
    pub(super) turn: u8,
}

/// What Gitea makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gitea {
    Does(Action),
    Nothing,
    /// It looks this address up in the source of the body.
    LooksUp(String),
}

impl Reading {
    /// A text that is plain as it is.
    pub(super) fn of(text: &str) -> Self {
        Reading {
            text: text.replace(GAP, "\u{fffd}"),
            ..Reading::default()
        }
    }

    fn link(&self, at: usize, action: Action) -> Option<Bound> {
        let found = self.links.binary_search_by_key(&at, |link| link.at).ok()?;
        let link = &self.links[found];
        Some(Bound {
            number: link.number,
            action,
            gitea: Gitea::LooksUp(link.address.clone()),
            turn: 2,
        })
    }

    fn gitea(&self, found: &Found, at: usize, brackets: usize, keywords: &Keywords) -> Gitea {
        let tail = &self.text[found.end..];
        let over = match found.form {
            Form::Short => is_over(tail, ")]'\""),
            Form::Address if self.markdown => {
                brackets == 0 && self.text[at..].starts_with("http") && is_address_over(tail)
            }
            Form::Long | Form::Address => is_over(tail, ")]"),
            Form::Path => false,
        };
        match found.form {
            _ if !over => Gitea::Nothing,
            Form::Address if self.markdown => {
                let more = tail
                    .starts_with(['?', '#'])
                    .then(|| tail.find(is_gitea_blank));
                let more = more.map_or(0, |end| end.unwrap_or(tail.len()));
                step(more);
                Gitea::LooksUp(self.text[at..found.end + more].to_owned())
            }
            _ => keywords
                .end(&self.text[..at])
                .map_or(Gitea::Nothing, Gitea::Does),
        }
    }

    fn turn(&self, form: Form) -> u8 {
        match form {
            Form::Short => 0,
            Form::Address | Form::Path if self.markdown => 2,
            Form::Long | Form::Address | Form::Path => 1,
        }
    }
}

/// The keywords of a forge, as they are compared.
#[derive(Debug, Clone)]
pub(super) struct Keywords {
    words: Vec<(Vec<char>, Action)>,
}

/// The words that open an issue again (Gitea's `REOPEN_KEYWORDS`).
const REOPENING: [&str; 3] = ["reopen", "reopens", "reopened"];

impl Keywords {
    /// These words close. One that is to do both closes, as on Gitea.
    pub(super) fn new(closing: &[String]) -> Self {
        let closing = closing.iter().map(|word| (word.trim(), Action::Closes));
        let words = closing.chain(REOPENING.map(|word| (word, Action::Reopens)));
        let of_letters = |word: &str| !word.is_empty() && word.chars().all(char::is_alphabetic);
        Keywords {
            words: words
                .filter(|(word, _)| of_letters(word))
                .map(|(word, action)| (word.chars().map(fold).collect(), action))
                .collect(),
        }
    }

    /// What the keyword at `at` asks for, and the place behind it where the number must be: after a
    /// colon or none, blanks, and a parenthesis or none.
    fn behind(&self, text: &str, at: usize) -> Option<(Action, usize)> {
        let (action, rest) = self.words.iter().find_map(|(word, action)| {
            let mut chars = text[at..].chars();
            for letter in word {
                step(1);
                if fold(chars.next()?) != *letter {
                    return None;
                }
            }
            let rest = chars.as_str();
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            rest.starts_with(char::is_whitespace)
                .then_some((*action, rest))
        })?;
        let trimmed = rest.trim_start();
        step(rest.len() - trimmed.len());
        let trimmed = trimmed.strip_prefix('(').unwrap_or(trimmed);
        Some((action, text.len() - trimmed.len()))
    }

    /// What Gitea finds a keyword for at the end of `text`: one colon or none, one blank.
    pub(super) fn end(&self, text: &str) -> Option<Action> {
        let text = text.strip_suffix(' ')?;
        let text = text.strip_suffix(':').unwrap_or(text);
        let found = self.words.iter().find(|(word, _)| {
            let mut chars = text.chars();
            for letter in word.iter().rev() {
                step(1);
                if chars.next_back().map(fold) != Some(*letter) {
                    return false;
                }
            }
            chars
                .rfind(|c| *c != UNSEEN)
                .is_none_or(|c| is_gitea_blank(c) || c == '(' || c == '[')
        });
        found.map(|(_, action)| *action)
    }
}

/// The numbers of the lane that keywords stand before, in their order.
pub(super) fn bound(reading: &Reading, place: &Place, keywords: &Keywords) -> Vec<Bound> {
    let text = &reading.text;
    let mut bound = Vec::new();
    let mut edge = true;
    let mut brackets = 0_usize;
    for (at, c) in text.char_indices() {
        step(1);
        if edge && let Some((action, target)) = keywords.behind(text, at) {
            bound.extend(reading.link(target, action).or_else(|| {
                let found = place.reference(text, target)?;
                Some(Bound {
                    number: found.number,
                    action,
                    gitea: reading.gitea(&found, target, brackets, keywords),
                    turn: reading.turn(found.form),
                })
            }));
        }
        brackets = match c {
            '[' => brackets + 1,
            ']' => brackets.saturating_sub(1),
            GAP => 0,
            _ => brackets,
        };
        edge = if is_combining_mark(c) {
            edge
        } else {
            c.is_whitespace() || "([\0".contains(c) || !(c.is_ascii() || c.is_alphanumeric())
        };
    }
    bound
}

/// Adds the issues of the lane that a text names, with or without a keyword. `!5` names none.
pub(super) fn mentions(reading: &Reading, place: &Place, found: &mut BTreeSet<u64>) {
    let text = &reading.text;
    found.extend(reading.links.iter().map(|link| link.number));
    let mut before = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        step(1);
        let glued = before.is_some_and(is_word);
        let address = matches!(c, 'h' | 'H') && !glued && is_address(&text[at..]);
        let named = match c {
            '#' if !glued => !before.is_some_and(|c| "`&\\#".contains(c)),
            '#' | '!' => place.ends_with_name(text, at),
            _ => address,
        };
        if named {
            found.extend(place.reference(text, at).map(|found| found.number));
        }
        let mut next = at + c.len_utf8();
        if address {
            // The rest of it is no text.
            let rest = text[next..].find(|c: char| c.is_whitespace() || c == GAP);
            let rest = rest.unwrap_or(text.len() - next);
            step(rest);
            next += rest;
        }
        before = Some(c);
        at = next;
    }
}

fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Whether Gitea takes a number for over, `tail` being what follows it.
fn is_over(tail: &str, closers: &str) -> bool {
    // An address is none of the text for Gitea, so nothing is glued to what stands before it.
    if tail.strip_prefix(UNSEEN).is_some_and(is_address) {
        return true;
    }
    let mut rest = tail.chars().filter(|c| *c != UNSEEN);
    match rest.next() {
        None => true,
        Some(c) if is_gitea_blank(c) || closers.contains(c) => true,
        Some(':' | ';' | ',' | '.' | '?' | '!') => rest.next().is_none_or(is_gitea_blank),
        Some(_) => false,
    }
}

/// Whether an address is over for Gitea behind its number. Full stops and their like belong to an
/// address if more of it follows them.
fn is_address_over(tail: &str) -> bool {
    if tail.starts_with(['?', '#']) {
        return true;
    }
    let more = tail.trim_start_matches(|c| ".!'*,;:@\\".contains(c));
    step(tail.len() - more.len());
    more.chars().next().is_none_or(|c| {
        c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_~/$&+=%?#".contains(c)
            || c.is_whitespace()
    })
}

/// What Go's `\s` takes; Gitea puts a line end where our readings have a [`GAP`].
fn is_gitea_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ' | GAP)
}

/// A letter as it is compared: the long s is an s, as it is for Gitea.
fn fold(c: char) -> char {
    let mut upper = c.to_uppercase();
    let c = match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => c,
    };
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

/// Counts characters that are looked at, where a test asks for it.
pub(super) fn step(_count: usize) {
    #[cfg(test)]
    super::tests::STEPS.with(|steps| steps.set(steps.get() + _count));
}
