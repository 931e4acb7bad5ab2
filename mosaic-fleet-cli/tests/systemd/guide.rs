//! The commands of the README and of the guide that need a user manager: each page in its order, in a
//! home of its own, with those between them that need none.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::{Stage, on_stage};

/// Blocks that need a manager.
const SYSTEMD: &str = "sh,systemd";

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The guide's pages.
fn guide() -> PathBuf {
    root().join("mosaic-fleet").join("src/guide")
}

/// The fenced blocks of a document: what stands behind the fence, and the text.
fn blocks(document: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(document).unwrap();
    let blocks = text.split("\n```").skip(1).step_by(2);
    let block = |block: &str| {
        let (fence, body) = block.split_once('\n')?;
        Some((fence.to_owned(), body.to_owned()))
    };
    blocks.filter_map(block).collect()
}

/// Runs a block as a reader would: line after line, in the home folder, up to the first that fails.
fn runs(stage: &Stage, document: &str, block: &str) {
    let ran = stage.shell(block);
    assert_eq!(ran.code, 0, "{document}: {block}: {ran:#?}");
    println!("{document}:\n{block}\n{}{}", ran.out, ran.err);
}

fn page(name: &str) {
    let blocks = blocks(&guide().join(format!("{name}.md")));
    assert!(blocks.iter().any(|(fence, _)| fence == SYSTEMD));
    on_stage(|stage| {
        for (_, block) in blocks.iter().filter(|(fence, _)| fence.starts_with("sh")) {
            runs(stage, name, block);
        }
    });
}

#[test]
fn the_readme_is_so() {
    let blocks = blocks(&root().join("README.md"));
    let blocks: Vec<_> = blocks.iter().filter(|block| block.0 == SYSTEMD).collect();
    assert!(!blocks.is_empty());
    on_stage(|stage| {
        stage.shells(&["alpha", "beta"]);
        for (_, block) in blocks {
            runs(stage, "README.md", block);
        }
    });
}

#[test]
fn installing_is_so() {
    page("installing");
}

#[test]
fn recovery_is_so() {
    page("recovery");
}

#[test]
fn from_bash_is_so() {
    page("from_bash");
}

/// A page with such a block has a test above.
#[test]
fn no_page_is_forgotten() {
    let mut found: Vec<String> = fs::read_dir(guide())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_to_string(path).unwrap().contains(SYSTEMD))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    assert_eq!(found, ["from_bash", "installing", "recovery"]);
}
