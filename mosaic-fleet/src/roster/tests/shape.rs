//! The JSON Schema: generated, committed, and true to what the loader takes.

use serde_json::Value;

use super::load::{AGENT_FIELDS, DEFAULTS_FIELDS, ROSTER_FIELDS};
use super::*;

fn to_json(text: &str) -> Value {
    let mut problems = Vec::new();
    tree::read(text, &mut problems).unwrap().to_json()
}

/// `UPDATE_SCHEMA=1 cargo test -p mosaic-fleet schema` writes the file anew.
#[test]
fn the_committed_schema_is_the_generated_schema() {
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/roster/roster.schema.json");
        std::fs::write(path, &generated).unwrap();
    } else {
        assert_eq!(SCHEMA, generated, "run the test again with UPDATE_SCHEMA=1");
    }
}

fn properties(schema: &Value) -> Vec<String> {
    let mut names: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    names.sort();
    names
}

fn sorted(names: &[&str]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_loader_and_the_schema_know_the_same_fields() {
    let schema = schema();
    let top = [ROSTER_FIELDS, Known::default().schemes].concat();
    assert_eq!(properties(&schema), sorted(&top));
    assert_eq!(
        properties(&schema["$defs"]["AgentSpec"]),
        sorted(AGENT_FIELDS)
    );
    assert_eq!(
        properties(&schema["$defs"]["Defaults"]),
        sorted(DEFAULTS_FIELDS)
    );
    for closed in [
        &schema,
        &schema["$defs"]["AgentSpec"],
        &schema["$defs"]["Defaults"],
    ] {
        assert_eq!(closed["additionalProperties"], false);
    }
}

#[test]
fn every_profile_is_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for profile in PROFILES {
        let errors: Vec<_> = validator
            .iter_errors(&to_json(profile.text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", profile.name);
    }
}

#[test]
fn what_the_loader_refuses_the_schema_refuses_too() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for text in [
        "version: 2",
        "agents: []",
        "version: 1\nagent: []",
        "version: 1\nagents: 5",
        "version: 1\nagents: [{ name: a, clas: b }]",
        "version: 1\nagents: [{ class: b }]",
        "version: 1\nagents: [{ name: a.b }]",
        "version: 1\nagents: [{ name: a, runtime: '' }]",
        "version: 1\nagents: [{ name: a, runtime: }]",
        "version: 1\nagents: [{ name: a, persistent_persona: never }]",
        "version: 1\nagents: [{ name: a, env: { A: [1] } }]",
        "version: 1\nagents: [{ name: a, command: [] }]",
        "version: 1\nagents: [{ name: a, kickstart_template: { fil: b } }]",
        "version: 1\ndefaults: { runtme: pi }",
        "version: 1\nworking_directory: src",
        "version: 1\nruntimes: { claude: fast }",
    ] {
        assert!(
            Roster::parse(text, "r", &Known::default()).is_err(),
            "{text}"
        );
        assert!(!validator.is_valid(&to_json(text)), "{text}");
    }
}

#[test]
fn a_roster_that_is_written_as_json_is_read_as_the_same() {
    for profile in PROFILES {
        let roster = Roster::parse(profile.text, "a", &Known::default()).unwrap();
        let json = serde_json::to_string(&roster).unwrap();
        assert_eq!(
            Roster::parse(&json, "b", &Known::default()).unwrap(),
            roster
        );
    }
}
