//! A text that is edited by splices, and the places in it. What an edit means is in `edit` and
//! `profile`; here is what keeps it safe.

use std::ops::Range;

use serde_json::Value as Json;

use super::problem::invalid;
use super::tree::{self, Node, Value};
use crate::error::{Error, Result};

/// Replaces these bytes with this text.
pub(super) type Splice = (Range<usize>, String);

/// A text, and where everything is in it.
pub(super) struct Document<'t> {
    pub(super) text: &'t str,
    pub(super) root: Node,
    pub(super) line_break: &'static str,
}

impl<'t> Document<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self> {
        let mut problems = Vec::new();
        let root = tree::read(text, &mut problems);
        match root {
            Some(root) if problems.is_empty() && matches!(root.value, Value::Map(_)) => {
                let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
                Ok(Document {
                    text,
                    root,
                    line_break,
                })
            }
            _ => Err(invalid("roster", problems)),
        }
    }

    /// Applies the splices, and makes sure that the result says `expected`.
    pub(super) fn finish(&self, mut splices: Vec<Splice>, mut expected: Json) -> Result<String> {
        splices.sort_by_key(|(range, _)| (range.start, range.end));
        splices.dedup();
        let mut result = String::with_capacity(self.text.len() + 256);
        let mut done = 0;
        for (range, new) in splices {
            let kept = self.text.get(done..range.start).ok_or_else(unsafe_edit)?;
            result.push_str(kept);
            result.push_str(&new);
            done = range.end;
        }
        result.push_str(self.text.get(done..).ok_or_else(unsafe_edit)?);

        let mut found = Document::read(&result)
            .map_err(|error| unsafe_edit().with_source(error))?
            .root
            .to_json();
        with_agents(&mut found, |_| {});
        with_agents(&mut expected, |_| {});
        if found == expected {
            Ok(result)
        } else {
            Err(unsafe_edit())
        }
    }

    pub(super) fn agents(&self) -> &[Node] {
        self.root
            .entry("agents")
            .map_or(&[], |entry| entry.value.items())
    }

    /// The column of the dash before a block item that begins its line.
    pub(super) fn dash(&self, item: &Node) -> Option<usize> {
        let before = self.text[..item.bytes.start].trim_end_matches([' ', '\t', '\r', '\n']);
        let dash = before.strip_suffix('-')?;
        let indent = &dash[self.line_of(dash.len())..];
        indent
            .bytes()
            .all(|byte| byte == b' ')
            .then_some(indent.len())
    }

    /// What stands before an item that begins its line.
    pub(super) fn own_line(&self, item: &Node) -> Option<&str> {
        let indent = &self.text[self.line_of(item.bytes.start)..item.bytes.start];
        is_blank(indent).then_some(indent)
    }

    /// The comma in `range`, comments passed over.
    pub(super) fn comma(&self, range: Range<usize>) -> Option<usize> {
        let mut comment = false;
        for (at, byte) in self.text.get(range.clone())?.bytes().enumerate() {
            match byte {
                b'\n' => comment = false,
                b'#' => comment = true,
                b',' if !comment => return Some(range.start + at),
                _ => {}
            }
        }
        None
    }

    pub(super) fn line_of(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |line| line + 1)
    }

    /// Where the line after content that ends at `end` begins.
    pub(super) fn line_after(&self, end: usize) -> usize {
        let line = self.line_of(end);
        if line > 0 && end > 0 && is_blank(&self.text[line..end]) {
            return line;
        }
        let rest = self.text[end..].find('\n');
        rest.map_or(self.text.len(), |at| end + at + 1)
    }

    /// Inserts a line at `at`, which is the beginning of a line or the end of the text.
    pub(super) fn new_line(&self, at: usize, line: &str) -> Splice {
        let before = &self.text[..at];
        let new = if before.is_empty() || before.ends_with('\n') {
            format!("{line}{}", self.line_break)
        } else {
            format!("{}{line}{}", self.line_break, self.line_break)
        };
        (at..at, new)
    }

    /// Behind the last value of a mapping in braces, or behind its opening brace.
    pub(super) fn last_content(&self, map: &Node) -> usize {
        map.entries()
            .last()
            .map_or(map.bytes.start + 1, |entry| entry.value.bytes.end)
    }
}

pub(super) fn unsafe_edit() -> Error {
    Error::config_invalid("the roster is written so that it cannot be edited safely")
        .with_hint("edit the file by hand")
}

pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t'))
}

pub(super) fn blanks(text: &str) -> usize {
    text.bytes()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// Changes the list of agents of a whole roster. It is made when there is none, so that an empty
/// list and no list compare as equal.
pub(super) fn with_agents(roster: &mut Json, change: impl FnOnce(&mut Vec<Json>)) {
    let Some(roster) = roster.as_object_mut() else {
        return;
    };
    let list = roster.entry("agents").or_insert(Json::Null);
    if list.is_null() {
        *list = Json::Array(Vec::new());
    }
    if let Json::Array(agents) = list {
        change(agents);
    }
}
