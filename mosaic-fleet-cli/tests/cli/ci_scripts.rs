//! The drop-ins for `ci-wait.sh` and `ci-queue-wait.sh`: every old flag, every exit code and the lines
//! that monitors read, with a CI and a forge of the test's own.

use std::process::Stdio;
use std::time::{Duration, Instant};

use mosaic_fleet::testing::gitea::GiteaServer;
use mosaic_fleet::testing::woodpecker::{FakePipeline, TOKEN, WoodpeckerServer};

use crate::home::{Ran, until};
use crate::lane_ci_scripts::{CI_QUEUE_WAIT, CI_WAIT, Place, REPO};
use crate::scripts::home;

fn pipelines(ci: &WoodpeckerServer, all: &[(u64, &str)]) {
    for (number, status) in all {
        ci.set(FakePipeline::new(*number, status));
    }
}

#[test]
fn flags_and_lines_of_ci_wait() {
    let home = home();
    let ci = WoodpeckerServer::start(REPO).unwrap();
    pipelines(&ci, &[(12, "success"), (13, "success"), (14, "failure")]);
    let ask = Place::new(&home).ci(&ci);
    let ran = ask.run(CI_WAIT, &["-r", REPO, "-n", "12", "-n13"]);
    assert_eq!((ran.code, &*ran.err), (0, ""), "{ran:#?}");
    assert_eq!(
        ran.out,
        "ci-wait: acme/widget pipelines [12 13] (instance=env, every 30s, timeout 3600s)\n  \
         pipeline 12 TERMINAL: success\n  pipeline 13 TERMINAL: success\nci-wait: ALL SUCCESS\n"
    );
    let ran = ask.run(
        CI_WAIT,
        &["-i", "5", "-t", "2m", "-n", "14", "-n", "12", "-r", REPO],
    );
    assert_eq!(ran.code, 1, "{ran:#?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (lines[0], lines[3]),
        (
            "ci-wait: acme/widget pipelines [14 12] (instance=env, every 5s, timeout 120s)",
            "ci-wait: all terminal, NOT all success — 14=failure 12=success"
        )
    );

    // An instance of the file, by its name and by the owner's.
    let forges = "version: 1\nowners: {acme: {ci: build}}\nci:\n  \
                  build: {server: 'URL', token_env: BUILD_TOKEN}\n  \
                  other: {server: 'http://127.0.0.1:9', token_env: BUILD_TOKEN}\n";
    home.write("mosaic/forges.yaml", &forges.replace("URL", &ci.url()));
    let named = Place::new(&home).with("BUILD_TOKEN", TOKEN);
    for more in [&["-a", "build"][..], &[], &["-a", "", "-i", "", "-t", ""]] {
        let ran = named.run(CI_WAIT, &[&["-r", REPO, "-n", "12"], more].concat());
        assert_eq!(ran.code, 0, "{more:?}: {ran:#?}");
        let header = "[12] (instance=build, every 30s, timeout 3600s)";
        assert!(ran.out.contains(header), "{ran:#?}");
    }
    // The name goes before the environment.
    let both = Place::new(&home).ci(&ci).with("BUILD_TOKEN", TOKEN);
    let ran = both.run(CI_WAIT, &["-r", REPO, "-n", "12", "-a", "build"]);
    assert!(ran.out.contains("(instance=build, "), "{ran:#?}");
}

#[test]
fn an_event_ends_a_wait_long_before_its_interval() {
    let home = home();
    let ci = WoodpeckerServer::start(REPO).unwrap();
    pipelines(&ci, &[(12, "running")]);
    let ask = Place::new(&home).ci(&ci);
    let begin = Instant::now();
    let mut command = ask.script(CI_WAIT, &["-r", REPO, "-n", "12", "-i", "1h"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    until("it listens and has looked", || {
        match (ci.streams(), ci.count("/pipelines/12")) {
            (1.., 1..) => Ok(()),
            other => Err(other),
        }
    });
    pipelines(&ci, &[(12, "success")]);
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn codes_of_ci_wait() {
    let home = home();
    let ci = WoodpeckerServer::start(REPO).unwrap();
    pipelines(&ci, &[(1, "success"), (2, "running"), (3, "killed")]);
    pipelines(&ci, &[(4, "blocked"), (5, "declined"), (6, "error")]);
    let ask = Place::new(&home).ci(&ci);
    let wait = |arguments: &[&str]| ask.run(CI_WAIT, &[&["-r", REPO], arguments].concat());
    for number in ["3", "4", "5", "6"] {
        let ran = wait(&["-n", "1", "-n", number]);
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert!(ran.out.contains("NOT all success — 1=success "), "{ran:#?}");
    }
    wait(&["-n", "4"]).fails(1, &["waits for approval"]);
    // Not in time beats ended otherwise.
    for timeout in ["0", "1"] {
        let ran = wait(&["-n", "2", "-n", "3", "-t", timeout]);
        assert_eq!(ran.code, 3, "{ran:#?}");
        let line = format!("ci-wait: TIMEOUT after {timeout}s — pending: 2\n");
        assert!(ran.out.ends_with(&line), "{ran:#?}");
    }
    for (wrong, said) in [
        (&["-r", REPO, "-n", "1", "-x"][..], "no flag -x"),
        (&["-r", REPO, "-n"], "-n needs a value"),
        (&["-r", REPO, "-n", "1", "2"], "what is \"2\"?"),
        (&["-r", REPO], "give its number with -n"),
        (&["-n", "1"], "give it with -r"),
        (&["-r", "", "-n", "1"], "give it with -r"),
        (&[], "give it with -r"),
        // One of two is not enough.
        (&["-r", REPO, "-n", "1", "-n", ""], "-n needs the number"),
        (&["-r", REPO, "-n", "one"], "one"),
        (&["-r", REPO, "-n", "-1"], "-1"),
        (&["-r", REPO, "-n", "0"], "0"),
        (&["-r", "widget", "-n", "1"], "widget"),
        (&["-r", REPO, "-n", "1", "-t", "soon"], "soon"),
        (&["-r", REPO, "-n", "1", "-i", "-5"], "-5"),
        (&["-r", REPO, "-n", "99"], "99"),
        (&["-r", REPO, "-n", "1", "-a", "nosuch"], "nosuch"),
        (&["-r", "nobody/nothing", "-n", "1"], "nobody/nothing"),
    ] {
        ask.run(CI_WAIT, wrong).fails(2, &[said]);
    }
    // Precondition: no instance, no token.
    let bare = Place::new(&home);
    let words = "cannot infer Woodpecker instance for owner 'acme' — pass -a <instance>";
    bare.run(CI_WAIT, &["-r", REPO, "-n", "1"])
        .fails(2, &[words, "forges.yaml"]);
    let no_token = Place::new(&home).with("WOODPECKER_SERVER", ci.url());
    no_token
        .run(CI_WAIT, &["-r", REPO, "-n", "1"])
        .fails(2, &["WOODPECKER_TOKEN"]);
    // It cannot be told.
    no_token
        .with("WOODPECKER_TOKEN", "wrong")
        .run(CI_WAIT, &["-r", REPO, "-n", "1"])
        .fails(4, &["hint: "]);
}

const HEAD: &str = "c0ffee0000000000000000000000000000000001";

#[test]
fn flags_and_codes_of_ci_queue_wait() {
    let home = home();
    let forge = GiteaServer::start(REPO).unwrap();
    let ci = WoodpeckerServer::start(REPO).unwrap();
    for branch in ["main", "-x y; $(touch pwned)"] {
        forge.set_head(branch, HEAD, "the head");
    }
    let set = |status: &str| ci.set(FakePipeline::new(1, status).of(HEAD));
    let ask = Place::new(&home).forge(&forge).ci(&ci);
    let guard = |arguments: &[&str]| ask.run(CI_QUEUE_WAIT, arguments);
    set("success");
    // Either form of a long flag, and of a short one.
    for line in [
        &["--purpose", "push", "-r", REPO][..],
        &["--purpose=merge", "--repo=acme/widget", "-B", "main"],
        &["-Bmain", "--purpose", "merge", "--repo", REPO, "-t5", "-i1"],
        &["--branch", "main", "--purpose=push", "-racme/widget", "--"],
        &["--branch=main", "--purpose=push", "-r", REPO, "-t", "1m"],
        &[
            "--purpose=push",
            "--timeout=9",
            "--interval",
            "2s",
            "-r",
            REPO,
        ],
        &[
            "--purpose=push",
            "--timeout",
            "9",
            "--interval=2",
            "-r",
            REPO,
        ],
        &["--purpose=push", "-r", REPO, "-B", "", "-t", "", "-i", ""],
    ] {
        let ran = guard(line);
        assert_eq!(ran.code, 0, "{line:?}: {ran:#?}");
        let words = "CLEAR — acme/widget main, for a ";
        assert!(ran.out.contains(words), "{line:?}: {ran:#?}");
    }
    // The repository of the folder.
    for line in [
        &["init", "-q"][..],
        &[
            "remote",
            "add",
            "origin",
            &format!("{}/{REPO}.git", forge.url()),
        ],
    ] {
        assert!(home.command("git").args(line).status().unwrap().success());
    }
    assert_eq!(guard(&["--purpose", "push"]).code, 0);
    // A branch that a shell would love to change is asked for as it is.
    let odd = "-x y; $(touch pwned)";
    for line in [
        &["--purpose=push", "-t0", "-B", odd][..],
        &["--purpose=push", "-t0", &format!("--branch={odd}")],
        &["--purpose=push", "-t0", &format!("-B{odd}")],
    ] {
        let ran = guard(line);
        assert!(ran.out.contains(odd), "{ran:#?}");
    }
    assert!(!home.path("work/pwned").exists());

    set("failure");
    let failed = guard(&["--purpose", "merge"]);
    assert_eq!(failed.code, 1, "{failed:#?}");
    assert!(failed.out.contains("NOT CLEAR"), "{failed:#?}");
    assert_eq!(guard(&["--purpose", "push"]).code, 0);
    set("running");
    for purpose in ["push", "merge"] {
        let late = guard(&["--purpose", purpose, "--timeout", "0"]);
        assert_eq!(late.code, 3, "{late:#?}");
        assert!(late.out.contains("TIMEOUT after 0s"), "{late:#?}");
    }
    for (wrong, said) in [
        (&["--purpose", "push", "-x"][..], "no flag -x"),
        (&["--purpose", "push", "--until=x"], "no flag --until"),
        (&["--purpose", "push", "-t"], "-t needs a value"),
        (&["--purpose", "push", "--branch"], "--branch needs a value"),
        (&["--purpose"], "--purpose needs a value"),
        (&["--purpose", "push", "main"], "what is \"main\"?"),
        (&["--purpose", "push", "--", "main"], "what is \"main\"?"),
        (&["--purpose", "push", "--", "-h"], "what is \"-h\"?"),
        (&["--purpose="], "give it with --purpose"),
        (&["-B", "main"], "give it with --purpose"),
        (&[], "give it with --purpose"),
        (&["--purpose", "pull"], "pull"),
        (&["--purpose=push", "--timeout=soon"], "soon"),
        (&["--purpose=push", "-r", "widget"], "widget"),
        (&["--purpose=push", "-B", "nosuch"], "nosuch"),
    ] {
        let ran = guard(wrong);
        ran.fails(2, &[said]);
        assert_eq!(ran.out, "", "{wrong:?}");
    }
    let refused = Place::new(&home)
        .forge(&forge)
        .with("WOODPECKER_SERVER", ci.url())
        .with("WOODPECKER_TOKEN", "wrong");
    refused
        .run(CI_QUEUE_WAIT, &["--purpose", "push"])
        .fails(4, &["hint: "]);
}
