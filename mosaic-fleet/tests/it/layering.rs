//! Imports run downward only: the rule of `ARCHITECTURE.md`, proven to bite. Words that stay in their
//! layer are in `words.rs`, the shape of files is in `house.rs`.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Item};

use crate::source::{self, Module, absolute, children, is_test, leaves, shown};

/// A room of the house: a top-level module, or one backend.
struct Room {
    name: &'static str,
    /// It may import every room of a lower row,
    row: u8,
    /// and these of its own row.
    beside: &'static [&'static str],
    /// But never these.
    never: &'static [&'static str],
}

const fn room(name: &'static str, row: u8, beside: &'static [&'static str]) -> Room {
    const PURE: [&str; 4] = [
        "transport",
        "transport::memory",
        "transport::tmux",
        "transport::matrix",
    ];
    let never: &[&str] = match name.as_bytes() {
        b"roster" | b"lane" | b"ci" | b"skills" => &PURE,
        _ => &[],
    };
    Room {
        name,
        row,
        beside,
        never,
    }
}

/// Where everything stands. A new module gets its place here, and in `ARCHITECTURE.md`.
const ROOMS: &[Room] = &[
    // The doors of other languages: over everything, with no logic.
    room("wire", 6, &[]),
    room("fleet", 5, &[]),
    room("registry", 4, &["layer"]),
    room("layer", 4, &[]),
    // It opens the backend whose agents it starts, as the registry does.
    room("supervise", 4, &["registry", "roster"]),
    room("roster", 4, &[]),
    room("lane", 4, &[]),
    room("ci", 4, &[]),
    room("skills", 4, &[]),
    room("transport::memory", 3, &[]),
    room("transport::tmux", 3, &[]),
    room("transport::matrix", 3, &[]),
    room("forge", 3, &[]),
    room("transport", 2, &[]),
    // It compares texts as the screen is compared with them.
    room("events", 2, &["runtime"]),
    room("runtime", 2, &[]),
    room("setup", 2, &[]),
    room("http", 2, &[]),
    room("capability", 1, &["message"]),
    room("options", 1, &["message", "agent"]),
    room("message", 1, &["agent"]),
    room("agent", 1, &[]),
    room("text", 1, &[]),
    room("home", 1, &[]),
    room("error", 0, &[]),
    // Pages for people, and no code.
    room("guide", 0, &[]),
];

/// Imports anything, and nothing imports it.
const TESTING: &str = "testing";

pub(crate) fn room_of(path: &[String]) -> String {
    match path {
        [first, second, ..] if first == "transport" => {
            let backend = format!("{first}::{second}");
            let known = ROOMS.iter().any(|room| room.name == backend);
            if known { backend } else { first.clone() }
        }
        [first, ..] => first.clone(),
        [] => "lib".to_owned(),
    }
}

/// What `importer` does wrong by importing `imported`.
fn judge(importer: &str, imported: &str) -> Option<String> {
    if importer == imported || importer == TESTING || importer == "lib" {
        return None;
    }
    let complain = |why: &str| Some(format!("{importer} imports {imported}: {why}"));
    if imported == TESTING {
        return complain("nothing outside `testing` may");
    }
    let find = |name: &str| ROOMS.iter().find(|room| room.name == name);
    let (Some(from), Some(to)) = (find(importer), find(imported)) else {
        return complain("one of them has no place in ROOMS");
    };
    if from.never.contains(&to.name) {
        complain("it knows no transport")
    } else if to.row < from.row || from.beside.contains(&to.name) {
        None
    } else if to.row == from.row {
        complain("neighbours do not know each other")
    } else {
        complain("imports run downward only")
    }
}

/// Collects the paths that a module names in its code. Documentation may link anywhere.
struct Paths<'a> {
    here: &'a Module,
    children: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Paths<'_> {
    fn take(&mut self, written: &[String]) {
        self.found
            .extend(absolute(&self.here.path, &self.children, written));
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            // Walked as a module of its own.
            Item::Mod(_) => {}
            Item::Use(item) if !is_test(&item.attrs) => {
                for (path, _) in leaves(&item.tree) {
                    self.take(&path);
                }
            }
            Item::Fn(item) if is_test(&item.attrs) => {}
            Item::Impl(item) if is_test(&item.attrs) => {}
            _ => visit::visit_item(self, item),
        }
    }
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if written.len() > 1 {
            self.take(&written);
        }
        visit::visit_path(self, path);
    }
    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        let text = invocation.tokens.to_string();
        let words: Vec<&str> = text.split_whitespace().collect();
        for (at, word) in words.iter().enumerate() {
            if !["crate", "super"].contains(word) {
                continue;
            }
            let mut path = vec![(*word).to_owned()];
            for pair in words[at + 1..].chunks(2) {
                match pair {
                    ["::", name] => path.push((*name).to_owned()),
                    _ => break,
                }
            }
            self.take(&path);
        }
        visit::visit_macro(self, invocation);
    }
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

/// Names that stand at the crate's root: re-exports and exported macros, with their room.
fn names_at_the_root(modules: &[Module]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for module in modules {
        for item in &module.items {
            match item {
                Item::Use(item) if module.path.is_empty() => {
                    for (path, name) in leaves(&item.tree) {
                        names.insert(name, room_of(&path));
                    }
                }
                Item::Macro(item) => {
                    let exported = |a: &Attribute| a.path().is_ident("macro_export");
                    if let Some(name) = item
                        .ident
                        .as_ref()
                        .filter(|_| item.attrs.iter().any(exported))
                    {
                        names.insert(name.to_string(), room_of(&module.path));
                    }
                }
                _ => {}
            }
        }
    }
    names
}

fn wrong_imports(modules: &[Module]) -> BTreeSet<String> {
    let at_the_root = names_at_the_root(modules);
    let mut wrong = BTreeSet::new();
    for module in modules.iter().filter(|module| !module.test) {
        let mut paths = Paths {
            here: module,
            children: children(&module.items),
            found: Vec::new(),
        };
        for item in &module.items {
            paths.visit_item(item);
        }
        for path in paths.found {
            let room = match path.as_slice() {
                [name, ..] => at_the_root
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| room_of(&path)),
                [] => continue,
            };
            if let Some(complaint) = judge(&room_of(&module.path), &room) {
                wrong.insert(format!(
                    "{}: {complaint} ({})",
                    shown(&module.file),
                    path.join("::")
                ));
            }
        }
    }
    wrong
}

#[test]
fn imports_run_downward_only() {
    let wrong = wrong_imports(&source::core());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_wrong_import_is_found_however_it_is_written() {
    for (at, text, why) in [
        ("error", "use crate::agent::AgentName;", "downward"),
        (
            "roster::plan",
            "fn f() { crate::transport::memory::f() }",
            "no transport",
        ),
        (
            "lane",
            "use crate::{error::Error, transport::Transport};",
            "no transport",
        ),
        (
            "transport::memory",
            "use super::tmux::TmuxTransport;",
            "neighbours",
        ),
        (
            "transport::tmux::send",
            "use super::super::memory::X;",
            "neighbours",
        ),
        (
            "transport",
            "mod memory {} fn f() { memory::g(); }",
            "downward",
        ),
        (
            "runtime",
            "fn f() -> crate::fleet::Fleet { todo!() }",
            "downward",
        ),
        (
            "layer",
            "fn f() { println!(\"{}\", crate::testing::x()); }",
            "testing",
        ),
        (
            "message",
            "macro_rules! m { () => { $crate::roster::f() } }",
            "downward",
        ),
        ("utils", "use crate::error::Error;", "no place"),
    ] {
        let wrong = wrong_imports(&[source::module(at, text)]);
        assert!(
            wrong.iter().any(|wrong| wrong.contains(why)),
            "{at}: {text}: {wrong:?}"
        );
    }
    for (at, text) in [
        (
            "transport::tmux",
            "use super::Transport; use crate::error::Error;",
        ),
        (
            "registry",
            "use crate::layer; use crate::transport::memory::MemoryTransport;",
        ),
        (
            "roster",
            "/// [`f`](crate::fleet::f)\nuse super::error::Error;",
        ),
        ("testing", "use crate::fleet::Fleet;"),
    ] {
        let wrong = wrong_imports(&[source::module(at, text)]);
        assert!(wrong.is_empty(), "{at}: {text}: {wrong:?}");
    }
}

#[test]
fn a_name_of_the_root_is_followed_to_its_room() {
    let lib = Module {
        path: Vec::new(),
        ..source::module("lib", "pub use fleet::Fleet;")
    };
    let wrong = wrong_imports(&[lib, source::module("roster", "use crate::Fleet;")]);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}
