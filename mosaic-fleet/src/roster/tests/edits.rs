//! Edits change what they are asked to, and leave every other byte alone.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

fn spec(name: &str) -> AgentSpec {
    let mut spec = AgentSpec::new(AgentName::new(name).unwrap());
    spec.runtime = Some("pi".into());
    spec.model_hint = Some("Claude: \"Opus\" #4".into());
    spec
}

fn add(text: &str) -> String {
    let new = add_agent(text, &spec("new")).unwrap();
    let (before, after) = (parse(text), parse(&new));
    assert_eq!(after.agents.last(), Some(&spec("new")));
    assert_eq!(before.agents, after.agents[..before.agents.len()]);
    new
}

fn remove(text: &str, name: &str) -> String {
    let name = AgentName::new(name).unwrap();
    let new = remove_agent(text, &name).unwrap();
    let mut expected = parse(text).agents;
    expected.retain(|agent| agent.name != name);
    assert_eq!(parse(&new).agents, expected);
    new
}

fn parse(text: &str) -> Roster {
    Roster::parse(text, "r", &Known::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

const FLOW_ITEMS: &str = "\
# top
version: 1
agents: # all of them
  # the first
  - { name: a, runtime: claude } # likes tea
  # the second
  - { name: b,
      env: { K: '#1' } }
  # nobody else

# about the end
defaults: { runtime: pi }
";

const BLOCK_ITEMS: &str = "\
version: 1
agents:
- name: a # the first
  kickstart_template: |+
    hello

    there


  # about b
- name: b
  command:
    - x
    - y # why
# end
";

const IN_BRACKETS: &str = "\
version: 1
agents: [
  { name: a }, # the first
  # about b
  { name: b } # the second
]
";

#[test]
fn add_behind_items_in_braces() {
    assert_snapshot!(add(FLOW_ITEMS));
}

#[test]
fn add_behind_items_in_blocks() {
    assert_snapshot!(add(BLOCK_ITEMS));
}

#[test]
fn add_in_brackets() {
    assert_snapshot!(add(IN_BRACKETS));
    assert_snapshot!(add("version: 1\nagents: [{ name: a }, ] # c\n"));
}

#[test]
fn add_to_nothing() {
    assert_snapshot!(add("version: 1"));
    assert_snapshot!(add("version: 1\nagents: [] # none yet\n# end\n"));
    assert_snapshot!(add("version: 1\nagents: []\n"));
    assert_snapshot!(add("agents:\n# none yet\nversion: 1\n"));
    assert_snapshot!(add("version: 1\nagents: ~\n"));
}

#[test]
fn add_to_json() {
    assert_snapshot!(add("{\"version\": 1}\n"));
    assert_snapshot!(add("{\"version\": 1, \"agents\": []}\n"));
    assert_snapshot!(add(
        "{\n  \"version\": 1,\n  \"agents\": [\n    {\"name\": \"a\"}\n  ]\n}\n"
    ));
    for text in [
        "{\"version\": 1}",
        "{\"version\": 1, \"agents\": [{\"name\": \"a\"}]}",
    ] {
        serde_json::from_str::<Value>(&add(text)).unwrap();
    }
}

#[test]
fn line_breaks_are_kept() {
    let new = add("version: 1\r\nagents:\r\n  - name: a\r\n");
    assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
}

#[test]
fn remove_items_in_braces() {
    assert_snapshot!(remove(FLOW_ITEMS, "a"));
    assert_snapshot!(remove(FLOW_ITEMS, "b"));
}

#[test]
fn remove_items_in_blocks() {
    assert_snapshot!(remove(BLOCK_ITEMS, "a"));
    assert_snapshot!(remove(BLOCK_ITEMS, "b"));
}

#[test]
fn remove_in_brackets() {
    assert_snapshot!(remove(IN_BRACKETS, "a"));
    assert_snapshot!(remove(IN_BRACKETS, "b"));
    let line = "version: 1\nagents: [{ name: a }, { name: b }, { name: c }]\n";
    assert_snapshot!(remove(line, "a"));
    assert_snapshot!(remove(line, "b"));
    assert_snapshot!(remove(line, "c"));
    assert_snapshot!(remove("version: 1\nagents: [{ name: a }]\n", "a"));
}

#[test]
fn what_is_there_is_not_added_and_what_is_not_there_is_not_removed() {
    let error = add_agent(FLOW_ITEMS, &spec("a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let text = FLOW_ITEMS.replace("name: b", "name: coder0");
    let error = remove_agent(&text, &AgentName::new("codr0").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "codr0: no such agent (did you mean coder0?)"
    );
}

#[test]
fn what_others_refer_to_is_not_removed() {
    let text = "version: 1\nagents:\n  - &x { name: a }\n  - { <<: *x, name: b }\n";
    let error = remove_agent(text, &AgentName::new("a").unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
}

#[test]
fn a_profile_comes_back_as_it_was() {
    for profile in PROFILES {
        let added = add(profile.text);
        assert_eq!(remove(&added, "new"), profile.text, "{}", profile.name);
        for name in parse(profile.text).names() {
            remove(profile.text, name.as_str());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_editor_panic(
        text in "([ \\n\\-:#{}\\[\\],&*!|>'\"?~<]|version|agents:|name: |a|b|: 1|\n  - |é){0,60}"
    ) {
        let _ = add_agent(&text, &spec("a"));
        let _ = remove_agent(&text, &AgentName::new("a").unwrap());
        let _ = rehearsal(&text, "shell", &CommandLine::Shell("x".into()));
    }

    #[test]
    fn any_list_of_agents_can_be_edited(
        items in prop::collection::vec("( # c|\n  # c|  |)", 1..5), style in 0..3, victim in 0..4usize
    ) {
        let mut text = "version: 1\nagents:".to_owned();
        if style == 2 { text.push_str(" ["); }
        for (index, item) in items.iter().enumerate() {
            text.push_str(&match style {
                0 => format!("\n  - {{ name: x{index} }}{item}"),
                1 => format!("\n  - name: x{index}\n    class: a b{item}"),
                _ => format!("\n  {{ name: x{index} }},{item}"),
            });
        }
        text.push_str(if style == 2 { "\n  ]\n" } else { "\n" });
        let added = add(&text);
        prop_assert_eq!(remove(&added, "new"), text.clone());
        let victim = victim.min(items.len() - 1);
        let removed = remove(&text, &format!("x{victim}"));
        prop_assert!(removed.lines().count() < text.lines().count());
    }

    #[test]
    fn any_text_survives_being_written(hint in "\\PC{0,30}", value in "[^\\x00]{0,20}") {
        let mut spec = spec("new");
        spec.model_hint = Some(hint);
        spec.env.insert("K".into(), value);
        for text in [FLOW_ITEMS, BLOCK_ITEMS] {
            if let Ok(new) = add_agent(text, &spec) {
                let agents = parse(&new).agents;
                prop_assert_eq!(agents.last(), Some(&spec));
            }
        }
    }
}
