//! What is wrong says what to do, and nothing starts it again and again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::stage::{on_stage, until};

#[test]
fn a_missing_working_directory_is_told_and_not_tried_again() {
    on_stage(|stage| {
        stage.roster("  - { name: a, working_directory: ~/nowhere }\n  - { name: b }\n");
        stage.ok(&["install-systemd", "--enable"]);
        let ran = stage.fleet(&["start"]);
        ran.fails(1, &["no working directory", "nowhere"]);
        stage.all_idle(&["b"]);
        // As at boot, where nobody looks first.
        let begun = stage.run("systemctl", &["--user", "start", "mosaic-agent@a.service"]);
        assert_ne!(begun.code, 0);
        assert_eq!(
            stage.property("mosaic-agent@a.service", "ExecMainStatus"),
            "78"
        );
        assert_eq!(stage.property("mosaic-agent@a.service", "NRestarts"), "0");
        let agent = stage.agent("a");
        assert_eq!(agent["state"], "dead", "{agent}");
        assert!(
            agent["evidence"]
                .as_str()
                .unwrap()
                .contains("no working directory"),
            "{agent}"
        );
        let log = until("its log says why", || {
            let log = stage.ok(&["agent", "logs", "a"]).out;
            if log.contains("no working directory") {
                Ok(log)
            } else {
                Err(log)
            }
        });
        assert!(log.contains("make it, or change"), "{log}");
        stage.folder("nowhere");
        stage.ok(&["start", "a"]);
        stage.all_idle(&["a", "b"]);
    });
}

#[test]
fn an_empty_runtime_is_told_and_not_tried_again() {
    on_stage(|stage| {
        stage.up(&["a"]);
        stage.ok(&["stop"]);
        stage.write(
            ".config/mosaic/fleet/agents/a.env",
            "MOSAIC_AGENT_RUNTIME=\n",
        );
        stage
            .fleet(&["start"])
            .fails(1, &["a.env:1", "the runtime is empty"]);
        let begun = stage.run("systemctl", &["--user", "start", "mosaic-agent@a.service"]);
        assert_ne!(begun.code, 0);
        assert_eq!(
            stage.property("mosaic-agent@a.service", "ExecMainStatus"),
            "78"
        );
        assert_eq!(stage.property("mosaic-agent@a.service", "NRestarts"), "0");
    });
}

#[test]
fn a_missing_program_and_a_bad_name_are_told_and_not_tried_again() {
    on_stage(|stage| {
        stage.roster("  - { name: a, command: [no-such-agent, --yolo] }\n");
        stage.ok(&["install-systemd"]);
        stage
            .fleet(&["start"])
            .fails(1, &["no program no-such-agent", "install-systemd"]);
        // As at boot, where nobody looks first.
        stage.run("systemctl", &["--user", "start", "mosaic-agent@a.service"]);
        assert_eq!(
            stage.property("mosaic-agent@a.service", "ExecMainStatus"),
            "78"
        );
        assert_eq!(stage.property("mosaic-agent@a.service", "NRestarts"), "0");
        for (name, code) in [("my.agent", "64"), ("nobody", "78")] {
            let unit = format!("mosaic-agent@{name}.service");
            stage.run("systemctl", &["--user", "start", &unit]);
            assert_eq!(stage.property(&unit, "ExecMainStatus"), code, "{name}");
            assert_eq!(stage.property(&unit, "NRestarts"), "0", "{name}");
        }
        assert!(!stage.programs().contains_key("my_agent"));
    });
}

#[test]
fn a_holder_without_tmux_is_told_and_not_tried_again() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        stage.ok(&["install-systemd", "--path", "/nowhere"]);
        stage
            .fleet(&["start"])
            .fails(1, &["mosaic-tmux-holder.service", "journalctl --user -u"]);
        assert_eq!(
            stage.property("mosaic-tmux-holder.service", "ExecMainStatus"),
            "69"
        );
        assert_eq!(
            stage.property("mosaic-tmux-holder.service", "NRestarts"),
            "0"
        );
        until("its log says why", || {
            let words = ["--user", "-u", "mosaic-tmux-holder.service", "--no-pager"];
            let log = stage.run("journalctl", &words).out;
            if log.contains("tmux is not installed") {
                Ok(log)
            } else {
                Err(log)
            }
        });
        // The right path, and all is well.
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        stage.all_idle(&["a"]);
    });
}

#[test]
fn a_bad_env_file_stops_its_own_agent_only() {
    on_stage(|stage| {
        stage.write(".config/mosaic/fleet/agents/a.env", "what is this\n");
        stage.write(".config/mosaic/fleet/agents/my.agent.env", "A=1\n");
        stage.shells(&["a", "b"]);
        stage.ok(&["install-systemd", "--enable"]);
        stage
            .fleet(&["start"])
            .fails(1, &["a.env:1: not KEY=VALUE"]);
        stage.all_idle(&["b"]);
        stage.boot();
        stage.all_idle(&["b"]);
        let doctor = stage.fleet(&["doctor"]);
        assert_eq!(doctor.code, 1);
        for words in ["a.env:1: not KEY=VALUE", "my.agent"] {
            assert!(doctor.out.contains(words), "{doctor:#?}");
        }
    });
}

#[test]
fn a_unit_folder_that_cannot_be_written_is_told() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        stage.folder(".config/systemd/user");
        let folder = stage.path(".config/systemd/user");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
        stage
            .fleet(&["install-systemd"])
            .fails(1, &["cannot write", "systemd/user"]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    });
}

#[test]
fn no_linger_permission_and_no_manager_say_what_to_do() {
    on_stage(|stage| {
        let stranger = stage.stranger();
        stranger.shells(&["a"]);
        let ran = stranger.fleet(&["install-systemd"]);
        ran.fails(1, &["service manager cannot be reached", "enable-linger"]);
        assert!(!stranger.path(".config/systemd/user").exists());

        // This user has a manager, and may not decide about its own linger: there is no polkit.
        stage.shells(&["a"]);
        let before = stage
            .run(
                "loginctl",
                &["show-user", stage.user, "-p", "Linger", "--value"],
            )
            .out;
        assert_eq!(before.trim(), "yes");
        let ran = stage.fleet(&["install-systemd", "--enable", "--linger"]);
        ran.fails(1, &["sudo loginctl enable-linger mosaictest"]);
    });
}

#[test]
fn without_systemd_all_works_directly() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        // A PATH with tmux and a shell, and nothing of systemd.
        for program in ["tmux", "sh", "bash", "sleep", "timeout", "env"] {
            let ran = stage.run(
                "ln",
                &[
                    "-sf",
                    &format!("/usr/bin/{program}"),
                    stage.path("bin").to_str().unwrap(),
                ],
            );
            assert_eq!(ran.code, 0, "{ran:#?}");
        }
        let program = stage.path("bin/mosaic-fleet");
        let without = |words: &[&str]| {
            let path = format!("PATH={}", stage.path("bin").display());
            let mut all = vec![
                "-u",
                "XDG_RUNTIME_DIR",
                path.as_str(),
                program.to_str().unwrap(),
            ];
            all.extend(words);
            stage.run("env", &all)
        };
        let ran = without(&["install-systemd"]);
        ran.fails(
            1,
            &["this host has no systemctl", "runs the fleet directly"],
        );
        let ran = without(&["start"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let ran = without(&["status"]);
        assert!(ran.out.contains("supervisor: plain"), "{ran:#?}");
        let ran = without(&["stop"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
    });
}

#[test]
fn strangers_and_nobodies_are_told_apart() {
    on_stage(|stage| {
        stage.up(&["a"]);
        stage.tmux(&["new-session", "-d", "-s", "mine", "sleep", "infinity"]);
        let ran = stage.ok(&["start", "mine"]);
        assert!(ran.err.contains("already running: mine"), "{ran:#?}");
        assert_eq!(
            stage.property("mosaic-agent@mine.service", "ActiveState"),
            "inactive"
        );
        stage
            .fleet(&["agent", "logs", "nosuch"])
            .fails(1, &["no such agent"]);
        stage
            .fleet(&["start", "nosuch"])
            .fails(1, &["no such agent"]);
    });
}
