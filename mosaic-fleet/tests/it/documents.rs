//! What README, ARCHITECTURE, CONTRIBUTING and the guide say of the tree and of `make` is so. Their commands are
//! run by the command line's own tests; their Rust by the documentation tests.

use std::collections::BTreeSet;
use std::fs;

use crate::source::root;

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "mosaic-fleet/ARCHITECTURE.md",
    ".github/CONTRIBUTING.md",
    "mosaic-fleet/src/guide/customising.md",
    "mosaic-fleet/src/guide/from_bash.md",
    "mosaic-fleet/src/guide/holder.md",
    "mosaic-fleet/src/guide/installing.md",
    "mosaic-fleet/src/guide/lanes_and_ci.md",
    "mosaic-fleet/src/guide/life_of_a_slot.md",
    "mosaic-fleet/src/guide/matrix.md",
    "mosaic-fleet/src/guide/recovery.md",
];

/// The languages that a fenced block may have. `sh` is run by a test (`sh,systemd` by one that has a
/// user manager), `console` shows what such a run printed, `text` is neither.
const FENCES: [&str; 6] = ["sh", "console", "text", "rust", "yaml", "toml"];

/// Commands that a block must be marked `sh` for.
const RUN: [&str; 3] = ["mosaic-fleet ", "make ", "cargo "];

/// Pieces of a text between single backquotes, outside of fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("\n```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

/// A path of this repository: with a folder, or with an ending that only files here have.
fn is_path(piece: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    let ends = [".rs", ".md", ".yaml", ".toml", ".json", ".txt"]
        .iter()
        .any(|end| piece.ends_with(end));
    let names_a_folder =
        piece.ends_with('/') || piece.starts_with("src/") || piece.starts_with(".ci/");
    piece.chars().all(plain) && !piece.starts_with('/') && (ends || names_a_folder)
}

/// A path is written from the repository's root, from the core, or from the core's sources.
fn missing(text: &str) -> BTreeSet<String> {
    let paths = quoted(text).into_iter().filter(|piece| is_path(piece));
    let from = [
        "",
        "mosaic-fleet",
        "mosaic-fleet/src",
        "mosaic-fleet/tests/it",
    ];
    let exists = |path: &str| {
        from.iter()
            .any(|from| root().join(from).join(path).exists())
    };
    // What a user has or is to make is no file of ours.
    let ours = paths.filter(|path| {
        !path.contains("NAME")
            && !["roster.yaml", "forges.yaml", "SKILL.md"]
                .iter()
                .any(|file| path.ends_with(file))
    });
    ours.filter(|path| !exists(path))
        .map(str::to_owned)
        .collect()
}

fn targets() -> BTreeSet<String> {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let rules = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', '.', ' ']));
    rules
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

/// Targets that a document names, in prose or in a block.
fn named_targets(text: &str) -> BTreeSet<String> {
    let blocks = text.split("\n```").skip(1).step_by(2).flat_map(str::lines);
    let commands = blocks
        .chain(quoted(text))
        .filter_map(|line| line.trim().strip_prefix("make "));
    commands
        .filter_map(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Blocks without a language that we know, and commands in a block that nobody runs.
fn bad_fences(text: &str) -> Vec<String> {
    let mut bad = Vec::new();
    for block in text.split("\n```").skip(1).step_by(2) {
        let (fence, body) = block.split_once('\n').unwrap_or((block, ""));
        let language = fence.split(',').next().unwrap_or_default();
        if !FENCES.contains(&language) {
            bad.push(format!("a block in {fence:?}: use one of {FENCES:?}"));
        }
        let is_command = |line: &&str| RUN.iter().any(|command| line.starts_with(command));
        if language != "sh"
            && let Some(line) = body.lines().find(is_command)
        {
            bad.push(format!("{line:?} is in a block {fence:?}: mark it `sh`"));
        }
    }
    bad
}

fn each_document(complain: impl Fn(&str) -> Vec<String>) {
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        let complaints = complain(&text);
        assert!(complaints.is_empty(), "{document}: {complaints:#?}");
    }
}

#[test]
fn paths_that_are_named_exist() {
    each_document(|text| missing(text).into_iter().collect());
}

#[test]
fn make_targets_that_are_named_exist() {
    let targets = targets();
    each_document(|text| named_targets(text).difference(&targets).cloned().collect());
}

#[test]
fn blocks_say_what_they_are() {
    each_document(bad_fences);
}

#[test]
fn the_two_commands_of_a_newcomer_come_first() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let first = text.split("\n```sh\n").nth(1).unwrap();
    assert!(
        first.starts_with("make demo") && first.contains("\nmake test"),
        "{first}"
    );
    assert!(
        text.lines().count() < 200,
        "the README is to be read at one sitting"
    );
}

#[test]
fn every_operation_of_the_bindings_is_on_their_page() {
    use mosaic_fleet::wire::{FLEET_OPERATIONS, FREE_OPERATIONS};
    let text = fs::read_to_string(root().join("bindings/README.md")).unwrap();
    for operation in FLEET_OPERATIONS.iter().chain(FREE_OPERATIONS) {
        assert!(text.contains(&format!("`{operation}`")), "{operation}");
    }
}

#[test]
fn what_is_not_so_is_found() {
    let text =
        "See `src/nowhere.rs` and `Makefile`, `a.b()`, `lib.rs`.\n\n```sh\nmake nonsense\n```\n";
    assert_eq!(
        missing(text).into_iter().collect::<Vec<_>>(),
        ["src/nowhere.rs"]
    );
    assert_eq!(
        named_targets(text).into_iter().collect::<Vec<_>>(),
        ["nonsense"]
    );
    assert!(bad_fences(text).is_empty());
    assert_eq!(bad_fences("x\n```\nls\n```\n").len(), 1);
    assert_eq!(bad_fences("x\n```text\nmosaic-fleet start\n```\n").len(), 1);
}
