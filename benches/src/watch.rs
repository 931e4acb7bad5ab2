//! What it costs to keep an eye on quiet agents: a host of its own, watched through /proc.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mosaic_fleet::transport::tmux::{Socket, TmuxConfig, TmuxTransport};
use mosaic_fleet::{AgentName, AgentState, ListOptions, StatusOptions, Transport};
use serde_json::Value;

use crate::fleet::{Fleet, catalog, program};
use crate::raw::rest;
use crate::table::Figure;

/// So many agents are watched each for itself; the others by the list.
const CLOSELY: usize = 10;

/// How long the host is left alone.
const SPAN: Duration = Duration::from_secs(5);

/// Has a host watch the fleet.
pub(crate) fn figures(fleet: &Fleet) -> Result<Vec<Figure>> {
    let environment = serde_json::to_string(&fleet.config().environment)?;
    let output = Command::new(program()?)
        .arg("watch")
        .arg(environment)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the watcher failed");
    let seen: Value = serde_json::from_slice(&output.stdout)?;
    let of = |key: &str| {
        seen[key]
            .as_f64()
            .context("the watcher said something else")
    };
    let agents = fleet.names.len();
    let figure = |what: &str, key: &str, unit, goal| -> Result<Figure> {
        Ok(Figure::new(
            format!("a watcher on quiet agents: {what}"),
            agents,
            of(key)?,
            unit,
            goal,
        ))
    };
    Ok(vec![
        figure("its CPU", "cpu", "% of a core", Some(0.5))?,
        figure("its tmux clients' CPU", "clients_cpu", "% of a core", None)?,
        figure("its memory (RSS)", "rss", "MB", Some(20.0))?,
        figure("its tmux clients' memory (PSS)", "clients_pss", "MB", None)?,
    ])
}

/// The host: a lasting connection, a list, and a long poll on each of ten agents.
pub(crate) async fn play(words: &[OsString]) -> Result<()> {
    let environment = words.first().and_then(|word| word.to_str());
    let environment: BTreeMap<String, String> =
        serde_json::from_str(environment.context("no environment")?)?;
    let mut config = TmuxConfig::new(Socket::name("test")?, environment)?;
    config.catalog = catalog()?;
    let transport = TmuxTransport::connect(config);
    let all = transport.list(ListOptions::new()).await?;
    let watched: Vec<AgentName> = all
        .into_iter()
        .filter(|agent| agent.state == AgentState::Idle)
        .map(|agent| agent.name)
        .take(CLOSELY)
        .collect();
    ensure!(!watched.is_empty(), "nobody is idle");
    for name in watched {
        let transport = transport.clone();
        let options = StatusOptions::new().with_wait(AgentState::Idle, SPAN * 3);
        tokio::spawn(async move { transport.status(&name, options).await });
    }
    rest(1500).await;
    let own = std::process::id();
    let clients = children(own);
    let before = (cpu(own), clients.iter().map(|pid| cpu(*pid)).sum::<f64>());
    tokio::time::sleep(SPAN).await;
    let after = (cpu(own), clients.iter().map(|pid| cpu(*pid)).sum::<f64>());
    let share = |seconds: f64| seconds / SPAN.as_secs_f64() * 100.0;
    let seen = serde_json::json!({
        "cpu": share(after.0 - before.0),
        "clients_cpu": share(after.1 - before.1),
        "rss": kilobytes(own, "smaps_rollup", "Rss:") / 1024.0,
        "clients_pss": clients.iter().map(|pid| kilobytes(*pid, "smaps_rollup", "Pss:")).sum::<f64>() / 1024.0,
    });
    Ok(writeln!(std::io::stdout(), "{seen}")?)
}

/// The seconds that a process has run, to the nanosecond.
fn cpu(pid: u32) -> f64 {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0.0;
    };
    let nanoseconds = |task: &Path| {
        let text = std::fs::read_to_string(task.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    let tasks = tasks.flatten().filter_map(|task| nanoseconds(&task.path()));
    tasks.sum::<f64>() / 1e9
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of = |task: &Path| std::fs::read_to_string(task.join("children")).unwrap_or_default();
    let all: Vec<String> = tasks.flatten().map(|task| of(&task.path())).collect();
    let words = all.iter().flat_map(|text| text.split_whitespace());
    words.filter_map(|word| word.parse().ok()).collect()
}

fn kilobytes(pid: u32, file: &str, field: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN)
}
