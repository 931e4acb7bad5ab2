//! The delivery: look, paste, echo, key, proof. A text is typed at most once, only the key is
//! repeated, and what cannot be known is said to be unknown.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::Inner;
use super::caller::Caller;
use super::config::Timing;
use super::control::Events;
use super::error::TmuxError;
use super::lease::{Lease, Purpose};
use super::memory::Memory;
use super::open::OpenPane;
use super::paste::{Deed, Typist};
use super::proof::{Echoed, Shown, Told, taken};
use super::refuse::refuse_unbracketed;
use super::screen::Look;
use crate::error::{Error, ErrorKind, Result, Retry, Stage};
use crate::events::fingerprint;
use crate::message::{Evidence, EvidenceKind, Verdict};
use crate::runtime::{
    ComposerLayout, Echo, Needle, Outgoing, Pattern, Reading, echo_of, matches_any, squash,
};

/// A paste that the guard withheld is looked at again at most so often.
const MOST_TRIES: u32 = 3;

/// What proves that a text did its work.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal<'a> {
    /// The program took it.
    Taken,
    /// The program forgot its conversation: one of the patterns appeared; without patterns, the
    /// composer is empty and the command is not to be seen above it.
    Forgotten {
        proof: &'a [Pattern],
        /// A busy program is no reason to refuse.
        force: bool,
    },
}

/// How a text is typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner<'a> {
    pub(super) wait: Option<Duration>,
    pub(super) key_repeats: u32,
    pub(super) goal: Goal<'a>,
}

/// Types a text under a lease of its own, and gives the lease back.
pub(super) async fn type_out(
    inner: &Inner,
    pane: &OpenPane,
    outgoing: &Outgoing,
    manner: Manner<'_>,
    clock: Clock,
    caller: &Caller,
) -> Result<Proven> {
    let taking = Lease::take(
        &pane.control,
        &pane.row.identity,
        Purpose::Text,
        inner.server.config.timing.lease,
        clock.patience(),
        clock.deadline,
    );
    let mut lease = caller.or_gone(taking).await?;
    let delivery = Delivery {
        inner,
        pane,
        outgoing,
        goal: manner.goal,
        key_repeats: manner.key_repeats,
        settle: manner.wait.unwrap_or(inner.server.config.timing.settle),
        waits: manner.wait.is_some(),
        clock,
        caller,
        draft: OnceLock::new(),
    };
    let outcome = delivery.run(&mut lease).await;
    let outcome = match outcome {
        Ok(proven) => Ok(proven),
        Err(error) => Err(delivery.without_loss_of_draft(error, &lease).await),
    };
    lease.give_back(clock.grace()).await;
    outcome
}

/// The times of one call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    pub(super) sent_at: SystemTime,
    pub(super) started: Instant,
    pub(super) deadline: Instant,
}

impl Clock {
    pub(super) fn start(limit: Duration) -> Self {
        let started = Instant::now();
        Clock {
            sent_at: SystemTime::now(),
            started,
            deadline: started + limit,
        }
    }

    /// Until when a lease is waited for: a quarter of the time is kept for the delivery.
    pub(super) fn patience(&self) -> Instant {
        self.started + (self.deadline - self.started) * 3 / 4
    }

    /// A little more than the deadline, to tidy up.
    pub(super) fn grace(&self) -> Instant {
        self.deadline.max(Instant::now()) + Duration::from_secs(1)
    }

    pub(super) fn at_most(&self, limit: Duration) -> Instant {
        self.deadline.min(Instant::now() + limit)
    }
}

/// A verdict and what it stands on.
pub(super) struct Proven {
    pub(super) verdict: Verdict,
    pub(super) evidence: Evidence,
    pub(super) presses: u32,
}

/// When a look began, and what had happened by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    events: Events,
    began: Instant,
}

/// One delivery under way.
pub(super) struct Delivery<'a> {
    pub(super) inner: &'a Inner,
    pub(super) pane: &'a OpenPane,
    pub(super) outgoing: &'a Outgoing,
    pub(super) goal: Goal<'a>,
    pub(super) key_repeats: u32,
    pub(super) settle: Duration,
    pub(super) waits: bool,
    pub(super) clock: Clock,
    pub(super) caller: &'a Caller,
    /// A person's draft that was put away for this text, without its blanks.
    pub(super) draft: OnceLock<String>,
}

/// What a waiting step makes of a look.
pub(super) enum Step {
    /// Ready; what stands before the cursor.
    Done(String),
    /// Not yet; if it stays so, this is why.
    NotYet(Error),
    Never(Error),
}

impl Delivery<'_> {
    async fn run(&self, lease: &mut Lease) -> Result<Proven> {
        let prompt = self.paste(lease).await?;
        let needle = Needle::new(&self.pane.manifest, &self.outgoing.text);
        let echoed = self.echo(lease, &prompt, &needle).await?;
        if self.caller.is_gone() {
            return Err(self.take_back(lease).await);
        }
        self.submit(lease, &prompt, &echoed, &needle).await
    }

    /// Pastes the text as soon as the pane is ready for it. Returns the prompt before it.
    async fn paste(&self, lease: &mut Lease) -> Result<String> {
        let memory = Memory::of(&self.outgoing.squashed).written();
        let mut tries = 0;
        loop {
            let prompt = self.caller.or_gone(self.ready(lease)).await?;
            refuse_unbracketed(self.pane, self.outgoing)?;
            if Instant::now() >= self.clock.deadline {
                return Err(Error::new(ErrorKind::Timeout, "it became ready too late")
                    .with_retry(Retry::Safe)
                    .with_hint("allow more time (--timeout)"));
            }
            let lost = |error| match error {
                TmuxError::File { .. } => Error::from(error),
                error => unknown(Stage::Pasted, "the paste was not answered", error),
            };
            let pasted = self.typist(lease).paste(self.outgoing, &memory).await;
            if pasted.map_err(lost)? == Deed::Done {
                return Ok(prompt);
            }
            // Something came between the look and the paste, and nothing was typed.
            tries += 1;
            if tries == MOST_TRIES {
                return Err(self.why_withheld().await);
            }
        }
    }

    /// Nobody waits for the text any more, and the composer holds it and nothing else: clears it.
    async fn take_back(&self, lease: &mut Lease) -> Error {
        if let Some(clear) = &self.pane.manifest.clear {
            // Where that fails the pane still remembers the text, and the next send clears it.
            let _ = self.typist(lease).press(&clear.key).await;
        }
        Error::delivery_unknown(Stage::Pasted, "its caller went away")
    }

    pub(super) fn typist<'b>(&'b self, lease: &'b Lease) -> Typist<'b> {
        Typist {
            server: &self.inner.server,
            control: &self.pane.control,
            identity: &self.pane.row.identity,
            lease,
            manifest: &self.pane.manifest,
            deadline: self.clock.grace(),
        }
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.inner.server.config.timing
    }

    /// Until when the program may take over our text: `limit`, and ten seconds a megabyte to draw it
    /// and for us to read that.
    pub(super) fn allow(&self, limit: Duration) -> Instant {
        let bytes = self.outgoing.text.len() as u64;
        self.clock
            .at_most(limit + Duration::from_micros(10 * bytes))
    }

    /// Waits for the next event, keeping the lease. False once `limit` has passed: a pane that never
    /// stops printing does not push it away. What happened during a look that `began` before the
    /// limit is looked at once more.
    pub(super) async fn next_event(
        &self,
        lease: &mut Lease,
        seen: Seen,
        wake: Instant,
        limit: Instant,
    ) -> Result<bool, TmuxError> {
        let renewal = Instant::now() + self.timing().lease / 3;
        let wake = wake.min(limit).min(renewal);
        let changed = self.pane.changed(seen.events, wake).await;
        if Instant::now() >= limit {
            return Ok(changed && seen.began < limit);
        }
        lease.keep(self.clock.grace()).await?;
        Ok(true)
    }

    /// What has happened by now, before a look.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            events: self.pane.control.events(),
            began: Instant::now(),
        }
    }

    /// How many lines above the screen a text of this size may reach, in a program that scrolls.
    fn reach(&self) -> usize {
        let scrolls = matches!(self.pane.manifest.composer, ComposerLayout::Prompt { .. });
        let text = &self.outgoing.text;
        let rows = text.lines().count() + text.chars().count() / 40;
        if scrolls && rows > 20 { rows + 10 } else { 0 }
    }

    /// Step 2: waits until the composer holds exactly our text.
    async fn echo(&self, lease: &mut Lease, prompt: &str, needle: &Needle) -> Result<Echoed> {
        let limit = self.allow(self.timing().echo);
        let lost = |error| unknown(Stage::Pasted, "lost sight of it after the paste", error);
        loop {
            let seen = self.seen();
            let look = self
                .pane
                .look(self.reach(), self.clock.grace())
                .await
                .map_err(lost)?;
            if self.pane.has_ended(&look) {
                return Err(Error::delivery_unknown(
                    Stage::Pasted,
                    "its program ended after the paste",
                ));
            }
            let (reading, echo) = self.compare(&look, prompt);
            let ours = echo
                .as_ref()
                .filter(|echo| echo.is_ours() && reading.question.is_none());
            if let (Some(composer), Some(echo)) = (&reading.composer, ours) {
                let collapsed = *echo == Echo::Collapsed;
                if collapsed {
                    let mut memory = Memory::of(&self.outgoing.squashed);
                    memory.collapsed = fingerprint(&squash(&composer.text));
                    let typist = self.typist(lease);
                    typist.remember(&memory.written()).await.map_err(lost)?;
                }
                return Ok(Echoed {
                    at: Instant::now(),
                    collapsed,
                    busy: reading.busy && !self.pane.manifest.queued.is_empty(),
                    above: needle.count(&look.screen, composer.first_row, collapsed),
                    rows: look.screen.rows[..composer.first_row].to_vec(),
                    history: look.history,
                });
            }
            let why = self.not_echoed(&reading, echo.as_ref());
            if !self
                .next_event(lease, seen, limit, limit)
                .await
                .map_err(lost)?
            {
                return Err(why);
            }
        }
    }

    fn compare(&self, look: &Look, prompt: &str) -> (Reading, Option<Echo>) {
        let manifest = &self.pane.manifest;
        let expected = &self.outgoing.squashed;
        let reading = self.pane.read_expecting(look, prompt, expected);
        let echo = reading
            .composer
            .as_ref()
            .map(|composer| match self.draft.get() {
                // The program brings the draft back as soon as it has taken the text.
                Some(draft) if *draft == squash(&composer.text) => Echo::Empty,
                _ => echo_of(manifest, composer, expected),
            });
        (reading, echo)
    }

    fn not_echoed(&self, reading: &Reading, echo: Option<&Echo>) -> Error {
        let why = match (&reading.question, echo) {
            (Some(question), _) => format!("a question covers its composer: {:?}", question.text),
            (None, None) => "its composer is gone".to_owned(),
            (None, Some(Echo::Empty)) => "its composer stayed empty".to_owned(),
            (None, Some(Echo::Part)) => "its composer shows only a part of the text".to_owned(),
            (None, Some(echo)) if echo.is_ours() => "the key's guard did not hold".to_owned(),
            (None, Some(_)) => "its composer shows other text as well".to_owned(),
        };
        Error::delivery_unknown(
            Stage::Pasted,
            format!("{why}; the submit key was not pressed"),
        )
        .with_hint("look at its terminal (mosaic-fleet agent tail, or attach) before sending again")
    }

    /// Step 3: presses the key and waits for the proof; repeats only the key, and only while the
    /// composer still holds exactly our text.
    async fn submit(
        &self,
        lease: &mut Lease,
        prompt: &str,
        echoed: &Echoed,
        needle: &Needle,
    ) -> Result<Proven> {
        let manifest = &self.pane.manifest;
        let gap = Duration::from_millis(manifest.submit.gap_ms);
        let mut presses = 0;
        let mut next_press = echoed.at + gap;
        let mut worked = false;
        let mut limit = self.allow(self.timing().echo);
        // The look that showed the echo is good for the first key, unless the runtime needs a gap.
        let mut holds_ours = gap.is_zero();
        let mut is_fresh = holds_ours;
        let mut early = false;
        let mut why = None;
        let mut shown = None;
        let mut told = Told::nothing_yet(self.pane.word());
        let key = told.submit_key().unwrap_or(&manifest.submit.key).to_owned();
        loop {
            let seen = self.seen();
            let stage = if presses == 0 {
                Stage::Pasted
            } else {
                Stage::KeyPressed
            };
            if !std::mem::take(&mut is_fresh) {
                let look = self
                    .pane
                    .look(self.reach(), self.clock.grace())
                    .await
                    .map_err(|error| unknown(stage, "lost sight of it", error))?;
                if presses > 0 {
                    told.hear(self.pane.word(), self.outgoing, self.goal, echoed.busy);
                }
                if self.pane.has_ended(&look) && !told.is_proof() {
                    return Err(Error::delivery_unknown(stage, "its program ended")
                        .with_hint("restart it, and look at what it did before sending again"));
                }
                let (reading, echo) = self.compare(&look, prompt);
                let is_ours = echo.as_ref().is_some_and(Echo::is_ours);
                holds_ours = is_ours && reading.question.is_none();
                if holds_ours && look.in_mode {
                    let lost = |error| unknown(stage, "lost sight of it", error);
                    self.typist(lease).leave_mode().await.map_err(lost)?;
                }
                worked |= presses > 0 && (reading.busy || reading.queued);
                // At work before the key and after it: that the text is held may yet be drawn.
                early = echoed.busy && reading.busy && Instant::now() < next_press;
                if presses > 0 && !is_ours {
                    let proof = self.proof(&look, &reading, echo.as_ref(), echoed, needle, worked);
                    let fresh = shown.is_none();
                    shown = proof
                        .filter(|(verdict, _)| !(early && *verdict == Verdict::Submitted))
                        .or(shown);
                    if let Some(proven) = told.concludes(shown.as_ref(), presses) {
                        return Ok(self.proven(lease, proven).await);
                    }
                    if fresh && shown.is_some() {
                        // The screen proves it, and the program itself may still say so.
                        limit = limit.min(self.clock.at_most(told.patience(self.goal)));
                    }
                }
                why = Some(self.not_echoed(&reading, echo.as_ref()));
            }
            let may_press = holds_ours && presses <= self.key_repeats && !told.is_proof();
            if may_press && Instant::now() >= next_press {
                if presses == 0 {
                    told.key_goes();
                }
                // A private key that does nothing twice is no longer bound.
                let key = if presses < 2 {
                    &key
                } else {
                    &manifest.submit.key
                };
                let pressed = self.typist(lease).press(key).await;
                let lost = |error| unknown(Stage::KeyPressed, "no answer to the submit key", error);
                if pressed.map_err(lost)? == Deed::Done {
                    presses += 1;
                    next_press = Instant::now() + self.timing().repeat;
                    limit = self.allow(self.timing().proof);
                    continue;
                }
                // A question, another sender or a restart came between the look and the key.
                holds_ours = false;
            }
            let wake = if early || (may_press && holds_ours) {
                next_press
            } else {
                limit
            };
            let lost = |error| unknown(stage, "lost sight of it", error);
            if !self
                .next_event(lease, seen, wake, limit)
                .await
                .map_err(lost)?
            {
                // Its word on another text may have come late: what the composer holds was not taken.
                let proven = told
                    .at_last(shown.as_ref(), presses)
                    .filter(|_| !holds_ours);
                return match proven {
                    Some(proven) => Ok(self.proven(lease, proven).await),
                    None => self.unproven(presses, holds_ours, why),
                };
            }
        }
    }

    /// The verdict stands even if the pane's memory cannot be tidied.
    async fn proven(&self, lease: &Lease, proven: Proven) -> Proven {
        let _ = self.typist(lease).forget().await;
        proven
    }

    /// Whether a look after the key proves that the text did its work.
    fn proof(
        &self,
        look: &Look,
        reading: &Reading,
        echo: Option<&Echo>,
        before: &Echoed,
        needle: &Needle,
        worked: bool,
    ) -> Option<Shown> {
        let Goal::Forgotten { proof, .. } = self.goal else {
            return taken(look, reading, echo, before, needle, worked);
        };
        let composer = reading.composer.as_ref().filter(|c| c.is_empty())?;
        let above = look.screen.rows.get(..composer.first_row)?;
        // A screen that was clear before it was cleared is no less clear.
        let clear = proof.is_empty() && above.iter().all(|row| row.trim().is_empty());
        if above == before.rows.as_slice() && look.history == before.history && !clear {
            return None;
        }
        let seen = if proof.is_empty() {
            let gone = needle.count(&look.screen, composer.first_row, false) == 0;
            gone.then(|| "the composer emptied, and the command is not above it".to_owned())
        } else {
            matches_any(proof, &look.screen)
        };
        Some((Verdict::Submitted, seen?))
    }

    /// The time for a proof is over: says what is known.
    fn unproven(&self, presses: u32, holds_ours: bool, why: Option<Error>) -> Result<Proven> {
        if presses == 0 {
            return Err(why.unwrap_or_else(|| {
                Error::delivery_unknown(Stage::Pasted, "the submit key could not be pressed")
            }));
        }
        if holds_ours {
            return Err(Error::delivery_unknown(
                Stage::KeyPressed,
                format!("its composer still holds the text after {presses} submit keys"),
            )
            .with_hint("look at its terminal (mosaic-fleet attach)"));
        }
        Ok(Proven {
            verdict: Verdict::Unconfirmed,
            evidence: Evidence::new(
                EvidenceKind::None,
                "the composer no longer holds the text, and it is not to be seen above it",
            ),
            presses,
        })
    }
}

fn unknown(stage: Stage, what: &str, cause: TmuxError) -> Error {
    Error::delivery_unknown(stage, format!("{what}: {cause}"))
        .with_hint("look at its terminal (mosaic-fleet agent tail) before sending again")
        .with_source(cause)
}
