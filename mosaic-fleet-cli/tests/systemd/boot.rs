//! The fleet is there after a boot.

use std::time::Instant;

use crate::stage::{on_stage, until};

#[test]
fn a_boot_brings_the_whole_fleet_up_five_times_of_five() {
    on_stage(|stage| {
        let names = ["coder0", "agent-1", "agent-10"];
        stage.shells(&names);
        stage.ok(&["install-systemd", "--enable"]);
        // Exit codes say nothing here: a cycle or a typing error is printed, with code 0.
        let checked = stage.run("systemd-analyze", &["--user", "verify", "default.target"]);
        assert_eq!((checked.out.as_str(), checked.err.as_str()), ("", ""));
        for round in 1..=5 {
            let before = stage.server();
            let begin = Instant::now();
            stage.boot();
            stage.all_idle(&names);
            println!(
                "boot {round}: all idle after {} ms",
                begin.elapsed().as_millis()
            );
            let server = stage.server().unwrap();
            assert_ne!(Some(server), before);
            let holder = stage.property("mosaic-tmux-holder.service", "MainPID");
            assert_eq!(holder, server.to_string());
        }
        let log = stage.run("journalctl", &["--user", "--no-pager"]).out;
        assert!(!log.contains("ordering cycle"), "{log}");
    });
}

#[test]
fn an_agent_has_what_its_user_has_and_no_more() {
    on_stage(|stage| {
        stage.write(".profile", "PATH=\"$HOME/own tools:$PATH\"\n");
        stage.write(
            ".config/mosaic/fleet/agents/coder0.env",
            "# mine\nMY_OWN='a b'\n",
        );
        stage.up(&["coder0"]);
        stage.tell("coder0", "env > ~/seen; echo done");
        let seen = until("the environment was written", || {
            let seen = stage.read("seen");
            if seen.contains("MOSAIC_AGENT_NAME") {
                Ok(seen)
            } else {
                Err(seen)
            }
        });
        let has = |line: &str| seen.lines().any(|seen| seen == line);
        let home = stage.path("").display().to_string();
        let home = home.trim_end_matches('/');
        assert!(has("MY_OWN=a b"), "{seen}");
        assert!(has("MOSAIC_AGENT_NAME=coder0"), "{seen}");
        assert!(has("MOSAIC_TMUX_SOCKET=mosaic-factory"), "{seen}");
        assert!(has(&format!("HOME={home}")), "{seen}");
        assert!(seen.contains(&format!("PATH={home}/own tools:")), "{seen}");
        assert!(seen.contains("XDG_RUNTIME_DIR=/run/user/"), "{seen}");
        for foreign in [
            "INVOCATION_ID",
            "NOTIFY_SOCKET",
            "JOURNAL_STREAM",
            "MANAGERPID",
        ] {
            assert!(!seen.contains(foreign), "{foreign}: {seen}");
        }
        let agent = stage.agent("coder0");
        assert_eq!(agent["overridden"][0], "env.MY_OWN");
    });
}
