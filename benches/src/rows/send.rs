//! Sending a text: to one agent, and to a hundred at once.

use std::cell::Cell;
use std::fmt::Write as _;
use std::process::Command;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Result, ensure};
use mosaic_fleet::transport::tmux::TmuxTransport;
use mosaic_fleet::{
    AgentName, AgentState, Message, SendOptions, StatusOptions, Transport, Verdict,
};

use super::host::Cli;
use crate::fleet::Fleet;
use crate::measure::{Row, Way};
use crate::raw::{Client, rest, run};

/// So many agents are sent to at once, at most.
const CROWD: usize = 100;

/// A text that no earlier one looks like.
fn text() -> String {
    thread_local!(static NUMBER: Cell<u64> = const { Cell::new(0) });
    let number = NUMBER.with(|number| {
        number.set(number.get() + 1);
        number.get()
    });
    format!("message number {number} please take it")
}

pub(super) fn rows(fleet: &Fleet, cli: Option<&Cli>) -> Result<Vec<Row>> {
    let mut rows = one(fleet, cli)?;
    if fleet.names.len() >= CROWD {
        rows.extend(crowd(fleet));
    }
    Ok(rows)
}

fn one(fleet: &Fleet, cli: Option<&Cli>) -> Result<Vec<Row>> {
    let count = fleet.names.len();
    let last = count - 1;
    let (name, target) = (fleet.names[last].clone(), fleet.targets[last].clone());
    let transport = fleet.connected.clone();
    let settled = move || {
        let (transport, name) = (transport.clone(), name.clone());
        async move { idle(&transport, &name).await }
    };
    let name = fleet.names[last].clone();

    let listener = fleet.listen(last)?;
    let (to, rested) = (target.clone(), settled.clone());
    let attached_before = Way::timed(move || {
        let (listener, to, settled) = (Rc::clone(&listener), to.clone(), rested());
        async move {
            settled.await?;
            let mut listener = listener.borrow_mut();
            listener.ask("display-message -p x\n", 1)?;
            let started = Instant::now();
            type_raw(&mut listener, &to)?;
            Ok(started.elapsed())
        }
    });
    let (tmux, to, rested) = (fleet.tmux.clone(), target.clone(), settled.clone());
    let attached_for_it = Way::timed(move || {
        let (tmux, to, settled) = (tmux.clone(), to.clone(), rested());
        async move {
            settled.await?;
            let started = Instant::now();
            let session = to.split(':').next().unwrap_or_default();
            let mut client = tmux.attach(session, true)?;
            type_raw(&mut client, &to)?;
            Ok(started.elapsed())
        }
    });
    let (tmux, to, rested) = (fleet.tmux.clone(), target.clone(), settled.clone());
    let two_processes = Way::timed(move || {
        let (tmux, to, settled) = (tmux.clone(), to.clone(), rested());
        async move {
            settled.await?;
            let started = Instant::now();
            let text = text();
            let set = ["set-buffer", "-b", "raw", "--", &text, ";"];
            let paste = ["paste-buffer", "-p", "-d", "-b", "raw", "-t", &to];
            tmux.process(set.into_iter().chain(paste))?;
            tmux.process(["send-keys", "-t", &to, "Enter"])?;
            Ok(started.elapsed())
        }
    });
    let settled_too = settled.clone();
    let script = script(fleet, &target);
    let sleeping = Way::timed(move || {
        let (text, script, settled) = (text(), script.clone(), settled());
        async move {
            settled.await?;
            let started = Instant::now();
            run(&mut sleeper(&script, &text))?;
            Ok(started.elapsed())
        }
    });
    let mut processes = Row::new(
        "verified send, one-shot",
        count,
        "two bare `tmux`, unverified",
        two_processes,
    )
    .rival("library", Some(2.5), send(&fleet.one_shot, &name));
    if let Some(cli) = cli {
        let (cli, roster) = (cli.clone(), fleet.roster());
        let (environment, to) = (fleet.tmux.environment.clone(), name.clone());
        let way = Way::timed(move || {
            let mut command = cli.command();
            command.env_clear().envs(&environment);
            command.args(["agent", "send", to.as_str(), "-m", &text(), "--roster"]);
            command.arg(&roster);
            let settled = settled_too();
            async move {
                settled.await?;
                let started = Instant::now();
                run(&mut command)?;
                Ok(started.elapsed())
            }
        });
        processes = processes.rival("CLI", Some(2.5), way);
    }
    Ok(vec![
        Row::new(
            "verified send, connected",
            count,
            "raw paste, echo, Enter; client attached before",
            attached_before,
        )
        .rival("library", Some(2.0), send(&fleet.connected, &name)),
        Row::new(
            "verified send, connected",
            count,
            "raw paste, echo, Enter; client attached for it",
            attached_for_it,
        )
        .rival("library", Some(2.0), send(&fleet.connected, &name))
        .rival("others: fixed sleeps", None, sleeping)
        .at_most(if count >= 100 { 5 } else { 10 }),
        processes,
    ])
}

/// Types a text and the key over a raw client, as soon as the text has drawn something.
fn type_raw(client: &mut Client, target: &str) -> Result<()> {
    let before = client.heard();
    let text = text();
    let paste =
        format!("set-buffer -b raw -- \"{text}\" ; paste-buffer -p -d -b raw -t '{target}'\n");
    client.ask(&paste, 2)?;
    client.hear(before)?;
    client.ask(&format!("send-keys -t '{target}' Enter\n"), 1)?;
    Ok(())
}

fn send(transport: &TmuxTransport, name: &AgentName) -> Way {
    let (transport, name) = (transport.clone(), name.clone());
    Way::timed(move || {
        let (transport, name) = (transport.clone(), name.clone());
        async move {
            idle(&transport, &name).await?;
            let started = Instant::now();
            deliver(&transport, &name).await?;
            Ok(started.elapsed())
        }
    })
}

async fn deliver(transport: &TmuxTransport, name: &AgentName) -> Result<()> {
    let receipt = transport
        .send(name, Message::new(text()), SendOptions::new())
        .await?;
    ensure!(receipt.verdict == Verdict::Submitted, "{receipt:?}");
    Ok(())
}

/// Waits until an agent has nothing to do. Never measured.
async fn idle(transport: &TmuxTransport, name: &AgentName) -> Result<()> {
    while transport.status(name, StatusOptions::new()).await?.state != AgentState::Idle {
        rest(2).await;
    }
    Ok(())
}

fn crowd(fleet: &Fleet) -> Vec<Row> {
    let count = fleet.names.len();
    let names = fleet.names[..CROWD].to_vec();
    let targets = fleet.targets[..CROWD].to_vec();
    let (raw, to) = (Rc::clone(&fleet.raw), targets.clone());
    let one_client = Way::timed(move || {
        let mut lines = String::new();
        for target in &to {
            let _ = writeln!(
                lines,
                "set-buffer -b raw -- \"{}\" ; paste-buffer -p -d -b raw -t '{target}' ; \
                 send-keys -t '{target}' Enter",
                text()
            );
        }
        let raw = Rc::clone(&raw);
        async move {
            rest(100).await;
            let started = Instant::now();
            raw.borrow_mut().ask(&lines, 3 * CROWD)?;
            Ok(started.elapsed())
        }
    });
    let (tmux, to) = (fleet.tmux.clone(), targets);
    let a_client_each = Way::timed(move || {
        let (tmux, to) = (tmux.clone(), to.clone());
        async move {
            rest(100).await;
            let started = Instant::now();
            // One after the other: tmux dies where control clients come and go at once.
            for target in &to {
                let session = target.split(':').next().unwrap_or_default();
                type_raw(&mut tmux.attach(session, true)?, target)?;
            }
            Ok(started.elapsed())
        }
    });
    let ours = |goal| {
        let (transport, names) = (fleet.connected.clone(), names.clone());
        let way = Way::timed(move || {
            let (transport, names) = (transport.clone(), names.clone());
            async move {
                rest(100).await;
                let started = Instant::now();
                let sends = names.iter().map(|name| deliver(&transport, name));
                futures::future::try_join_all(sends).await?;
                Ok(started.elapsed())
            }
        });
        ("library", goal, way)
    };
    let row = |floor, floor_way, (name, goal, way): (&str, Option<f64>, Way)| {
        Row::new("100 verified sends at once", count, floor, floor_way)
            .rival(name, goal, way)
            .at_most(8)
    };
    vec![
        row(
            "raw paste, echo, Enter; a client each",
            a_client_each,
            ours(Some(2.0)),
        ),
        row(
            "raw and unverified, all in one write",
            one_client,
            ours(None),
        ),
    ]
}

/// What scripts do, as a script.
fn script(fleet: &Fleet, target: &str) -> Vec<(String, String)> {
    let mut environment: Vec<(String, String)> =
        fleet.tmux.environment.clone().into_iter().collect();
    environment.push(("TARGET".to_owned(), target.to_owned()));
    environment
}

fn sleeper(environment: &[(String, String)], text: &str) -> Command {
    let words = "tmux -N -u -L test set-buffer -b script -- \"$1\" \\; \
                 paste-buffer -p -d -b script -t \"$TARGET\" && sleep 0.5 && \
                 tmux -N -u -L test send-keys -t \"$TARGET\" Enter && sleep 1.2 && \
                 tmux -N -u -L test capture-pane -p -t \"$TARGET\" | grep -q \"$1\"";
    let mut command = Command::new("/bin/sh");
    command
        .env_clear()
        .envs(environment.iter().map(|(key, value)| (key, value)))
        .args(["-c", words, "sh", text]);
    command
}
