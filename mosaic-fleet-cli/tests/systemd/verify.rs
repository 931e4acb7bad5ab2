//! `verify`: it is harmless, it holds, and it fails on the right line when something is broken.

use crate::stage::{Ran, Stage, on_stage, until};

/// The lines that failed.
fn failed(ran: &Ran) -> Vec<String> {
    let checks = ran.json()["checks"].as_array().cloned().unwrap();
    let failed = checks.iter().filter(|check| check["ok"] == false);
    failed
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

fn drop_in(stage: &Stage, unit: &str, text: &str) {
    stage.write(
        &format!(".config/systemd/user/{unit}.d/broken.conf"),
        &format!("[Service]\n{text}\n"),
    );
    stage.systemctl(&["daemon-reload"]);
}

#[test]
fn it_holds_and_touches_nobody() {
    on_stage(|stage| {
        stage.up(&["a", "b"]);
        let (server, before) = (stage.server(), stage.programs());
        let ran = stage.ok(&["verify", "--json"]);
        assert_eq!(ran.json()["ok"], true);
        assert!(failed(&ran).is_empty());
        assert_eq!(ran.json()["checks"].as_array().unwrap().len(), 8);
        // The user's own server is the one that is seen besides.
        let people = stage.ok(&["verify"]).out;
        assert!(people.contains("1 others, all still there"), "{people}");
        assert_eq!((stage.server(), stage.programs()), (server, before));
        let units = stage.systemctl(&["list-units", "--plain", "--no-legend", "mosaic-agent@_*"]);
        assert_eq!(units, "");
        assert!(
            people.contains("ok  the holder owns the server"),
            "{people}"
        );
    });
}

#[test]
fn a_server_of_another_is_told() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        let ran = stage.run(
            "tmux",
            &[
                "-L",
                "mosaic-factory",
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-s",
                "_holder",
                "sleep infinity",
            ],
        );
        assert_eq!(ran.code, 0, "{ran:#?}");
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        let ran = stage.fleet(&["verify", "--json"]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert_eq!(failed(&ran), ["the holder owns the server"]);
    });
}

#[test]
fn a_restart_that_changes_the_server_is_told() {
    on_stage(|stage| {
        stage.up(&["a"]);
        drop_in(
            stage,
            "mosaic-agent@_canary.service",
            "ExecStopPost=-/usr/bin/tmux -N -L mosaic-factory kill-server",
        );
        let ran = stage.fleet(&["verify", "--json"]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        let name = "restarting one agent leaves the server and all others as they are";
        assert!(failed(&ran).contains(&name.to_owned()), "{ran:#?}");
        until("the fleet is back", || {
            let states = stage.states();
            if states["a"] == "idle" {
                Ok(())
            } else {
                Err(states)
            }
        });
    });
}

#[test]
fn a_stop_that_is_not_exact_is_told() {
    on_stage(|stage| {
        stage.up(&["a"]);
        // As a prefix would: `_canary` is meant, and `_canary0` is hit as well. Only when it is
        // stopped for good, and not for its restart.
        drop_in(
            stage,
            "mosaic-agent@_canary.service",
            "ExecStopPost=-/bin/sh -c 'test -e %t/once && tmux -N -L mosaic-factory kill-session -t =_canary0; touch %t/once'",
        );
        let once = "/run/user/20000/once";
        let _ = std::fs::remove_file(once);
        // The first stop only clears what an earlier run may have left.
        let ran = stage.fleet(&["verify", "--json"]);
        let _ = std::fs::remove_file(once);
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert!(
            failed(&ran)
                .iter()
                .any(|name| name == "a stop reaches exactly its agent"
                    || name == "restarting one agent leaves the server and all others as they are"),
            "{ran:#?}"
        );
        assert_eq!(stage.states()["a"], "idle");
    });
}
