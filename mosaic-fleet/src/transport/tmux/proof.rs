//! What a screen proves after the submit key, and what it does not. Pure.

use tokio::time::Instant;

use super::screen::Look;
use crate::message::Verdict;
use crate::runtime::{Echo, Needle, Reading};

/// What was seen of the text in the composer, before the key.
pub(super) struct Echoed {
    pub(super) at: Instant,
    pub(super) collapsed: bool,
    /// A turn was running, and the program shows what it holds for after that.
    pub(super) busy: bool,
    /// How often the text stood above the composer already, and what stood there.
    pub(super) above: usize,
    pub(super) rows: Vec<String>,
    pub(super) history: u64,
}

/// Whether a look after the key proves that the program took the text.
pub(super) fn taken(
    look: &Look,
    reading: &Reading,
    echo: Option<&Echo>,
    before: &Echoed,
    needle: &Needle,
    worked: bool,
) -> Option<(Verdict, String)> {
    let end = reading
        .composer
        .as_ref()
        .map_or(look.screen.rows.len(), |composer| composer.first_row);
    let count = needle.count(&look.screen, end, before.collapsed);
    let above = &look.screen.rows[..end.min(look.screen.rows.len())];
    let moved = look.history != before.history || above != before.rows.as_slice();
    let more = count > before.above;
    let shown = more || (count > 0 && (moved || worked) && reading.question.is_none());
    // A composer that is not there is no proof by itself: only one that gave way to a turn is.
    let emptied = match echo {
        Some(echo) => *echo == Echo::Empty,
        None => reading.busy || reading.queued || reading.question.is_some(),
    };
    if reading.queued && emptied && needle.head_is_in(above) {
        return Some((
            Verdict::Queued,
            "the program shows the text as held for after its turn".to_owned(),
        ));
    }
    if shown && emptied {
        let composer = if echo.is_some() { "emptied" } else { "closed" };
        return Some((
            Verdict::Submitted,
            format!("the composer {composer}, and the text stands above it"),
        ));
    }
    None
}
