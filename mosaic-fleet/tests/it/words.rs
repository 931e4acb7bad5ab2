//! Words of a transport stay in its layer: rooms above it speak of agents only.

use std::collections::BTreeSet;
use std::fs;

use crate::layering::room_of;
use crate::source;

/// Words that belong to one transport, and so to no room above it.
const WORDS: [&str; 7] = [
    "tmux",
    "session",
    "pane",
    "socket",
    "matrix",
    "homeserver",
    "ssh",
];

/// Rooms that speak of agents only.
const PLAIN: [&str; 7] = [
    "fleet", "registry", "layer", "roster", "lane", "ci", "skills",
];

/// Where such a word is right: file (from `mosaic-fleet/src`), word, reason.
const RIGHT: &[(&str, &str, &str)] = &[
    (
        "fleet/envfile.rs",
        "tmux",
        "names of variables that operators already use",
    ),
    (
        "fleet/envfile.rs",
        "socket",
        "names of variables that operators already use",
    ),
    (
        "fleet/migrate.rs",
        "socket",
        "names the command line's flag for the instance",
    ),
    (
        "fleet/open.rs",
        "matrix",
        "a roster may name a scheme that this build lacks",
    ),
    (
        "fleet/open.rs",
        "socket",
        "names the command line's flag for the instance",
    ),
    (
        "fleet/open.rs",
        "tmux",
        "hands the steps' time limits on; they are that backend's type",
    ),
    (
        "registry.rs",
        "matrix",
        "registers the factory, the one place that knows the backends",
    ),
    (
        "registry.rs",
        "socket",
        "names the command line's flag for the instance",
    ),
    (
        "registry.rs",
        "tmux",
        "registers the factory, the one place that knows the backends",
    ),
    (
        "roster/known.rs",
        "matrix",
        "the schemes that we ship are named in one place",
    ),
    (
        "roster/known.rs",
        "tmux",
        "the schemes that we ship are named in one place",
    ),
    ("roster/schema.rs", "ssh", "what `host` means to people"),
];

/// The words of a text, as a reader takes them: `PaneTarget` and `socket_names` are two each.
fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if !c.is_alphabetic() || (c.is_uppercase() && word.ends_with(char::is_lowercase)) {
            words.insert(word.trim_end_matches('s').to_lowercase());
            words.insert(std::mem::take(&mut word).to_lowercase());
        }
        if c.is_alphabetic() {
            word.push(c);
        }
    }
    words
}

/// A file up to its tests, which come last.
fn before_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text)
}

fn foreign_words(text: &str) -> Vec<&'static str> {
    let used = words(before_tests(text));
    WORDS
        .into_iter()
        .filter(|word| used.contains(*word))
        .collect()
}

#[test]
fn they_stay_below() {
    let source_folder = source::root().join("mosaic-fleet/src");
    let mut wrong = Vec::new();
    let mut needed = BTreeSet::new();
    for module in source::core().iter().filter(|module| !module.test) {
        if !PLAIN.contains(&room_of(&module.path).as_str()) {
            continue;
        }
        let file = module
            .file
            .strip_prefix(&source_folder)
            .unwrap()
            .display()
            .to_string();
        for word in foreign_words(&fs::read_to_string(&module.file).unwrap()) {
            match RIGHT
                .iter()
                .find(|right| (right.0, right.1) == (&*file, word))
            {
                Some(right) => drop(needed.insert(right)),
                None => wrong.push(format!("{file}: {word}")),
            }
        }
    }
    assert!(wrong.is_empty(), "words of a transport: {wrong:#?}");
    let stale: Vec<_> = RIGHT
        .iter()
        .filter(|right| !needed.contains(right))
        .collect();
    assert!(stale.is_empty(), "no longer needed in RIGHT: {stale:?}");
}

#[test]
fn a_foreign_word_is_found_in_names_and_in_prose() {
    assert_eq!(foreign_words("//! Looks at panes."), ["pane"]);
    assert_eq!(
        foreign_words("struct PaneTarget; let socket_name = 1;"),
        ["pane", "socket"]
    );
    assert_eq!(foreign_words("const A: &str = \"tmux:x\";"), ["tmux"]);
    assert!(
        foreign_words("// a panel, a company\n#[cfg(test)]\nmod tests { /* tmux */ }").is_empty()
    );
}
