//! The house stays tidy: files say what they are and stay short, nothing strange stands at the top of
//! the repository, no package escapes the lints, no face reaches into the core.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use syn::Item;

use crate::source::{self, is_test, shown};

/// Files longer than [`LONGEST`], with their own limit and reason.
const LONG: &[(&str, usize, &str)] = &[
    (
        "mosaic-fleet/src/error.rs",
        600,
        "kinds, refusals and the error are one table",
    ),
    (
        "mosaic-fleet/src/testing/scripted_agent/tests.rs",
        700,
        "a test a vice",
    ),
    (
        "mosaic-fleet/src/transport/memory.rs",
        550,
        "the executable specification, read in one go",
    ),
    (
        "mosaic-fleet/src/transport/tmux/send.rs",
        700,
        "the delivery is one algorithm",
    ),
];

/// The longest file, in lines.
const LONGEST: usize = 450;

fn bad_shape(file: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let limit = LONG
        .iter()
        .find(|long| long.0 == file)
        .map_or(LONGEST, |long| long.1);
    if !text.starts_with("//!") {
        Some(format!(
            "{file} does not begin with `//!`: say what lives there, and what does not"
        ))
    } else if lines > limit {
        Some(format!(
            "{file} has {lines} lines of at most {limit}: it has two subjects"
        ))
    } else {
        None
    }
}

#[test]
fn files_say_what_they_are_and_stay_short() {
    let files = source::files(&source::root());
    let read = |file: PathBuf| (shown(&file), fs::read_to_string(&file).unwrap());
    let texts: Vec<_> = files.into_iter().map(read).collect();
    let wrong: Vec<_> = texts
        .iter()
        .filter_map(|(file, text)| bad_shape(file, text))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut lengths: Vec<_> = texts.iter().map(|(_, text)| text.lines().count()).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 250, "the median file has {median} lines");
}

#[test]
fn a_silent_or_long_file_is_found() {
    assert!(bad_shape("x.rs", "use std::fmt;\n").is_some());
    assert!(bad_shape("x.rs", &"//! x\n".repeat(LONGEST + 1)).is_some());
    assert!(bad_shape("x.rs", &"//! x\n".repeat(LONGEST)).is_none());
}

#[test]
fn every_file_belongs_to_a_module_and_tests_come_last() {
    let modules = source::core();
    let known: BTreeSet<_> = modules.iter().map(|module| module.file.clone()).collect();
    let folder = source::root().join("mosaic-fleet/src");
    for file in source::files(&folder) {
        let is_program = file.starts_with(folder.join("bin"));
        assert!(
            is_program || known.contains(&file),
            "no module declares {}",
            shown(&file)
        );
    }
    for module in modules.iter().filter(|module| !module.test) {
        let tests = |item: &Item| matches!(item, Item::Mod(child) if child.content.is_some() && is_test(&child.attrs));
        let at = module.items.iter().position(tests);
        let last = at.is_none_or(|at| at + 1 == module.items.len());
        assert!(last, "tests are not last in {}", shown(&module.file));
    }
}

#[test]
fn no_package_escapes_the_lints() {
    let read = |file: &str| fs::read_to_string(source::root().join(file)).unwrap();
    let workspace = read("Cargo.toml");
    assert!(workspace.contains("\nunsafe_code = \"forbid\"\n"));
    let members = workspace
        .lines()
        .find_map(|line| line.strip_prefix("members = ["))
        .unwrap();
    for member in members.trim_end_matches(']').split(", ") {
        let member = member.trim_matches('"');
        let manifest = read(&format!("{member}/Cargo.toml"));
        assert!(
            has_the_lints(member, &manifest, &workspace),
            "{member} has lints of its own"
        );
    }
}

/// A package has the workspace's lints. The one that other languages call may allow unsafe code in a
/// room of it, and has the same lints but for that.
fn has_the_lints(member: &str, manifest: &str, workspace: &str) -> bool {
    let tools: &[&str] = match member {
        "mosaic-fleet-ffi" => &["rust", "clippy"],
        // What napi's macros write does not keep those of the compiler.
        "bindings/node" => &["clippy"],
        _ => &[],
    };
    if tools.is_empty() {
        return manifest.contains("\n[lints]\nworkspace = true\n");
    }
    let of = |text: &str, table: &str| -> Option<Vec<String>> {
        let (_, after) = text.split_once(&format!("\n[{table}]\n"))?;
        let lints = after.lines().take_while(|line| !line.is_empty());
        Some(lints.map(str::to_owned).collect())
    };
    tools.iter().all(|tool| {
        let mut wanted = of(workspace, &format!("workspace.lints.{tool}"));
        for line in wanted.iter_mut().flatten() {
            *line = line.replace("unsafe_code = \"forbid\"", "unsafe_code = \"deny\"");
        }
        wanted.is_some() && wanted == of(manifest, &format!("lints.{tool}"))
    })
}

#[test]
fn a_package_with_lints_of_its_own_is_found() {
    let workspace = "[a]\n\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\nx = 1\n\n[workspace.lints.clippy]\ny = 1\n";
    let ffi = "[a]\n\n[lints.rust]\nunsafe_code = \"deny\"\nx = 1\n\n[lints.clippy]\ny = 1\n";
    assert!(has_the_lints("mosaic-fleet-ffi", ffi, workspace));
    assert!(!has_the_lints("mosaic-fleet", ffi, workspace));
    for (from, to) in [("deny", "allow"), ("x = 1", "x = 0"), ("y = 1\n", "")] {
        let changed = ffi.replace(from, to);
        assert!(
            !has_the_lints("mosaic-fleet-ffi", &changed, workspace),
            "{to}"
        );
    }
}

/// What may stand at the top of the repository; a new entry needs a reason.
const TOP: [&str; 17] = [
    ".ci",
    ".clippy.toml",
    ".config",
    ".deny.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "benches",
    "bindings",
    "mosaic-fleet",
    "mosaic-fleet-cli",
    "mosaic-fleet-ffi",
];

fn strangers<'a>(tracked: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let first = tracked.filter_map(|file| file.split('/').next());
    first.filter(|entry| !TOP.contains(entry)).collect()
}

#[test]
fn the_top_of_the_repository_is_tidy() {
    // The repository may belong to another user, as in a container.
    let git = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files"])
        .current_dir(source::root())
        .output()
        .unwrap();
    assert!(
        git.status.success(),
        "{}",
        String::from_utf8_lossy(&git.stderr)
    );
    let tracked = String::from_utf8(git.stdout).unwrap();
    let strangers = strangers(tracked.lines());
    assert!(
        strangers.is_empty(),
        "{strangers:?} at the top of the repository"
    );
}

#[test]
fn a_stranger_at_the_top_is_found() {
    let strangers = strangers(["docs/x.md", "mosaic-fleet/x", ".ci/run"].into_iter());
    assert_eq!(strangers.into_iter().collect::<Vec<_>>(), ["docs"]);
}

/// The faces use what the core makes public; none takes a source file of it.
#[test]
fn no_face_reaches_into_the_core() {
    for folder in [
        "mosaic-fleet-cli",
        "mosaic-fleet-ffi",
        "bindings",
        "benches",
    ] {
        for file in source::files(&source::root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let reaches = text.contains("mosaic-fleet/src") || text.contains("#[path");
            assert!(!reaches, "{} takes a file of the core", shown(&file));
        }
    }
}
