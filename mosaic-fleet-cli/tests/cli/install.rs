//! `runtime install`: a program's own configuration is merged with ours, shown, kept and given back.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::home::{Home, PROGRAM};

const CLAUDE: [&str; 3] = ["runtime", "install", "claude"];
const PI: [&str; 3] = ["runtime", "install", "pi"];

fn with<'a>(words: [&'a str; 3], more: &[&'a str]) -> Vec<&'a str> {
    [&words, more].concat()
}

fn json_of(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// All files under the home folder.
fn files(home: &Home) -> Vec<PathBuf> {
    let mut folders = vec![home.path("home")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

#[test]
fn claude_is_set_up_once_and_given_back() {
    let home = Home::new();
    let theirs = json!({"model": "m", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "say"}]}]}});
    let settings = home.write("home/.claude/settings.json", &theirs.to_string());

    let dry = home.ok(&with(CLAUDE, &["--dry-run"]));
    assert!(
        dry.out.contains("\n+        \"hooks\"") || dry.out.contains("+++ "),
        "{dry:#?}"
    );
    assert!(dry.out.contains("nothing was written"), "{dry:#?}");
    assert!(dry.err.contains("build folder"), "{dry:#?}");
    assert_eq!(json_of(&settings), theirs);
    assert_eq!(files(&home), std::slice::from_ref(&settings));

    let done = home.ok(&CLAUDE);
    assert!(done.out.contains("+++ "), "{done:#?}");
    assert!(done.out.contains("kept the old one as "), "{done:#?}");
    assert_eq!(files(&home).len(), 3, "a backup, and the keys: {done:#?}");
    let stop = &json_of(&settings)["hooks"]["Stop"];
    assert_eq!(stop[0]["hooks"][0]["command"], "say");
    let command = stop[1]["hooks"][0]["command"].as_str().unwrap();
    let binary = fs::canonicalize(PROGRAM).unwrap().display().to_string();
    assert_eq!(
        command,
        format!("'{binary}' hook claude --submit-key 'C-x C-y'")
    );

    let again = home.ok(&CLAUDE);
    assert_eq!(again.out, "nothing to change\n");
    assert_eq!(files(&home).len(), 3);

    home.ok(&with(CLAUDE, &["--uninstall"]));
    assert_eq!(json_of(&settings), theirs);
    assert!(!home.path("home/.claude/keybindings.json").exists());
    let again = home.ok(&with(CLAUDE, &["--uninstall"]));
    assert_eq!(again.out, "nothing to change\n");
}

#[test]
fn the_installed_hook_is_a_command_that_tells() {
    let home = Home::new();
    home.ok(&CLAUDE);
    let settings = json_of(home.path("home/.claude/settings.json"));
    let handler = &settings["hooks"]["UserPromptSubmit"][0]["hooks"][0];
    let told = home.write(
        "told",
        r#"{"hook_event_name":"UserPromptSubmit","session_id":"s","prompt":"hi"}"#,
    );
    let log = home.write("events/coder0/log", "");
    let mut shell = home.command("sh");
    shell
        .args(["-c", handler["command"].as_str().unwrap()])
        .stdin(fs::File::open(told).unwrap())
        .env("MOSAIC_AGENT_EVENTS", &log);
    assert!(shell.status().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("prompt") && log.contains("C-x C-y"), "{log:?}");
}

#[test]
fn pi_is_set_up_where_it_looks() {
    let home = Home::new();
    let folder = home.path("pi");
    let run = |more: &[&str]| {
        let mut command = home.fleet(&with(PI, more));
        command.env("PI_CODING_AGENT_DIR", &folder);
        crate::home::Ran::of(command.output().unwrap())
    };
    let ran = run(&["--json"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let document = ran.json();
    assert_eq!(document["program"], "pi");
    assert_eq!(document["written"], true);
    let changes = document["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().all(|change| change["backup"].is_null()));
    assert!(
        changes[0]["diff"]
            .as_str()
            .unwrap()
            .contains("+  \"tui.input.submit\"")
    );
    assert_eq!(
        json_of(folder.join("keybindings.json")),
        json!({"tui.input.submit": ["enter", "f12"]})
    );
    let extension = folder.join("extensions/mosaic-fleet.ts");
    assert!(fs::read_to_string(&extension).unwrap().contains(PROGRAM));
    assert_eq!(run(&["--json"]).json()["changes"], json!([]));

    assert_eq!(run(&["--uninstall"]).code, 0);
    assert!(!extension.exists() && !folder.join("keybindings.json").exists());
    fs::write(&extension, "// theirs\n").unwrap();
    run(&[]).fails(1, &["mosaic-fleet.ts", "not ours", "hint"]);
    assert!(
        !folder.join("keybindings.json").exists(),
        "nothing was written"
    );
}

#[test]
fn what_cannot_be_understood_is_left() {
    let home = Home::new();
    let settings = home.write("home/.claude/settings.json", "{\n  // mine\n}\n");
    for more in [&[][..], &["--uninstall"], &["--dry-run"]] {
        home.run(&with(CLAUDE, more))
            .fails(1, &["settings.json:2:3", "nothing was written"]);
    }
    assert_eq!(files(&home), [settings]);
    let failed = home.run(&with(CLAUDE, &["--json"]));
    assert_eq!(failed.json()["error"]["code"], "config_invalid");
    home.run(&["runtime", "install", "codex"])
        .fails(2, &["claude", "pi"]);
}
