//! What comes back by itself, what does not, and what is said of it.

use std::time::Instant;

use crate::stage::{is_alive, kill, on_stage, until};

/// Runs `end` five times, and sees the whole fleet come back.
fn comes_back(names: &[&str], what: &str, end: impl Fn(&crate::stage::Stage, u32)) {
    on_stage(|stage| {
        stage.up(names);
        let mut times = Vec::new();
        for _ in 0..5 {
            let before = stage.programs();
            let server = stage.server().unwrap();
            let begin = Instant::now();
            end(stage, server);
            until("another server has all agents", || {
                let now = stage.programs();
                let all = names.iter().all(|name| now.contains_key(*name));
                match all && stage.server().is_some_and(|now| now != server) {
                    true => Ok(()),
                    false => Err(now),
                }
            });
            stage.all_idle(names);
            times.push(begin.elapsed().as_millis());
            let now = stage.programs();
            assert!(names.iter().all(|name| now[*name] != before[*name]));
            assert!(before.values().all(|pid| !is_alive(*pid)), "{before:?}");
        }
        println!("{what}: back 5 of 5, all idle after {times:?} ms");
    });
}

#[test]
fn a_killed_server_comes_back_with_everybody() {
    comes_back(&["a", "b", "agent-10"], "kill -9", |_, server| kill(server));
}

#[test]
fn a_server_that_was_told_to_end_comes_back_with_everybody() {
    comes_back(&["a", "b"], "kill-server", |stage, _| {
        stage.tmux(&["kill-server"]);
    });
}

#[test]
fn an_agent_that_ignores_the_hang_up_does_not_outlive_the_server() {
    on_stage(|stage| {
        stage.roster("  - { name: deaf, command: \"sh -c \\\"trap '' HUP; while :; do sleep 1; done\\\"\" }\n");
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        let old = stage.programs()["deaf"];
        kill(stage.server().unwrap());
        until("the old one is gone and a new one is there", || {
            let now = stage.programs().get("deaf").copied();
            match now.is_some_and(|now| now != old) && !is_alive(old) {
                true => Ok(()),
                false => Err(now),
            }
        });
    });
}

#[test]
fn an_agent_that_dies_is_started_again_and_one_that_is_done_is_not() {
    on_stage(|stage| {
        stage.up(&["a", "done", "bad"]);
        let server = stage.server();
        let before = stage.programs();

        kill(before["a"]);
        until("a is back", || {
            let now = stage.programs().get("a").copied();
            if now.is_some_and(|now| now != before["a"]) {
                Ok(())
            } else {
                Err(now)
            }
        });
        stage.all_idle(&["a"]);
        stage.leave("a", "exit 3");
        until("its end is in the log", || {
            let log = stage.ok(&["agent", "logs", "a", "--json"]).json();
            let entries = log["entries"].as_array().unwrap().clone();
            let ended =
                |entry: &serde_json::Value| entry["event"] == "ended" && entry["exit_code"] == 3;
            if entries.iter().any(ended) {
                Ok(())
            } else {
                Err(entries)
            }
        });
        stage.all_idle(&["a"]);

        // 78: the configuration is at fault, and another try would not help.
        stage.leave("bad", "exit 78");
        stage.leave("done", "echo the last words; exit 0");
        for (name, code, word) in [
            ("bad", 78, "failed with code 78"),
            ("done", 0, "ended with code 0"),
        ] {
            // Its terminal stands for a moment; then its keeper's word is what is left.
            let agent = until(&format!("{name} has ended"), || {
                let agent = stage.agent(name);
                let said = agent["evidence"].as_str().unwrap_or_default();
                match agent["state"] == "dead" && said.contains(word) {
                    true => Ok(agent),
                    false => Err(agent),
                }
            });
            assert_eq!(agent["exit_status"]["code"], code, "{agent}");
            assert!(!agent["since"].is_null());
        }
        assert_eq!(stage.property("mosaic-agent@bad.service", "NRestarts"), "0");
        assert_eq!(
            stage.property("mosaic-agent@done.service", "ActiveState"),
            "inactive"
        );
        assert_eq!(stage.server(), server);

        // They can be started again by hand, however often that was tried before.
        stage.ok(&["start"]);
        stage.all_idle(&["a", "bad", "done"]);
    });
}

#[test]
fn a_session_closed_by_hand_is_made_anew() {
    on_stage(|stage| {
        stage.up(&["a", "a0"]);
        let before = stage.programs();
        stage.tmux(&["kill-session", "-t", "=a"]);
        until("a is back", || {
            let now = stage.programs();
            match now.get("a").is_some_and(|pid| *pid != before["a"]) {
                true => Ok(()),
                false => Err(now),
            }
        });
        assert_eq!(stage.programs()["a0"], before["a0"]);
        let log = stage.ok(&["agent", "logs", "a"]).out;
        assert!(log.contains("its terminal was closed"), "{log}");

        // Also where that leaves a server on which nobody is.
        let (server, before) = (stage.server(), stage.programs());
        for name in before.keys() {
            stage.tmux(&["kill-session", "-t", &format!("={name}")]);
        }
        stage.all_idle(&["a", "a0"]);
        let now = stage.programs();
        assert!(now.contains_key("_holder"), "{now:?}");
        assert!(before.values().all(|pid| !is_alive(*pid)), "{before:?}");
        assert_eq!(stage.server(), server);
    });
}

#[test]
fn an_agent_that_fails_again_and_again_is_told_and_can_be_stopped() {
    on_stage(|stage| {
        stage.roster(
            "  - { name: a, command: [sh, -c, \"echo no key; exit 9\"] }\n  - { name: b }\n",
        );
        stage.ok(&["install-systemd"]);
        stage.fleet(&["start"]).fails(
            1,
            &[
                "it ended at once: its program failed with code 9",
                "agent logs a",
            ],
        );
        let agent = until("it is about to be started again", || {
            let agent = stage.agent("a");
            let said = agent["evidence"].as_str().unwrap_or_default();
            if said.contains("about to be started again") {
                Ok(agent)
            } else {
                Err(agent)
            }
        });
        assert_eq!(agent["state"], "dead");
        stage.ok(&["stop", "a"]);
        let restarts = stage.property("mosaic-agent@a.service", "NRestarts");
        assert_eq!(
            stage.property("mosaic-agent@a.service", "ActiveState"),
            "inactive"
        );
        assert_eq!(stage.states()["a"], "stopped");
        stage.all_idle(&["b"]);
        assert_eq!(
            stage.property("mosaic-agent@a.service", "NRestarts"),
            restarts
        );

        // Left alone it is given up after a while, and that is said.
        let _ = stage.fleet(&["start", "a"]);
        let agent = until("it is given up", || {
            let agent = stage.agent("a");
            let said = agent["evidence"].as_str().unwrap_or_default();
            if said.contains("it is not started again") {
                Ok(agent)
            } else {
                Err(agent)
            }
        });
        assert_eq!(agent["exit_status"]["code"], 9);
        assert_eq!(stage.states()["b"], "idle");
    });
}

#[test]
fn a_holder_that_fails_once_keeps_nobody_down() {
    on_stage(|stage| {
        let names = ["a", "b"];
        stage.shells(&names);
        stage.ok(&["install-systemd", "--enable"]);
        stage.write(
            ".config/systemd/user/mosaic-tmux-holder.service.d/once.conf",
            "[Service]\nExecStartPre=/bin/sh -c 'test -e %t/once || { touch %t/once; exit 1; }'\n",
        );
        let once = "/run/user/20000/once";
        let _ = std::fs::remove_file(once);
        stage.boot();
        stage.all_idle(&names);
        std::fs::remove_file(once).unwrap();
        kill(stage.server().unwrap());
        until("the holder has failed once", || std::fs::metadata(once));
        stage.all_idle(&names);
        std::fs::remove_file(once).unwrap();
    });
}

#[test]
fn a_roster_that_is_half_saved_keeps_nobody_down() {
    on_stage(|stage| {
        let names = ["a", "b"];
        stage.up(&names);
        stage.write(
            ".config/mosaic/fleet/roster.yaml",
            "version: 1\nagents: [ { name: a\n",
        );
        kill(stage.server().unwrap());
        until("it was tried with the broken one", || {
            let log = stage.fleet(&["agent", "logs", "a"]).out;
            if log.contains("roster.yaml:") {
                Ok(())
            } else {
                Err(log)
            }
        });
        stage.shells(&names);
        stage.all_idle(&names);
    });
}

#[test]
fn an_end_that_cannot_be_written_down_keeps_nobody_down() {
    on_stage(|stage| {
        stage.up(&["a"]);
        stage.folder(".local/state/mosaic-fleet/ended");
        let ended = stage.path(".local/state/mosaic-fleet");
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&ended, std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = stage.server().unwrap();
        kill(server);
        until("another server", || match stage.server() {
            Some(now) if now != server => Ok(()),
            other => Err(other),
        });
        stage.all_idle(&["a"]);
    });
}
