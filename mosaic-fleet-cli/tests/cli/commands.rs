//! `commands`: the tree that other programs mount, and the copy of it that the Node package has.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::help::COMMANDS;
use crate::home::Home;

fn named<'a>(node: &'a Value, list: &str, key: &str, name: &str) -> &'a Value {
    let mut all = node[list].as_array().unwrap().iter();
    let found = all.find(|one| one[key].as_str().unwrap().contains(name));
    found.unwrap_or_else(|| panic!("no {name} in {list} of {node:#}"))
}

/// The paths of all commands, as they are written.
fn paths(node: &Value, above: &str, found: &mut Vec<String>) {
    for one in node["commands"].as_array().unwrap() {
        let path = format!("{above} {}", one["name"].as_str().unwrap());
        found.push(path.trim().to_owned());
        paths(one, &path, found);
    }
}

#[test]
fn the_tree_is_what_the_help_shows() {
    let tree = Home::new().ok(&["commands"]).json();
    assert_eq!(tree["version"], 1);
    let mut found = vec![String::new()];
    paths(&tree, "", &mut found);
    found.sort();
    let mut known = COMMANDS.to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn arguments_and_options_are_told_as_a_host_program_declares_them() {
    let home = Home::new();
    let tree = home.ok(&["commands", "--json"]).json();
    let command = |path: &str| {
        let words = path.split(' ');
        words.fold(&tree, |node, word| named(node, "commands", "name", word))
    };
    let send = command("agent send");
    let agent = named(send, "arguments", "name", "AGENT");
    assert_eq!(
        (&agent["required"], &agent["variadic"]),
        (&false.into(), &true.into())
    );
    let message = named(send, "options", "flags", "--message");
    assert_eq!(message["flags"], "-m, --message <TEXT>");
    let all = named(send, "options", "flags", "--all");
    assert_eq!(
        (&all["flags"], &all["repeatable"]),
        (&"--all".into(), &false.into())
    );
    let tail = named(command("agent tail"), "arguments", "name", "AGENT");
    assert_eq!(
        (&tail["required"], &tail["variadic"]),
        (&true.into(), &false.into())
    );
    let repo = named(command("lane brief"), "options", "flags", "--repo");
    assert_eq!(repo["flags"], "-r, --repo <OWNER/NAME>");
    assert_eq!(repo["required"], true);
    let label = named(command("lane brief"), "options", "flags", "--label");
    assert_eq!(label["repeatable"], true);
    assert_eq!(
        named(command("init"), "options", "flags", "--profile")["default"],
        "minimal"
    );
    assert_eq!(
        command("install-systemd")["aliases"],
        serde_json::json!(["install"])
    );
    let shell = named(command("completions"), "arguments", "name", "SHELL");
    assert!(
        shell["choices"]
            .as_array()
            .unwrap()
            .contains(&"fish".into())
    );
    named(&tree, "options", "flags", "--roster <FILE>");
    // What every command takes, and what is hidden, is not told again.
    let run = command("agent run").to_string();
    for absent in ["--roster", "--help", "--clear"] {
        assert!(!run.contains(&format!("\"{absent}")), "{absent}: {run}");
    }
}

#[test]
fn the_node_package_has_this_tree() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/node/commands.json");
    let tree = Home::new().ok(&["commands"]).out;
    assert!(tree.ends_with("}\n") && tree.starts_with("{\n  \"version\": 1,\n"));
    if std::env::var_os("UPDATE_COMMANDS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, tree).unwrap();
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let new = tree
        .lines()
        .zip(committed.lines())
        .find(|(new, old)| new != old);
    assert!(
        tree == committed,
        "the commands have changed, first here: {new:?}\nIf that is meant, run\n  \
         UPDATE_COMMANDS=1 cargo test -p mosaic-fleet-cli --test cli commands"
    );
}
