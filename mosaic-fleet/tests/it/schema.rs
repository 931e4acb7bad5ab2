//! The committed JSON Schema of runtime manifests is the one that the types give, and the shipped
//! manifests fit it.

use std::fs;

use mosaic_fleet::runtime::Catalog;
use serde_json::Value;

use crate::source::root;

/// `make schema` writes the file anew.
#[test]
fn the_committed_manifest_schema_is_the_generated_one() {
    let path = root().join("mosaic-fleet/src/runtimes/manifest.schema.json");
    let generated = format!("{:#}\n", Catalog::schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, generated).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "the types have changed: run `make schema`"
    );
}

/// A shipped manifest leaves nothing out that the schema asks for, and adds nothing.
#[test]
fn the_shipped_manifests_fit_the_schema() {
    let validator = jsonschema::validator_for(&Catalog::schema()).unwrap();
    let folder = root().join("mosaic-fleet/src/runtimes");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut manifest: Value = serde_saphyr::from_str(&text).unwrap();
        // As the catalogue does, before it reads one: the name is the file's.
        manifest["name"] = path.file_stem().unwrap().to_string_lossy().into();
        let problems: Vec<_> = validator
            .iter_errors(&manifest)
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
        seen += usize::from(!path.ends_with("_canary.yaml"));
    }
    assert_eq!(seen, Catalog::shipped().unwrap().names().count());
}

#[test]
fn a_bad_manifest_does_not_fit_the_schema() {
    let validator = jsonschema::validator_for(&Catalog::schema()).unwrap();
    let bad = serde_json::json!({ "launch": ["x"], "composer": { "kind": "nowhere" } });
    assert!(!validator.is_valid(&bad));
}
