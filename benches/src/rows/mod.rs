//! What is measured: the rows of `shared/design/09-speed.md`, each beside its floor.

mod events;
mod faces;
mod forge;
mod host;
mod looks;
mod send;
mod status;

use std::io::Write;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::fleet::Fleet;
use crate::measure::{Row, run};
use crate::table::Table;
use crate::watch;

/// Measures everything that was asked for.
pub(crate) async fn measure_all(arguments: &Arguments) -> Result<Table> {
    let mut table = Table::default();
    let cli = host::Cli::find();
    for agents in &arguments.agents {
        tell(&format!("{agents} agents: starting"))?;
        let fleet = Fleet::start(*agents).await?;
        tell(&format!("{agents} agents: {} rounds", arguments.rounds))?;
        let rounds = match *agents {
            // More rounds of a thousand agents would tell no more.
            1000.. => arguments.rounds.min(15),
            _ => arguments.rounds,
        };
        let mut looking = status::rows(&fleet, cli.as_ref());
        looking.extend(looks::rows(&fleet));
        let sending = send::rows(&fleet, cli.as_ref())?;
        for rows in [looking, sending] {
            measure(arguments, rows, rounds, &mut table).await;
        }
        if arguments.agents.first() == Some(agents) {
            let rows = events::rows(&fleet).await?;
            measure(arguments, rows, rounds, &mut table).await;
        }
        if arguments.wants("watcher") {
            table.figures.extend(watch::figures(&fleet)?);
        }
    }
    tell("the host")?;
    let rows = host::rows(cli.as_ref())?;
    measure(arguments, rows, arguments.rounds, &mut table).await;
    tell("forge and CI")?;
    let rows = forge::rows(cli.as_ref())?;
    measure(arguments, rows, arguments.rounds, &mut table).await;
    if arguments.wants("binding") {
        tell("the bindings")?;
        let (rows, missing) = faces::rows()?;
        table.notes.extend(missing);
        measure(arguments, rows, arguments.rounds, &mut table).await;
        table.figures.extend(faces::figures());
    }
    if arguments.wants("lane") {
        table.figures.extend(forge::figures().await?);
    }
    if arguments.wants("roster") {
        let figures = host::figures(cli.as_ref(), arguments.rounds)?;
        table.figures.extend(figures);
    }
    table.notes.extend(host::notes(cli.as_ref()));
    Ok(table)
}

async fn measure(arguments: &Arguments, mut rows: Vec<Row>, rounds: usize, table: &mut Table) {
    rows.retain(|row| arguments.wants(row.operation));
    let (lines, failed) = run(rows, rounds).await;
    table.lines.extend(lines);
    table.notes.extend(failed);
}

fn tell(what: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "benches: {what}")?)
}
