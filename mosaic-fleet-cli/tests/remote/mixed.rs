//! One roster, three places: an agent here, one on a host over ssh, one behind a gateway. The same
//! commands reach all of them, and a place that is gone hides no other.

use std::fs;
use std::process::{Command, Output};

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::manifests;
use serde_json::{Value, json};

use crate::matrix::stage::{HOST, Stage};
use crate::ssh::sshd::{HOST as FAR, Sshd};

fn run(stage: &Stage, sshd: &Sshd, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mosaic-fleet"));
    command.env_clear().envs(&stage.fixture.config.environment);
    // The way to the far host is the sshd's own.
    command.env("PATH", &sshd.fixture.config.environment["PATH"]);
    command.env("MOSAIC_MATRIX_TOKEN", &stage.operator.token);
    command.args(arguments).output().unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

fn states(status: &Value) -> Vec<(String, String, Option<String>)> {
    let agents = status["agents"].as_array().unwrap().iter();
    let agents = agents.filter(|agent| agent["in_roster"] == true);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    agents
        .map(|agent| {
            (
                text(&agent["name"]).unwrap(),
                text(&agent["state"]).unwrap(),
                text(&agent["host"]),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_roster_reaches_agents_here_over_ssh_and_behind_a_gateway() {
    let mut stage = Stage::new(&["near", "afar"], Script::boxed()).await;
    stage.start_gateway();
    let sshd = Sshd::with_agent("far").await;
    let roster = json!({
        "version": 1, "tmux": {"socket_name": "test"}, "matrix": stage.block(), "runtimes": manifests(),
        "defaults": {"runtime": "scripted-box"},
        "agents": [
            {"name": "near"}, {"name": "far", "host": FAR},
            {"name": "afar", "transport": "matrix", "host": HOST},
        ],
    });
    let path = stage
        .fixture
        .folder()
        .join("config/mosaic/fleet/roster.yaml");
    fs::write(path, roster.to_string()).unwrap();

    let status = run(&stage, &sshd, &["status", "--json"]);
    let seen = document(&status);
    let expected = [
        ("near", "idle", None),
        ("far", "idle", Some(FAR)),
        ("afar", "idle", Some(HOST)),
    ]
    .map(|(name, state, host)| (name.to_owned(), state.to_owned(), host.map(str::to_owned)));
    assert_eq!(states(&seen), expected, "{seen:#}");
    assert_eq!(seen["errors"], json!([]));
    assert_eq!(status.status.code(), Some(0));

    let sent = run(
        &stage,
        &sshd,
        &[
            "agent",
            "send",
            "--all",
            "--no-preamble",
            "-m",
            "to each of you",
            "--json",
        ],
    );
    let receipts = document(&sent);
    let receipts: Vec<(&str, &str, &str)> = receipts["receipts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap();
            (
                text("agent"),
                text("transport").split(':').next().unwrap(),
                text("verdict"),
            )
        })
        .collect();
    let expected = [
        ("near", "tmux", "submitted"),
        ("far", "tmux", "submitted"),
        ("afar", "matrix", "submitted"),
    ];
    assert_eq!(receipts, expected);
    for (fixture, name) in [
        (&stage.fixture, "near"),
        (&stage.fixture, "afar"),
        (&sshd.fixture, "far"),
    ] {
        assert_eq!(fixture.took(name).unwrap(), ["to each of you"], "{name}");
    }
    for name in ["near", "far", "afar"] {
        let tail = run(&stage, &sshd, &["agent", "tail", name]);
        let shown = String::from_utf8_lossy(&tail.stdout).into_owned();
        assert!(shown.contains("to each of you"), "{name}: {shown}");
    }

    sshd.stop();
    let status = run(&stage, &sshd, &["status", "--json"]);
    let seen = document(&status);
    let now: Vec<String> = states(&seen)
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(now, ["idle", "unknown", "idle"], "{seen:#}");
    assert_eq!(seen["errors"].as_array().unwrap().len(), 1);
    assert!(seen["errors"][0]["scope"].as_str().unwrap().contains(FAR));
    assert_eq!(status.status.code(), Some(1));
    stage.kill_gateway();
    stage.door.close();
    let seen = document(&run(&stage, &sshd, &["status", "--json"]));
    let now: Vec<String> = states(&seen)
        .into_iter()
        .map(|(_, state, _)| state)
        .collect();
    assert_eq!(now, ["idle", "unknown", "unknown"], "{seen:#}");
}
