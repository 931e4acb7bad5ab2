//! A cursor of a tail: a place in an agent's lines, and hashes of the lines before it.

use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::options::Cursor;

/// How many lines a cursor remembers.
pub(super) const ANCHORS: usize = 12;

/// A cursor's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) place: String,
    /// The number of the line after the last one told, counted from the start of the history.
    pub(super) next: usize,
    /// Hashes of the lines before it, oldest first.
    pub(super) anchors: Vec<u32>,
}

/// A short hash of a line (FNV-1a, 32 bits).
pub(super) fn hash(line: &str) -> u32 {
    line.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

impl Mark {
    pub(super) fn written(&self) -> Cursor {
        let mut text = format!("t1.{}.{}.", self.place, self.next);
        for anchor in &self.anchors {
            let _ = write!(text, "{anchor:08x}");
        }
        Cursor::made(text)
    }

    pub(super) fn read(cursor: &Cursor) -> Result<Mark> {
        let bad = || {
            Error::invalid_argument("the cursor is not one of this transport")
                .with_hint("pass `next` of an earlier tail of the same agent as it was")
        };
        let parts: Vec<&str> = cursor.as_str().split('.').collect();
        let ["t1", server, started, pane, next, anchors] = parts.as_slice() else {
            return Err(bad());
        };
        let digits = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if ![server, started, pane].into_iter().all(digits)
            || !anchors.is_ascii()
            || anchors.len() % 8 != 0
            || anchors.len() / 8 > ANCHORS
        {
            return Err(bad());
        }
        let anchors = anchors
            .as_bytes()
            .chunks(8)
            .map(|chunk| {
                let digits = std::str::from_utf8(chunk).map_err(|_| bad())?;
                u32::from_str_radix(digits, 16).map_err(|_| bad())
            })
            .collect::<Result<_>>()?;
        Ok(Mark {
            place: format!("{server}.{started}.{pane}"),
            next: next.parse().map_err(|_| bad())?,
            anchors,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_cursors_are_refused() {
        for text in ["m1:4", "t1", "t1.1.2.3.4.xyz", "t1.a.2.3.4.", "t1.1.2.3.x."] {
            assert!(Mark::read(&Cursor::parse(text).unwrap()).is_err(), "{text}");
        }
    }
}
