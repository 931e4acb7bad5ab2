//! `install-tools`: our drop-ins take the old scripts' places, and give them back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;

use crate::home::{Home, PROGRAM, Ran};

const ALL: [&str; 6] = [
    "fleet/start-agent-session.sh",
    "git/lane-brief.sh",
    "tmux/agent-send.sh",
    "tmux/send-message.sh",
    "woodpecker/ci-queue-wait.sh",
    "woodpecker/ci-wait.sh",
];

/// Every file under `$MOSAIC_HOME/tools`: its name, text and mode.
fn files(home: &Home) -> BTreeMap<String, (String, u32)> {
    let tools = home.mosaic().join("tools");
    let mut found = BTreeMap::new();
    for folder in ["fleet", "git", "tmux", "woodpecker"] {
        for entry in fs::read_dir(tools.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let name = path.strip_prefix(&tools).unwrap().display().to_string();
            found.insert(name, (fs::read_to_string(&path).unwrap(), mode));
        }
    }
    found
}

fn old(home: &Home, name: &str, text: &str, mode: u32) {
    let path = home.write(&format!("mosaic/tools/{name}"), text);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn backups(home: &Home) -> Vec<String> {
    let names = files(home).into_keys();
    names.filter(|name| name.ends_with(".bak")).collect()
}

#[test]
fn the_old_scripts_are_kept_and_given_back() {
    let home = Home::new();
    old(
        &home,
        "tmux/send-message.sh",
        "#!/bin/bash\necho old\n",
        0o755,
    );
    old(&home, "fleet/start-agent-session.sh", "echo plain\n", 0o640);
    old(&home, "woodpecker/ci-wait.sh", "echo wait\n", 0o755);
    old(&home, "tmux/other.sh", "echo other\n", 0o700);
    old(
        &home,
        "woodpecker/pipeline-status.sh",
        "echo other\n",
        0o755,
    );
    let before = files(&home);

    let dry = home.ok(&["install-tools", "--dry-run"]);
    for words in [
        "-echo old\n",
        "+#!/bin/sh\n",
        "--- /dev/null\n",
        "nothing was written",
    ] {
        assert!(dry.out.contains(words), "{words}: {dry:#?}");
    }
    assert!(dry.err.contains("build folder"), "{dry:#?}");
    assert_eq!(files(&home), before);

    let done = home.ok(&["install-tools"]);
    assert_eq!(done.out.matches("\nwrote ").count(), ALL.len(), "{done:#?}");
    assert_eq!(done.out.matches("\nkept the old one as ").count(), 3);
    let there = files(&home);
    let binary = fs::canonicalize(PROGRAM).unwrap().display().to_string();
    for name in ALL {
        let (text, mode) = &there[name];
        assert!(text.contains(&format!("\nfleet='{binary}'\n")), "{text}");
        assert_eq!(*mode, 0o755, "{name}");
    }
    for other in ["tmux/other.sh", "woodpecker/pipeline-status.sh"] {
        assert_eq!(there[other], before[other]);
    }
    assert_eq!(backups(&home).len(), 3);
    for name in backups(&home) {
        let original = ALL.into_iter().find(|tool| name.starts_with(tool)).unwrap();
        assert_eq!(there[&name], before[original], "text and mode of {name}");
    }

    assert_eq!(home.ok(&["install-tools"]).out, "nothing to change\n");
    assert_eq!(files(&home), there);

    let dry = home.ok(&["install-tools", "--uninstall", "--dry-run"]);
    assert!(dry.out.contains("+echo old\n"), "{dry:#?}");
    assert_eq!(files(&home), there);
    let gone = home.ok(&["install-tools", "--uninstall"]);
    assert_eq!(gone.out.matches("\nput ").count(), 3, "{gone:#?}");
    assert_eq!(gone.out.matches("\nremoved ").count(), 3, "{gone:#?}");
    assert_eq!(files(&home), before);
    let again = home.ok(&["install-tools", "--uninstall"]);
    assert_eq!(again.out, "nothing to change\n");
}

#[test]
fn what_a_person_changed_is_never_lost() {
    let home = Home::new();
    old(&home, "tmux/agent-send.sh", "echo oldest\n", 0o755);
    home.ok(&["install-tools"]);
    let ours = files(&home)["tmux/agent-send.sh"].0.clone();
    let mine = format!("{ours}# mine\n");
    old(&home, "tmux/agent-send.sh", &mine, 0o755);
    let done = home.ok(&["install-tools"]);
    assert!(done.out.contains("-# mine\n"), "{done:#?}");
    assert_eq!(files(&home)["tmux/agent-send.sh"].0, ours);
    assert_eq!(backups(&home).len(), 2);

    // Another one is put in ours' place, is kept as well, and is the newest.
    old(&home, "tmux/agent-send.sh", "echo newer\n", 0o755);
    home.ok(&["install-tools"]);
    let also_mine = format!("{ours}# mine, too\n");
    old(&home, "tmux/agent-send.sh", &also_mine, 0o755);
    home.ok(&["install-tools", "--uninstall"]);
    let left = files(&home);
    assert_eq!(left["tmux/agent-send.sh"].0, "echo newer\n");
    let mut kept: Vec<_> = backups(&home)
        .iter()
        .map(|name| left[name].0.clone())
        .collect();
    kept.sort();
    let mut expected = [mine, also_mine, "echo oldest\n".to_owned()];
    expected.sort();
    assert_eq!(kept, expected);
}

#[test]
fn our_own_of_another_place_is_replaced_without_a_backup() {
    let home = Home::new();
    let program = home.program("it's elsewhere/mosaic-fleet", PROGRAM);
    let mut command = home.command(&program);
    let ran = Ran::of(command.arg("install-tools").output().unwrap());
    assert_eq!((ran.code, &*ran.err), (0, ""), "{ran:#?}");
    let script = home.mosaic().join("tools/tmux/send-message.sh");
    let ran = Ran::of(
        home.command(&script)
            .args(["-t", "x:y.z"])
            .output()
            .unwrap(),
    );
    ran.fails(3, &["bad target"]);

    home.ok(&["install-tools"]);
    assert!(fs::read_to_string(&script).unwrap().contains(PROGRAM));
    assert_eq!(files(&home).len(), ALL.len());
    // One that cannot be run any more is mended.
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    let dry = home.ok(&["install-tools", "--dry-run"]);
    assert!(dry.out.contains("send-message.sh can be run"), "{dry:#?}");
    home.ok(&["install-tools"]);
    assert!(files(&home).values().all(|(_, mode)| *mode == 0o755));
    assert_eq!(files(&home).len(), ALL.len());
}

#[test]
fn a_link_stays_one_and_its_file_is_given_back() {
    let home = Home::new();
    let real = home.write("dotfiles/send", "echo linked\n");
    let folder = home.mosaic().join("tools/tmux");
    fs::create_dir_all(&folder).unwrap();
    let link = folder.join("send-message.sh");
    symlink(&real, &link).unwrap();
    home.ok(&["install-tools"]);
    assert!(link.is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("pane send"));
    home.ok(&["install-tools", "--uninstall"]);
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "echo linked\n");
    assert_eq!(fs::read_dir(real.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn for_programs_there_is_one_document() {
    let home = Home::new();
    old(&home, "tmux/send-message.sh", "echo old\n", 0o755);
    let dry = home.ok(&["install-tools", "--dry-run", "--json"]).json();
    assert_eq!(
        (&dry["written"], &dry["version"]),
        (&false.into(), &1.into())
    );
    assert_eq!(dry["changes"].as_array().unwrap().len(), ALL.len());
    let done = home.ok(&["install-tools", "--json"]).json();
    assert_eq!(done["folder"], home.mosaic().display().to_string());
    assert_eq!(done["written"], true);
    let of = |document: &Value, name: &str| {
        let changes = document["changes"].as_array().unwrap().clone();
        let found = |change: &Value| change["path"].as_str().unwrap().ends_with(name);
        changes.into_iter().find(found).unwrap()
    };
    let backup = of(&done, "send-message.sh")["backup"].clone();
    assert!(Path::new(backup.as_str().unwrap()).exists());
    assert!(of(&done, "agent-send.sh")["backup"].is_null());
    let gone = home.ok(&["install-tools", "--uninstall", "--json"]).json();
    assert_eq!(of(&gone, "send-message.sh")["restored"], backup);
    assert!(of(&gone, "agent-send.sh")["restored"].is_null());
}

#[test]
fn what_cannot_be_written_or_read_is_told_and_left() {
    let home = Home::new();
    home.write("mosaic/tools", "in the way\n");
    home.run(&["install-tools"])
        .fails(1, &["tools/tmux", "hint: "]);

    let home = Home::new();
    let odd = home.write("mosaic/tools/tmux/agent-send.sh", "");
    fs::write(&odd, b"# caf\xe9\n").unwrap();
    for more in [&["install-tools"][..], &["install-tools", "--uninstall"]] {
        home.run(more).fails(1, &["agent-send.sh", "hint: "]);
    }
    assert_eq!(fs::read(&odd).unwrap(), b"# caf\xe9\n");
    assert_eq!(fs::read_dir(odd.parent().unwrap()).unwrap().count(), 1);

    // Root writes wherever it likes.
    let home = Home::new();
    old(&home, "tmux/send-message.sh", "echo old\n", 0o755);
    let folder = home.mosaic().join("tools/tmux");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(folder.join("probe"), "").is_err() {
        let before = files(&home);
        home.run(&["install-tools"])
            .fails(1, &["tools/tmux", "hint: "]);
        assert_eq!(files(&home), before);
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
}
