//! Installing is idempotent, shows what it would do, stops nobody, and can be undone.

use std::fs;

use crate::stage::on_stage;

const UNITS: &str = ".config/systemd/user";

#[test]
fn a_second_run_changes_nothing_and_a_changed_roster_only_what_differs() {
    on_stage(|stage| {
        stage.shells(&["a", "b"]);
        let shown = stage.ok(&["install-systemd", "--enable", "--dry-run"]).out;
        assert!(shown.contains("+ExecStart="), "{shown}");
        assert!(
            shown.contains("would enable mosaic-tmux-holder.service"),
            "{shown}"
        );
        assert!(!stage.path(UNITS).exists());

        stage.ok(&["install", "--enable"]);
        stage.ok(&["start"]);
        stage.all_idle(&["a", "b"]);
        let before = stage.programs();
        let again = stage.ok(&["install-systemd", "--enable"]).out;
        assert_eq!(again, "nothing to change\n");

        stage.roster(
            "  - { name: b, memory_max: 512M, tasks_max: 99, cpu_quota: 50% }\n  - { name: c }\n",
        );
        let changed = stage.fleet(&["install-systemd"]);
        assert_eq!(changed.code, 0, "{changed:#?}");
        assert!(
            changed.out.contains("enabled mosaic-agent@c.service\n"),
            "{changed:#?}"
        );
        assert!(
            changed.out.contains("disabled mosaic-agent@a.service\n"),
            "{changed:#?}"
        );
        assert!(
            changed.err.contains("a is not in the roster and runs on"),
            "{changed:#?}"
        );
        assert!(!changed.out.contains("mosaic-tmux-holder"), "{changed:#?}");
        assert_eq!(stage.programs(), before, "nobody was stopped");
        let limits = stage.read(&format!(
            "{UNITS}/mosaic-agent@b.service.d/50-mosaic-limits.conf"
        ));
        assert!(
            limits.contains("MemoryMax=512M\nTasksMax=99\nCPUQuota=50%%\n"),
            "{limits}"
        );
        stage.ok(&["restart", "b"]);
        assert_eq!(
            stage.property("mosaic-agent@b.service", "MemoryMax"),
            "536870912"
        );
        assert_eq!(stage.property("mosaic-agent@b.service", "TasksMax"), "99");

        let pruned = stage.ok(&["install-systemd", "--prune"]).out;
        assert!(
            pruned.contains("stopped mosaic-agent@a.service"),
            "{pruned}"
        );
        let after = stage.programs();
        assert!(!after.contains_key("a") && after.contains_key("b"));

        stage.shells(&["b", "c"]);
        stage.ok(&["install-systemd"]);
        assert!(
            !stage
                .path(&format!(
                    "{UNITS}/mosaic-agent@b.service.d/50-mosaic-limits.conf"
                ))
                .exists()
        );
    });
}

/// What this host cannot enforce is said; what it can is seen to hold.
#[test]
fn limits_hold_or_are_said_not_to() {
    on_stage(|stage| {
        stage.roster("  - { name: a, tasks_max: 30 }\n");
        let ran = stage.fleet(&["install-systemd"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let words = [
            "show",
            "--property",
            "ControlGroup",
            "--value",
            "--",
            "-.slice",
        ];
        let group = stage.systemctl(&words);
        let group = group.trim();
        let there =
            fs::read_to_string(format!("/sys/fs/cgroup{group}/cgroup.controllers")).unwrap();
        let enforced = ["memory", "pids", "cpu"]
            .iter()
            .all(|name| there.contains(name));
        assert_eq!(
            ran.err.contains("cannot enforce"),
            !enforced,
            "{ran:#?} {there}"
        );
        stage.ok(&["start"]);
        let doctor = stage.fleet(&["doctor", "--json"]).json();
        let checks = doctor["checks"].as_array().unwrap();
        let limits = checks
            .iter()
            .find(|check| check["name"] == "limits")
            .unwrap();
        assert_eq!(limits["finding"] == "ok", enforced, "{limits}");
        if there.contains("pids") {
            stage.all_idle(&["a"]);
            stage.tell("a", "for i in $(seq 60); do sleep 5 & done; echo tried");
            let tail = crate::stage::until("forks were refused", || {
                let tail = stage.ok(&["agent", "tail", "a"]).out;
                if tail.contains("retry") || tail.contains("unavailable") {
                    Ok(tail)
                } else {
                    Err(tail)
                }
            });
            assert!(!tail.is_empty());
        }
    });
}

#[test]
fn uninstalling_takes_out_what_was_put_in_and_only_when_nothing_runs() {
    on_stage(|stage| {
        stage.up(&["a"]);
        stage.write(
            &format!("{UNITS}/mine.service"),
            "[Service]\nExecStart=/bin/true\n",
        );
        stage
            .fleet(&["uninstall-systemd"])
            .fails(1, &["the fleet runs", "mosaic-fleet stop"]);
        assert_eq!(stage.states()["a"], "idle");
        stage.ok(&["stop"]);
        stage.ok(&["uninstall-systemd"]);
        let left: Vec<_> = fs::read_dir(stage.path(UNITS))
            .unwrap()
            .flatten()
            .map(|e| e.file_name())
            .collect();
        let mosaic = |name: &&std::ffi::OsString| name.to_string_lossy().contains("mosaic");
        assert!(!left.iter().any(|name| mosaic(&name)), "{left:?}");
        assert!(stage.path(&format!("{UNITS}/mine.service")).exists());
        let wants = stage.path(&format!("{UNITS}/default.target.wants"));
        assert_eq!(fs::read_dir(wants).map_or(0, Iterator::count), 0);
        assert_eq!(stage.ok(&["uninstall-systemd"]).out, "nothing to change\n");
        // And without units it goes on without.
        stage.ok(&["start"]);
        let status = stage.ok(&["status"]).out;
        assert!(status.contains("supervisor: plain"), "{status}");
        stage.ok(&["stop"]);
    });
}

#[test]
fn units_of_another_fleet_are_left_alone() {
    on_stage(|stage| {
        stage.up(&["a"]);
        let before = stage.read(&format!("{UNITS}/mosaic-agent@.service"));
        let ran = stage.fleet(&["--socket", "other", "install-systemd"]);
        ran.fails(1, &["is of another fleet", "one fleet a user"]);
        assert_eq!(
            stage.read(&format!("{UNITS}/mosaic-agent@.service")),
            before
        );
        // The other fleet has no units, and so no service manager.
        let ran = stage.fleet(&["--socket", "other", "status"]);
        assert!(ran.out.contains("supervisor: plain"), "{ran:#?}");
    });
}

#[test]
fn the_units_of_another_fleet_are_not_taken_out() {
    on_stage(|stage| {
        stage.up(&["a"]);
        let before = stage.programs();
        let ran = stage.fleet(&["--socket", "other", "uninstall-systemd"]);
        ran.fails(1, &["is of another fleet", "--socket"]);
        assert!(
            stage
                .path(&format!("{UNITS}/mosaic-agent@.service"))
                .exists()
        );
        assert_eq!(stage.programs(), before);
    });
}

#[test]
fn what_cannot_stand_in_a_unit_is_told_and_nothing_is_written() {
    on_stage(|stage| {
        stage.shells(&["a"]);
        let program = stage.path("bin/mosaic-fleet");
        let program = program.to_str().unwrap();
        for (variable, words) in [
            (
                "LC_X=a\nExecStartPre=/bin/false",
                "LC_X holds a control character",
            ),
            ("MOSAIC_HOME=../x", "MOSAIC_HOME is relative"),
        ] {
            let ran = stage.run("env", &[variable, program, "install-systemd"]);
            ran.fails(1, &[words]);
        }
        stage
            .fleet(&["--socket", "./s", "install-systemd"])
            .fails(1, &["relative"]);
        let odd = stage.write("bin/it's/mosaic-fleet", "");
        fs::copy(program, &odd).unwrap();
        fs::set_permissions(&odd, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let ran = stage.run(odd.to_str().unwrap(), &["install-systemd"]);
        ran.fails(1, &["a unit cannot run", "plain UTF-8 name"]);
        assert!(!stage.path(UNITS).exists());

        // And what can, does: blanks, percent and dollar signs, a profile that leaves a program behind.
        stage.write(".profile", "sleep 3600 &\nPATH=\"/opt/100%/$HOME:$PATH\"\n");
        let odd = stage.write("bin/my $HOME 100%/mosaic-fleet", "");
        fs::copy(program, &odd).unwrap();
        fs::set_permissions(&odd, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let odd = odd.to_str().unwrap();
        let ran = stage.run(odd, &["install-systemd"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        let ran = stage.run(odd, &["start"]);
        assert_eq!(ran.code, 0, "{ran:#?}");
        stage.all_idle(&["a"]);
    });
}

#[test]
fn another_roster_than_the_units_is_not_started_by_them() {
    on_stage(|stage| {
        stage.up(&["a"]);
        let before = stage.programs();
        let other = stage.write(
            "other.yaml",
            &stage.read(".config/mosaic/fleet/roster.yaml"),
        );
        let other = other.to_str().unwrap();
        let ran = stage.fleet(&["--roster", other, "restart", "a"]);
        ran.fails(
            1,
            &["the units start what", "other.yaml", "install-systemd"],
        );
        assert_eq!(stage.programs(), before);
        stage.ok(&["--roster", other, "install-systemd"]);
        stage.ok(&["--roster", other, "restart", "a"]);
        assert_ne!(stage.programs()["a"], before["a"]);
    });
}
