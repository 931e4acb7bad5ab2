//! The crate's own sources as a tree of modules, for the tests that read them. Judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree, Visibility};

/// A module: a file, or braces in one.
pub(crate) struct Module {
    /// Its path from the crate's root, which has none.
    pub(crate) path: Vec<String>,
    /// The file it is written in.
    pub(crate) file: PathBuf,
    pub(crate) items: Vec<Item>,
    /// It and all modules around it are `pub`.
    pub(crate) public: bool,
    /// It or a module around it is for tests.
    pub(crate) test: bool,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    core.parent().unwrap().to_path_buf()
}

/// All modules of the core, from `lib.rs` on.
pub(crate) fn core() -> Vec<Module> {
    let file = root().join("mosaic-fleet/src/lib.rs");
    let folder = file.parent().unwrap().to_path_buf();
    let mut modules = Vec::new();
    let items = parse(&fs::read_to_string(&file).unwrap(), &file);
    walk(
        Module {
            path: Vec::new(),
            file,
            items,
            public: true,
            test: false,
        },
        &folder,
        &mut modules,
    );
    modules
}

/// A module made of a text, for tests of the tests.
pub(crate) fn module(path: &str, text: &str) -> Module {
    let file = PathBuf::from(format!("src/{path}.rs"));
    Module {
        path: path.split("::").map(str::to_owned).collect(),
        items: parse(text, &file),
        file,
        public: true,
        test: false,
    }
}

fn parse(text: &str, file: &Path) -> Vec<Item> {
    match syn::parse_file(text) {
        Ok(parsed) => parsed.items,
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

/// `folder` is where the files of the module's children are.
fn walk(module: Module, folder: &Path, modules: &mut Vec<Module>) {
    let mut children = Vec::new();
    for item in &module.items {
        let Item::Mod(child) = item else { continue };
        let name = child.ident.to_string();
        let own = folder.join(&name);
        let (file, items) = match &child.content {
            Some((_, items)) => (module.file.clone(), items.clone()),
            None => {
                let files = [folder.join(format!("{name}.rs")), own.join("mod.rs")];
                let file = files.into_iter().find(|file| file.exists());
                let file = file.unwrap_or_else(|| panic!("no file for the module {name}"));
                let items = parse(&fs::read_to_string(&file).unwrap(), &file);
                (file, items)
            }
        };
        let mut path = module.path.clone();
        path.push(name);
        let child = Module {
            path,
            file,
            items,
            public: module.public && matches!(child.vis, Visibility::Public(_)),
            test: module.test || is_test(&child.attrs),
        };
        children.push((child, own));
    }
    modules.push(module);
    for (child, folder) in children {
        walk(child, &folder, modules);
    }
}

/// `#[cfg(test)]`, or `#[test]`.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        syn::Meta::NameValue(_) => false,
    })
}

/// The paths that a `use` names, with the name each is known by here. A glob ends in `*`.
pub(crate) fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    let below = |name: String, tree: &UseTree| {
        leaves(tree)
            .into_iter()
            .map(|(mut path, known_as)| {
                path.insert(0, name.clone());
                (path, known_as)
            })
            .collect()
    };
    match tree {
        UseTree::Path(path) => below(path.ident.to_string(), &path.tree),
        UseTree::Name(name) => vec![(vec![name.ident.to_string()], name.ident.to_string())],
        UseTree::Rename(rename) => {
            vec![(vec![rename.ident.to_string()], rename.rename.to_string())]
        }
        UseTree::Glob(_) => vec![(vec!["*".to_owned()], "*".to_owned())],
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

/// A path as written in the module at `here`, from the crate's root; `None` if it leads outside.
/// `children` are the modules declared in it.
pub(crate) fn absolute(
    here: &[String],
    children: &[String],
    written: &[String],
) -> Option<Vec<String>> {
    let (first, rest) = written.split_first()?;
    let mut base = here.to_vec();
    match first.as_str() {
        "crate" => return Some(rest.to_vec()),
        "self" => base.extend_from_slice(rest),
        "super" => {
            base.pop()?;
            let mut rest = rest;
            while let Some(("super", further)) = rest
                .split_first()
                .map(|(first, rest)| (first.as_str(), rest))
            {
                base.pop()?;
                rest = further;
            }
            base.extend_from_slice(rest);
        }
        child if children.iter().any(|known| known == child) => base.extend_from_slice(written),
        _ => return None,
    }
    Some(base)
}

/// The modules declared in a module.
pub(crate) fn children(items: &[Item]) -> Vec<String> {
    let names = items.iter().filter_map(|item| match item {
        Item::Mod(child) => Some(child.ident.to_string()),
        _ => None,
    });
    names.collect()
}

/// All `.rs` files below `folder`, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A path as people read it: from the repository's root.
pub(crate) fn shown(file: &Path) -> String {
    let file = file.strip_prefix(root()).unwrap_or(file);
    file.display().to_string()
}
