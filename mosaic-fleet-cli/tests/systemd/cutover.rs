//! From the bash version's units to ours: what is left is told, agents are recycled one by one, and
//! half of the way is a place to stay.

use serde_json::Value;

use crate::adopt::old_units;
use crate::stage::{Stage, is_alive, on_stage, until};

/// The findings of `migrate --check` of one kind.
fn left(stage: &Stage, kind: &str) -> Vec<(String, String)> {
    let document = stage.ok(&["migrate", "--check", "--json"]).json();
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let all = document["leftovers"].as_array().unwrap().iter();
    all.filter(|one| one["kind"] == kind)
        .map(|one| (word(one, "name"), word(one, "next")))
        .collect()
}

/// An agent's program belongs to its own unit of ours, which has a process to keep it.
#[track_caller]
fn is_kept(stage: &Stage, name: &str) {
    let unit = format!("mosaic-agent@{name}.service");
    let pid = stage.programs()[name];
    let group = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(group.contains(&unit), "{group}");
    assert_ne!(stage.property(&unit, "MainPID"), "0");
}

fn became(document: &Value) -> Vec<(&str, &str)> {
    let rows = document["results"].as_array().unwrap().iter();
    rows.map(|row| {
        let word = |key: &str| row[key].as_str().unwrap();
        (word("agent"), word("became"))
    })
    .collect()
}

#[test]
fn cutover_from_the_bash_version_s_units() {
    on_stage(|stage| {
        old_units(stage);
        stage.systemctl(&["enable", "mosaic-agent@a.service"]);
        stage.shells(&["a", "b"]);
        stage.all_idle(&["a", "b"]);
        for name in ["a", "b"] {
            stage.tell(name, &format!("echo I am $((40+2)) {name}"));
        }
        let (server, before) = (stage.server(), stage.programs());

        let install = "mosaic-fleet install-systemd --enable".to_owned();
        let next = |name: &str, next: &str| (name.to_owned(), next.to_owned());
        assert_eq!(
            left(stage, "unit"),
            [
                next("mosaic-tmux-holder.service", &install),
                next("mosaic-agent@.service", &install)
            ]
        );
        assert_eq!(
            left(stage, "enabled_unit"),
            [next("mosaic-agent@a.service", &install)]
        );
        assert_eq!(
            left(stage, "agent"),
            ["a", "b"].map(|name| next(name, &format!("mosaic-fleet cutover {name}")))
        );
        // Without units of ours, the old ones could end what is started.
        let early = stage.ok(&["cutover", "--dry-run"]);
        assert!(
            early.err.contains("old units are still there"),
            "{early:#?}"
        );

        stage.ok(&["install-systemd", "--enable"]);
        assert_eq!(left(stage, "unit"), []);
        assert_eq!(left(stage, "enabled_unit"), []);
        let dry = stage.ok(&["cutover", "--dry-run"]);
        assert_eq!(dry.out.matches("recycle: ").count(), 2, "{dry:#?}");
        assert!(!dry.err.contains("old units"), "{dry:#?}");
        assert_eq!((stage.server(), stage.programs()), (server, before.clone()));
        assert!(!stage.path(".local/state/mosaic-fleet/cutover").exists());

        // Half of the way.
        let one = stage.ok(&["cutover", "a", "--yes", "--json"]).json();
        assert_eq!(became(&one), [("a", "recycled")]);
        let now = stage.programs();
        assert_eq!((stage.server(), now["b"]), (server, before["b"]));
        assert_ne!(now["a"], before["a"]);
        assert!(!is_alive(before["a"]));
        is_kept(stage, "a");
        let tail = std::fs::read_to_string(one["results"][0]["saved"].as_str().unwrap()).unwrap();
        assert!(tail.contains("I am 42 a\n"), "{tail}");
        assert_eq!(left(stage, "agent").len(), 1);

        // The rest of it.
        let rest = stage.ok(&["cutover", "--yes", "--json"]);
        assert_eq!(became(&rest.json()), [("b", "recycled")]);
        let tail = rest.json()["results"][0]["saved"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            std::fs::read_to_string(tail)
                .unwrap()
                .contains("I am 42 b\n")
        );
        assert_eq!(stage.programs()["a"], now["a"]);
        is_kept(stage, "b");
        assert_eq!(left(stage, "agent"), []);
        assert!(
            stage
                .ok(&["cutover", "--yes"])
                .out
                .ends_with("nothing to do\n")
        );

        // The server is still the old one, as it is told with the way to a new one.
        assert_eq!(stage.server(), server);
        let way = "tmux -L mosaic-factory kill-server";
        assert!(rest.err.contains(way), "{rest:#?}");
        stage.tmux(&["kill-server"]);
        until("the holder has a server", || {
            let status = stage.fleet(&["status", "--json"]).json();
            match status["holder"]["state"] == "up" {
                true => Ok(()),
                false => Err(status),
            }
        });
        stage.all_idle(&["a", "b"]);
        for name in ["a", "b"] {
            is_kept(stage, name);
        }
        assert_eq!(stage.ok(&["verify", "--json"]).json()["ok"], true);
    });
}

#[test]
fn cutover_leaves_what_our_units_keep() {
    on_stage(|stage| {
        stage.up(&["a", "b"]);
        let before = stage.programs();
        let plan = stage.ok(&["cutover", "--yes", "--json"]).json();
        let kept = |step: &Value| step["what"] == "kept";
        assert!(plan["steps"].as_array().unwrap().iter().all(kept), "{plan}");
        assert_eq!(stage.programs(), before);
        let nothing = stage.ok(&["migrate", "--check"]).out;
        assert_eq!(nothing, "nothing of the bash version is in use\n");
    });
}
