//! Texts that may not go to this very pane, whatever the text alone is like.

use super::open::OpenPane;
use crate::error::{Error, Refusal, Result};
use crate::runtime::Outgoing;
use crate::runtime::process::Program;

/// The key's guard looks for the words of a question on the whole screen: a text that has them
/// would keep its own key from being pressed.
pub(super) fn refuse_words_of_dialogs(pane: &OpenPane, outgoing: &Outgoing) -> Result<()> {
    let words = pane.manifest.words_on_screen();
    match words
        .into_iter()
        .find(|words| outgoing.text.contains(words))
    {
        None => Ok(()),
        Some(words) => Err(Error::refused(
            Refusal::UnsafeText,
            format!(
                "{:?} is how a question of {} begins",
                words, pane.manifest.name
            ),
        )
        .with_hint("write the text to a file and send the file's path")),
    }
}

/// A program that has not asked for bracketed pastes would run every line by itself.
pub(super) fn refuse_unbracketed(pane: &OpenPane, outgoing: &Outgoing) -> Result<()> {
    if !outgoing.text.contains('\n') {
        return Ok(());
    }
    let rules = &pane.manifest.paste;
    let refused = |program: &str| {
        Err(Error::refused(
            Refusal::UnsafeText,
            format!("{program} takes every line of a paste as a submission of its own"),
        )
        .with_hint("send one line, or write the text to a file and send the file's path"))
    };
    if !rules.bracketed {
        return refused(&pane.manifest.name);
    }
    if rules.bracketed_processes.is_empty() {
        return Ok(());
    }
    match pane.foreground(&rules.bracketed_processes) {
        Program::Other(program) => refused(&program),
        Program::Expected(_) | Program::Unknown => Ok(()),
    }
}
