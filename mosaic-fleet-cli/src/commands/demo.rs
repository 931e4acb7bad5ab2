//! `demo`: a fleet at work in under a minute, without any model, and gone without a trace.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::time::Duration;
use std::{env, process};

use clap::Args;
use futures::FutureExt;
use mosaic_fleet::fleet::{Kickstart, LifeOptions};
use mosaic_fleet::roster::{self, CommandLine};
use mosaic_fleet::supervise::HolderState;
use mosaic_fleet::testing::scripted_agent::{Script, main_with_args, run};
use mosaic_fleet::{
    AgentName, Error, ErrorKind, Fleet, FleetOptions, Message, ResetMode, ResetOptions, Result,
    SendOptions, Sender, TailOptions, Verdict,
};
use serde::Serialize;

use super::init::check;
use super::{interrupted, life, reset, status};
use crate::app::{Answered, Session};
use crate::exit::Answer;
use crate::output::human;
use crate::output::json::Document;

/// How long a program of the demo may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// Show a fleet of three harmless programs at work; touches no configuration, leaves nothing
#[derive(Debug, Args)]
pub(crate) struct Demo {}

/// The program that the demo's agents run.
#[derive(Debug, Args)]
pub(crate) struct DemoAgent {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl DemoAgent {
    pub(crate) fn run(self) -> Answered {
        let mut script = Script::new();
        script.reply_echo = true;
        script.reset_command = Some("/clear".to_owned());
        script.dialog_on_text = Some("ask me".to_owned());
        let played = match self.arguments.is_empty() {
            true => run(&script),
            false => main_with_args(self.arguments),
        };
        match played {
            Ok(0) => Ok(Answer::Done),
            // Its code is the script's to choose, not our table's.
            Ok(code) => process::exit(code),
            Err(error) => Err(Error::invalid_argument(error.to_string()).with_source(error)),
        }
    }
}

#[derive(Serialize)]
struct Step {
    shows: &'static str,
    seen: String,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    steps: Vec<Step>,
}

impl Demo {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let folder = tempfile::Builder::new()
            .prefix("mosaic-demo-")
            .tempdir()
            .map_err(|error| Error::unavailable("no temporary folder").with_source(error))?;
        let fleet = open(session, folder.path())?;
        let mut stage = Stage {
            session,
            fleet: fleet.clone(),
            steps: Vec::new(),
        };
        let played = tokio::select! {
            played = AssertUnwindSafe(stage.play()).catch_unwind() => played,
            ended = interrupted() => Ok(ended.and_then(|()| {
                Err(Error::new(ErrorKind::Closed, "interrupted").with_operation("demo"))
            })),
        };
        // Whatever happened, nothing stays.
        let cleaned = clean_up(&fleet).await;
        match played {
            Err(panic) => resume_unwind(panic),
            Ok(played) => played?,
        }
        cleaned?;
        stage.say("nothing is left", "no server, no agent, no file\n")?;
        if session.output.is_json() {
            let steps = stage.steps;
            session
                .output
                .document(&Document::new(Report { ok: true, steps }))?;
        }
        Ok(Answer::Done)
    }
}

/// The demo's own fleet: its home, its server's socket and its programs are in `folder`.
fn open(session: &Session, folder: &Path) -> Result<Fleet> {
    let program = env::current_exe().map_err(|error| {
        Error::new(ErrorKind::Unexpected, "cannot tell where this program is").with_source(error)
    })?;
    let command = vec![program.display().to_string(), "demo-agent".to_owned()];
    let text = roster::profile("demo").unwrap_or_default();
    let text = roster::rehearsal(text, "demo", &CommandLine::Argv(command))?;
    let roster = check(session, &text, "demo")?;
    let place = folder.display().to_string();
    let mut environment = session.environment.clone();
    environment.retain(|key, _| !key.starts_with("MOSAIC_") && !key.starts_with("TMUX"));
    for key in ["HOME", "MOSAIC_HOME", "TMPDIR", "TMUX_TMPDIR"] {
        environment.insert(key.to_owned(), place.clone());
    }
    for key in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        environment.insert(key.to_owned(), place.clone());
    }
    let options = FleetOptions::from_environment(environment)
        .with_registry(session.registry.clone())
        .with_instance(folder.join("tmux").display().to_string());
    Fleet::with_roster(roster, options)
}

/// Ends the demo's server and what it runs, however far it came.
async fn clean_up(fleet: &Fleet) -> Result<()> {
    let options = LifeOptions::new().with_grace(GRACE);
    let mut last = Ok(());
    // A start that was interrupted may still be under way.
    for _ in 0..5 {
        last = fleet.stop(&[], &options, |_| {}).await.map(drop);
        let holder = fleet.status(&[], false).await?.holder;
        if holder.is_none_or(|holder| holder.state == HolderState::Down) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    last.and_then(|()| {
        Err(Error::unavailable("the demo's tmux server would not end").with_operation("demo"))
    })
}

struct Stage<'a> {
    session: &'a Session,
    fleet: Fleet,
    steps: Vec<Step>,
}

impl Stage<'_> {
    async fn play(&mut self) -> Result<()> {
        let [alpha, beta] = [AgentName::new("alpha")?, AgentName::new("beta")?];
        self.start().await?;
        self.send(&alpha).await?;
        self.talk(&alpha, &beta).await?;
        self.reset(&beta).await?;
        self.look_alike().await?;
        self.stop().await
    }

    async fn start(&mut self) -> Result<()> {
        let options = LifeOptions::new().with_kickstart(Kickstart::None);
        let outcomes = self.fleet.start(&[], &options, |_| {}).await?;
        let colours = self.session.output.colours();
        let table = life::table(colours, &outcomes);
        if let Some(error) = outcomes.into_iter().find_map(|outcome| outcome.error) {
            return Err(error);
        }
        self.say("three agents start, on a tmux server of their own", &table)?;
        // Each says by itself when it is there.
        for name in self.fleet.names() {
            self.idle(&name).await?;
        }
        let seen = self.fleet.status(&[], true).await?;
        self.say(
            "each can be asked how it is, by what its screen shows",
            &status::text(colours, &seen),
        )
    }

    async fn idle(&self, name: &AgentName) -> Result<()> {
        use mosaic_fleet::TransportExt;
        let limit = Duration::from_secs(20);
        self.fleet
            .transport()
            .wait_idle(name, limit)
            .await
            .map(drop)
    }

    async fn send(&mut self, to: &AgentName) -> Result<()> {
        let message = Message::new("Sum up issue 12 in one line.");
        let receipt = self.fleet.send(to, message, SendOptions::new()).await?;
        self.expect(
            receipt.verdict == Verdict::Submitted,
            &human::receipt(&receipt),
        )?;
        let seen = format!("{}\n", human::receipt(&receipt));
        self.say(
            "a message is delivered once, and the receipt says what proves it",
            &seen,
        )
    }

    async fn talk(&mut self, from: &AgentName, to: &AgentName) -> Result<()> {
        let host = self
            .fleet
            .sender()
            .await
            .map_or_else(|| "here".to_owned(), |own| own.host().to_owned());
        let sender = Sender::new(host, from.as_str())?;
        let message = Message::new("Please review my change.").with_sender(sender);
        let receipt = self.fleet.send(to, message, SendOptions::new()).await?;
        self.idle(to).await?;
        let tail = self
            .fleet
            .tail(to, TailOptions::new().with_lines(6))
            .await?;
        let shown = tail.lines.join("\n");
        self.expect(shown.contains(&format!("{from} -> ")), &shown)?;
        let seen = format!("{}\n{shown}\n", human::receipt(&receipt));
        self.say(
            "agents write to each other; the preamble says who, and this is what beta shows",
            &seen,
        )
    }

    async fn reset(&mut self, name: &AgentName) -> Result<()> {
        let options = ResetOptions::new().with_mode(ResetMode::Clear);
        let kickstart =
            Kickstart::Template("You are {{ name }}, the {{ class }}. Be brief.".to_owned());
        let outcome = self.fleet.reset(name, options, &kickstart).await?;
        self.expect(outcome.report.is_some(), "it was restarted")?;
        self.say(
            "a reset is done when it is proven, and a first prompt follows",
            &reset::text(&outcome),
        )
    }

    async fn look_alike(&mut self) -> Result<()> {
        let wrong = AgentName::new("alph")?;
        match self
            .fleet
            .send(&wrong, Message::new("hello"), SendOptions::new())
            .await
        {
            Err(error) if error.kind() == ErrorKind::AgentNotFound => self.say(
                "a name is matched whole, never by its beginning",
                &format!("{error}\n"),
            ),
            Err(error) => Err(error),
            Ok(receipt) => self.expect(false, &human::receipt(&receipt)),
        }
    }

    async fn stop(&mut self) -> Result<()> {
        let options = LifeOptions::new().with_grace(GRACE);
        let outcomes = self.fleet.stop(&[], &options, |_| {}).await?;
        let table = life::table(self.session.output.colours(), &outcomes);
        if let Some(error) = outcomes.into_iter().find_map(|outcome| outcome.error) {
            return Err(error);
        }
        self.say("all stop, and the server with the last", &table)
    }

    fn expect(&self, holds: bool, seen: &str) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unexpected,
            format!("not what the demo shows: {seen}"),
        )
        .with_operation("demo"))
    }

    fn say(&mut self, shows: &'static str, seen: &str) -> Result<()> {
        let number = self.steps.len() + 1;
        let mut text = format!("{number}. {shows}\n");
        for line in seen.lines() {
            text.push_str(format!("     {line}").trim_end());
            text.push('\n');
        }
        self.session.output.result(&text)?;
        let seen = seen.to_owned();
        self.steps.push(Step { shows, seen });
        Ok(())
    }
}
