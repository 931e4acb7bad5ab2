//! The public API as a committed listing, `public_api.txt`: what it gains, loses or changes shows in
//! a diff. `make api` writes it anew. Read from the sources, so that no nightly compiler is needed.
//!
//! An item that a public module re-exports from a private one is listed where users find it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, Meta, TraitItem, Type, Visibility};

use crate::source::{self, Module, absolute, children, leaves, root};

/// All modules but tests, by path.
struct Crate {
    modules: BTreeMap<Vec<String>, Module>,
}

impl Crate {
    fn new(modules: Vec<Module>) -> Self {
        let modules = modules.into_iter().filter(|module| !module.test);
        Crate {
            modules: modules
                .map(|module| (module.path.clone(), module))
                .collect(),
        }
    }

    /// Follows `use` until the module that defines `name`, as seen in the module at `here`.
    fn home(&self, here: &[String], name: &str) -> Option<Vec<String>> {
        let module = self.modules.get(here)?;
        if module
            .items
            .iter()
            .any(|item| defined(item).as_deref() == Some(name))
        {
            return Some(here.to_vec());
        }
        let children = children(&module.items);
        let uses = module.items.iter().filter_map(|item| match item {
            Item::Use(item) => Some(leaves(&item.tree)),
            _ => None,
        });
        let (path, _) = uses.flatten().find(|(_, known_as)| known_as == name)?;
        let path = absolute(here, &children, &path)?;
        let (name, home) = path.split_last()?;
        self.home(home, name)
    }

    fn list(&self) -> String {
        let mut lines = BTreeSet::new();
        // `testing` is public and promises no stability.
        let stable = |module: &&Module| {
            module.public && module.path.first().is_none_or(|first| first != "testing")
        };
        for module in self.modules.values().filter(stable) {
            for item in &module.items {
                match item {
                    Item::Use(item) if is_public(&item.vis) => {
                        for (path, known_as) in leaves(&item.tree) {
                            self.re_export(module, &path, &known_as, &mut lines);
                        }
                    }
                    item => self.item(module, item, &module.path, &mut lines),
                }
            }
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    fn re_export(
        &self,
        here: &Module,
        path: &[String],
        known_as: &str,
        lines: &mut BTreeSet<String>,
    ) {
        let path = absolute(&here.path, &children(&here.items), path);
        let hidden = path.as_ref().and_then(|path| {
            let (name, from) = path.split_last()?;
            if self.modules.get(from)?.public {
                return None;
            }
            let home = &self.modules[&self.home(from, name)?];
            let named = |item: &&Item| defined(item).as_deref() == Some(name);
            Some((home, home.items.iter().find(named)?))
        });
        match hidden {
            Some((home, item)) => self.item(home, item, &here.path, lines),
            None => {
                let path = path.map_or_else(|| known_as.to_owned(), |path| path.join("::"));
                lines.insert(format!("{}: use {path}", at(&here.path, known_as)));
            }
        }
    }

    /// Lists an item that is written in `home` and found by users in the module at `here`.
    fn item(&self, home: &Module, item: &Item, here: &[String], lines: &mut BTreeSet<String>) {
        let Some(name) = defined(item) else { return };
        let place = at(here, &name);
        let mut add = |what: String| {
            lines.insert(format!("{place}{what}"));
        };
        match item {
            Item::Struct(item) if is_public(&item.vis) => {
                add(format!(
                    ": {}struct{}{}",
                    marks(&item.attrs),
                    generics(&item.generics),
                    tuple(&item.fields)
                ));
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    if let Some(name) = &field.ident {
                        add(format!(".{name}: {}", tidy(&field.ty)));
                    }
                }
            }
            Item::Enum(item) if is_public(&item.vis) => {
                add(format!(
                    ": {}enum{}",
                    marks(&item.attrs),
                    generics(&item.generics)
                ));
                for variant in &item.variants {
                    let mut variant = variant.clone();
                    variant.attrs.clear();
                    let fields = variant.fields.iter_mut();
                    fields.for_each(|field| field.attrs.clear());
                    add(format!("::{}", tidy(&variant)));
                }
            }
            Item::Trait(item) if is_public(&item.vis) => {
                add(format!(
                    ": {}trait: {}",
                    marks(&item.attrs),
                    tidy(&item.supertraits)
                ));
                for member in &item.items {
                    let TraitItem::Fn(member) = member else {
                        panic!("{place} has more than functions: list them");
                    };
                    let required = if member.default.is_some() {
                        "provided "
                    } else {
                        ""
                    };
                    add(format!(
                        "::{}: {required}{}",
                        member.sig.ident,
                        tidy(&member.sig)
                    ));
                }
            }
            Item::Fn(item) if is_public(&item.vis) => add(format!(": {}", tidy(&item.sig))),
            Item::Const(item) if is_public(&item.vis) => add(format!(": const {}", tidy(&item.ty))),
            Item::Static(item) if is_public(&item.vis) => {
                add(format!(": static {}", tidy(&item.ty)));
            }
            Item::Type(item) if is_public(&item.vis) => {
                add(format!(
                    ": type{} = {}",
                    generics(&item.generics),
                    tidy(&item.ty)
                ));
            }
            Item::Mod(item) if is_public(&item.vis) => add(format!(": {}mod", marks(&item.attrs))),
            Item::Macro(item) if exported(&item.attrs) => {
                lines.insert(format!("{name}!: macro"));
            }
            _ => return,
        }
        self.impls(home, &name, &place, lines);
    }

    /// Methods and traits of the type `name` of `home`, wherever in the crate they are written.
    fn impls(&self, home: &Module, name: &str, place: &str, lines: &mut BTreeSet<String>) {
        let mut add = |what: String| {
            lines.insert(format!("{place}{what}"));
        };
        for module in self.modules.values() {
            for item in &module.items {
                let Item::Impl(item) = item else { continue };
                let Type::Path(of) = &*item.self_ty else {
                    continue;
                };
                let last = of.path.segments.last().map(|last| last.ident.to_string());
                if last.as_deref() != Some(name)
                    || self.home(&module.path, name).as_ref() != Some(&home.path)
                {
                    continue;
                }
                if let Some((implemented, _)) = &item.trait_ {
                    add(format!(" implements {}", tidy(implemented)));
                    continue;
                }
                for member in &item.items {
                    match member {
                        ImplItem::Fn(member) if is_public(&member.vis) => {
                            add(format!("::{}: {}", member.sig.ident, tidy(&member.sig)));
                        }
                        ImplItem::Const(member) if is_public(&member.vis) => {
                            add(format!("::{}: const {}", member.ident, tidy(&member.ty)));
                        }
                        // Methods that a macro writes: what it is given, without the prose.
                        ImplItem::Macro(member) => {
                            for line in without_prose(&member.mac.tokens.to_string()).split(',') {
                                let line = line.trim();
                                if !line.is_empty() {
                                    add(format!("::{}!: {line}", tidy(&member.mac.path)));
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

fn at(here: &[String], name: &str) -> String {
    let mut path = here.to_vec();
    path.push(name.to_owned());
    path.join("::")
}

/// The name that an item gives to something.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Struct(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Const(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Mod(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(name.to_string())
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn exported(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("macro_export"))
}

/// Attributes that change what callers may do: derives, `non_exhaustive`, `must_use`, `repr`, `cfg`.
fn marks(attributes: &[Attribute]) -> String {
    let told = ["derive", "non_exhaustive", "must_use", "repr", "cfg"];
    let mut marks: Vec<String> = Vec::new();
    for attribute in attributes {
        if told.iter().any(|name| attribute.path().is_ident(name)) {
            // The reason given with `must_use` is prose.
            marks.push(match &attribute.meta {
                Meta::NameValue(named) => format!("#[{}] ", tidy(&named.path)),
                meta => format!("#[{}] ", tidy(meta)),
            });
        }
    }
    marks.sort();
    marks.concat()
}

fn generics(generics: &syn::Generics) -> String {
    let mut written = tidy(generics);
    if let Some(clause) = &generics.where_clause {
        written.push(' ');
        written.push_str(&tidy(clause));
    }
    written
}

fn tuple(fields: &Fields) -> String {
    let Fields::Unnamed(fields) = fields else {
        return String::new();
    };
    let types = fields
        .unnamed
        .iter()
        .map(|field| match is_public(&field.vis) {
            true => tidy(&field.ty),
            false => "_".to_owned(),
        });
    format!("({})", types.collect::<Vec<_>>().join(", "))
}

/// Tokens without `#[doc = …]`; attributes hold no other brackets here.
fn without_prose(tokens: &str) -> String {
    let mut kept = String::new();
    for (number, piece) in tokens.split("# [doc").enumerate() {
        let code = if number == 0 {
            piece
        } else {
            piece.split_once("\"]").map_or("", |(_, code)| code)
        };
        kept.push_str(code);
    }
    tidied(&kept)
}

fn tidy(tokens: &impl ToTokens) -> String {
    tidied(&tokens.to_token_stream().to_string())
}

/// Tokens as rustfmt would space them, or nearly.
fn tidied(tokens: &str) -> String {
    let mut text = tokens.split_whitespace().collect::<Vec<_>>().join(" ");
    for (written, meant) in [
        (" ::", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (",)", ")"),
        (" :", ":"),
        (" [", "["),
        ("[ ", "["),
        (" ]", "]"),
        (" ;", ";"),
        ("->(", "-> ("),
        (":(", ": ("),
        (",(", ", ("),
        ("&mut(", "&mut ("),
        ("=[", "= ["),
        ("=(", "= ("),
        (" !", "!"),
    ] {
        text = text.replace(written, meant);
    }
    text
}

/// `make api` writes the file anew; read its diff as a caller would.
#[test]
fn the_public_api_is_the_committed_listing() {
    let path = root().join("mosaic-fleet/tests/it/public_api.txt");
    let listed = Crate::new(source::core()).list();
    if std::env::var_os("UPDATE_API").is_some() {
        fs::write(&path, listed).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (listed, committed) = (lines(&listed), lines(&committed));
    let gone: Vec<_> = committed.difference(&listed).collect();
    let new: Vec<_> = listed.difference(&committed).collect();
    assert!(
        gone.is_empty() && new.is_empty(),
        "the public API has changed.\ngone: {gone:#?}\nnew: {new:#?}\nIf that is meant, run `make api`."
    );
}

#[test]
fn the_listing_sees_what_callers_see() {
    let lib = Module {
        path: Vec::new(),
        ..source::module("lib", "pub mod a; pub use a::Shown;")
    };
    let a = source::module(
        "a",
        "mod b; pub use b::{Shown, make}; pub use c as d; pub mod c {}",
    );
    let text = "
        use super::c::Far;
        /// Prose.
        #[derive(Debug)] #[non_exhaustive] pub struct Shown<T> { pub field: Vec<T>, hidden: u8 }
        impl<T> Shown<T> { pub fn new(x: &'static str, y: (u8, T)) -> Result<Self, ()> { } fn own() {} }
        impl<T> std::fmt::Display for Shown<T> {}
        impl Far { pub async fn go(&mut self) {} }
        pub fn make() {} pub fn unseen() {} pub(crate) struct Ours;
        macro_rules! m { () => {} }";
    let b = Module {
        public: false,
        ..source::module("a::b", text)
    };
    let c = source::module(
        "a::c",
        "#[must_use = \"why\"] pub enum Far { One(u8), Two { x: u8 } }",
    );
    let listed = Crate::new(vec![lib, a, b, c]).list();
    let expected = [
        "Shown: use a::Shown",
        "a: mod",
        "a::Shown implements std::fmt::Display",
        "a::Shown.field: Vec<T>",
        "a::Shown: #[derive(Debug)] #[non_exhaustive] struct<T>",
        "a::Shown::new: fn new(x: &'static str, y: (u8, T)) -> Result<Self, ()>",
        "a::c: mod",
        "a::c::Far: #[must_use] enum",
        "a::c::Far::One(u8)",
        "a::c::Far::Two { x: u8 }",
        "a::c::Far::go: async fn go(&mut self)",
        "a::d: use a::c",
        "a::make: fn make()",
    ];
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
}
