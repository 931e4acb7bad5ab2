//! The table with what one must know to read it, and its place in the README.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::raw::run;
use crate::table::Table;

const FROM: &str = "<!-- table: written by `benches --write` -->";
const TO: &str = "<!-- end of the table -->";
const FROM_1000: &str = "<!-- table of 1,000: written by `benches --agents 100,1000 --write` -->";

/// A table and its circumstances.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    arguments: &'a Arguments,
    table: &'a Table,
    circumstances: String,
}

impl<'a> Report<'a> {
    pub(crate) fn new(arguments: &'a Arguments, table: &'a Table) -> Self {
        Report {
            arguments,
            table,
            circumstances: circumstances(),
        }
    }

    /// Puts the table in the place of the one in the README. A run with large fleets has a place
    /// of its own.
    pub(crate) fn write_readme(&self) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let text = std::fs::read_to_string(&path)?;
        let large = self.arguments.agents.iter().any(|agents| *agents > 100);
        let from = if large { FROM_1000 } else { FROM };
        let (before, rest) = text.split_once(from).context("no place for the table")?;
        let (_, after) = rest.split_once(TO).context("no end of the table")?;
        std::fs::write(path, format!("{before}{from}\n\n{self}\n{TO}{after}"))?;
        Ok(())
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.arguments.words.join(" ");
        writeln!(
            f,
            "Made by `cargo run --release -p mosaic-fleet-benches -- {words}`"
        )?;
        writeln!(f, "{}\n", self.circumstances)?;
        if cfg!(debug_assertions) {
            writeln!(f, "**A debug build: these figures mean nothing.**\n")?;
        }
        write!(f, "{}", self.table)
    }
}

/// Machine, date and load, as far as they can be told.
fn circumstances() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let said = |program: &str, arguments: &[&str]| {
        run(Command::new(program).args(arguments))
            .map(|text| String::from_utf8_lossy(&text).trim().to_owned())
            .unwrap_or_default()
    };
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!(
        "on {model}, {cores} cores, {}, {}, {}; load when it ended: {}.",
        said("uname", &["-sr"]),
        said("tmux", &["-V"]),
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        load.join(" ")
    )
}
