//! The link grammar against our own vectors, and against texts made to hurt it.

use std::cell::Cell;

mod hostile;
mod vectors;

thread_local! {
    /// Characters looked at by the scanner on this thread.
    pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
}
