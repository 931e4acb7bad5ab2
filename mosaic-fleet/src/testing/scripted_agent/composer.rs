//! The composer: its text, what it shows instead of big pastes, and a second pair of hands in it.

use std::ops::Range;

#[derive(Debug)]
struct Folded {
    range: Range<usize>,
    label: String,
}

/// A composer that is only ever edited at its end, as keys and pastes do.
#[derive(Debug, Default)]
pub(super) struct Composer {
    text: String,
    folded: Vec<Folded>,
    human: Option<Range<usize>>,
    labels: u32,
}

impl Composer {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Appends a paste that is shown as a label.
    pub(super) fn push_folded(&mut self, text: &str) {
        self.labels += 1;
        let label = match text.matches('\n').count() {
            0 => format!("[Pasted text #{}]", self.labels),
            lines => format!("[Pasted text #{} +{lines} lines]", self.labels),
        };
        let start = self.text.len();
        self.text.push_str(text);
        let range = start..self.text.len();
        self.folded.push(Folded { range, label });
    }

    /// Removes the last character, or the whole of a folded paste.
    pub(super) fn backspace(&mut self) {
        let end = self.text.len();
        match self.folded.pop_if(|folded| folded.range.end == end) {
            Some(folded) => self.text.truncate(folded.range.start),
            None => drop(self.text.pop()),
        }
        let end = self.text.len();
        self.human.take_if(|human| human.end > end);
    }

    /// Removes and returns everything.
    pub(super) fn take(&mut self) -> String {
        self.folded.clear();
        self.human = None;
        std::mem::take(&mut self.text)
    }

    /// A person types at the end.
    pub(super) fn human_types(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.human = Some(start..self.text.len());
    }

    /// The person removes again what they typed, also if more was appended since.
    pub(super) fn human_leaves(&mut self) {
        let Some(human) = self.human.take() else {
            return;
        };
        self.text.replace_range(human.clone(), "");
        for folded in &mut self.folded {
            if folded.range.start >= human.end {
                folded.range.start -= human.len();
                folded.range.end -= human.len();
            }
        }
    }

    /// What the screen shows of it.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        let mut at = 0;
        for folded in &self.folded {
            shown.push_str(&self.text[at..folded.range.start]);
            shown.push_str(&folded.label);
            at = folded.range.end;
        }
        shown.push_str(&self.text[at..]);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_pastes_are_shown_as_labels_and_taken_exactly() {
        let mut composer = Composer::default();
        composer.push("a ");
        composer.push_folded("1\n2\n3");
        composer.push(" b");
        composer.push_folded("long");
        assert_eq!(
            composer.shown(),
            "a [Pasted text #1 +2 lines] b[Pasted text #2]"
        );
        composer.backspace();
        composer.backspace();
        assert_eq!(composer.shown(), "a [Pasted text #1 +2 lines] ");
        assert_eq!(composer.take(), "a 1\n2\n3 ");
        assert_eq!(composer.shown(), "");
    }

    #[test]
    fn a_person_leaves_no_trace() {
        let mut composer = Composer::default();
        composer.push_folded("1\n2");
        composer.human_types(" hm ß");
        composer.push("x");
        composer.push_folded("3\n4");
        composer.human_leaves();
        composer.human_leaves();
        assert_eq!(
            composer.shown(),
            "[Pasted text #1 +1 lines]x[Pasted text #2 +1 lines]"
        );
        assert_eq!(composer.take(), "1\n2x3\n4");
    }
}
