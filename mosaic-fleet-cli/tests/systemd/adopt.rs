//! What runs already is taken over as it is: from the bash version's units, and from a server of
//! anybody.

use crate::stage::{Stage, is_alive, kill, on_stage, until};

/// Units as people have them from the bash version: done at once, with the server among their own.
pub(crate) fn old_units(stage: &Stage) {
    stage.write(
        ".config/systemd/user/mosaic-tmux-holder.service",
        "[Unit]\nDescription=an old holder\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/bin/bash -lc 'tmux -L mosaic-factory has-session -t \"=_holder:0.0\" 2>/dev/null || \
         tmux -L mosaic-factory new-session -d -s _holder \"while true; do sleep 3600; done\"'\n\
         ExecStop=-/bin/bash -lc 'tmux -L mosaic-factory kill-server'\n[Install]\nWantedBy=default.target\n",
    );
    stage.write(
        ".config/systemd/user/mosaic-agent@.service",
        "[Unit]\nDescription=an old agent %i\nRequires=mosaic-tmux-holder.service\n\
         After=mosaic-tmux-holder.service\nPartOf=mosaic-tmux-holder.service\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\n\
         ExecStart=/bin/bash -c 'tmux -L mosaic-factory new-session -d -s %i -c %h/src \"bash --norc --noprofile -i\"'\n\
         ExecStop=-/bin/bash -lc 'tmux -L mosaic-factory kill-session -t \"=%i\"'\n[Install]\nWantedBy=default.target\n",
    );
    stage.systemctl(&["daemon-reload"]);
    stage.systemctl(&["start", "mosaic-agent@a.service", "mosaic-agent@b.service"]);
}

#[test]
fn the_bash_version_s_agents_live_on_under_the_new_units() {
    on_stage(|stage| {
        old_units(stage);
        stage.shells(&["a", "b"]);
        // One that starts programs all the time, while it is taken over.
        stage.leave("b", "while :; do sleep 0.02; done & clear");
        let (server, before) = (stage.server(), stage.programs());
        assert!(
            before.contains_key("a") && before.contains_key("b"),
            "{before:?}"
        );

        let installed = stage.ok(&["install-systemd", "--enable"]).out;
        assert!(installed.contains("kept the old one as"), "{installed}");
        assert_eq!((stage.server(), stage.programs()), (server, before.clone()));

        let started = stage.ok(&["start", "--json"]).json();
        let results = started["results"].as_array().unwrap();
        assert!(
            results.iter().all(|result| result["what"] == "adopt"),
            "{results:?}"
        );
        assert_eq!((stage.server(), stage.programs()), (server, before.clone()));
        let status = stage.ok(&["status", "--json"]).json();
        assert_eq!(status["holder"]["state"], "foreign", "{status}");
        stage.all_idle(&["a", "b"]);
        for name in ["a", "b"] {
            let group = std::fs::read_to_string(format!("/proc/{}/cgroup", before[name])).unwrap();
            assert!(
                group.contains(&format!("mosaic-agent@{name}.service")),
                "{group}"
            );
        }
        // A second start has nothing to do.
        let again = stage.ok(&["start", "--json"]).json();
        assert_eq!(again["results"][0]["what"], "already_running");
        stage.tell("a", "echo still $((40+2))");

        // One of them ends: only that one is started anew.
        kill(before["a"]);
        until("a is back", || {
            let now = stage.programs();
            match now.get("a").is_some_and(|pid| *pid != before["a"]) {
                true => Ok(()),
                false => Err(now),
            }
        });
        assert_eq!(stage.programs()["b"], before["b"]);
        // And when the old server ends at last, the new units have one of their own.
        kill(server.unwrap());
        until("the holder has a server", || {
            let status = stage.fleet(&["status", "--json"]).json();
            if status["holder"]["state"] == "up" {
                Ok(())
            } else {
                Err(status)
            }
        });
        stage.all_idle(&["a", "b"]);
        assert!(before.values().all(|pid| !is_alive(*pid)));
        assert_eq!(stage.ok(&["verify", "--json"]).json()["ok"], true);
    });
}

#[test]
fn a_server_of_another_is_left_alone_and_its_agents_are_taken_over() {
    on_stage(|stage| {
        let tmux = |words: &[&str]| {
            let mut all = vec![
                "-L",
                "mosaic-factory",
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-s",
            ];
            all.extend(words);
            let ran = stage.run("tmux", &all);
            assert_eq!(ran.code, 0, "{ran:#?}");
        };
        tmux(&["a", "bash", "--norc", "--noprofile", "-i"]);
        tmux(&["mine", "sleep", "infinity"]);
        stage.shells(&["a"]);
        let options = stage.tmux(&["show-options", "-g"]).out;
        let (server, before) = (stage.server(), stage.programs());
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        assert_eq!((stage.server(), stage.programs()), (server, before.clone()));
        assert_eq!(stage.tmux(&["show-options", "-g"]).out, options);
        let status = stage.ok(&["status", "--json"]).json();
        assert_eq!(status["holder"]["state"], "foreign");
        assert_eq!(
            stage.property("mosaic-tmux-holder.service", "NRestarts"),
            "0"
        );
        assert_eq!(
            stage.property("mosaic-tmux-holder.service", "SubState"),
            "running"
        );
        // Stopping the agent is what was asked for; the server and the stranger stay.
        stage.ok(&["stop", "a"]);
        assert_eq!(stage.server(), server);
        assert_eq!(stage.programs()["mine"], before["mine"]);
        // And the units can go, though that server stays.
        stage.ok(&["uninstall-systemd"]);
        assert_eq!(stage.server(), server);
        assert_eq!(stage.programs()["mine"], before["mine"]);
    });
}

#[test]
fn a_server_of_ours_from_before_the_units_gives_way_when_it_is_empty() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        stage.ok(&["start"]);
        let before = stage.programs();
        stage.ok(&["install-systemd"]);
        stage.ok(&["start"]);
        assert_eq!(stage.programs(), before);
        let status = stage.ok(&["status", "--json"]).json();
        assert_eq!(status["holder"]["state"], "foreign", "{status}");
        stage.ok(&["drain"]);
        stage.ok(&["start"]);
        let status = stage.ok(&["status", "--json"]).json();
        assert_eq!(status["holder"]["state"], "up", "{status}");
        assert_eq!(stage.ok(&["verify", "--json"]).json()["ok"], true);
    });
}

#[test]
fn one_that_could_not_be_started_today_is_taken_over_all_the_same() {
    on_stage(|stage| {
        stage.folder("gone");
        stage.roster("  - { name: a, working_directory: ~/gone }\n");
        stage.ok(&["start"]);
        let before = stage.programs();
        std::fs::remove_dir(stage.path("gone")).unwrap();
        stage.ok(&["install-systemd"]);
        let started = stage.ok(&["start", "--json"]).json();
        assert_eq!(started["results"][0]["what"], "adopt", "{started}");
        assert_eq!(stage.programs(), before);
        assert_eq!(
            stage.property("mosaic-agent@a.service", "ActiveState"),
            "active"
        );
    });
}
