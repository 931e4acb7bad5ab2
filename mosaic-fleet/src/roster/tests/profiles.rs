//! The profiles we ship, and rehearsals of them.

use super::*;

fn parse(text: &str) -> Roster {
    Roster::parse(text, "profile.yaml", &Known::default()).unwrap()
}

fn harmless() -> CommandLine {
    CommandLine::Argv(vec!["scripted-agent".into(), "--slow: 1".into()])
}

#[test]
fn every_profile_is_a_roster_that_names_its_schema() {
    for profile in PROFILES {
        let roster = parse(profile.text);
        assert!(!roster.agents.is_empty(), "{}", profile.name);
        assert_eq!(
            profile.text.lines().next(),
            Some("# yaml-language-server: $schema=./roster.schema.json")
        );
        assert!(!profile.description.is_empty());
    }
}

#[test]
fn the_factory_has_its_thirteen_agents() {
    let roster = parse(profile("usc").unwrap());
    assert_eq!(profile("usc"), profile("usc-software-factory"));
    assert_eq!(profile("nobody"), None);
    let names: Vec<_> = roster
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "orchestrator",
            "planner",
            "coder0",
            "coder1",
            "coder2",
            "coder3",
            "coder4",
            "coder5",
            "tester0",
            "reviewer0",
            "reviewer1",
            "ultron",
            "scribe",
        ]
    );
    let ultron = roster.agent(&AgentName::new("ultron").unwrap()).unwrap();
    assert_eq!(roster.runtime(ultron), "pi");
    assert_eq!(ultron.class.as_deref(), Some("final_reviewer"));
    assert_eq!(ultron.persistent_persona, Persona::Semi);
    assert_eq!(roster.agents[0].persistent_persona, Persona::Yes);
}

#[test]
fn kickstart_templates_use_fields_of_the_agent_only() {
    let mut engine = minijinja::Environment::new();
    engine.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let fields = minijinja::context! {
        name => "a", class => "b", runtime => "c", model_hint => "d", working_directory => "e",
    };
    for profile in PROFILES {
        for agent in parse(profile.text).agents {
            if let Some(Kickstart::Text(template)) = agent.kickstart_template {
                engine.render_str(&template, &fields).unwrap();
            }
        }
    }
}

#[test]
fn a_rehearsal_replaces_every_program_and_nothing_else() {
    for profile in PROFILES {
        let text = rehearsal(profile.text, "shell", &harmless()).unwrap();
        let (before, after) = (parse(profile.text), parse(&text));
        assert_eq!(before.names(), after.names());
        for (old, new) in before.agents.iter().zip(&after.agents) {
            assert_eq!(after.runtime(new), "shell");
            assert_eq!(after.command(new), Some(&harmless()));
            assert_eq!(old.class, new.class);
            assert_eq!(old.kickstart_template, new.kickstart_template);
        }
        for comment in profile.text.lines().filter(|line| line.contains('#')) {
            assert!(text.contains(comment), "{comment}");
        }
    }
}

#[test]
fn a_rehearsal_of_any_style() {
    let command = CommandLine::Shell("run it".into());
    let rehearse = |text: &str| rehearsal(text, "shell", &command).unwrap();
    insta::assert_snapshot!(rehearse(
        "version: 1 # one\nagents:\n- name: a\n  command:\n    - x\n    - y # why\n  runtime: pi # not this\n"
    ));
    insta::assert_snapshot!(rehearse(
        "version: 1\ndefaults: { command: |-\n  }\nagents: []\n"
            .replace("|-\n  ", "x")
            .as_str()
    ));
    insta::assert_snapshot!(rehearse(
        "version: 1\ndefaults:\n  # who\n  env: { A: 1 }\n  command: |\n    long\n    line\nagents:\n"
    ));
    insta::assert_snapshot!(rehearse(
        "{\"version\": 1, \"agents\": [{\"name\": \"a\", \"runtime\": \"pi\"}]}"
    ));
    insta::assert_snapshot!(rehearse(
        "agents:\n  - { name: a }\nversion: 1\ndefaults: # none\n"
    ));
}
