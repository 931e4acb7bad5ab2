//! `init` and `roster …`: the operator's file is written whole, and never lost.

use std::fs;

use crate::home::{Home, SHELL};

fn backups(home: &Home) -> Vec<String> {
    let folder = home.roster().parent().unwrap().to_path_buf();
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut backups: Vec<_> = names.filter(|name| name.ends_with(".bak")).collect();
    backups.sort();
    backups
}

#[test]
fn init_prints_and_writes_nothing() {
    let home = Home::new();
    let printed = home.ok(&["init"]);
    assert!(printed.out.contains("orchestrator"), "{printed:#?}");
    assert!(!home.mosaic().exists());
    let usc = home.ok(&["init", "--profile", "usc"]);
    assert_eq!(
        usc.out,
        home.ok(&["init", "--profile", "usc-software-factory"]).out
    );
    let document = home.ok(&["init", "--json"]).json();
    assert_eq!(document["roster"], printed.out);
}

#[test]
fn init_writes_once_and_keeps_what_it_replaces() {
    let home = Home::new();
    let written = home.ok(&["init", "--write"]);
    assert!(written.out.contains("roster.yaml"), "{written:#?}");
    assert!(home.mosaic().join("fleet/roster.schema.json").exists());
    home.write("mosaic/fleet/roster.yaml", "version: 1\n# mine\n");

    home.run(&["init", "--write"])
        .fails(1, &["already", "--force"]);
    assert_eq!(
        fs::read_to_string(home.roster()).unwrap(),
        "version: 1\n# mine\n"
    );

    for count in 1..=2 {
        let forced = home.ok(&["init", "--write", "--force", "--json"]).json();
        let backup = forced["backup"].as_str().unwrap();
        assert_eq!(backups(&home).len(), count);
        if count == 1 {
            assert_eq!(fs::read_to_string(backup).unwrap(), "version: 1\n# mine\n");
        }
    }
    home.ok(&["roster", "show"]);
}

#[test]
fn the_factory_says_whose_login_and_ci_belong_to_whom() {
    let home = Home::new();
    let printed = home.ok(&["init", "--profile", "usc"]);
    assert!(printed.out.contains("../forges.yaml"), "{printed:#?}");
    assert!(!home.mosaic().exists());
    let printed = home.ok(&["init", "--profile", "usc", "--json"]).json();
    let of_others = home.ok(&["init", "--json"]).json();
    assert!(of_others["forges"].is_null());

    let path = home.mosaic().join("forges.yaml");
    let wrote = home.ok(&["init", "--profile", "usc", "--write"]);
    let words = format!("wrote {}: ", path.display());
    assert!(wrote.out.contains(&words), "{wrote:#?}");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(printed["forges"], text);
    // It is read, and says what it lacks.
    for (repo, name) in [("USC/x", "usc"), ("mosaicstack/x", "mosaic")] {
        home.run(&["ci", "wait", "-r", repo, "-n", "1"])
            .fails(2, &[&format!("no CI server {name:?}"), "`ci:`"]);
    }
    home.run(&["lane", "brief", "-r", "mosaic/x"])
        .fails(2, &["mosaicstack"]);

    // One that is there is somebody's.
    home.write("mosaic/forges.yaml", "version: 1\n# mine\n");
    let again = ["init", "--profile", "usc", "--write", "--force"];
    let left = home.ok(&again);
    let words = format!("left {} as it is\n", path.display());
    assert!(left.out.contains(&words), "{left:#?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "version: 1\n# mine\n");
    let left = home.ok(&[&again[..], &["--json"]].concat()).json();
    assert_eq!(left["forges"]["written"], false);
    assert_eq!(left["forges"]["path"], path.display().to_string());
    // And so is a link to one that is away for now.
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("gone", &path).unwrap();
    home.ok(&again);
    assert!(path.is_symlink() && !path.exists());

    // Others have none, and a factory without one gets it.
    fs::remove_file(&path).unwrap();
    home.ok(&["init", "--write", "--force"]);
    assert!(!path.exists());
    let wrote = home.ok(&[&again[..], &["--json"]].concat()).json();
    assert_eq!(wrote["forges"]["written"], true);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn init_takes_a_file_and_refuses_a_bad_one() {
    let home = Home::new();
    let good = home.write("good.yaml", "version: 1\nagents: [{ name: a }]\n");
    home.ok(&["init", "--profile", good.to_str().unwrap(), "--write"]);
    assert!(home.ok(&["agent", "roster"]).out.contains("a "));

    let bad = home.write("bad.yaml", "version: 1\nagent: []\n");
    let ran = home.run(&[
        "init",
        "--profile",
        bad.to_str().unwrap(),
        "--write",
        "--force",
    ]);
    ran.fails(1, &["bad.yaml:2:1", "agents"]);
    home.run(&["init", "--profile", "usd"])
        .fails(2, &["did you mean usc?", "demo"]);
    home.run(&["init", "--profile", "gone.yaml"])
        .fails(2, &["gone.yaml"]);
    home.run(&["init", "--runtime", "clade"])
        .fails(1, &["did you mean claude?"]);
}

#[test]
fn a_rehearsal_runs_one_harmless_command_everywhere() {
    let home = Home::new();
    home.ok(&["init", "--profile", "usc", "--command", SHELL, "--write"]);
    let shown = home.ok(&["roster", "show", "--json"]).json();
    assert_eq!(shown["roster"]["defaults"]["runtime"], "shell");
    assert_eq!(shown["roster"]["defaults"]["command"], SHELL);
    let agents = home.ok(&["agent", "roster", "--json"]).json();
    let agents = agents["agents"].as_array().unwrap().clone();
    assert_eq!(agents.len(), 13);
    assert!(
        agents.iter().all(|agent| agent["runtime"] == "shell"),
        "{agents:#?}"
    );
}

#[test]
fn agents_are_added_and_removed_in_place() {
    let text = "version: 1\n# my fleet\nagents:\n  - name: a # the first\n";
    let home = Home::with_roster(text);
    home.ok(&[
        "roster",
        "add",
        "b",
        "--runtime",
        "pi",
        "--class",
        "tester",
        "--command",
        "true",
    ]);
    let changed = fs::read_to_string(home.roster()).unwrap();
    assert!(
        changed.starts_with(text) && changed.contains("name: b"),
        "{changed}"
    );
    assert_eq!(backups(&home).len(), 1);

    home.run(&["roster", "add", "b"])
        .fails(2, &["in the roster already"]);
    home.run(&["roster", "add", "c", "--runtime", "pie"])
        .fails(1, &["did you mean `pi`?"]);
    home.run(&["roster", "remove", "bb"])
        .fails(1, &["did you mean b?"]);
    assert_eq!(
        backups(&home).len(),
        1,
        "nothing was changed, so nothing was kept"
    );

    home.ok(&["roster", "remove", "b"]);
    assert_eq!(fs::read_to_string(home.roster()).unwrap(), text);
    let schema: serde_json::Value =
        serde_json::from_str(&home.ok(&["roster", "schema"]).out).unwrap();
    assert!(schema["properties"]["agents"].is_object());
}

#[test]
fn a_named_roster_is_the_one_that_is_used() {
    let home = Home::new();
    let other = home.write("other.yaml", "version: 1\nagents: [{ name: elsewhere }]\n");
    let other = other.to_str().unwrap();
    assert!(
        home.ok(&["--roster", other, "agent", "roster"])
            .out
            .contains("elsewhere")
    );
    home.ok(&["roster", "add", "more", "--roster", other]);
    assert!(!home.roster().exists());
}
