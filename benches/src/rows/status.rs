//! How everyone is, without reading composers: one listing of the whole server.

use std::rc::Rc;

use mosaic_fleet::transport::tmux::TmuxTransport;
use mosaic_fleet::{ListOptions, Transport};

use super::host::Cli;
use crate::fleet::Fleet;
use crate::measure::{Row, Way};
use crate::raw::{FIELDS, run};

pub(super) fn rows(fleet: &Fleet, cli: Option<&Cli>) -> Vec<Row> {
    let count = fleet.names.len();
    let goal = Some(if count >= 1000 { 1.15 } else { 1.3 });
    let tmux = fleet.tmux.clone();
    let bare = Way::blocking(move || tmux.process(["list-panes", "-a", "-F", FIELDS]).map(drop));
    let mut processes = Row::new("status, one-shot", count, "one `tmux list-panes -a`", bare)
        .rival("library", goal, list(&fleet.one_shot, false));
    if let Some(cli) = cli {
        let (cli, roster) = (cli.clone(), fleet.roster());
        let environment = fleet.tmux.environment.clone();
        let way = Way::blocking(move || {
            let mut command = cli.command();
            command.env_clear().envs(&environment);
            command.args(["status", "--quick", "--json", "--roster"]);
            run(command.arg(&roster)).map(drop)
        });
        processes = processes.rival("CLI", goal, way);
    }
    let mut each = Row::new(
        "status, one-shot",
        count,
        "one `tmux list-panes -a`",
        bare_listing(fleet),
    );
    let (tmux, targets) = (fleet.tmux.clone(), fleet.targets.clone());
    let a_process_an_agent = Way::blocking(move || {
        for target in &targets {
            tmux.process(["display-message", "-p", "-t", target, FIELDS])?;
        }
        Ok(())
    });
    each = each
        .rival("others: a process an agent", None, a_process_an_agent)
        .at_most(match count {
            0..100 => 10,
            100..1000 => 4,
            _ => 1,
        });
    let raw = Rc::clone(&fleet.raw);
    let line = format!("list-panes -a -F \"{FIELDS}\"\n");
    let asked = Way::blocking(move || raw.borrow_mut().ask(&line, 1).map(drop));
    let connected = Row::new(
        "status, connected",
        count,
        "raw control `list-panes -a`",
        asked,
    )
    .rival("library", Some(1.2), list(&fleet.connected, false));
    vec![processes, each, connected]
}

fn bare_listing(fleet: &Fleet) -> Way {
    let tmux = fleet.tmux.clone();
    Way::blocking(move || tmux.process(["list-panes", "-a", "-F", FIELDS]).map(drop))
}

/// The library's list of everyone.
pub(super) fn list(transport: &TmuxTransport, composer: bool) -> Way {
    let transport = transport.clone();
    Way::whole(move || {
        let transport = transport.clone();
        async move {
            let options = ListOptions::new().with_composer(composer);
            transport.list(options).await?;
            Ok(())
        }
    })
}
