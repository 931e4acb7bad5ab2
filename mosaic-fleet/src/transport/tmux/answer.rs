//! Answers a question: looks for it, presses the one key that its manifest knows while exactly that
//! question is drawn, and waits until it is gone. Nothing else here presses a key on a question.

use std::time::Duration;

use tokio::time::Instant;

use super::Inner;
use super::caller::Caller;
use super::error::TmuxError;
use super::lease::{Lease, Purpose};
use super::open::OpenPane;
use super::paste::{Deed, Typist};
use super::screen::Look;
use super::send::Clock;
use crate::agent::AgentName;
use crate::error::{Error, Refusal, Result, Stage};
use crate::message::{Evidence, EvidenceKind};
use crate::options::{Answer, AnswerOptions, AnswerReport};
use crate::runtime::process::Program;
use crate::runtime::{Dialog, Manifest, open_dialog};

/// A key that the guard withheld is tried again at most so often, each time after another look.
const MOST_TRIES: u32 = 5;

pub(super) async fn answer(
    inner: &Inner,
    agent: &AgentName,
    answer: Answer,
    options: &AnswerOptions,
    caller: &Caller,
) -> Result<AnswerReport> {
    let clock = Clock::start(options.timeout);
    let _turn = caller.or_gone(inner.turn(agent.as_str(), clock)).await?;
    let opening = OpenPane::agent(inner, agent, clock.deadline);
    let pane = caller.or_gone(opening).await?;
    let answering = Answering {
        inner,
        pane: &pane,
        answer,
        options,
        clock,
    };
    let answered = answering.run(agent, caller).await;
    inner.put_back(pane).await;
    answered
}

/// One answer under way.
struct Answering<'a> {
    inner: &'a Inner,
    pane: &'a OpenPane,
    answer: Answer,
    options: &'a AnswerOptions,
    clock: Clock,
}

/// A question and how it was answered.
struct Pressed {
    question: String,
    answer: String,
    rows: Vec<String>,
}

impl Answering<'_> {
    async fn run(&self, agent: &AgentName, caller: &Caller) -> Result<AnswerReport> {
        let expect = self.options.expect.as_deref();
        if expect.is_some_and(|words| words.trim().is_empty()) {
            return Err(Error::invalid_argument("the words to expect are empty"));
        }
        let keys = keys(&self.pane.manifest, self.answer)?;
        let config = &self.inner.server.config;
        let taking = Lease::take(
            &self.pane.control,
            &self.pane.row.identity,
            Purpose::End,
            config.timing.lease,
            self.clock.patience(),
            self.clock.deadline,
        );
        let mut lease = caller.or_gone(taking).await?;
        let answered = match self.press(&lease, &keys).await {
            Ok(pressed) => self.proven(&mut lease, pressed, agent).await,
            Err(error) => Err(error),
        };
        lease.give_back(self.clock.grace()).await;
        answered
    }

    /// Presses the key while the question is drawn.
    async fn press(&self, lease: &Lease, keys: &str) -> Result<Pressed> {
        let typist = Typist {
            server: &self.inner.server,
            control: &self.pane.control,
            identity: &self.pane.row.identity,
            lease,
            manifest: &self.pane.manifest,
            deadline: self.clock.grace(),
        };
        let gap = Duration::from_millis(self.pane.manifest.answer.gap_ms);
        let mut stood = None;
        let mut withheld: Option<Vec<String>> = None;
        let mut tries = 0;
        while tries < MOST_TRIES {
            let look = self.pane.look(0, self.clock.grace()).await?;
            let dialog = self.asked(&look)?;
            tries += 1;
            if withheld
                .as_ref()
                .is_some_and(|rows| !same(rows, &dialog.rows))
            {
                let why = format!("it asks something else now: {:?}", dialog.question);
                return Err(Error::refused(Refusal::NoQuestion, why)
                    .with_hint("see what it asks (mosaic-fleet agent tail), and decide anew"));
            }
            if !gap.is_zero() && stood.as_ref() != Some(&dialog.rows) {
                // The one gap that no event ends: measured, and the manifest's own.
                stood = Some(dialog.rows);
                tokio::time::sleep(gap).await;
                continue;
            }
            let answer = dialog.words_of(self.answer)?;
            if look.in_mode {
                typist.leave_mode().await?;
            }
            let pressed = typist.answer(keys, &dialog).await;
            if pressed.map_err(lost)? == Deed::Done {
                return Ok(Pressed {
                    question: dialog.question,
                    answer,
                    rows: dialog.rows,
                });
            }
            withheld = Some(dialog.rows);
        }
        let why = "its question changes again and again, or another sender took it over";
        Err(Error::refused(Refusal::Locked, why).with_hint("try again"))
    }

    /// The open question, unless it is none that may be answered.
    fn asked(&self, look: &Look) -> Result<Dialog<'_>> {
        let manifest = &self.pane.manifest;
        if look.dead {
            return Err(Error::refused(Refusal::Dead, "its program has ended")
                .with_hint("restart it (mosaic-fleet restart)"));
        }
        if look.input_off {
            let why = "its terminal takes no input (select-pane -d)";
            return Err(Error::refused(Refusal::NotReady, why));
        }
        if let Program::Other(program) = self.pane.program() {
            let why = format!(
                "{} does not run in its terminal, {program} does",
                manifest.name
            );
            return Err(Error::refused(Refusal::WrongProgram, why));
        }
        // Only what is drawn can be answered, whatever the program has told of itself.
        let dialog = open_dialog(manifest, &look.screen).ok_or_else(|| {
            Error::refused(Refusal::NoQuestion, "it asks nothing")
                .with_hint("see what it shows (mosaic-fleet agent tail)")
        })?;
        match &self.options.expect {
            Some(words) if !dialog.says(words) => {
                let why = format!("it asks something else: {:?}", dialog.question);
                Err(Error::refused(Refusal::NoQuestion, why)
                    .with_hint("see what it asks (mosaic-fleet agent tail), and decide anew"))
            }
            _ => Ok(dialog),
        }
    }

    /// Waits until the question is gone.
    async fn proven(
        &self,
        lease: &mut Lease,
        pressed: Pressed,
        agent: &AgentName,
    ) -> Result<AnswerReport> {
        let timing = &self.inner.server.config.timing;
        let limit = self.clock.at_most(timing.proof);
        let detail = loop {
            let seen = self.pane.control.events();
            let began = Instant::now();
            let look = self.pane.look(0, self.clock.grace()).await.map_err(lost)?;
            if self.pane.has_ended(&look) {
                return Err(unknown("its program ended after the key"));
            }
            match open_dialog(&self.pane.manifest, &look.screen) {
                None => break "the question is gone".to_owned(),
                Some(dialog) if !same(&dialog.rows, &pressed.rows) => {
                    break format!("another question is open now: {:?}", dialog.question);
                }
                Some(_) if began >= limit => {
                    return Err(unknown("its question is still open after the key"));
                }
                Some(_) => {}
            }
            lease.keep(self.clock.grace()).await.map_err(lost)?;
            let wake = limit.min(Instant::now() + timing.lease / 3);
            self.pane.control.changed(seen, wake).await;
        };
        Ok(AnswerReport::new(
            agent.clone(),
            self.inner.info().to_string(),
            pressed.question,
            pressed.answer,
            Evidence::new(EvidenceKind::Screen, detail),
            self.clock.started.elapsed(),
        ))
    }
}

/// The same question, wherever its marker stands and whatever is ticked in it.
fn same(one: &[String], other: &[String]) -> bool {
    let marks = |c: &char| !"❯›●>▶☐☑☒✔✓ ".contains(*c);
    let words = |rows: &[String]| -> Vec<String> {
        let bare = rows.iter().map(|row| row.chars().filter(marks).collect());
        bare.collect()
    };
    words(one) == words(other)
}

/// The keys of an answer, as the manifest knows them.
fn keys(manifest: &Manifest, answer: Answer) -> Result<String> {
    let rules = &manifest.answer;
    let keys = match answer {
        Answer::Choice(number) => {
            Answer::choice(number)?;
            let keys = rules.choice.as_ref();
            keys.map(|keys| keys.replace("{n}", &number.to_string()))
        }
        Answer::Deny => rules.deny.clone(),
    };
    keys.ok_or_else(|| {
        Error::unsupported(format!("answering {} with {answer}", manifest.name))
            .with_hint("answer it at its terminal (mosaic-fleet attach)")
    })
}

fn lost(error: TmuxError) -> Error {
    unknown(&format!("lost sight of it at the key: {error}")).with_source(error)
}

fn unknown(what: &str) -> Error {
    Error::delivery_unknown(Stage::KeyPressed, what)
        .with_hint("look at its terminal (mosaic-fleet agent tail) before answering again")
}
