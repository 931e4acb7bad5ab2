//! All manifests by name: the shipped ones, changed and extended by a roster.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::manifest::Manifest;
use crate::error::{Error, Result, nearest};

/// The shipped manifests: name and text.
const SHIPPED: [(&str, &str); 6] = [
    ("_canary", include_str!("../runtimes/_canary.yaml")),
    ("claude", include_str!("../runtimes/claude.yaml")),
    ("codex", include_str!("../runtimes/codex.yaml")),
    ("gemini", include_str!("../runtimes/gemini.yaml")),
    ("pi", include_str!("../runtimes/pi.yaml")),
    ("shell", include_str!("../runtimes/shell.yaml")),
];

/// The manifests that a fleet knows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalog {
    manifests: Arc<BTreeMap<String, Entry>>,
}

/// A manifest. A shipped one is read when it is first asked for: to compile the patterns of all
/// would be most of what a short command does.
#[derive(Debug, Clone)]
enum Entry {
    Shipped(Arc<OnceLock<Arc<Manifest>>>),
    Own(Arc<Manifest>),
}

impl Entry {
    fn read(&self, name: &str) -> Result<&Arc<Manifest>> {
        match self {
            Entry::Own(manifest) => Ok(manifest),
            Entry::Shipped(place) => {
                if let Some(manifest) = place.get() {
                    return Ok(manifest);
                }
                let read = Arc::new(manifest(name, shipped(name)?)?);
                Ok(place.get_or_init(|| read))
            }
        }
    }
}

impl Catalog {
    /// The shipped manifests.
    ///
    /// # Errors
    /// None; a broken shipped manifest is told by [`get`](Catalog::get), and a test excludes it.
    pub fn shipped() -> Result<Self> {
        static SHIPPED_CATALOG: OnceLock<Catalog> = OnceLock::new();
        let catalog = SHIPPED_CATALOG.get_or_init(|| {
            let entry = |name: &str| (name.to_owned(), Entry::Shipped(Arc::default()));
            let manifests = SHIPPED.iter().map(|(name, _)| entry(name)).collect();
            Catalog {
                manifests: Arc::new(manifests),
            }
        });
        Ok(catalog.clone())
    }

    /// These manifests, with the roster's `runtimes:` laid over them. An entry under a known name
    /// changes only the fields it has; `extends: NAME` starts from another manifest; a new name
    /// without `extends` must be complete.
    ///
    /// # Errors
    /// `ConfigInvalid` that names the runtime and the field.
    pub fn with_overrides(&self, overrides: &BTreeMap<String, Value>) -> Result<Self> {
        let mut manifests = (*self.manifests).clone();
        for (name, change) in overrides {
            let merged = merged(name, change, overrides, 0)?;
            let own = Entry::Own(Arc::new(manifest(name, merged)?));
            manifests.insert(name.clone(), own);
        }
        Ok(Catalog {
            manifests: Arc::new(manifests),
        })
    }

    /// The manifest called `name`.
    ///
    /// # Errors
    /// `ConfigInvalid` with the nearest name suggested.
    pub fn get(&self, name: &str) -> Result<Arc<Manifest>> {
        let entry = self.manifests.get(name).ok_or_else(|| {
            let near = nearest(name, self.names())
                .map(|near| format!(" (did you mean {near}?)"))
                .unwrap_or_default();
            Error::config_invalid(format!("no such runtime {name:?}{near}")).with_hint(format!(
                "use one of {}, or describe it under `runtimes:`",
                self.names().collect::<Vec<_>>().join(", ")
            ))
        })?;
        entry.read(name).cloned()
    }

    /// All names, sorted, but for those that are for this library itself (`_…`).
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.manifests.keys().map(String::as_str);
        names.filter(|name| !name.starts_with('_'))
    }

    /// All manifests, sorted by name, as [`names`](Catalog::names) has them.
    pub fn iter(&self) -> impl Iterator<Item = &Manifest> {
        let entries = self.manifests.iter();
        entries
            .filter(|(name, _)| !name.starts_with('_'))
            .filter_map(|(name, entry)| entry.read(name).ok().map(Arc::as_ref))
    }

    /// The JSON Schema of a manifest.
    pub fn schema() -> Value {
        schemars::schema_for!(Manifest).to_value()
    }
}

/// The most `extends:` that are followed.
const MOST_EXTENDS: usize = 8;

fn merged(
    name: &str,
    change: &Value,
    overrides: &BTreeMap<String, Value>,
    depth: usize,
) -> Result<Value> {
    let bad = |what: String| Err(Error::config_invalid(format!("runtime {name}: {what}")));
    let Value::Object(change) = change else {
        return bad("must be a mapping".to_owned());
    };
    let mut change = change.clone();
    let base_name = match change.remove("extends") {
        Some(Value::String(base)) => Some(base),
        Some(_) => return bad("`extends` must be a runtime's name".to_owned()),
        None => None,
    };
    let mut base = match base_name.as_deref() {
        Some(_) if depth == MOST_EXTENDS => return bad("`extends` goes in a circle".to_owned()),
        Some(base) if base != name && overrides.contains_key(base) => {
            merged(base, &overrides[base], overrides, depth + 1)?
        }
        Some(base) => shipped(base)?,
        None if is_shipped(name) => shipped(name)?,
        None => Value::Object(serde_json::Map::new()),
    };
    lay_over(&mut base, Value::Object(change));
    Ok(base)
}

fn is_shipped(name: &str) -> bool {
    SHIPPED.iter().any(|(shipped, _)| *shipped == name)
}

fn shipped(name: &str) -> Result<Value> {
    let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) else {
        let near = nearest(name, SHIPPED.iter().map(|(name, _)| *name));
        let near = near.map(|near| format!(" (did you mean {near}?)"));
        return Err(Error::config_invalid(format!(
            "no such runtime {name:?}{}",
            near.unwrap_or_default()
        )));
    };
    serde_saphyr::from_str(text).map_err(|error| {
        Error::new(
            crate::error::ErrorKind::Unexpected,
            format!("shipped manifest {name} does not parse"),
        )
        .with_source(error)
    })
}

fn manifest(name: &str, value: Value) -> Result<Manifest> {
    let mut manifest: Manifest = serde_json::from_value(value).map_err(|error| {
        Error::config_invalid(format!("runtime {name}: {error}"))
            .with_hint("`mosaic-fleet runtime schema` prints every field")
    })?;
    manifest.name = name.to_owned();
    if manifest.launch.is_empty() {
        return Err(Error::config_invalid(format!(
            "runtime {name}: `launch` is empty"
        )));
    }
    let words_fit = |words: &String| {
        !words.is_empty()
            && words
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '?')
    };
    for dialog in &manifest.dialog {
        if let Some(words) = dialog.words.as_ref().filter(|words| !words_fit(words)) {
            return Err(Error::config_invalid(format!(
                "runtime {name}: dialog words {words:?} may only have letters, digits, blanks and '?'"
            )));
        }
    }
    Ok(manifest)
}

/// Lays `over` on `base`: mappings are merged, everything else is replaced.
fn lay_over(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(slot) => lay_over(slot, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (slot, value) => *slot = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shipped_manifest_is_sound() {
        let catalog = Catalog::shipped().unwrap();
        for (name, _) in SHIPPED {
            catalog.get(name).unwrap();
        }
        assert_eq!(
            catalog.names().collect::<Vec<_>>(),
            ["claude", "codex", "gemini", "pi", "shell"]
        );
        let schema = jsonschema::validator_for(&Catalog::schema()).unwrap();
        for (name, _) in SHIPPED {
            assert!(schema.is_valid(&shipped(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn an_override_changes_only_its_fields() {
        let overrides = BTreeMap::from([
            ("claude".to_owned(), json!({"submit": {"key": "C-x C-y"}})),
            (
                "fish".to_owned(),
                json!({"extends": "shell", "launch": ["fish"]}),
            ),
        ]);
        let catalog = Catalog::shipped()
            .unwrap()
            .with_overrides(&overrides)
            .unwrap();
        let claude = catalog.get("claude").unwrap();
        assert_eq!(claude.submit.key, "C-x C-y");
        assert_eq!(claude.launch, ["mosaic", "yolo", "claude"]);
        assert_eq!(catalog.get("fish").unwrap().launch, ["fish"]);
    }

    #[test]
    fn a_bad_override_names_runtime_and_field() {
        for (change, expected) in [
            (json!({"submitt": {}}), "submitt"),
            (json!({"dialog": [{"matches": "("}]}), "regex"),
            (
                json!({"dialog": [{"matches": "x", "words": "a,b"}]}),
                "words",
            ),
            (json!({"extends": "claud"}), "did you mean claude"),
            (json!([]), "mapping"),
        ] {
            let overrides = BTreeMap::from([("claude".to_owned(), change)]);
            let catalog = Catalog::shipped().unwrap();
            let error = catalog.with_overrides(&overrides).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }

    #[test]
    fn extends_may_not_go_in_a_circle() {
        let overrides = BTreeMap::from([
            ("a".to_owned(), json!({"extends": "b"})),
            ("b".to_owned(), json!({"extends": "a"})),
        ]);
        let error = Catalog::shipped()
            .unwrap()
            .with_overrides(&overrides)
            .unwrap_err();
        assert!(error.message().contains("circle"), "{error}");
    }

    #[test]
    fn an_unknown_runtime_suggests_one() {
        let error = Catalog::shipped().unwrap().get("claud").unwrap_err();
        assert!(error.message().contains("did you mean claude"), "{error}");
    }
}
