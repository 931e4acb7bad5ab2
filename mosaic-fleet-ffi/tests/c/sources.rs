//! Reads our own sources: every export goes through the guard, and which exports and structs there are.

use std::fs;
use std::path::{Path, PathBuf};

use syn::{Expr, ExprCall, Fields, Item, ItemFn, ItemStruct, Stmt};

/// What an export's body may be: a call to one of these, each of which is or calls the guard.
const GUARDS: [&str; 5] = ["field", "guard", "look", "read", "release"];

pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn root() -> &'static Path {
    package().parent().unwrap()
}

/// The files of the room, sorted.
pub(crate) fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(package().join("src/c")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn items(text: &str) -> Vec<Item> {
    syn::parse_file(text).unwrap().items
}

fn all_items() -> Vec<Item> {
    let texts = files()
        .into_iter()
        .map(|file| fs::read_to_string(file).unwrap());
    texts.flat_map(|text| items(&text)).collect()
}

fn has(attributes: &[syn::Attribute], word: &str) -> bool {
    let words = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    };
    attributes.iter().any(|attribute| words(attribute) == word)
}

fn exports(items: Vec<Item>) -> Vec<ItemFn> {
    let functions = items.into_iter().filter_map(|item| match item {
        Item::Fn(function) => Some(function),
        _ => None,
    });
    functions
        .filter(|function| has(&function.attrs, "no_mangle"))
        .collect()
}

/// The names of all exports, sorted.
pub(crate) fn exported() -> Vec<String> {
    let exports = exports(all_items()).into_iter();
    let mut names: Vec<_> = exports.map(|export| export.sig.ident.to_string()).collect();
    names.sort();
    names
}

/// The structs that C writes or reads, with their fields.
pub(crate) fn structs() -> Vec<(String, Vec<String>)> {
    let name = |found: &ItemStruct| found.ident.to_string();
    let structs = all_items().into_iter().filter_map(|item| match item {
        Item::Struct(found) if has(&found.attrs, "C") => Some(found),
        _ => None,
    });
    let fields = |found: &ItemStruct| match &found.fields {
        Fields::Named(fields) => {
            let names = fields.named.iter();
            names
                .map(|field| field.ident.as_ref().unwrap().to_string())
                .collect()
        }
        _ => Vec::new(),
    };
    let mut found: Vec<_> = structs.map(|one| (name(&one), fields(&one))).collect();
    found.sort();
    found
}

/// The one call that a block is, through `unsafe { … }`.
fn only_call(statements: &[Stmt]) -> Option<&ExprCall> {
    let [Stmt::Expr(expression, None)] = statements else {
        return None;
    };
    match expression {
        Expr::Call(call) => Some(call),
        Expr::Unsafe(block) => only_call(&block.block.stmts),
        _ => None,
    }
}

/// What is wrong with an export.
fn judge(export: &ItemFn) -> Option<String> {
    let name = export.sig.ident.to_string();
    let abi = export.sig.abi.as_ref().and_then(|abi| abi.name.as_ref());
    if !matches!(export.sig.safety, syn::Safety::Unsafe(_))
        || abi.is_none_or(|abi| abi.value() != "C")
    {
        return Some(format!("{name} is not `unsafe extern \"C\"`"));
    }
    if !name.starts_with("mf_") {
        return Some(format!("{name} does not begin with mf_"));
    }
    let called = only_call(&export.block.stmts).and_then(|call| match &*call.func {
        Expr::Path(path) => path.path.segments.last(),
        _ => None,
    });
    match called {
        Some(called) if GUARDS.iter().any(|guard| called.ident == guard) => None,
        _ => Some(format!("{name} does not go through the guard as a whole")),
    }
}

#[test]
fn every_export_goes_through_the_guard() {
    let exports = exports(all_items());
    assert!(
        exports.len() > 60,
        "only {} exports were found",
        exports.len()
    );
    let wrong: Vec<_> = exports.iter().filter_map(judge).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_counts_as_the_guard_is_or_calls_it() {
    let functions = all_items().into_iter().filter_map(|item| match item {
        Item::Fn(function) => Some(function),
        _ => None,
    });
    let functions: Vec<_> = functions.collect();
    for name in GUARDS.into_iter().filter(|name| *name != "guard") {
        let mut found = functions.iter().filter(|found| found.sig.ident == name);
        let (function, other) = (found.next(), found.next());
        let function = function.unwrap_or_else(|| panic!("no function {name}"));
        assert!(other.is_none(), "two functions are called {name}");
        let text = fs::read_to_string(package().join("src/c/guard.rs")).unwrap()
            + &fs::read_to_string(package().join("src/c/error.rs")).unwrap();
        let (_, body) = text.split_once(&format!("fn {name}")).unwrap();
        let body = body.split("\n}\n").next().unwrap();
        assert!(body.contains("guard(") || body.contains("look("), "{name}");
        assert!(function.sig.abi.is_none(), "{name} is an export itself");
    }
}

#[test]
fn an_export_without_the_guard_is_found() {
    let good = "#[unsafe(no_mangle)] pub unsafe extern \"C\" fn mf_x() -> u32 { unsafe { guard(e, || Ok(())) } }";
    for (change, to) in [
        ("unsafe { guard(e, || Ok(())) }", "0"),
        (
            "unsafe { guard(e, || Ok(())) }",
            "let x = *p; guard(e, || Ok(()))",
        ),
        ("guard(e", "other(e"),
        ("pub unsafe", "pub"),
        ("extern \"C\" ", ""),
        ("mf_x", "x"),
    ] {
        let changed = good.replace(change, to);
        let found = exports(items(&changed));
        assert_eq!(found.len(), 1);
        assert!(judge(&found[0]).is_some(), "{changed}");
    }
    assert!(judge(&exports(items(good))[0]).is_none());
}
