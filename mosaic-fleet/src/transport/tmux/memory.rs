//! What a pane remembers of a text of ours that was pasted and not seen submitted, so that a later
//! send can clear it, and nothing else. Pure.

use crate::events::fingerprint;
use crate::runtime::{Composer, squash};

/// What a pane remembers of a text that was pasted and not seen submitted: hashes of the whole, of
/// its end (a scrolled composer shows no more), and of the marker it was collapsed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Memory {
    whole: String,
    end: String,
    pub(super) collapsed: String,
}

/// How many characters of a text's end are remembered.
const END_CHARS: usize = 60;

impl Memory {
    pub(super) fn of(squashed: &str) -> Self {
        Memory {
            whole: fingerprint(squashed),
            end: end_of(squashed).map(fingerprint).unwrap_or_default(),
            collapsed: String::new(),
        }
    }

    pub(super) fn read(text: &str) -> Self {
        let mut parts = text.split('/').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        Memory {
            whole: next(),
            end: next(),
            collapsed: next(),
        }
    }

    pub(super) fn written(&self) -> String {
        format!("{}/{}/{}", self.whole, self.end, self.collapsed)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.whole.is_empty()
    }

    /// Whether the composer holds exactly this text.
    pub(super) fn is_in(&self, composer: Option<&Composer>) -> bool {
        let Some(composer) = composer.filter(|composer| !composer.is_empty()) else {
            return false;
        };
        let shown = squash(&composer.text);
        let hash = fingerprint(&shown);
        if composer.scrolled {
            return !self.end.is_empty()
                && end_of(&shown).map(fingerprint).as_ref() == Some(&self.end);
        }
        hash == self.whole || hash == self.collapsed
    }
}

fn end_of(squashed: &str) -> Option<&str> {
    let (from, _) = squashed.char_indices().rev().nth(END_CHARS - 1)?;
    Some(&squashed[from..])
}

#[cfg(test)]
mod tests {
    use super::{Memory, fingerprint, squash};
    use crate::runtime::Composer;

    fn composer(text: &str, scrolled: bool) -> Composer {
        Composer {
            text: text.to_owned(),
            scrolled,
            ..Composer::default()
        }
    }

    #[test]
    fn only_a_text_of_ours_is_remembered_as_ours() {
        let text = "a long text that goes on and on, and on, and then on once more, to the end of what is remembered of it";
        let mut memory = Memory::of(&squash(text));
        memory.collapsed = fingerprint("[Pastedtext#1]");
        assert_eq!(Memory::read(&memory.written()), memory);
        for (shown, scrolled, ours) in [
            (text, false, true),
            ("a person's", false, false),
            (&text[3..], true, true),
            (&text[3..], false, false),
            ("what is remembered of it", true, false),
            ("[Pasted text #1]", false, true),
            ("", false, false),
        ] {
            assert_eq!(
                memory.is_in(Some(&composer(shown, scrolled))),
                ours,
                "{shown:?}"
            );
        }
        assert!(!Memory::read("").is_in(Some(&composer("", true))));
    }
}
