//! The first prompt is sent once after each start, by whoever started the agent.

use crate::stage::{Stage, kill, on_stage, until};

/// How often the prompt's answer stands on the agent's screen, once it does or the agent is idle.
fn kicks(stage: &Stage) -> usize {
    let tail = stage.ok(&["agent", "tail", "a"]).out;
    tail.lines().filter(|line| *line == "kick 42 of a").count()
}

#[test]
fn it_is_sent_once_by_start_and_once_by_the_keeper() {
    on_stage(|stage| {
        stage.roster(
            "  - { name: a, class: worker, kickstart_template: \"echo kick $((40+2)) of {{ name }}\" }\n",
        );
        stage.ok(&["install-systemd"]);
        let started = stage.ok(&["start", "--json"]).json();
        assert_eq!(
            started["results"][0]["kickstart"]["verdict"], "submitted",
            "{started}"
        );
        stage.all_idle(&["a"]);
        assert_eq!(kicks(stage), 1);

        // Nobody starts it by hand: its keeper sends it.
        kill(stage.programs()["a"]);
        until("its keeper has sent it", || match kicks(stage) {
            1 => Ok(()),
            other => Err(other),
        });
        let log = until("that is in its log", || {
            let log = stage.ok(&["agent", "logs", "a"]).out;
            if log.contains("first prompt: submitted") {
                Ok(log)
            } else {
                Err(log)
            }
        });
        assert_eq!(log.matches("first prompt").count(), 1, "{log}");

        stage.ok(&["restart", "--no-kickstart"]);
        stage.all_idle(&["a"]);
        stage.tell("a", "echo $((50+2)) told");
        assert_eq!(kicks(stage), 0);
    });
}

#[test]
fn it_is_sent_once_also_by_a_caller_without_a_runtime_folder() {
    on_stage(|stage| {
        stage
            .roster("  - { name: a, kickstart_template: \"echo kick $((40+2)) of {{ name }}\" }\n");
        stage.ok(&["install-systemd"]);
        let program = stage.path("bin/mosaic-fleet");
        let words = ["-u", "XDG_RUNTIME_DIR", program.to_str().unwrap(), "start"];
        let started = stage.run("env", &words);
        assert_eq!(started.code, 0, "{started:#?}");
        stage.all_idle(&["a"]);
        stage.tell("a", "echo $((50+2)) told");
        assert_eq!(kicks(stage), 1);
    });
}
