//! How soon a host hears of output: a program prints, the host knows.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mosaic_fleet::{AgentName, TailOptions, Transport};

use crate::fleet::Fleet;
use crate::measure::{Row, Way};
use crate::raw::{rest, run};

/// How long a host that is to wait gets until it does.
const SETTLE: u64 = 60;

pub(super) async fn rows(fleet: &Fleet) -> Result<Vec<Row>> {
    Ok(vec![
        row(fleet, "prints", 0, "output event").await?,
        row(
            fleet,
            "printed",
            5000,
            "output event, 5,000 lines of history",
        )
        .await?,
    ])
}

async fn row(fleet: &Fleet, name: &str, history: u32, operation: &'static str) -> Result<Row> {
    let fifo = fleet.fixture.folder().join(name);
    run(std::process::Command::new("mkfifo").arg(&fifo))?;
    let pipe = OpenOptions::new().read(true).write(true).open(&fifo)?;
    let command = format!("exec cat '{}'", fifo.display());
    fleet
        .tmux
        .process(["new-session", "-d", "-s", name, "-n", name, &command])?;
    let pipe = Rc::new(RefCell::new(pipe));
    for number in 0..history {
        print(&pipe, number)?;
    }
    rest(300).await;
    let listener = Rc::new(RefCell::new(fleet.tmux.attach(&format!("={name}:"), true)?));
    let printing = Rc::clone(&pipe);
    let raw = Way::timed(move || {
        let (listener, pipe) = (Rc::clone(&listener), Rc::clone(&printing));
        async move {
            rest(SETTLE).await;
            let mut listener = listener.borrow_mut();
            listener.ask("display-message -p x\n", 1)?;
            let before = listener.heard();
            let started = Instant::now();
            print(&pipe, 0)?;
            listener.hear(before)?;
            Ok(started.elapsed())
        }
    });
    let (transport, name) = (fleet.connected.clone(), AgentName::new(name)?);
    let ours = Way::timed(move || {
        let (transport, name, pipe) = (transport.clone(), name.clone(), Rc::clone(&pipe));
        async move {
            let now = transport.tail(&name, TailOptions::new()).await?;
            let options = TailOptions::new()
                .with_cursor(now.next.context("no cursor")?)
                .with_wait(Duration::from_secs(10));
            let waiting = tokio::spawn(async move {
                let tail = transport.tail(&name, options).await;
                (tail, Instant::now())
            });
            rest(SETTLE).await;
            let started = Instant::now();
            print(&pipe, 1)?;
            let (tail, heard) = waiting.await?;
            ensure!(!tail?.lines.is_empty(), "nothing heard");
            Ok(heard - started)
        }
    });
    let count = fleet.names.len();
    Ok(
        Row::new(operation, count, "raw control `%output`", raw).rival(
            "library, `tail` with a wait",
            Some(1.5),
            ours,
        ),
    )
}

fn print(pipe: &Rc<RefCell<File>>, number: u32) -> Result<()> {
    Ok(writeln!(pipe.borrow_mut(), "line {number}")?)
}
