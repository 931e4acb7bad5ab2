//! What people read when their roster is wrong: pinned, all on one page.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::known;
use crate::error::ErrorKind;
use crate::roster::{Problems, Roster};

/// The message and, below it, the hint.
fn told(text: &str) -> String {
    let error = Roster::parse(text, "roster.yaml", &known()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    match error.hint() {
        Some(hint) => format!("{error}\n-- {hint}"),
        None => error.to_string(),
    }
}

fn with_agent(fields: &str) -> String {
    told(&format!(
        "version: 1\nagents:\n  - {{ name: a, {fields} }}\n"
    ))
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mistakes = [
        ("empty", told("")),
        ("only comments", told("# nothing\n\n")),
        ("not a mapping", told("- a\n")),
        (
            "broken yaml",
            told("version: 1\nagents: [ { name: a }\ndefaults: {}\n"),
        ),
        ("a tab", told("version: 1\nagents:\n\t- name: a\n")),
        ("two documents", told("version: 1\n---\nversion: 1\n")),
        ("a tag", told("version: 1\nagents: !foo []\n")),
        (
            "duplicate key",
            told("version: 1\ntransport: tmux\nversion: 1\n"),
        ),
        (
            "duplicate key in a block",
            told("version: 1\nfar:\n  a: 1\n  a: 2\n"),
        ),
        ("missing version", told("agents: []\n")),
        ("another version", told("version: 2\n")),
        ("version as text", told("version: '1'\n")),
        ("unknown transport", told("version: 1\ntransport: tmxu\n")),
        ("unknown field at the top", told("version: 1\nagent: []\n")),
        (
            "unknown field in defaults",
            told("version: 1\ndefaults: { runtme: pi }\n"),
        ),
        ("unknown field in an agent", with_agent("clas: b")),
        ("unknown field far from any", with_agent("colour: blue")),
        (
            "unknown field in kickstart",
            with_agent("kickstart_template: { fil: b }"),
        ),
        (
            "bad name",
            told("version: 1\nagents:\n  - name: a.b\n  - name: 007\n  - name: _x\n"),
        ),
        ("no name", told("version: 1\nagents:\n  - { class: a }\n")),
        (
            "duplicate name",
            told("version: 1\nagents:\n  - { name: a }\n  - name: b\n  - name: a\n"),
        ),
        ("unknown runtime", with_agent("runtime: claud")),
        (
            "unknown default runtime",
            told("version: 1\ndefaults: { runtime: vim }\nruntimes: { mine: {} }\n"),
        ),
        ("empty runtime", with_agent("runtime: ''")),
        (
            "empty runtime without quotes",
            told("version: 1\ndefaults:\n  runtime:\n"),
        ),
        ("agents as a number", told("version: 1\nagents: 5\n")),
        ("agent as text", told("version: 1\nagents: [coder0]\n")),
        ("list in env", with_agent("env: { A: [1] }")),
        ("bad variable", with_agent("env: { A-B: 1 }")),
        ("text that is a number", with_agent("model_hint: 4.6")),
        ("truth as text", with_agent("reset_between_tasks: yes")),
        ("persona", with_agent("persistent_persona: sometimes")),
        (
            "relative directory",
            with_agent("working_directory: $HOME/src"),
        ),
        ("empty command", with_agent("command: []")),
        ("bad host", with_agent("host: -oProxyCommand=x")),
        ("block as a list", told("version: 1\nfar: []\n")),
        (
            "runtimes as text",
            told("version: 1\nruntimes: { claude: fast }\n"),
        ),
        (
            "many",
            told("agents:\n  - { nam: a }\n  - { name: b, runtime: '' }\nextra: 1\n"),
        ),
    ];
    let page: Vec<String> = mistakes
        .iter()
        .map(|(mistake, told)| format!("## {mistake}\n{told}\n"))
        .collect();
    assert_snapshot!(page.join("\n"));
}

#[test]
fn all_problems_are_the_source() {
    use std::error::Error as _;
    let error = Roster::parse("vers: 1\nagnts: 5\n", "r", &known()).unwrap_err();
    let problems = error.source().unwrap().downcast_ref::<Problems>().unwrap();
    assert_eq!(problems.all.len(), 3);
    assert_eq!(problems.to_string().lines().count(), 3);
}

#[test]
fn values_are_not_shown() {
    let text = "version: 1\nfar: [S3CRET]\nagents:\n  - { name: a, env: { K: [S3CRET] }, command: { S: S3CRET }, host: -S3CRET, class: [S3CRET] }\n";
    assert!(!told(text).contains("S3CRET"), "{}", told(text));
}

#[test]
fn a_missing_file_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roster.yaml");
    let error = Roster::load(&path, &known()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
    assert!(error.hint().unwrap().contains("init --write"));
    std::fs::write(&path, "version: 2").unwrap();
    let error = Roster::load(&path, &known()).unwrap_err();
    assert!(
        error.message().contains("roster.yaml:1:10: `version: 2`"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_loader_panic(text in "\\PC{0,200}") {
        let _ = Roster::parse(&text, "r", &known());
    }

    #[test]
    fn no_text_like_yaml_makes_the_loader_panic(
        text in "([ \\n\\-:#{}\\[\\],&*!|>'\"%@`?~<]|version|agents|name|: 1|\n  - |é){0,60}"
    ) {
        let _ = Roster::parse(&text, "r", &known());
    }
}
