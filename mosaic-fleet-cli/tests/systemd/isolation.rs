//! What is done to one agent touches no other, and leaves nothing of it.

use crate::stage::{is_alive, on_stage, until};

#[test]
fn a_restart_moves_one_agent_and_nobody_else() {
    on_stage(|stage| {
        stage.up(&["canary", "canary0", "c"]);
        let (server, before) = (stage.server(), stage.programs());
        // What an agent leaves behind: a child that is deaf, and one that is a daemon.
        stage.tell(
            "canary",
            "(trap '' HUP TERM; exec sleep 7001) & setsid -f sleep 7002; echo left",
        );
        let left = || {
            let all = stage.run("pgrep", &["-x", "-f", "sleep 700[12]"]).out;
            all.lines()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<u32>>()
        };
        let strays = until("both are there", || {
            let left = left();
            if left.len() == 2 { Ok(left) } else { Err(left) }
        });
        stage.ok(&["restart", "canary"]);
        let after = stage.programs();
        assert_eq!(stage.server(), server);
        assert_ne!(after["canary"], before["canary"]);
        for name in ["canary0", "c", "_holder"] {
            assert_eq!(after[name], before[name], "{name}");
        }
        assert!(strays.iter().all(|pid| !is_alive(*pid)), "{strays:?}");
        assert!(left().is_empty());
        stage.all_idle(&["canary", "canary0", "c"]);
    });
}

#[test]
fn a_deaf_agent_is_stopped_all_the_same() {
    on_stage(|stage| {
        stage.roster(
            "  - { name: canary, command: \"sh -c \\\"trap '' HUP TERM INT; while :; do sleep 1; done\\\"\" }\n  - { name: canary0 }\n",
        );
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        let before = stage.programs();
        stage.ok(&["stop", "canary"]);
        assert!(!is_alive(before["canary"]));
        assert_eq!(stage.programs()["canary0"], before["canary0"]);
        assert_eq!(stage.states()["canary"], "stopped");
    });
}

#[test]
fn stop_reset_and_send_are_exact() {
    on_stage(|stage| {
        stage.up(&["canary", "canary0"]);
        let before = stage.programs();
        stage.tell("canary", "echo $((40+2)) only here");
        let other = stage.ok(&["agent", "tail", "canary0"]).out;
        assert!(!other.contains("only here"), "{other}");
        stage.tell("canary0", "echo $((50+2)) stays");
        // `clear` of a shell proves nothing: its exit code says that, and the screen shows it.
        stage.fleet(&["agent", "reset", "canary", "--clear"]);
        let other = stage.ok(&["agent", "tail", "canary0"]).out;
        assert!(other.contains("52 stays"), "{other}");
        stage.ok(&["stop", "canary"]);
        let after = stage.programs();
        assert!(!after.contains_key("canary"));
        assert_eq!(after["canary0"], before["canary0"]);
        assert_eq!(
            stage.property("mosaic-agent@canary0.service", "ActiveState"),
            "active"
        );
    });
}

#[test]
fn each_agent_is_in_its_own_unit() {
    on_stage(|stage| {
        stage.up(&["a", "b"]);
        for (name, pid) in stage.programs() {
            let group = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
            let unit = match name.as_str() {
                "_holder" => "mosaic-tmux-holder.service".to_owned(),
                agent => format!("mosaic-agent@{agent}.service"),
            };
            assert!(group.contains(&unit), "{name}: {group}");
        }
    });
}

#[test]
fn the_last_agent_s_stop_leaves_what_a_person_has_there() {
    on_stage(|stage| {
        stage.up(&["a"]);
        let ran = stage.tmux(&["new-session", "-d", "-s", "my notes", "sleep infinity"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let server = stage.server();
        stage.ok(&["stop"]);
        assert_eq!(stage.server(), server);
        assert!(
            stage.programs().contains_key("my"),
            "{:?}",
            stage.programs()
        );
        stage.tmux(&["kill-session", "-t", "=my notes"]);
        stage.ok(&["stop"]);
        assert_eq!(stage.server(), None);
    });
}

#[test]
fn a_stop_of_one_does_not_end_another_between_two_starts() {
    on_stage(|stage| {
        stage.roster("  - { name: a }\n  - { name: b, command: [sh, -c, \"sleep 2; exit 1\"] }\n");
        stage.ok(&["install-systemd"]);
        stage.ok(&["start", "--wait", "1s"]);
        until("b is between two starts", || {
            let state = stage.property("mosaic-agent@b.service", "SubState");
            if state == "auto-restart" {
                Ok(())
            } else {
                Err(state)
            }
        });
        stage.ok(&["stop", "a"]);
        until("b is back", || {
            let now = stage.programs();
            if now.contains_key("b") {
                Ok(())
            } else {
                Err(now)
            }
        });
        // The same moment, and it is b that is meant.
        until("b is between two starts", || {
            let state = stage.property("mosaic-agent@b.service", "SubState");
            if state == "auto-restart" {
                Ok(())
            } else {
                Err(state)
            }
        });
        stage.ok(&["drain", "b"]);
        assert_eq!(
            stage.property("mosaic-agent@b.service", "ActiveState"),
            "inactive"
        );
    });
}

#[test]
fn two_starts_at_once_start_each_agent_once() {
    on_stage(|stage| {
        let names = ["a", "b", "agent-1", "agent-10"];
        stage.shells(&names);
        stage.ok(&["install-systemd"]);
        let program = stage.path("bin/mosaic-fleet");
        let start = || {
            stage
                .command(program.to_str().unwrap(), &["start"])
                .spawn()
                .unwrap()
        };
        let mut both = [start(), start()];
        for one in &mut both {
            assert!(one.wait().unwrap().success());
        }
        stage.all_idle(&names);
        for name in names {
            let log = stage.ok(&["agent", "logs", name]).out;
            // This boot's journal has the earlier tests' too.
            let last = log
                .rsplit("Starting mosaic-agent")
                .next()
                .unwrap_or_default();
            assert!(!last.contains("stopped"), "{name}: {log}");
            assert_eq!(
                stage.property(&format!("mosaic-agent@{name}.service"), "NRestarts"),
                "0"
            );
        }
    });
}

#[test]
fn what_cannot_start_is_not_stopped() {
    on_stage(|stage| {
        let tool = stage.write(
            "bin/my-agent",
            "#!/bin/sh\nexec bash --norc --noprofile -i\n",
        );
        std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        stage.roster("  - { name: a, command: [my-agent] }\n");
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        let before = stage.programs();
        std::fs::remove_file(&tool).unwrap();
        stage
            .fleet(&["restart", "a"])
            .fails(1, &["no program my-agent"]);
        assert_eq!(stage.programs(), before);
    });
}
