//! Text that must never do harm: the rules for a message's text that hold for every program.
//!
//! What one program would alter or run as a command is in its manifest, not here. Pure: text in,
//! text or refusal out.

use std::time::Duration;

use crate::error::{Error, Refusal, Result};

/// A text that holds no control character but LF and TAB.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cleaned {
    /// The text.
    pub text: String,
    /// What was changed, as it is told in [`Receipt::normalised`](crate::Receipt): `crlf` (CR and
    /// CRLF became LF), `control` (control characters were removed).
    pub changes: Vec<&'static str>,
}

/// Makes line ends LF, and refuses control characters or, with `strip_control`, removes them.
///
/// Control characters are C0 (but LF and TAB), DEL and C1. They are refused because a terminal
/// acts on them: `ESC[201~` would end a bracketed paste and have the rest typed as keys. Cleaning a
/// cleaned text changes nothing.
///
/// # Errors
/// `InvalidArgument` when nothing but white space is left: no program takes that as a message.
/// `Refused{UnsafeText}` for a control character, which the message names.
pub fn clean(text: &str, strip_control: bool) -> Result<Cleaned> {
    let mut changes = Vec::new();
    let mut clean = if text.contains('\r') {
        changes.push("crlf");
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    };
    if let Some(found) = clean.chars().find(|c| is_harmful(*c)) {
        if !strip_control {
            return Err(Error::refused(
                Refusal::UnsafeText,
                format!(
                    "the text holds the control character U+{:04X}",
                    found as u32
                ),
            )
            .with_hint("take it out, or ask for control characters to be stripped"));
        }
        clean.retain(|c| !is_harmful(c));
        changes.push("control");
    }
    if clean.trim().is_empty() {
        return Err(Error::invalid_argument("the text is empty"));
    }
    Ok(Cleaned {
        text: clean,
        changes,
    })
}

/// The character of `prefixes` that `text` begins with, which makes a program run it as a command.
///
/// Leading white space does not hide it, because programs trim what they are given.
pub fn command_prefix(text: &str, prefixes: &str) -> Option<char> {
    let first = text.trim_start().chars().next()?;
    prefixes.contains(first).then_some(first)
}

/// A text in pieces of at most `most` bytes, one at least.
pub(crate) fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut left = text;
    while left.len() > most {
        let (piece, rest) = left.split_at(left.floor_char_boundary(most));
        pieces.push(piece);
        left = rest;
    }
    pieces.push(left);
    pieces
}

/// A text of strangers for a line of a terminal: what breaks the line is shown as a blank; what a
/// terminal acts on, what turns the direction of the text or hides in it, as U+FFFD.
pub fn one_line(text: &str) -> String {
    let turns_or_hides = |c: char| {
        matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{e0000}'..='\u{e007f}'
        )
    };
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        _ if c.is_control() || turns_or_hides(c) => '\u{fffd}',
        _ => c,
    };
    text.chars().map(shown).collect()
}

fn is_harmful(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// The longest duration that is taken: a hundred years, so that no sum of deadlines overflows.
pub(crate) const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// The units of a duration, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Reads a duration as people write it: bare seconds, or `500ms`, `30s`, `5m`, `1h30m`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn duration(text: &str) -> std::result::Result<Duration, String> {
    let bad = || format!("{text:?} is no duration: write seconds, or 30s, 5m, 1h30m");
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().map(Duration::from_secs).map_err(|_| bad())?;
        return if seconds <= LONGEST {
            Ok(seconds)
        } else {
            Err(bad())
        };
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len()
            - after
                .trim_start_matches(|c: char| c.is_ascii_lowercase())
                .len();
        let (unit, after) = after.split_at(letters);
        // Each unit once, the larger before the smaller.
        let (_, size) = units.find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let part = number.checked_mul(*size).ok_or_else(bad)?;
        total = total.checked_add(part).ok_or_else(bad)?;
        rest = after;
    }
    if text.is_empty() {
        return Err(bad());
    }
    match Duration::from_millis(total) {
        span if span <= LONGEST => Ok(span),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, millis) in [
            ("0", 0),
            ("90", 90_000),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d1h", 176_400_000),
            ("1m500ms", 60_500),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for bad in [
            "",
            "s",
            "1x",
            "1.5h",
            "-1",
            "30m1h",
            "1h1h",
            "1h30",
            " 1s",
            "99999999999999999999",
            "9999999999999999h",
        ] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    use proptest::prelude::*;

    #[test]
    fn a_line_stays_a_line_and_does_nothing() {
        let shown = one_line("a\tb\r\nc\u{1b}[2J\u{202e}d\u{e0041}\u{9b}é");
        assert_eq!(shown, "a b  c\u{fffd}[2J\u{fffd}d\u{fffd}\u{fffd}é");
    }

    #[test]
    fn line_ends_become_lf() {
        let cleaned = clean("a\r\nb\rc\n", false).unwrap();
        assert_eq!(cleaned.text, "a\nb\nc\n");
        assert_eq!(cleaned.changes, ["crlf"]);
    }

    #[test]
    fn control_characters_are_refused_by_name() {
        for bad in [
            "\u{1b}",
            "\u{1b}[201~",
            "\0",
            "\u{7}",
            "\u{7f}",
            "\u{80}",
            "\u{9b}",
            "\u{9f}",
        ] {
            let error = clean(&format!("a{bad}b"), false).unwrap_err();
            assert_eq!(error.refusal(), Some(Refusal::UnsafeText), "{bad:?}");
            assert!(error.message().contains("U+00"), "{error}");
        }
    }

    #[test]
    fn stripping_keeps_the_rest() {
        let cleaned = clean("a\u{1b}[201~b\r\u{7}", true).unwrap();
        assert_eq!(cleaned.text, "a[201~b\n");
        assert_eq!(cleaned.changes, ["crlf", "control"]);
    }

    #[test]
    fn blank_text_is_an_argument_error() {
        for blank in ["", " ", "\n\t", "\u{1b}"] {
            let error = clean(blank, true).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidArgument, "{blank:?}");
        }
    }

    #[test]
    fn commands_are_seen_behind_white_space() {
        assert_eq!(command_prefix("/clear", "/!"), Some('/'));
        assert_eq!(command_prefix("\n !ls", "/!"), Some('!'));
        assert_eq!(command_prefix("do /clear", "/!"), None);
        assert_eq!(command_prefix("", "/!"), None);
    }

    /// Any text, with control characters and line ends much more often than chance has them.
    fn any_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![
                any::<char>(),
                (0_u8..=0x9f).prop_map(char::from),
                Just('\r'),
                Just('\n'),
            ],
            0..60,
        )
        .prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn cleaning_is_safe_and_idempotent(text in any_text(), strip in any::<bool>()) {
            if let Ok(cleaned) = clean(&text, strip) {
                prop_assert!(!cleaned.text.chars().any(is_harmful));
                let again = clean(&cleaned.text, false).unwrap();
                prop_assert_eq!(&again.text, &cleaned.text);
                prop_assert!(again.changes.is_empty());
                prop_assert_eq!(cleaned.changes.is_empty(), cleaned.text == text);
            }
        }

        #[test]
        fn only_control_characters_are_lost(text in any_text()) {
            if let Ok(cleaned) = clean(&text, true) {
                let kept = |c: &char| !c.is_control() || *c == '\t';
                let before: String = text.chars().filter(kept).collect();
                let after: String = cleaned.text.chars().filter(kept).collect();
                prop_assert_eq!(before, after);
            }
        }
    }
}
