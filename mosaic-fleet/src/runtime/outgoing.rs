//! A text made ready for a program: cleaned, brought to what the program would make of it anyway,
//! refused where the program would lose or run it, and cut into pastes. Pure.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::echo::squash;
use super::manifest::{Manifest, Trim};
use crate::error::{Error, Refusal, Result};
use crate::options::SendOptions;
use crate::text;

/// A text that may be typed, and how.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// The text as the program will take it.
    pub(crate) text: String,
    /// The same without blanks, as it is compared with the screen.
    pub(crate) squashed: String,
    /// What was changed.
    pub(crate) normalised: Vec<String>,
    /// The pastes that make up the text, in order.
    pub(crate) chunks: Vec<String>,
}

/// Makes `rendered` (preamble and body) ready for the program of `manifest`.
pub(crate) fn prepare(
    manifest: &Manifest,
    rendered: &str,
    options: &SendOptions,
) -> Result<Outgoing> {
    let cleaned = text::clean(rendered, options.strip_control)?;
    let rules = &manifest.text;
    let mut normalised: Vec<String> = cleaned.changes.iter().map(|c| (*c).to_owned()).collect();
    let mut text = cleaned.text;
    if let Some(width) = rules.tab_width.filter(|_| text.contains('\t')) {
        text = text.replace('\t', &" ".repeat(usize::from(width)));
        normalised.push("tabs".to_owned());
    }
    if rules.compose && !is_nfc(&text) {
        text = text.nfc().collect();
        normalised.push("nfc".to_owned());
    }
    let trimmed = match rules.trim {
        Trim::None => text.as_str(),
        Trim::End => text.trim_end(),
        Trim::Both => text.trim(),
    };
    if trimmed.len() != text.len() {
        text = trimmed.to_owned();
        normalised.push("trimmed".to_owned());
    }
    let squashed = squash(&text);
    if squashed.is_empty() {
        return Err(Error::invalid_argument("the text is empty"));
    }
    check(manifest, &text, options)?;
    let chunks = chunks(
        &text,
        manifest.paste.chunk_chars.unwrap_or(usize::MAX),
        manifest.paste.chunk_newlines.unwrap_or(usize::MAX),
    );
    Ok(Outgoing {
        text,
        squashed,
        normalised,
        chunks,
    })
}

fn check(manifest: &Manifest, text: &str, options: &SendOptions) -> Result<()> {
    let rules = &manifest.text;
    let name = &manifest.name;
    if let Some(limit) = manifest.paste.max_bytes
        && text.len() as u64 > limit
    {
        return Err(Error::invalid_argument(format!(
            "the text has {} bytes, {name} takes {limit}",
            text.len()
        ))
        .with_hint("write it to a file and send the file's path"));
    }
    if let Some(found) = text.chars().find(|c| rules.refused_characters.contains(*c)) {
        return Err(Error::refused(
            Refusal::UnsafeText,
            format!("{name} drops or changes U+{:04X}", u32::from(found)),
        )
        .with_hint("write the text to a file and send the file's path"));
    }
    if rules.refuse_trailing_backslash && text.ends_with('\\') {
        return Err(Error::refused(
            Refusal::UnsafeText,
            format!("{name} does not submit a text that ends with a backslash"),
        )
        .with_hint("add a character after it"));
    }
    if options.allow_command {
        return Ok(());
    }
    if let Some(prefix) = text::command_prefix(text, &rules.command_prefixes) {
        return Err(Error::refused(
            Refusal::UnsafeText,
            format!("{name} takes a text that starts with {prefix:?} as a command"),
        )
        .with_hint("allow commands for this send (--allow-command), or start with another word"));
    }
    if rules.command_words.iter().any(|word| word == text.trim()) {
        return Err(Error::refused(
            Refusal::UnsafeText,
            format!("{name} takes {:?} as a command", text.trim()),
        )
        .with_hint("allow commands for this send (--allow-command), or add a word"));
    }
    Ok(())
}

/// Cuts a text into pieces of at most `most_chars` characters and `most_newlines` line ends.
fn chunks(text: &str, most_chars: usize, most_newlines: usize) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut chunk = String::new();
    let (mut chars, mut newlines) = (0, 0);
    for c in text.chars() {
        let newline = usize::from(c == '\n');
        if chars == most_chars.max(1) || newlines + newline > most_newlines.max(1) {
            chunks.push(std::mem::take(&mut chunk));
            (chars, newlines) = (0, 0);
        }
        chunk.push(c);
        chars += 1;
        newlines += newline;
    }
    chunks.push(chunk);
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::runtime::Catalog;
    use proptest::prelude::*;

    fn claude(text: &str) -> Result<Outgoing> {
        let manifest = Catalog::shipped().unwrap().get("claude").unwrap();
        prepare(&manifest, text, &SendOptions::new())
    }

    #[test]
    fn what_the_program_would_change_is_changed_first_and_said() {
        let outgoing = claude("a\tb\r\ne\u{301}\n\n").unwrap();
        assert_eq!(outgoing.text, "a    b\né");
        assert_eq!(outgoing.normalised, ["crlf", "tabs", "nfc", "trimmed"]);
    }

    #[test]
    fn what_would_be_lost_or_run_is_refused() {
        for text in ["/clear", "!rm -rf x", "exit", "a\u{200b}b", "ends with \\"] {
            let error = claude(text).unwrap_err();
            assert_eq!(error.refusal(), Some(Refusal::UnsafeText), "{text:?}");
        }
        assert_eq!(
            claude(" \n ").unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    }

    #[test]
    fn a_command_can_be_allowed() {
        let manifest = Catalog::shipped().unwrap().get("claude").unwrap();
        let options = SendOptions::new().with_allow_command(true);
        assert_eq!(
            prepare(&manifest, "/compact", &options).unwrap().text,
            "/compact"
        );
    }

    #[test]
    fn claude_gets_pastes_that_it_does_not_wrap() {
        let text: String =
            (0..200).map(|n| format!("line {n}\n")).collect::<String>() + &"x".repeat(5000);
        let outgoing = claude(&text).unwrap();
        assert!(
            outgoing
                .chunks
                .iter()
                .all(|chunk| { chunk.chars().count() <= 700 && chunk.matches('\n').count() <= 2 })
        );
        assert_eq!(outgoing.chunks.concat(), text);
    }

    proptest! {
        #[test]
        fn chunks_are_the_text(text in "[a-z\n日]{1,200}", chars in 1usize..30, newlines in 1usize..4) {
            let chunks = chunks(&text, chars, newlines);
            prop_assert_eq!(chunks.concat(), text);
            prop_assert!(chunks.iter().all(|chunk| chunk.chars().count() <= chars));
            prop_assert!(chunks.iter().all(|chunk| chunk.matches('\n').count() <= newlines));
        }
    }
}
