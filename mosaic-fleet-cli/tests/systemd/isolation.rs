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
