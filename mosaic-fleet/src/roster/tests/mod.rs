//! What a roster says once it is read, and the rules of this folder.

mod edits;
mod messages;
mod profiles;
mod shape;

use std::path::Path;

use super::*;

/// A roster that must be right, with `memory` and `far` as the only schemes.
fn roster(text: &str) -> Roster {
    Roster::parse(text, "roster.yaml", &known()).unwrap()
}

fn known() -> Known<'static> {
    Known::new(&["tmux", "far", "memory"], &["claude", "pi", "shell"])
}

fn home() -> &'static Path {
    Path::new("/home/ada")
}

#[test]
fn nothing_configured_is_a_fleet_of_nobody() {
    let roster = Roster::default();
    assert_eq!(roster.transport, "tmux");
    assert!(roster.agents.is_empty());
    let agent = AgentSpec::new(AgentName::new("coder0").unwrap());
    assert_eq!(roster.runtime(&agent), "pi");
    assert_eq!(roster.working_directory(&agent, home()), home());
    assert_eq!(roster.command(&agent), None);
    assert!(roster.env(&agent).is_empty());
    assert_eq!(self::roster("version: 1"), roster);
}

#[test]
fn every_field_is_read() {
    let roster = roster(
        "
version: 1
transport: far
far: { room: a, token_file: /t, n: [1, 2.5, 0x10, yes, ~] }
defaults: { runtime: claude, working_directory: ~/src, command: mosaic yolo, env: { A: 1, B: b } }
runtimes: { claude: { reset_command: /clear }, mine: }
agents:
  - name: coder0
    runtime: mine
    class: implementer
    model_hint: 'Claude Opus'
    reset_between_tasks: true
    persistent_persona: semi
    kickstart_template: { file: kick.md }
    working_directory: /srv
    command: [run, 'it now', 3]
    env: { B: true, C: 08 }
    host: build-1
  - { name: plain, persistent_persona: true, kickstart_template: 'hi {{ name }}', host: }
",
    );
    assert_eq!(roster.transport, "far");
    assert_eq!(
        roster.block("far").unwrap(),
        &serde_json::json!({ "room": "a", "token_file": "/t", "n": [1, 2.5, 16, "yes", null] })
    );
    assert_eq!(roster.runtimes["claude"]["reset_command"], "/clear");
    let coder = roster.agent(&AgentName::new("coder0").unwrap()).unwrap();
    assert_eq!(roster.runtime(coder), "mine");
    assert_eq!(coder.class.as_deref(), Some("implementer"));
    assert_eq!(coder.model_hint.as_deref(), Some("Claude Opus"));
    assert!(coder.reset_between_tasks);
    assert_eq!(coder.persistent_persona, Persona::Semi);
    let file = Kickstart::File {
        file: "kick.md".into(),
    };
    assert_eq!(coder.kickstart_template, Some(file));
    assert_eq!(roster.working_directory(coder, home()), Path::new("/srv"));
    assert_eq!(
        roster.command(coder).unwrap().argv(),
        ["run", "it now", "3"]
    );
    let env = roster.env(coder);
    let env: Vec<_> = env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(env, [("A", "1"), ("B", "true"), ("C", "08")]);
    assert_eq!(coder.host.as_deref(), Some("build-1"));

    let plain = &roster.agents[1];
    assert_eq!(roster.runtime(plain), "claude");
    assert_eq!(plain.persistent_persona, Persona::Yes);
    assert_eq!(
        plain.kickstart_template,
        Some(Kickstart::Text("hi {{ name }}".into()))
    );
    assert_eq!(plain.host, None);
    assert_eq!(
        roster.working_directory(plain, home()),
        Path::new("/home/ada/src")
    );
    assert_eq!(
        roster.command(plain).unwrap().argv(),
        ["sh", "-c", "exec mosaic yolo"]
    );
}

#[test]
fn the_nearest_working_directory_wins() {
    let agent = |roster: &Roster| roster.working_directory(&roster.agents[0], home());
    let block = "far: { working_directory: /block, room: a }\ntransport: far\nversion: 1\n";
    let agents = "agents: [{ name: a }]\n";
    let of_block = roster(&format!("{block}{agents}"));
    assert_eq!(agent(&of_block), Path::new("/block"));
    assert_eq!(
        of_block.block("far").unwrap(),
        &serde_json::json!({ "room": "a" }),
        "it is no option of the transport"
    );
    let top = format!("{block}working_directory: /top\n");
    assert_eq!(agent(&roster(&format!("{top}{agents}"))), Path::new("/top"));
    let defaults = format!("{top}defaults: {{ working_directory: ~/d }}\n");
    assert_eq!(
        agent(&roster(&format!("{defaults}{agents}"))),
        Path::new("/home/ada/d")
    );
    let own = "agents: [{ name: a, working_directory: '~' }]\n";
    assert_eq!(agent(&roster(&format!("{defaults}{own}"))), home());
    let other = "memory: { working_directory: /other }\nversion: 1\n";
    assert_eq!(agent(&roster(&format!("{other}{agents}"))), home());
}

#[test]
fn json_is_read_too() {
    let text = "{\n\t\"$schema\": \"./roster.schema.json\",\n\t\"version\": 1,\n\t\"agents\": [\n\t\t{\"name\": \"a\", \"env\": {\"K\": \"\\u00e9\\n\"}}\n\t]\n}\n";
    let roster = roster(text);
    assert_eq!(roster.agents[0].env["K"], "é\n");
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let text = "version: 1\nagents:\n  - &base { name: a, runtime: claude, env: { K: v } }\n  - { <<: *base, name: b }\n  - { name: c, env: *nowhere }";
    let error = Roster::parse(text, "r", &known()).unwrap_err();
    assert!(
        error.message().starts_with("r:5:21: not readable as YAML"),
        "{error}"
    );
    let roster = roster(text.split_once("\n  - { name: c").unwrap().0);
    assert_eq!(roster.agents[1].runtime.as_deref(), Some("claude"));
    assert_eq!(roster.agents[1].env["K"], "v");
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "version: 1\nmemory:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}, ", level - 1).repeat(9);
        text.push_str(&format!("  a{level}: &a{level} [{alias}]\n"));
    }
    let error = Roster::parse(&text, "r", &known()).unwrap_err();
    assert!(
        error.message().contains("aliases expand to too much"),
        "{error}"
    );
}

#[test]
fn a_transport_can_complain_about_its_block() {
    let text = "version: 1\nmemory:\n  size: 3\n  inner: { sise: 4 }\nagents: [{ name: a }]\n";
    let roster = roster(text);
    assert_eq!(
        roster.locate(&["memory", "inner", "sise"]),
        Some(Position::new(4, 12))
    );
    assert_eq!(
        roster.locate(&["agents", "0", "name"]),
        Some(Position::new(5, 12))
    );
    assert_eq!(roster.locate(&["memory", "absent"]), None);
    let complain = |path: &[&str]| roster.complain(path, "too big").to_string();
    assert_eq!(
        complain(&["memory", "inner", "sise"]),
        "roster.yaml:4:12: too big"
    );
    assert_eq!(complain(&["memory", "absent"]), "roster.yaml:2:1: too big");
    assert_eq!(
        Roster::default()
            .complain(&["memory", "x"], "too big")
            .to_string(),
        "roster: memory.x: too big"
    );
}

#[test]
fn an_unknown_agent_is_not_found_with_the_nearest_suggested() {
    let roster = roster("version: 1\nagents: [{ name: coder0 }]");
    let error = roster.agent(&AgentName::new("codr0").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "codr0: no such agent (did you mean coder0?)"
    );
}

#[test]
fn debug_shows_no_value_that_may_be_secret() {
    let roster = roster(
        "version: 1\nmemory: { token: S3CRET }\ndefaults: { env: { A: S3CRET } }\nagents: [{ name: a, env: { K: S3CRET }, command: run --key S3CRET }]",
    );
    let shown = format!("{roster:?}");
    assert!(!shown.contains("S3CRET"), "{shown}");
    assert!(shown.contains('K') && shown.contains("memory"), "{shown}");
}

#[test]
fn a_large_roster_is_read_and_planned() {
    let mut text = "version: 1\nagents:\n".to_owned();
    for n in 0..1000 {
        text.push_str(&format!(
            "  - {{ name: coder{n}, runtime: claude, class: implementer, env: {{ N: {n} }} }}\n"
        ));
    }
    let roster = roster(&text);
    let plan = plan(&roster.names(), &[], Action::Start, &[]).unwrap();
    assert_eq!(plan.steps.len(), 1000);
    assert_eq!(
        roster.locate(&["agents", "999", "name"]),
        Some(Position::new(1002, 7))
    );
}

/// Blocks are opaque here, so no option of a transport may be named in the code.
#[test]
fn no_word_of_a_transport_is_used() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/roster");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
            for word in ["session", "pane", "socket", "homeserver"] {
                assert!(!text.contains(word), "{word} in {}", path.display());
            }
            let names_the_default = path.ends_with("known.rs");
            assert!(
                names_the_default || !text.contains("tmux"),
                "{}",
                path.display()
            );
        }
    }
}
