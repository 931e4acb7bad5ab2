//! One table, made by one command: what mosaic-fleet costs, beside what the same work costs without
//! it, measured in the same run. What is measured and why is told in `README.md`.
//!
//! The program also plays two parts on its own stage: `benches agent …` is a scripted agent, and
//! `benches watch …` is the host whose idle cost is measured.

mod arguments;
mod fleet;
mod measure;
mod raw;
mod report;
mod rows;
mod table;
mod watch;

use std::ffi::OsString;
use std::io::Write;

use anyhow::Result;

fn main() -> Result<()> {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match words.first().and_then(|word| word.to_str()) {
        Some("agent") => {
            let rest = words.into_iter().skip(1);
            let code = mosaic_fleet::testing::scripted_agent::main_with_args(rest)?;
            std::process::exit(code)
        }
        Some("watch") => runtime(1)?.block_on(watch::play(words.get(1..).unwrap_or_default())),
        _ => {
            let arguments = arguments::Arguments::read(&words)?;
            let table = runtime(arguments.threads)?.block_on(rows::measure_all(&arguments))?;
            let report = report::Report::new(&arguments, &table);
            writeln!(std::io::stdout(), "{report}")?;
            if arguments.write {
                report.write_readme()?;
            }
            Ok(())
        }
    }
}

/// The runtime that the library runs on: of one thread, as in a command, or of several, as in most
/// hosts.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    Ok(builder.enable_all().build()?)
}
