//! What a call costs through each binding: the status of a fleet in memory, which waits for nothing.
//!
//! Each binding's caller (`benches/callers`) is a process of its own that is told how often to call
//! and answers with the time that took. Rust, in this process, is the floor.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mosaic_fleet::{Fleet, Registry, wire};
use serde_json::json;

use crate::measure::{Row, Way};
use crate::raw::run;
use crate::table::Figure;

/// The fleet's size.
const AGENTS: usize = 100;

/// Calls in one sample: enough for a clock, few enough for many rounds.
const CALLS: u32 = 200;

/// The operations: one whose answer is large, and one whose answer is nearly nothing.
const OPERATIONS: [(&str, &str); 2] = [
    ("status", "binding: status in memory"),
    ("names", "binding: a call of nearly nothing"),
];

/// The rows, and what is missing of the bindings.
pub(super) fn rows() -> Result<(Vec<Row>, Vec<String>)> {
    let mut callers = Vec::new();
    let mut missing = Vec::new();
    let made = [("C", c()), ("Node", node()), ("Python", python())];
    for (name, caller) in made {
        match caller.and_then(|command| Caller::start(name, command)) {
            Ok(caller) => callers.push(Rc::new(RefCell::new(caller))),
            Err(error) => {
                missing.push(format!("The binding for {name} is not measured: {error:#}"));
            }
        }
    }
    let mut rows = Vec::new();
    for (operation, words) in OPERATIONS {
        let fleet = fleet()?;
        let floor = Way::timed({
            let fleet = fleet.clone();
            move || rust(fleet.clone(), operation)
        });
        let json = Way::timed(move || through_json(fleet.clone(), operation));
        let mut row = Row::new(words, AGENTS, "Rust", floor).rival("JSON, in Rust", None, json);
        for caller in &callers {
            let name = caller.borrow().name;
            let caller = caller.clone();
            let way = Way::timed(move || {
                let took = caller.borrow_mut().ask(operation);
                async move { took }
            });
            row = row.rival(name, None, way);
        }
        rows.push(row);
    }
    Ok((rows, missing))
}

fn fleet() -> Result<Fleet> {
    let agents: Vec<_> = (0..AGENTS)
        .map(|number| format!("agent-{number}"))
        .collect();
    let memory = wire::open_memory(json!({ "agents": agents }))?;
    let mut registry = Registry::new();
    let scheme = wire::register(&mut registry, Arc::new(memory))?;
    Ok(wire::open(json!({ "transport": scheme }), registry)?)
}

async fn rust(fleet: Fleet, operation: &str) -> Result<Duration> {
    let began = Instant::now();
    for _ in 0..CALLS {
        match operation {
            "status" => drop(std::hint::black_box(fleet.status(&[], true).await?)),
            _ => drop(std::hint::black_box(fleet.names())),
        }
    }
    Ok(began.elapsed() / CALLS)
}

async fn through_json(fleet: Fleet, operation: &str) -> Result<Duration> {
    let began = Instant::now();
    for _ in 0..CALLS {
        let answer = wire::call(&fleet, operation, json!({}), &mut |_| ()).await?;
        std::hint::black_box(answer.to_string());
    }
    Ok(began.elapsed() / CALLS)
}

struct Caller {
    name: &'static str,
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Caller {
    fn start(name: &'static str, mut command: Command) -> Result<Self> {
        let command = command.arg(AGENTS.to_string());
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("it does not start")?;
        let answers = child.stdout.take().context("it has no output")?;
        let mut caller = Caller {
            name,
            child,
            answers: BufReader::new(answers),
        };
        // Once before it counts: the caller has loaded what it needs, or says that it cannot.
        caller.ask("names")?;
        Ok(caller)
    }

    fn ask(&mut self, operation: &str) -> Result<Duration> {
        let input = self.child.stdin.as_mut().context("it has no input")?;
        writeln!(input, "{operation} {CALLS}")?;
        input.flush()?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        ensure!(!line.is_empty(), "it ended");
        let took = Duration::from_nanos(line.trim().parse()?);
        Ok(took / CALLS)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // Its input ends, and so does it; one that hangs must not keep the benches.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What each binding weighs, as users get it: without what a debugger wants.
pub(super) fn figures() -> Vec<Figure> {
    let root = root();
    let mut sizes = vec![
        (
            "C, shared",
            root.join("target/release/libmosaic_fleet_ffi.so"),
        ),
        (
            "Node, the addon",
            root.join("bindings/node/platforms/linux-x64-gnu/mosaic-fleet.node"),
        ),
    ];
    if let Some(module) = python_module(&root) {
        sizes.push(("Python, the native half", module));
    }
    let size = |path: &Path| Some(std::fs::metadata(path).ok()?.len() / 1024);
    let sizes = sizes.into_iter().filter_map(|(what, path)| {
        let kilobytes = u32::try_from(size(&path)?).ok()?;
        let megabytes = f64::from(kilobytes) / 1024.0;
        let what = format!("size of the binding: {what}");
        Some(Figure::new(what, 0, megabytes, "MB", None))
    });
    sizes.collect()
}

/// The shared library that the wheel has put into the environment of the benches.
fn python_module(root: &Path) -> Option<PathBuf> {
    let lib = root.join("target/python-bench/lib");
    let mut folders = std::fs::read_dir(lib).ok()?.flatten();
    let packages = folders
        .next()?
        .path()
        .join("site-packages/mosaic_fleet/_native");
    let mut files = std::fs::read_dir(packages).ok()?.flatten();
    let found = files.find(|file| file.path().extension().is_some_and(|end| end == "so"));
    found.map(|file| file.path())
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn found(path: PathBuf, made_by: &str) -> Result<PathBuf> {
    ensure!(path.exists(), "{} is missing: {made_by}", path.display());
    Ok(path)
}

fn c() -> Result<Command> {
    let root = root();
    let library = root.join("target/release/libmosaic_fleet_ffi.a");
    let library = found(library, "make bench builds it")?;
    let program = root.join("target/release/bench-caller-c");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c11", "-O2", "-o"]).arg(&program);
    compiler.arg(root.join("benches/callers/caller.c"));
    compiler
        .arg("-I")
        .arg(root.join("mosaic-fleet-ffi/include"));
    compiler.arg(library).args(["-lpthread", "-ldl", "-lm"]);
    run(&mut compiler)?;
    Ok(Command::new(program))
}

fn node() -> Result<Command> {
    let root = root();
    // Beside the package, so that it is found under its own name.
    let caller = root.join("bindings/node/bench-caller.mjs");
    found(root.join("bindings/node/dist"), "make bench builds it")?;
    std::fs::copy(root.join("benches/callers/caller.mjs"), &caller)?;
    let mut command = Command::new("node");
    command.arg(caller).current_dir(root.join("bindings/node"));
    Ok(command)
}

fn python() -> Result<Command> {
    let root = root();
    let python = root.join("target/python-bench/bin/python");
    let python = found(python, "make bench builds it")?;
    let mut command = Command::new(python);
    command.arg(root.join("benches/callers/caller.py"));
    Ok(command)
}
