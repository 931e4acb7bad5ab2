//! Is the text in the composer exactly ours, and does it stand above the composer? Pure.
//!
//! Programs wrap, indent and re-flow what they draw, so texts are compared with all blanks left
//! out: head, middle and tail must be there and nothing else.

use regex::Regex;

use super::composer::Composer;
use super::manifest::Manifest;
use super::screen::Screen;

/// How many letters and digits of a text are looked for above the composer.
const NEEDLE_CHARS: usize = 80;

/// How much of both ends of a blurred text must be drawn.
const BLURRED_ENDS: usize = 30;

/// How many characters of its first line are looked for where a program shows a held text.
const HEAD_CHARS: usize = 60;

/// A text without its blanks, as it is compared.
///
/// Left out are also what takes no cell and, after a joiner, the rest of a joined emoji: a terminal
/// keeps only so many bytes a cell and drops what is beyond.
pub(crate) fn squash(text: &str) -> String {
    let mut joined = false;
    let mut squashed = String::with_capacity(text.len());
    for c in text.chars() {
        let is_joiner = c == '\u{200d}';
        let rest_of_emoji = joined && c >= '\u{2600}';
        joined = is_joiner || (rest_of_emoji && joined && is_invisible(c));
        if !(c.is_whitespace() || is_invisible(c) || rest_of_emoji) {
            squashed.push(c);
        }
    }
    squashed
}

/// Characters that take no cell of their own and that programs and terminals keep as they like.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// What the composer holds, compared with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Nothing.
    Empty,
    /// Exactly the text.
    Exact,
    /// The end of the text; the composer is scrolled and hides the rest.
    End,
    /// Markers that stand for a long paste, and nothing else.
    Collapsed,
    /// Both ends of the text and about as much between them: the program and the terminal disagree
    /// on the width of an emoji in it, and its rows ran into each other.
    Blurred,
    /// A part of the text: it may still be arriving.
    Part,
    /// Something else.
    Other,
}

impl Echo {
    /// The submit key may be pressed.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            Echo::Exact | Echo::End | Echo::Collapsed | Echo::Blurred
        )
    }
}

/// Compares the composer with a squashed text.
pub(crate) fn echo_of(manifest: &Manifest, composer: &Composer, expected: &str) -> Echo {
    let shown = squash(&composer.text);
    if shown.is_empty() {
        Echo::Empty
    } else if shown == expected {
        Echo::Exact
    } else if is_collapsed(manifest, &shown, expected) {
        Echo::Collapsed
    } else if composer.scrolled && expected.ends_with(&shown) {
        Echo::End
    } else if is_blurred(&shown, expected, composer.scrolled) {
        Echo::Blurred
    } else if expected.starts_with(&shown) {
        Echo::Part
    } else {
        Echo::Other
    }
}

/// Whether `shown` is a drawing of `expected` whose rows ran into each other. Only a text with emoji,
/// and with more of it between the ends than a person's few keys could hide.
fn is_blurred(shown: &str, expected: &str, scrolled: bool) -> bool {
    let is_emoji =
        |c: char| matches!(c, '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..);
    // A row that moved down may leave a piece of a rule behind.
    let is_rule = |c: &char| matches!(c, '\u{2500}'..='\u{257f}');
    let drawn = shown.chars().filter(|c| !is_rule(c)).count();
    let whole = expected.chars().count();
    if whole < 4 * BLURRED_ENDS || drawn < BLURRED_ENDS || !expected.contains(is_emoji) {
        return false;
    }
    let from = |text: &str, at: usize| text.char_indices().nth(at).map_or(text.len(), |c| c.0);
    let head = &expected[..from(expected, BLURRED_ENDS)];
    let tail = &expected[from(expected, whole - BLURRED_ENDS)..];
    let about_as_much = drawn.abs_diff(whole) <= whole / 8;
    shown.ends_with(tail) && (scrolled || (shown.starts_with(head) && about_as_much))
}

/// Whether `shown` is made of markers of collapsed pastes. Short pieces of the text itself may
/// stand around them, as where the end of a chunked paste is drawn as it is.
fn is_collapsed(manifest: &Manifest, shown: &str, expected: &str) -> bool {
    manifest.collapsed.iter().any(|marker| {
        let marker: &Regex = marker.regex();
        let mut markers = 0;
        let mut end = 0;
        let mut rest = String::new();
        for found in marker.find_iter(shown).filter(|found| !found.is_empty()) {
            markers += 1;
            rest.push_str(&shown[end..found.start()]);
            end = found.end();
        }
        rest.push_str(&shown[end..]);
        markers > 0 && (rest.is_empty() || expected.ends_with(&rest))
    })
}

/// What is left of a text when it is drawn as Markdown, and of an emoji in a terminal that has it
/// otherwise: letters and digits. All of it, where it has none.
fn letters(text: &str) -> String {
    let squashed = squash(text);
    let letters: String = squashed.chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.is_empty() {
        squashed
    } else {
        letters
    }
}

/// What is looked for above the composer after the submit key.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    head: String,
    tail: String,
    /// The tail is letters and digits only.
    plain: bool,
    collapsed: Vec<Regex>,
}

impl Needle {
    /// The first line's start and the end of `text`.
    pub(crate) fn new(manifest: &Manifest, text: &str) -> Self {
        let first_line = text.lines().next().unwrap_or_default();
        let head = letters(first_line).chars().take(HEAD_CHARS).collect();
        let expected = letters(text);
        let from = expected
            .char_indices()
            .rev()
            .nth(NEEDLE_CHARS - 1)
            .map_or(0, |(at, _)| at);
        Needle {
            plain: expected.chars().any(char::is_alphanumeric),
            head,
            tail: expected[from..].to_owned(),
            collapsed: manifest
                .collapsed
                .iter()
                .map(|c| c.regex().clone())
                .collect(),
        }
    }

    /// Whether the start of the text is in these rows.
    pub(crate) fn head_is_in(&self, rows: &[String]) -> bool {
        letters(&rows.concat()).contains(&self.head)
    }

    /// How often the text stands in the rows before `end`.
    pub(crate) fn count(&self, screen: &Screen, end: usize, collapsed: bool) -> usize {
        let rows = &screen.rows[..end.min(screen.rows.len())];
        let above = squash(&rows.concat());
        let texts = if self.plain {
            letters(&above).matches(&self.tail).count()
        } else {
            above.matches(&self.tail).count()
        };
        if !collapsed {
            return texts;
        }
        let markers: usize = self
            .collapsed
            .iter()
            .map(|marker| marker.find_iter(&above).count())
            .sum();
        texts + markers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Catalog;
    use proptest::prelude::*;

    fn composer(text: &str, scrolled: bool) -> Composer {
        Composer {
            first_row: 0,
            end_row: 1,
            text: text.to_owned(),
            scrolled,
        }
    }

    #[test]
    fn only_the_whole_text_is_ours() {
        let claude = Catalog::shipped().unwrap().get("claude").unwrap();
        let expected = squash("fix the parser\nand test it");
        for (shown, scrolled, echo) in [
            ("fix the parser\nand test it", false, Echo::Exact),
            ("fix the par\nser and test it ", false, Echo::Exact),
            ("", false, Echo::Empty),
            ("fix the", false, Echo::Part),
            ("human: fix the parser\nand test it", false, Echo::Other),
            ("fix the parser\nand test it now", false, Echo::Other),
            ("test it", false, Echo::Other),
            ("test it", true, Echo::End),
            ("[Pasted text #1 +22 lines]", false, Echo::Collapsed),
            ("draft [Pasted text #1 +22 lines]", false, Echo::Other),
        ] {
            assert_eq!(
                echo_of(&claude, &composer(shown, scrolled), &expected),
                echo,
                "{shown:?}"
            );
        }
    }

    #[test]
    fn rows_that_ran_into_each_other_are_known_by_both_ends() {
        let claude = Catalog::shipped().unwrap().get("claude").unwrap();
        let text = format!(
            "{} 🇩🇪 {}",
            "start of it ".repeat(10),
            "end of it ".repeat(10)
        );
        let drawn = text.replacen("🇩🇪", "🇩🇪mp/x", 1);
        for (shown, expected, echo) in [
            (drawn.clone(), squash(&text), Echo::Blurred),
            (format!("a draft {drawn}"), squash(&text), Echo::Other),
            (format!("{drawn} more"), squash(&text), Echo::Other),
            (
                drawn.replace("🇩🇪", ""),
                squash(&text.replace("🇩🇪", "")),
                Echo::Other,
            ),
        ] {
            let echoed = echo_of(&claude, &composer(&shown, false), &expected);
            assert_eq!(echoed, echo, "{shown:?}");
        }
    }

    #[test]
    fn a_text_drawn_as_markdown_is_found_above() {
        let pi = Catalog::shipped().unwrap().get("pi").unwrap();
        let needle = Needle::new(&pi, "# see\n- the `code` of *it*");
        let screen = Screen {
            rows: vec!["see".to_owned(), " • the code of it".to_owned()],
            ..Screen::default()
        };
        assert_eq!(needle.count(&screen, 2, false), 1);
        assert!(needle.head_is_in(&screen.rows));
        let signs = Needle::new(&pi, "?!");
        assert_eq!(signs.count(&screen, 2, false), 0);
    }

    #[test]
    fn a_joined_emoji_is_compared_by_its_first_part() {
        let whole = "family 👨\u{200d}👩\u{200d}👧\u{200d}👦 flag 🇩🇪 skin 👍🏽 x";
        let kept = "family 👨\u{200d}👩\u{200d}👧\u{200d} flag 🇩🇪 skin 👍 x";
        assert_eq!(squash(whole), squash(kept));
        assert_ne!(squash("a👨b"), squash("a👩b"));
    }

    proptest! {
        #[test]
        fn wrapping_never_changes_the_comparison(text in "[a-z ]{1,80}", width in 1usize..20) {
            let wrapped: Vec<String> = text.chars().collect::<Vec<_>>()
                .chunks(width).map(|row| row.iter().collect()).collect();
            prop_assert_eq!(squash(&wrapped.join("\n  ")), squash(&text));
        }
    }
}
