//! How each agent program is started, read and typed to. Data in, decision out; no I/O but `/proc`.
//!
//! A *runtime* is a program such as Claude Code. What we know of it is a [`Manifest`]: data, not
//! code. This module reads a drawn [`Screen`] by a manifest and prepares texts for it; it does not
//! know how the screen was obtained or how keys are pressed.

mod catalog;
mod composer;
mod dialog;
mod echo;
mod launch;
mod manifest;
mod outgoing;
pub(crate) mod process;
pub(crate) mod process_table;
mod questions;
mod screen;

pub use catalog::Catalog;
pub use composer::{Composer, Explanation, Question, Reading, Seen, read};
pub(crate) use composer::{matches_any, read_expecting};
pub(crate) use dialog::{Dialog, open_dialog};
pub(crate) use echo::{Echo, Needle, echo_of, squash};
pub use launch::Launch;
pub use manifest::{
    Clearing, ComposerLayout, Expression, Manifest, PasteRules, Pattern, Place, ResetCommand,
    ResetRules, Stash, SubmitRules, TextRules, Trim,
};
pub(crate) use outgoing::{Outgoing, prepare};
pub use questions::{AnswerRules, DialogPattern};
pub use screen::Screen;
