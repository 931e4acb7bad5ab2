//! Planning and writing of set-ups.

use std::os::unix::fs::PermissionsExt;
use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const OLD: &str = "/opt/old/mosaic-fleet";
const NEW: &str = "/opt/it's new/mosaic-fleet";

fn current(program: Program, texts: [Option<&str>; 2]) -> Vec<FileText> {
    let files = program.files(Path::new("/etc/agent")).into_iter();
    files
        .zip(texts)
        .map(|(path, text)| FileText {
            path,
            text: text.map(str::to_owned),
        })
        .collect()
}

fn texts(current: &[FileText]) -> Vec<Option<&str>> {
    current.iter().map(|file| file.text.as_deref()).collect()
}

/// The files after a run.
fn after(
    program: Program,
    mut files: Vec<FileText>,
    binary: &str,
    uninstall: bool,
) -> Vec<FileText> {
    for change in changes(program, &files, Path::new(binary), uninstall).unwrap() {
        let file = files.iter_mut().find(|file| file.path == change.path);
        file.unwrap().text = change.after;
    }
    let again = changes(program, &files, Path::new(binary), uninstall).unwrap();
    assert_eq!(again, [], "a second run has nothing to do");
    files
}

fn json_of(file: &FileText) -> Value {
    serde_json::from_str(file.text.as_deref().unwrap()).unwrap()
}

/// What is said of one bad file.
fn error(program: Program, texts: [Option<&str>; 2]) -> String {
    let files = current(program, texts);
    let error = changes(program, &files, Path::new(NEW), false).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
    error.to_string()
}

#[test]
fn claude_without_configuration() {
    let files = after(
        Program::Claude,
        current(Program::Claude, [None, None]),
        NEW,
        false,
    );
    let settings = json_of(&files[1]);
    let events: Vec<_> = settings["hooks"].as_object().unwrap().keys().collect();
    assert_eq!(
        events,
        [
            "SessionStart",
            "SessionEnd",
            "UserPromptSubmit",
            "PermissionRequest",
            "PostToolUse",
            "Stop"
        ]
    );
    assert_eq!(
        settings["hooks"]["Stop"],
        json!([{"hooks": [{
            "type": "command",
            "command": r"'/opt/it'\''s new/mosaic-fleet' hook claude --submit-key 'C-x C-y'",
            "timeout": 5
        }]}])
    );
    assert_eq!(
        json_of(&files[0]),
        json!({"bindings": [{"context": "Chat", "bindings": {"ctrl+x ctrl+y": "chat:submit"}}]})
    );
    let gone = after(Program::Claude, files, NEW, true);
    assert_eq!(texts(&gone), [None, None]);
}

#[test]
fn what_is_the_users_stays_in_its_place() {
    let keys = r#"{"$schema":"x","bindings":[{"context":"Global","bindings":{"ctrl+t":null}},{"context":"Chat","bindings":{"alt+s":"chat:stash"}}]}"#;
    let settings = r#"{"z":1.0,"env":{"B":"2","A":"1"},"hooks":{"Stop":[{"matcher":"","hooks":[{"type":"command","command":"say done"}]}],"Odd":7},"a":[18446744073709551615,0.1]}"#;
    let before = current(Program::Claude, [Some(keys), Some(settings)]);
    let files = after(Program::Claude, before.clone(), OLD, false);
    let text = files[1].text.as_deref().unwrap();
    assert!(
        text.starts_with("{\n  \"z\": 1.0,\n  \"env\": {\n    \"B\""),
        "{text}"
    );
    assert!(text.ends_with("0.1\n  ]\n}\n"), "{text}");
    let stop = &json_of(&files[1])["hooks"]["Stop"];
    assert_eq!(stop.as_array().unwrap().len(), 2);
    assert_eq!(stop[0]["hooks"][0]["command"], "say done");
    let chat = json!({"alt+s": "chat:stash", "ctrl+x ctrl+y": "chat:submit"});
    assert_eq!(json_of(&files[0])["bindings"][1]["bindings"], chat);

    let moved = after(Program::Claude, files.clone(), NEW, false);
    assert_eq!(moved[0], files[0]);
    let moved_text = moved[1].text.as_deref().unwrap();
    assert!(!moved_text.contains("/opt/old"), "{moved_text}");
    assert_eq!(moved_text.matches("hook claude").count(), 6);

    let back = after(Program::Claude, moved, OLD, true);
    for (back, before) in back.iter().zip(&before) {
        let pretty = serde_json::to_string_pretty(&json_of(before)).unwrap() + "\n";
        assert_eq!(back.text.as_ref(), Some(&pretty));
    }
}

#[test]
fn only_what_runs_us_and_nothing_else_is_ours() {
    for theirs in [
        "mosaic-fleet-x hook claude --submit-key 'C-x C-y'",
        "say hi; /opt/mosaic-fleet hook claude --submit-key x",
        "/opt/mosaic-fleet hook claude --submit-key x && say hi",
        "/opt/mosaic-fleet hook pi --submit-key x",
        "'/a' '/mosaic-fleet' hook claude --submit-key x",
    ] {
        let settings = json!({"hooks": {"Stop": [{"hooks": [{"command": theirs}]}]}}).to_string();
        let files = current(Program::Claude, [None, Some(&settings)]);
        let gone = changes(Program::Claude, &files, Path::new(NEW), true).unwrap();
        assert_eq!(gone, [], "{theirs}");
    }
    let twice = json!({"hooks": {"Stop": [{"hooks": [
        {"command": "mosaic-fleet hook claude --submit-key x"}, {"command": "say"},
        {"command": "'/a b/mosaic-fleet' hook claude --submit-key 'C-x C-y'", "timeout": 9}
    ]}]}})
    .to_string();
    let files = after(
        Program::Claude,
        current(Program::Claude, [None, Some(&twice)]),
        OLD,
        false,
    );
    let stop = json_of(&files[1])["hooks"]["Stop"].clone();
    let ours = "'/opt/old/mosaic-fleet' hook claude --submit-key 'C-x C-y'";
    assert_eq!(
        stop,
        json!([{"hooks": [{"command": ours}, {"command": "say"}]}])
    );
}

#[test]
fn what_is_not_understood_is_told_with_its_place() {
    let chat =
        |bound: &str| format!(r#"{{"bindings":[{{"context":"Chat","bindings":{{{bound}}}}}]}}"#);
    let foreign = chat(r#""Ctrl+X  ctrl+y":"chat:undo""#);
    for (keys, settings, words) in [
        (
            None,
            "{\"a\": 1,\n  }",
            "/etc/agent/settings.json:2:3: not valid JSON",
        ),
        (None, "[]", "settings.json: the file is not an object"),
        (
            None,
            r#"{"hooks":[]}"#,
            "settings.json: hooks is not an object",
        ),
        (None, r#"{"hooks":{"Stop":{}}}"#, "hooks.Stop is not a list"),
        (
            None,
            r#"{"hooks":{"Stop":[{"hooks":[]},1]}}"#,
            "hooks.Stop[1] is not an object",
        ),
        (
            None,
            r#"{"hooks":{"Stop":[{}]}}"#,
            "hooks.Stop[0].hooks is missing",
        ),
        (
            None,
            r#"{"hooks":{"Stop":[{"hooks":["x"]}]}}"#,
            "hooks.Stop[0].hooks[0] is not",
        ),
        (
            Some("{\"bindings\":{}}"),
            "",
            "keybindings.json: bindings is not a list",
        ),
        (
            Some("{\"bindings\":[{}]}"),
            "",
            "bindings[0] has no context",
        ),
        (
            Some(foreign.as_str()),
            "",
            "bindings[0].bindings has \"Ctrl+X  ctrl+y\" as \"chat:undo\"",
        ),
    ] {
        let said = error(Program::Claude, [keys, Some(settings)]);
        assert!(said.contains(words), "{said}");
    }
    for (keys, words) in [
        (r#"{"tui.input.submit":7}"#, "tui.input.submit is no key"),
        (
            r#"{"app.clear":["ctrl+c","F12"]}"#,
            "app.clear has the key f12",
        ),
    ] {
        let said = error(Program::Pi, [Some(keys), None]);
        assert!(said.contains(words), "{said}");
    }
    let said = error(Program::Pi, [None, Some("export default () => {};\n")]);
    assert!(said.contains("mosaic-fleet.ts is not ours"), "{said}");
}

#[test]
fn a_binary_that_a_hook_cannot_name_is_refused() {
    for bad in ["mosaic-fleet", "/opt/other", "/a\nb/mosaic-fleet"] {
        let files = current(Program::Pi, [None, None]);
        assert!(
            changes(Program::Pi, &files, Path::new(bad), false).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn pi_keeps_the_users_keys() {
    for (before, installed, back) in [
        (None, json!({"tui.input.submit": ["enter", "f12"]}), None),
        (
            Some(json!({"tui.input.submit": "ctrl+s", "app.clear": "ctrl+c"})),
            json!({"tui.input.submit": ["ctrl+s", "f12"], "app.clear": "ctrl+c"}),
            Some(json!({"tui.input.submit": ["ctrl+s"], "app.clear": "ctrl+c"})),
        ),
        (
            Some(json!({"tui.input.submit": []})),
            json!({"tui.input.submit": ["f12"]}),
            Some(json!({"tui.input.submit": []})),
        ),
        (
            Some(json!({"submit": ["alt+enter"]})),
            json!({"submit": ["alt+enter", "f12"]}),
            Some(json!({"submit": ["alt+enter"]})),
        ),
    ] {
        let text = before.map(|value| value.to_string());
        let files = current(Program::Pi, [text.as_deref(), None]);
        let files = after(Program::Pi, files, NEW, false);
        assert_eq!(json_of(&files[0]), installed);
        let extension = files[1].text.clone().unwrap();
        assert!(extension.contains(r#"const BINARY = "/opt/it's new/mosaic-fleet";"#));
        let moved = after(Program::Pi, files, OLD, false);
        assert_ne!(moved[1].text, Some(extension));
        let gone = after(Program::Pi, moved, OLD, true);
        assert_eq!(gone[0].text.as_ref().map(|_| json_of(&gone[0])), back);
        assert_eq!(gone[1].text, None);
    }
    let theirs = current(Program::Pi, [None, Some("// theirs\n")]);
    assert_eq!(after(Program::Pi, theirs.clone(), NEW, true), theirs);
}

#[test]
fn a_folder_is_where_the_program_looks() {
    let folder = |program: Program, set: &[(&str, &str)]| {
        let set = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        program
            .folder(&set.collect())
            .map(|path| path.display().to_string())
    };
    let home = ("HOME", "/h");
    for (program, set, expected) in [
        (Program::Claude, vec![home], "/h/.claude"),
        (
            Program::Claude,
            vec![home, ("CLAUDE_CONFIG_DIR", "")],
            "/h/.claude",
        ),
        (Program::Claude, vec![("CLAUDE_CONFIG_DIR", "/c")], "/c"),
        (Program::Pi, vec![home], "/h/.pi/agent"),
        (
            Program::Pi,
            vec![home, ("PI_CODING_AGENT_DIR", "~/p")],
            "/h/p",
        ),
    ] {
        assert_eq!(folder(program, &set).unwrap(), expected);
    }
    assert!(
        folder(Program::Pi, &[])
            .unwrap_err()
            .to_string()
            .contains("HOME")
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Groups as the user may have them: none of them empty, for what we empty goes.
fn any_hooks() -> impl Strategy<Value = Value> {
    let handler = prop::collection::vec((".{0,6}", any_json()), 0..3)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect()));
    let group = prop::collection::vec(handler, 0..3).prop_map(|hooks| json!({ "hooks": hooks }));
    let event = prop_oneof![Just("Stop"), Just("SessionEnd"), Just("PreToolUse")];
    let groups = prop::collection::vec(group, 1..3).prop_map(Value::from);
    prop::collection::vec((event.prop_map(str::to_owned), groups), 1..3)
        .prop_map(|events| Value::Object(events.into_iter().collect()))
}

proptest! {
    #[test]
    fn in_and_out_again_gives_back_the_settings(
        pairs in prop::collection::vec((".{0,8}", any_json()), 1..5),
        hooks in prop::option::of(any_hooks()),
    ) {
        let mut settings: Map<String, Value> = pairs.into_iter().collect();
        if let Some(hooks) = hooks {
            settings.insert("hooks".to_owned(), hooks);
        }
        let text = Value::Object(settings).to_string();
        let before = current(Program::Claude, [None, Some(&text)]);
        let there = after(Program::Claude, before.clone(), OLD, false);
        let back = after(Program::Claude, there, NEW, true);
        prop_assert_eq!(json_of(&back[1]), json_of(&before[1]));
        let keys = |file| json_of(file).as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(keys(&back[1]), keys(&before[1]));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_link_stays_a_mode_stays_and_a_backup_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let real = folder.path().join("dotfiles/settings.json");
    fs::create_dir(&config).unwrap();
    fs::create_dir(real.parent().unwrap()).unwrap();
    fs::write(&real, "{\"a\":1}").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = config.join("settings.json");
    std::os::unix::fs::symlink("../dotfiles/settings.json", &link).unwrap();

    let found = read(Program::Claude, &config).unwrap();
    let planned = changes(Program::Claude, &found, Path::new(NEW), false).unwrap();
    let backups: Vec<_> = planned
        .iter()
        .map(|change| apply(change).unwrap())
        .collect();
    assert!(link.is_symlink());
    assert_eq!(mode(&real), 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("hook claude"));
    assert_eq!(backups[0], None, "there was no keybindings.json");
    let backup = backups[1].clone().unwrap();
    assert_eq!(fs::read_to_string(&backup).unwrap(), "{\"a\":1}");
    assert_eq!(mode(&backup), 0o600);
    assert_eq!(
        fs::canonicalize(&backup).unwrap().parent(),
        fs::canonicalize(&real).unwrap().parent()
    );

    let stale = apply(&planned[1]).unwrap_err();
    assert!(stale.to_string().contains("has just changed"), "{stale}");
    let found = read(Program::Claude, &config).unwrap();
    for change in changes(Program::Claude, &found, Path::new(NEW), true).unwrap() {
        apply(&change).unwrap();
    }
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\n  \"a\": 1\n}\n");
    let names = fs::read_dir(&config)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["settings.json"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let change = FileChange {
        path: file.join("settings.json"),
        before: None,
        after: Some("{}".to_owned()),
        ours: false,
        mode: None,
        restores: None,
    };
    assert!(
        apply(&change)
            .unwrap_err()
            .to_string()
            .contains("settings.json")
    );

    // Root writes wherever it likes.
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("settings.json"), "{}").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).unwrap();
    let change = FileChange {
        path: locked.join("settings.json"),
        before: Some("{}".to_owned()),
        ..change
    };
    if !rustix::process::geteuid().is_root() {
        let error = apply(&change).unwrap_err();
        assert!(error.to_string().contains("backup"), "{error}");
        assert_eq!(fs::read_dir(&locked).unwrap().count(), 1);
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
}
