//! Reading a whole list in pages while it moves. No I/O: [`Walk`] says which pages to ask for, is given
//! what came, and says when it is the whole list.
//!
//! An item that goes away pulls all behind it one place forward, and so another one past the border
//! between a page that was read and one that was not. So no page stands alone: each next one is asked
//! for so that it begins with something that is known already. Items keep their order for ever, so
//! when two pages share an item, nothing that stayed in the list is between them, at whatever times
//! they were read. A page that shares nothing is asked for again, from further in front.
//!
//! `page` and `limit` reach only places that are a multiple of `limit`; another limit for each page
//! brings the overlap, mostly of one to ten items.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// As many as a forge gives by default.
const MOST: u64 = 50;

/// Pages in a row that may bring nothing new: each is one that was pushed back by as many new items.
const PATIENCE: u32 = 3;

/// No list is longer, in requests.
const CEILING: u64 = 5_000;

/// What is asked for: page `page`, from 1, in pages of `limit` items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) page: u64,
    pub(super) limit: u64,
}

impl Window {
    /// The place of its first item, from 0.
    fn start(self) -> u64 {
        (self.page - 1) * self.limit
    }

    /// The place behind its last item, when it is full.
    fn end(self) -> u64 {
        self.page * self.limit
    }
}

/// What came.
#[derive(Debug)]
pub(super) struct Page<T> {
    /// The items with their keys; those without one are left out.
    pub(super) items: Vec<(u64, T)>,
    /// How many there were, with those that are left out.
    pub(super) count: u64,
    /// How long the server says the list is.
    pub(super) total: Option<u64>,
}

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on behind it.
    Joined,
    /// Something may be missing before it; those behind it in the plan are useless.
    Torn,
    /// The list is complete.
    Done,
}

/// A list that is being read.
#[derive(Debug)]
pub(super) struct Walk<T> {
    found: BTreeMap<u64, T>,
    /// The next page begins before this place.
    end: u64,
    /// How many items the server gives at most, as far as seen.
    cap: u64,
    /// What the server said last.
    total: Option<u64>,
    asked: u64,
    /// The keys of the first page.
    front: Vec<u64>,
    /// The furthest place that was read.
    furthest: u64,
    /// Pages in a row that went further and brought nothing new.
    stale: u32,
    /// How far in front the next attempt begins when a page is torn off.
    back: u64,
}

impl<T> Walk<T> {
    pub(super) fn new() -> Self {
        Walk {
            found: BTreeMap::new(),
            end: 0,
            cap: MOST,
            total: None,
            asked: 0,
            front: Vec::new(),
            furthest: 0,
            stale: 0,
            back: 1,
        }
    }

    /// The pages to ask for next, which may be read at the same time and are taken in this order: at
    /// least one, and at most `most`.
    pub(super) fn plan(&self, most: usize) -> Vec<Window> {
        let mut windows = vec![self.next_from(self.end)];
        // How long the list is is not known before the first answer.
        let Some(total) = self.total.filter(|_| self.end > 0) else {
            return windows;
        };
        while let Some(last) = windows.last().filter(|_| windows.len() < most) {
            let next = self.next_from(last.end());
            if last.end() >= total || !joins(next, last.end()) {
                break;
            }
            windows.push(next);
        }
        windows
    }

    /// The window that reaches furthest of those that begin before place `end`. Where the server's
    /// pages are so small that none reaches over that place, the one that begins there.
    fn next_from(&self, end: u64) -> Window {
        if end == 0 {
            let limit = self.cap;
            return Window { page: 1, limit };
        }
        (1..=self.cap)
            .map(|limit| Window {
                page: (end - 1) / limit + 1,
                limit,
            })
            .max_by_key(|window| window.end())
            .filter(|window| window.end() > end)
            .unwrap_or_else(|| {
                // All limits divide such a place.
                let limit = self.cap;
                Window {
                    page: end / limit + 1,
                    limit,
                }
            })
    }

    /// Takes what came for a window.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the server gives something else than asked for, or the list does not keep
    /// still for long enough.
    pub(super) fn take(&mut self, window: Window, page: Page<T>) -> Result<Step> {
        self.asked += 1;
        if page.count > window.limit && self.asked > 1 {
            return Err(same_again(window));
        }
        let shrunk = page.total < self.total;
        self.total = page.total;
        let end = window.start() + page.count;
        let more = page.total.is_some_and(|total| end < total);
        if window.start() == 0 {
            if page.count == 0 {
                return Ok(Step::Done);
            }
            self.front = page.items.iter().map(|(key, _)| *key).collect();
            if self.asked == 1 && (more || page.total.is_none()) {
                self.cap = page.count.min(MOST);
            }
        }

        let repeats = self.is_front(window, &page);
        let joined = window.start() == 0
            || page
                .items
                .iter()
                .any(|(key, _)| self.found.contains_key(key))
            // No window reaches over this place. If items only go away and new ones only come in
            // front, nothing was lost as long as the list is no shorter.
            || window.start() == self.end && self.back == 1 && !shrunk;
        if repeats || !joined {
            self.stale += u32::from(repeats);
            self.end = self.end.saturating_sub(self.back);
            self.back *= 2;
            return self.unless_endless(Step::Torn, window);
        }
        self.back = 1;
        self.end = end.max(1);
        let known = self.found.len();
        self.found.extend(page.items);
        let news = self.found.len() > known;
        if news {
            self.stale = 0;
        } else if end > self.furthest {
            self.stale += 1;
        }
        self.furthest = end.max(self.furthest);
        // The server gives `cap` items and more are behind: a shorter page with nothing new is the
        // list's end. Without a total, that is the only sign of it.
        let ran_out = !news && page.count < window.limit && window.limit <= self.cap;
        if ran_out || page.total.is_some_and(|total| end >= total) {
            return Ok(Step::Done);
        }
        self.unless_endless(Step::Joined, window)
    }

    /// Whether a later page is the first one again. As many new items as are before it may have pushed
    /// it back, but mostly the server does not know of pages.
    fn is_front(&self, window: Window, page: &Page<T>) -> bool {
        let keys = page.items.iter().map(|(key, _)| key);
        let expected = self.front.len().min(window.limit as usize);
        window.start() > 0 && expected > 0 && keys.eq(&self.front[..expected])
    }

    /// Everything that was found, in the order of the keys.
    pub(super) fn into_items(self) -> Vec<T> {
        self.found.into_values().collect()
    }

    fn unless_endless(&self, step: Step, window: Window) -> Result<Step> {
        if self.stale >= PATIENCE {
            return Err(same_again(window));
        }
        let pages = self.total.unwrap_or(0) / self.cap.div_ceil(2).max(1);
        let enough = pages.saturating_mul(4).saturating_add(50);
        let enough = if self.total.is_some() {
            enough.min(CEILING)
        } else {
            CEILING
        };
        if self.asked < enough {
            return Ok(step);
        }
        Err(
            Error::unavailable(format!("the list still moves after {} pages", self.asked))
                .with_hint("try again in a moment"),
        )
    }
}

/// Whether the window reaches over the border before place `end`.
fn joins(window: Window, end: u64) -> bool {
    window.start() < end
}

fn same_again(window: Window) -> Error {
    Error::unavailable(format!(
        "page {} of the list brings nothing that the pages before did not",
        window.page
    ))
    .with_hint("check that this is a forge, and no page or mock that answers the same for ever")
}
