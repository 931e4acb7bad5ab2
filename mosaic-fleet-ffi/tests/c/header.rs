//! The committed header is what cbindgen makes of the sources, and is good C and C++ by itself.

use std::fs;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

use crate::sources::{files, package};
use crate::workshop::{C, CPP, Workshop};

const FILE: &str = "include/mosaic_fleet.h";

const TOP: &str = "/*
 * mosaic-fleet: run a durable fleet of AI coding agents, and deliver messages to them that you can trust.
 *
 * ABI.md says what holds for all of these functions: who owns what, what NULL means, threads, callbacks.
 * In short: every function returns an mf_code, 0 is well; *err, if you pass it, is an error of yours after a
 * failure; outputs are written on success only; what you were given, you free with the _free of its type.
 *
 * Written by cbindgen out of mosaic-fleet-ffi/src/c; do not edit:
 * UPDATE_HEADER=1 cargo test -p mosaic-fleet-ffi --test c header
 */";

/// Functions and constants in the order in which a reader needs them.
const ORDER: [&str; 18] = [
    "library",
    "code",
    "error",
    "fleet",
    "verbs",
    "options",
    "receipt",
    "report",
    "status",
    "tail",
    "stream",
    "asynchronous",
    "memory",
    "transport",
    "vtable",
    "capability",
    "fields",
    "reply",
];

fn made() -> String {
    let config = Config {
        header: Some(TOP.to_owned()),
        include_guard: Some("MOSAIC_FLEET_H".to_owned()),
        language: Language::C,
        cpp_compat: true,
        style: Style::Type,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        line_length: 110,
        ..Config::default()
    };
    let mut builder = Builder::new().with_config(config);
    let mut files = files();
    // What everything else is about comes first.
    files.sort_by_key(|file| {
        let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap();
        ORDER
            .iter()
            .position(|first| *first == name)
            .unwrap_or(ORDER.len())
    });
    for file in files {
        // One follows its modules, which are read by themselves; one is in no library that is handed out.
        if !file.ends_with("mod.rs") && !file.ends_with("testing.rs") {
            builder = builder.with_src(file);
        }
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn the_header_is_what_the_sources_say() {
    let (made, file) = (made(), package().join(FILE));
    if std::env::var_os("UPDATE_HEADER").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == made,
        "{FILE} is stale: UPDATE_HEADER=1 cargo test -p mosaic-fleet-ffi --test c header"
    );
}

#[test]
fn every_export_is_in_the_header_with_words() {
    let header = fs::read_to_string(package().join(FILE)).unwrap();
    for name in crate::sources::exported() {
        if name.starts_with("mf_test_") {
            assert!(!header.contains(&name), "{name} is not for others");
            continue;
        }
        let at = header.find(&format!("{name}("));
        let at = at.unwrap_or_else(|| panic!("{name} is not in the header"));
        let mut before = header[..at].lines().rev().skip(1);
        let comment = before.next().is_some_and(|line| line.starts_with("// "));
        assert!(comment, "{name} has no comment");
        assert_eq!(
            header.matches(&format!(" {name}(")).count()
                + header.matches(&format!("*{name}(")).count(),
            1,
            "{name}"
        );
    }
    for (name, _) in crate::sources::structs() {
        assert!(header.contains(&format!("\n}} {name};\n")), "{name}");
    }
}

#[test]
fn the_header_alone_is_c11_and_cpp17() {
    let shop = Workshop::open();
    for language in [C, CPP] {
        let text = "#include \"mosaic_fleet.h\"\n#include \"mosaic_fleet.h\"\nint main(void) { return MF_CODE_OK; }\n";
        let file = shop.write(&format!("alone.{}", language.ending), text);
        let header = format!("-I{}", package().join("include").display());
        shop.compile(language, &[&file], &["-fsyntax-only", &header], None);
    }
}

/// The words of the header that are names of ours.
fn names(text: &str) -> std::collections::BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("mf_") || word.starts_with("MF_"));
    ours.filter(|word| !word.ends_with('_')).collect()
}

#[test]
fn what_the_pages_name_is_in_the_header() {
    let read = |file: &str| fs::read_to_string(package().join(file)).unwrap();
    let header = read(FILE);
    let known = names(&header);
    for page in ["ABI.md", "../bindings/c/README.md", FILE] {
        let text = read(page);
        let unknown: Vec<_> = names(&text).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{page} names {unknown:?}");
    }
}

/// Each function is used by a program that is run: in C, as others will.
#[test]
fn every_function_is_tried_in_c() {
    let tests = package().join("../bindings/c/tests");
    let texts = fs::read_dir(tests)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let texts: String = texts
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let tried = names(&texts);
    let exported = crate::sources::exported();
    let untried: Vec<_> = exported
        .iter()
        .filter(|name| !name.starts_with("mf_test_") && !tried.contains(name.as_str()))
        .collect();
    assert!(untried.is_empty(), "no test in C calls {untried:?}");
}
