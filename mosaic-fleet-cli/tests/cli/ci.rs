//! `ci wait`, `ci status` and `ci guard` against servers on the loopback.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{FakePipeline, Fault, TOKEN, WoodpeckerServer};
use serde_json::{Value, json};

use crate::home::{Home, Ran, until};
use crate::services::{of_ci, of_forge};

const HEAD: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

struct Place {
    home: Home,
    ci: WoodpeckerServer,
    forge: GiteaServer,
}

impl Place {
    fn new() -> Self {
        let place = Place {
            home: Home::new(),
            ci: WoodpeckerServer::start("acme/widget").unwrap(),
            forge: GiteaServer::start("acme/widget").unwrap(),
        };
        place.forge.set_head("main", HEAD, "work");
        place
    }

    fn command(&self, arguments: &str) -> Command {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = self.home.fleet(&words);
        command.envs(of_ci(&self.ci)).envs(of_forge(&self.forge));
        command
    }

    fn run(&self, arguments: &str) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }

    /// Starts it; it has asked about pipeline 7 when this returns.
    fn start(&self, arguments: &str) -> Child {
        let mut command = self.command(arguments);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let looks = || self.ci.count("/pipelines/7");
        until("it is listened to, and asked since", || {
            if self.ci.streams() > 0 && looks() >= 2 {
                Ok(())
            } else {
                Err(looks())
            }
        });
        child
    }
}

fn ended(child: Child) -> Ran {
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn every_end_has_its_code_and_its_lines() {
    let place = Place::new();
    for (status, code, note) in [
        ("success", 0, ""),
        ("failure", 1, ""),
        ("error", 1, "could not be run"),
        ("killed", 1, "was ended while it ran"),
        ("canceled", 1, "was ended before it ran"),
        ("declined", 1, "was not approved"),
        ("blocked", 1, "waits for approval"),
    ] {
        place.ci.put(FakePipeline::new(7, status));
        let ran = place.run("ci wait -r acme/widget -n 7");
        let last = match code {
            0 => "ci-wait: ALL SUCCESS".to_owned(),
            _ => format!("ci-wait: all terminal, NOT all success — 7={status}"),
        };
        assert_eq!(
            ran.out,
            format!(
                "ci-wait: acme/widget pipelines [7] (instance=env, every 30s, timeout 3600s)\n  \
                 pipeline 7 TERMINAL: {status}\n{last}\n"
            )
        );
        assert_eq!(ran.code, code, "{ran:#?}");
        assert!(ran.err.contains(note), "{ran:#?}");
    }
}

#[test]
fn what_is_wrong_has_its_own_code() {
    let mut place = Place::new();
    place.ci.put(FakePipeline::new(7, "running"));
    for (line, code, words) in [
        ("ci wait -r acme/widget", 2, "--number"),
        ("ci wait -n 7", 2, "--repo"),
        ("ci wait -r acme -n 7", 2, "OWNER/NAME"),
        ("ci wait -r acme/widget -n x", 2, "invalid digit"),
        ("ci wait -r acme/widget -n 7 -i soon", 2, "no duration"),
        ("ci wait -r acme/widget -n 8", 2, "no pipeline 8"),
        (
            "ci wait -r acme/other -n 7",
            2,
            "knows no repository acme/other",
        ),
        ("ci wait -r acme/widget -n 7 -a nowhere", 2, "nowhere"),
        ("ci wait -r acme/widget -n 7 -t 0", 3, ""),
        (
            "ci guard --purpose push -r acme/widget -B nowhere",
            2,
            "nowhere",
        ),
        ("ci guard --purpose push", 2, "-r OWNER/NAME"),
        ("ci guard --purpose walk -r acme/widget", 2, "walk"),
        (
            "ci guard --purpose merge -r acme/widget --head c0ffee",
            2,
            "whole commit",
        ),
    ] {
        place.run(line).fails(code, &[words]);
    }
    let none = place
        .home
        .run(&["ci", "wait", "-r", "acme/widget", "-n", "7"]);
    none.fails(
        2,
        &["cannot infer Woodpecker instance for owner 'acme' — pass -a <instance>"],
    );
    let refused = |line: &str| {
        let mut command = place.command(line);
        command.env("WOODPECKER_TOKEN", "dummy-wrong-9c1e");
        Ran::of(command.output().unwrap())
    };
    for line in [
        "ci wait -r acme/widget -n 7 -vvv",
        "ci guard --purpose push -r acme/widget",
    ] {
        let ran = refused(line);
        ran.fails(4, &["the token for env is not accepted"]);
        assert!(!format!("{ran:?}").contains("9c1e"), "{ran:#?}");
    }
    place.ci.stop();
    let away = place.run("ci wait -r acme/widget -n 7 --outage 0");
    assert_eq!(away.code, 4, "{away:#?}");
    assert!(away.out.contains("ci-wait: COULD NOT TELL — "), "{away:#?}");
}

#[test]
fn a_timeout_tells_what_is_pending() {
    let place = Place::new();
    place.ci.put(FakePipeline::new(7, "running"));
    place.ci.put(FakePipeline::new(8, "failure"));
    let ran = place.run("ci wait -r acme/widget -n 7 -n 8 -t 0");
    assert_eq!(ran.code, 3, "{ran:#?}");
    assert!(
        ran.out
            .ends_with("ci-wait: TIMEOUT after 0s — pending: 7\n")
    );
    let ran = place.run("ci wait -r acme/widget -n 7,8 --fail-fast");
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.out.contains("8=failure — pending: 7"), "{ran:#?}");
}

#[test]
fn an_event_ends_it_also_after_a_restart_of_the_server() {
    let mut place = Place::new();
    place.ci.put(FakePipeline::new(7, "running"));
    let child = place.start("ci wait -r acme/widget -n 7 -i 1h --json");
    place.ci.set(FakePipeline::new(7, "success"));
    let ran = ended(child);
    assert_eq!(ran.code, 0, "{ran:#?}");
    let mut seen = ran.json();
    assert!(seen["pipelines"][0]["waited_ms"].take().is_u64());
    let url = format!("{}/repos/7/pipeline/7", place.ci.url());
    assert_eq!(
        seen,
        json!({
            "version": 1, "repo": "acme/widget", "result": "success", "pending": [],
            "pipelines": [{
                "number": 7, "id": 1001, "status": "success", "ended": true, "commit": "c0ffee",
                "url": url, "waited_ms": null,
            }],
        })
    );

    place.ci.put(FakePipeline::new(7, "running"));
    let asked = place.ci.count("/pipelines/7");
    let mut command = place.command("ci wait -r acme/widget -n 7 -i 1");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("it asks", || match place.ci.count("/pipelines/7") {
        now if now > asked => Ok(()),
        now => Err(now),
    });
    place.ci.stop();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().contains("asking again"));
    place.ci.put(FakePipeline::new(7, "success"));
    place.ci.start_again().unwrap();
    assert!(told.next().unwrap().unwrap().contains("answers again"));
    assert_eq!(ended(child).code, 0);
}

#[test]
fn the_heads_pipelines_are_found_by_themselves() {
    let place = Place::new();
    place.ci.put(FakePipeline::new(7, "failure").of(HEAD));
    place
        .ci
        .put(FakePipeline::new(9, "success").of(HEAD).again(7));
    place.ci.put(FakePipeline::new(10, "failure"));
    let ran = place.run("ci wait -r acme/widget --head");
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("pipelines [9]"), "{ran:#?}");
    let ran = place.run("ci status -r acme/widget -n 7,10");
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(
        ran.out
            .starts_with("pipeline 7: failure  c0ffee00c0  http://127.0.0.1:")
    );
    let none = place.run("ci wait -r acme/widget --head -B gone");
    assert_eq!(none.code, 2, "{none:#?}");

    // Without a CI instance, by the statuses on the forge.
    let by_forge = |line: &str| {
        let mut command = place.command(line);
        command.env_remove("WOODPECKER_SERVER");
        Ran::of(command.output().unwrap())
    };
    let url = "https://ci.example.com/repos/7/pipeline/21/1";
    place
        .forge
        .set_status(HEAD, "ci/woodpecker/push/test", "success", url);
    let ran = by_forge("ci wait -r acme/widget --head -t 5");
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("[21] (instance=statuses:"), "{ran:#?}");
    let ran = by_forge("ci guard --purpose merge -r acme/widget");
    assert_eq!(ran.code, 0, "{ran:#?}");
    place
        .forge
        .set_status(HEAD, "ci/woodpecker/push/test", "failure", url);
    let ran = by_forge("ci guard --purpose merge -r acme/widget");
    assert_eq!(ran.code, 1, "{ran:#?}");
    // It knows no numbers.
    assert_eq!(by_forge("ci wait -r acme/widget -n 21").code, 2);
}

#[test]
fn a_branch_is_guarded() {
    let place = Place::new();
    let guard = |more: &str| place.run(&format!("ci guard -r acme/widget {more}"));
    let pull = |number, status| {
        FakePipeline::new(number, status)
            .of(HEAD)
            .by("pull_request")
    };
    place.ci.put(pull(6, "running"));
    let skipped = guard("--purpose push --grace 0");
    assert_eq!(skipped.code, 0, "{skipped:#?}");
    assert!(
        skipped
            .out
            .contains("CLEAR — acme/widget main, for a push, by env")
    );
    assert!(skipped.out.contains("has no pipeline"), "{skipped:#?}");
    assert!(skipped.out.contains("no lock"), "{skipped:#?}");

    place.ci.put(FakePipeline::new(7, "running").of(HEAD));
    let busy = guard("--purpose push -t 0");
    assert_eq!(busy.code, 3, "{busy:#?}");
    assert!(
        busy.out
            .contains("TIMEOUT after 0s — acme/widget main: pipeline 7")
    );

    place.ci.put(FakePipeline::new(7, "failure").of(HEAD));
    assert_eq!(guard("--purpose push").code, 0);
    let failed = guard("--purpose merge --json");
    assert_eq!(failed.code, 1, "{failed:#?}");
    let seen = failed.json();
    assert_eq!(seen["result"], "otherwise");
    assert_eq!(
        (&seen["head"], &seen["branch"]),
        (&json!(HEAD), &json!("main"))
    );
    assert_eq!(seen["own"][0]["status"], "failure");
    assert_eq!(seen["active"], Value::Array(Vec::new()));

    // A pipeline that is late: the push's hook is still on its way.
    place
        .forge
        .set_head("main", &HEAD.replace('c', "d"), "next");
    let mut command = place.command("ci guard -r acme/widget --purpose merge -i 1 --grace 60s");
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        told.next()
            .unwrap()
            .unwrap()
            .contains("no pipeline of the head")
    );
    place
        .ci
        .set(FakePipeline::new(8, "success").of(&HEAD.replace('c', "d")));
    assert_eq!(ended(child).code, 0);
}

#[test]
fn a_server_that_is_busy_or_broken_for_a_while_is_asked_again() {
    let place = Place::new();
    place.ci.put(FakePipeline::new(7, "success"));
    place
        .ci
        .fail([Fault::Status(503), Fault::Status(500), Fault::Proxy]);
    let ran = place.run("ci wait -r acme/widget -n 7 -i 1");
    assert_eq!(ran.code, 0, "{ran:#?}");
}

/// The tokens are in the environment only: not in what is told, not in what `ps` shows.
#[test]
fn no_token_is_shown() {
    let place = Place::new();
    place.ci.put(FakePipeline::new(7, "running").of(HEAD));
    let tokens = [TOKEN.to_owned(), place.forge.token()];
    let child = place.start("ci wait -r acme/widget -n 7 -vvv");
    let listed = std::fs::read_to_string(format!("/proc/{}/cmdline", child.id()));
    place.ci.set(FakePipeline::new(7, "success").of(HEAD));
    let mut shown = vec![format!("{:?}", ended(child)), listed.unwrap_or_default()];
    for line in [
        "ci guard -r acme/widget --purpose merge -vvv",
        "ci wait -r acme/widget --head -B gone --json -vvv",
    ] {
        shown.push(format!("{:?}", place.run(line)));
    }
    for text in shown {
        for token in &tokens {
            assert!(!text.contains(token), "{text}");
        }
    }
}
