//! What the command costs by itself, and what needs no agents: starting, its size, the roster.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mosaic_fleet::AgentState;
use mosaic_fleet::roster::{Action, Actual, Known, Roster, plan};

use crate::fleet::program;
use crate::measure::{Row, Way, median};
use crate::raw::run;
use crate::table::Figure;

/// The command, where it is built.
#[derive(Debug, Clone)]
pub(super) struct Cli(PathBuf);

impl Cli {
    /// Looks for it next to this program.
    pub(super) fn find() -> Option<Cli> {
        let path = program().ok()?.with_file_name("mosaic-fleet");
        let output = Command::new(&path).arg("--version").output().ok()?;
        (output.status.success() && !output.stdout.is_empty()).then_some(Cli(path))
    }

    pub(super) fn command(&self) -> Command {
        Command::new(&self.0)
    }
}

/// What could not be measured, and why.
pub(super) fn notes(cli: Option<&Cli>) -> Vec<String> {
    match cli {
        Some(_) => Vec::new(),
        None => vec!["The command `mosaic-fleet` is not built: its rows are missing.".to_owned()],
    }
}

pub(super) fn rows(cli: Option<&Cli>) -> Result<Vec<Row>> {
    let Some(cli) = cli.cloned() else {
        return Ok(Vec::new());
    };
    let folder = tempfile::tempdir()?;
    let (floor, hello) = hello(folder.path())?;
    let floor_way = Way::blocking(move || {
        // The folder is there as long as the program is wanted.
        let _ = folder.path();
        run(&mut Command::new(&hello)).map(drop)
    });
    let version = Way::blocking(move || run(cli.command().arg("--version")).map(drop));
    Ok(vec![
        Row::new("start of the command", 0, floor, floor_way).rival(
            "CLI `--version`",
            Some(2.0),
            version,
        ),
    ])
}

/// A Rust program that prints a line; `/bin/true` where there is no compiler.
fn hello(folder: &Path) -> Result<(&'static str, PathBuf)> {
    let source = folder.join("hello.rs");
    std::fs::write(&source, "fn main() { println!(\"hello\"); }\n")?;
    let binary = folder.join("hello");
    let compiled = Command::new("rustc")
        .args(["-O", "-o"])
        .args([&binary, &source])
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        Ok(("a Rust hello world", binary))
    } else {
        Ok(("`/bin/true`, there is no rustc", PathBuf::from("/bin/true")))
    }
}

pub(super) fn figures(cli: Option<&Cli>, rounds: usize) -> Result<Vec<Figure>> {
    let mut figures = vec![roster(rounds)?];
    if let Some(cli) = cli {
        let size = std::fs::metadata(&cli.0)?.len();
        let megabytes = f64::from(u32::try_from(size / 1024)?) / 1024.0;
        figures.push(Figure::new(
            "size of the command",
            0,
            megabytes,
            "MB",
            Some(12.0),
        ));
    }
    Ok(figures)
}

/// A roster of a thousand agents, from text to plan.
fn roster(rounds: usize) -> Result<Figure> {
    const AGENTS: usize = 1000;
    let mut text = "version: 1\ntransport: tmux\nruntimes: {}\nagents:\n".to_owned();
    for number in 0..AGENTS {
        let _ = writeln!(
            text,
            "  - name: agent-{number}\n    class: coder\n    runtime: claude\n    env: {{NUMBER: \"{number}\"}}"
        );
    }
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let started = Instant::now();
        let roster = Roster::parse(&text, "roster.yaml", &Known::default())?;
        let names = roster.names();
        let actual: Vec<Actual> = names
            .iter()
            .step_by(2)
            .map(|name| Actual::new(name.clone(), AgentState::Idle))
            .collect();
        let plan = plan(&names, &actual, Action::Start, &[])?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        ensure!(plan.steps.len() == AGENTS, "{} steps", plan.steps.len());
    }
    let warm = times.get(1..).context("no rounds")?;
    Ok(Figure::new(
        "roster: parse, validate, plan",
        AGENTS,
        median(warm),
        "ms",
        Some(20.0),
    ))
}
