//! What agents show: the composers of all, and the tail of one.

use std::fmt::Write as _;
use std::rc::Rc;

use anyhow::ensure;
use mosaic_fleet::transport::tmux::TmuxTransport;
use mosaic_fleet::{TailOptions, Transport};

use super::status::list;
use crate::fleet::Fleet;
use crate::measure::{Row, Way};

/// What a tmux process takes of arguments, with some room.
const ARGUMENTS: usize = 15_000;

pub(super) fn rows(fleet: &Fleet) -> Vec<Row> {
    let mut rows = composers(fleet);
    for lines in [80, 5000] {
        rows.extend(tails(fleet, lines));
    }
    rows
}

fn composers(fleet: &Fleet) -> Vec<Row> {
    let count = fleet.names.len();
    let (tmux, targets) = (fleet.tmux.clone(), fleet.targets.clone());
    let mut processes: Vec<Vec<String>> = vec![Vec::new()];
    let mut size = 0;
    for target in &targets {
        let words = ["capture-pane", "-e", "-p", "-t", target, ";"].map(str::to_owned);
        let more: usize = words.iter().map(|word| word.len() + 1).sum();
        if size + more > ARGUMENTS {
            processes.push(Vec::new());
            size = 0;
        }
        size += more;
        if let Some(process) = processes.last_mut() {
            process.extend(words);
        }
    }
    let captures = Way::blocking(move || {
        for words in &processes {
            tmux.process(words)?;
        }
        Ok(())
    });
    let mut lines = String::new();
    for (number, target) in targets.iter().enumerate() {
        let _ = writeln!(
            lines,
            "capture-pane -e -b f{number} -t '{target}' ; show-buffer -b f{number} ; \
             delete-buffer -b f{number}"
        );
    }
    let raw = Rc::clone(&fleet.raw);
    let pipelined = Way::blocking(move || raw.borrow_mut().ask(&lines, 3 * count).map(drop));
    vec![
        Row::new(
            "composer state of all, one-shot",
            count,
            "the captures in one list of one `tmux`",
            captures,
        )
        .rival("library", Some(1.3), list(&fleet.one_shot, true)),
        Row::new(
            "composer state of all, connected",
            count,
            "the captures in one write, raw control",
            pipelined,
        )
        .rival("library", Some(1.3), list(&fleet.connected, true)),
    ]
}

fn tails(fleet: &Fleet, lines: usize) -> Vec<Row> {
    let count = fleet.names.len();
    let target = fleet.targets[0].clone();
    let start = format!("-{lines}");
    let (one_shot, connected) = match lines {
        80 => ("tail of 80 lines, one-shot", "tail of 80 lines, connected"),
        _ => (
            "tail of 5,000 lines, one-shot",
            "tail of 5,000 lines, connected",
        ),
    };
    let line = format!("capture-pane -p -t '{target}' -S {start}\n");
    let tmux = fleet.tmux.clone();
    let process = Way::blocking(move || {
        let words = ["capture-pane", "-p", "-t", &target, "-S", &start];
        tmux.process(words).map(drop)
    });
    let raw = Rc::clone(&fleet.raw);
    let asked = Way::blocking(move || raw.borrow_mut().ask(&line, 1).map(drop));
    vec![
        Row::new(one_shot, count, "one `tmux capture-pane`", process).rival(
            "library",
            Some(1.15),
            tail(fleet, &fleet.one_shot, lines),
        ),
        Row::new(connected, count, "raw control `capture-pane`", asked).rival(
            "library",
            Some(1.15),
            tail(fleet, &fleet.connected, lines),
        ),
    ]
}

fn tail(fleet: &Fleet, transport: &TmuxTransport, lines: usize) -> Way {
    let (transport, name) = (transport.clone(), fleet.names[0].clone());
    Way::whole(move || {
        let (transport, name) = (transport.clone(), name.clone());
        async move {
            let options = TailOptions::new().with_lines(lines);
            let tail = transport.tail(&name, options).await?;
            ensure!(tail.lines.len() == lines, "{} lines", tail.lines.len());
            Ok(())
        }
    })
}
