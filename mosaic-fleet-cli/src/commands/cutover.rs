//! `cutover`: agents that somebody else started become agents of this fleet, one by one.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use comfy_table::Color;
use futures::FutureExt;
use futures::channel::oneshot;
use mosaic_fleet::fleet::{CutoverKind, CutoverPlan, CutoverStep, LifeOptions, Recycled};
use mosaic_fleet::roster::StepKind;
use mosaic_fleet::supervise::HolderState;
use mosaic_fleet::{AgentName, AgentState, Error, ErrorKind, Fleet, Receipt, Result};
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::life::line;
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// Bring agents that run into this fleet: each is stopped and started anew, when you say so
///
/// What they show is saved first, in $XDG_STATE_HOME/mosaic-fleet/cutover. Agents that are this fleet's already,
/// and those that are not in the roster, are left alone. You can stop half-way, and run it again to go on.
#[derive(Debug, Args)]
pub(crate) struct Cutover {
    /// Which agents; all that run without any
    #[arg(value_name = "NAME")]
    names: Vec<AgentName>,
    /// Show who runs and what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; agents that are busy are left for later
    #[arg(long)]
    yes: bool,
    /// Interrupt agents that are busy as well, without asking once more
    #[arg(long)]
    force: bool,
}

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    All,
    Quit,
}

/// What became of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Recycled,
    Failed,
    /// It was this fleet's by the time, or did not run any more.
    AsItWas,
    /// It is busy.
    Skipped,
    /// No was said.
    Declined,
    /// Nobody came to it.
    NotReached,
}

struct Row {
    agent: AgentName,
    became: Became,
    recycled: Option<Recycled>,
}

/// A row for programs.
#[derive(Serialize)]
struct Shown<'a> {
    agent: &'a AgentName,
    became: Became,
    saved: Option<&'a Path>,
    state: Option<AgentState>,
    question: Option<&'a str>,
    kickstart: Option<&'a Receipt>,
    error: Option<&'a Error>,
}

impl Row {
    fn new(agent: &AgentName, became: Became) -> Self {
        Row {
            agent: agent.clone(),
            became,
            recycled: None,
        }
    }

    fn shown(&self) -> Shown<'_> {
        let outcome = self.recycled.as_ref().map(|life| &life.outcome);
        let saved = self
            .recycled
            .as_ref()
            .and_then(|life| life.saved.as_deref());
        Shown {
            agent: &self.agent,
            became: self.became,
            saved,
            state: outcome.and_then(|outcome| outcome.state),
            question: outcome.and_then(|outcome| outcome.question.as_deref()),
            kickstart: outcome.and_then(|outcome| outcome.kickstart.as_ref()),
            error: outcome.and_then(|outcome| outcome.error.as_ref()),
        }
    }
}

#[derive(Serialize)]
struct Done<'a> {
    dry_run: bool,
    #[serde(flatten)]
    plan: &'a CutoverPlan,
    saved_in: Option<&'a Path>,
    stopped_half_way: bool,
    results: Vec<Shown<'a>>,
}

impl Cutover {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        if !self.dry_run && !self.yes && !std::io::stdin().is_terminal() {
            return Err(
                Error::invalid_argument("there is no terminal to ask on").with_hint(
                    "add --yes to go on without asking, or --dry-run to see what would be done",
                ),
            );
        }
        let fleet = session.fleet()?;
        let plan = fleet.cutover_plan(&self.names).await?;
        let output = &session.output;
        for warning in &plan.warnings {
            output.warning(warning);
        }
        if plan.steps.is_empty() {
            output.success("no agent runs\n")?;
        } else {
            output.result(&planned(output.colours(), &plan.steps))?;
        }
        let to_do: Vec<&CutoverStep> = plan
            .steps
            .iter()
            .filter(|step| step.what.is_to_do())
            .collect();
        let mut done = Vec::new();
        let mut folder = None;
        let mut half_way = false;
        if self.dry_run {
            output.success("nothing was done\n")?;
        } else if to_do.is_empty() {
            output.success("nothing to do\n")?;
        } else {
            let names: Vec<AgentName> = to_do.iter().map(|step| step.agent.clone()).collect();
            let saved = fleet.save_tails(&names).await?;
            output.success(&format!("saved what they show in {}\n", saved.display()))?;
            half_way = self
                .each(session, &fleet, &to_do, &saved, &mut done)
                .await?;
            folder = Some(saved);
        }
        self.print(session, &fleet, &plan, folder, half_way, &done)
    }

    /// Goes through the agents; true if that was ended half-way.
    async fn each(
        &self,
        session: &Session,
        fleet: &Fleet,
        steps: &[&CutoverStep],
        folder: &Path,
        done: &mut Vec<Row>,
    ) -> Result<bool> {
        let output = &session.output;
        let mut interrupts = signal(SignalKind::interrupt()).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "cannot listen for signals").with_source(error)
        })?;
        let mut all = self.yes;
        let mut quit = false;
        for planned in steps {
            let name = &planned.agent;
            quit = quit || interrupts.recv().now_or_never().is_some();
            if quit {
                done.push(Row::new(name, Became::NotReached));
                continue;
            }
            // Much may have changed while somebody thought about the one before. What is wrong with
            // another look is told by the one before the stop.
            let now = fleet.cutover_plan(std::slice::from_ref(name)).await.ok();
            let now = now.as_ref().and_then(|plan| plan.steps.first());
            let step = now.unwrap_or(planned);
            let busy = step.what == CutoverKind::Busy && !self.force;
            if busy && self.yes {
                let state = step.state;
                output.progress(&format!(
                    "{name} is {state} and left alone: run it again later, or with --force\n"
                ));
                done.push(Row::new(name, Became::Skipped));
                continue;
            }
            if step.what.is_to_do() && (busy || !all) {
                match ask(session, step, &mut interrupts).await {
                    Said::Yes => {}
                    Said::All => all = true,
                    Said::No => {
                        done.push(Row::new(name, Became::Declined));
                        continue;
                    }
                    Said::Quit => {
                        quit = true;
                        done.push(Row::new(name, Became::NotReached));
                        continue;
                    }
                }
            }
            let options = LifeOptions::new();
            let recycled = fleet
                .recycle(name, busy || self.force, folder, &options)
                .await;
            output.progress(&line(fleet, &recycled.outcome));
            done.push(Row {
                agent: name.clone(),
                became: match &recycled.outcome {
                    outcome if outcome.error.is_some() => Became::Failed,
                    outcome if outcome.what.is_idle() => Became::AsItWas,
                    _ => Became::Recycled,
                },
                recycled: Some(recycled),
            });
        }
        Ok(quit)
    }

    fn print(
        &self,
        session: &Session,
        fleet: &Fleet,
        plan: &CutoverPlan,
        folder: Option<PathBuf>,
        half_way: bool,
        done: &[Row],
    ) -> Answered {
        let output = &session.output;
        if output.is_json() {
            output.document(&Document::new(Done {
                dry_run: self.dry_run,
                plan,
                saved_in: folder.as_deref(),
                stopped_half_way: half_way,
                results: done.iter().map(Row::shown).collect(),
            }))?;
        } else if !done.is_empty() {
            output.success(&results(output.colours(), done))?;
        }
        if half_way {
            output.progress("stopped half-way; run it again to go on\n");
        }
        let any = done.iter().any(|row| row.became == Became::Recycled);
        let by_units = plan.holder.supervisor == "systemd";
        if any && by_units && plan.holder.state == HolderState::Foreign {
            output.progress(&foreign(fleet, plan.holder.pid));
        }
        let errors = done.iter().filter_map(|row| row.recycled.as_ref());
        let mut failed = false;
        for error in errors.filter_map(|life| life.outcome.error.as_ref()) {
            output.error(error);
            failed = true;
        }
        Ok(if failed { Answer::Failed } else { Answer::Done })
    }
}

/// The server outlives a cutover, and only a person can say when it is to end.
fn foreign(fleet: &Fleet, server: Option<u32>) -> String {
    let instance = fleet.transport().info().instance;
    let flag = if instance.contains('/') { "-S" } else { "-L" };
    let process = server.map_or_else(String::new, |pid| format!(" (process {pid})"));
    format!(
        "the tmux server{process} is still the one that was there; its agents are kept all the same. \
         To have one of the holder's own, end it when everybody on it is idle; the units start their agents \
         anew, and what is not in the roster ends for good: \
         tmux {flag} {instance} kill-server\n"
    )
}

async fn ask(session: &Session, step: &CutoverStep, interrupts: &mut Signal) -> Said {
    let since = step.since.map_or_else(String::new, |since| {
        format!(", since {}", human::ago(since, SystemTime::now()))
    });
    let asks = step.question.as_deref();
    let asks = asks.map_or_else(String::new, |question| format!(", asks: {question}"));
    let lost = match step.what {
        CutoverKind::Busy => "; what it is at would be lost",
        _ => "",
    };
    let (name, state) = (&step.agent, step.state);
    let question =
        format!("recycle {name} ({state}{since}{asks}{lost})? [y]es, [n]o, [a]ll, [q]uit ");
    loop {
        session.output.question(&question);
        let answer = tokio::select! {
            answer = typed() => answer,
            _ = interrupts.recv() => None,
        };
        let Some(answer) = answer else {
            session.output.question("\n");
            return Said::Quit;
        };
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Said::Yes,
            "n" | "no" => return Said::No,
            "a" | "all" => return Said::All,
            "q" | "quit" => return Said::Quit,
            _ => {}
        }
    }
}

/// A line from the terminal; none where it was closed. A thread of its own waits for it, which an
/// interrupted program does not wait for.
async fn typed() -> Option<String> {
    let (give, take) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        let line = read.ok().filter(|length| *length > 0).map(|_| line);
        // Where nobody asks any more, nobody has to know.
        let _ = give.send(line);
    });
    take.await.ok().flatten()
}

fn planned(colours: bool, steps: &[CutoverStep]) -> String {
    let mut table = human::table(colours, &["NAME", "STATE", "SINCE", "WHAT"]);
    let now = SystemTime::now();
    for step in steps {
        let since = step.since.map(|since| human::ago(since, now));
        let (words, colour) = match step.what {
            CutoverKind::Recycle => ("recycle: stop, and start anew", Some(Color::Green)),
            CutoverKind::Busy => ("busy: recycle only if that is said", Some(Color::Yellow)),
            CutoverKind::Kept => ("nothing to do: it is this fleet's", None),
            CutoverKind::Stranger => ("left alone: it is not in the roster", None),
            CutoverKind::Elsewhere => ("left alone: it is on another host", None),
            CutoverKind::Caller => (
                "left alone: this runs in it; run it from another terminal",
                Some(Color::Yellow),
            ),
            CutoverKind::NotRunning => ("nothing to do: it does not run", None),
            _ => ("", None),
        };
        table.add_row([
            human::cell(&step.agent, None, colours),
            human::cell(step.state, human::state_colour(step.state), colours),
            human::cell(since.unwrap_or_default(), None, colours),
            human::cell(words, colour, colours),
        ]);
    }
    human::rendered(table)
}

fn results(colours: bool, done: &[Row]) -> String {
    let mut table = human::table(colours, &["NAME", "RESULT", "STATE", "KICKSTART", "SAVED"]);
    for row in done {
        let outcome = row.recycled.as_ref().map(|life| &life.outcome);
        let (words, colour) = match row.became {
            Became::Recycled => ("recycled", Some(Color::Green)),
            Became::Failed => ("failed", Some(Color::Red)),
            Became::AsItWas if outcome.is_some_and(|o| o.what == StepKind::NotRunning) => {
                ("does not run", None)
            }
            Became::AsItWas => ("is this fleet's already", None),
            Became::Skipped => ("busy, left for later", Some(Color::Yellow)),
            Became::Declined => ("left as it is", None),
            Became::NotReached => ("not reached", None),
        };
        let state = outcome.and_then(|outcome| outcome.state);
        let kickstart = outcome.and_then(|outcome| outcome.kickstart.as_ref());
        let saved = row.recycled.as_ref().and_then(|life| life.saved.as_ref());
        let saved = saved.and_then(|path| path.file_name());
        table.add_row([
            human::cell(&row.agent, None, colours),
            human::cell(words, colour, colours),
            human::cell(state.map_or("", |state| state.as_str()), None, colours),
            human::cell(
                kickstart.map_or("", |receipt| receipt.verdict.as_str()),
                None,
                colours,
            ),
            human::cell(saved.unwrap_or_default().to_string_lossy(), None, colours),
        ]);
    }
    human::rendered(table)
}
