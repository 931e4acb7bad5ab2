//! Is the pane ready for a text, and if not, why not and what may be done about it: our own stranded
//! text is cleared, a person's draft is put away where the program can, nothing else is touched.

use tokio::time::Instant;

use super::command::{CommandList, command};
use super::error::TmuxError;
use super::lease::Lease;
use super::memory::Memory;
use super::paste::Deed;
use super::screen::Look;
use super::send::{Delivery, Goal, Step};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::runtime::process::Program;
use crate::runtime::{Reading, matches_any, squash};

impl Delivery<'_> {
    /// Step 1: waits until the pane can take a text. Returns what stands before the cursor of the
    /// empty composer, the prompt.
    pub(super) async fn ready(&self, lease: &mut Lease) -> Result<String> {
        let limit = self.clock.at_most(self.settle);
        let patience = Instant::now() + self.timing().settle / 3;
        let mut cleared = false;
        let mut before = None;
        loop {
            let seen = self.seen();
            let look = self.pane.look(0, self.clock.grace()).await?;
            let reading = self.pane.read(&look);
            let memory = Memory::read(&look.pasted);
            let why = match self.judge_ready(&look, &reading) {
                // Somebody of ours went away after a paste, and it may still be drawn: a text that
                // came now would be glued to it.
                Step::Done(_) if !memory.is_empty() && Instant::now() < patience => Error::refused(
                    Refusal::Draft,
                    "a text of ours is on its way to its composer",
                ),
                Step::Done(_) if self.waits && look.in_mode && self.is_watched().await? => {
                    Error::refused(Refusal::InMode, "a person is reading its history")
                }
                Step::Done(_) if look.in_mode && Instant::now() < limit => {
                    self.typist(lease).leave_mode().await?;
                    continue;
                }
                Step::Done(_) if look.in_mode => {
                    Error::refused(Refusal::InMode, "somebody enters copy mode again and again")
                }
                Step::Done(prompt) => return Ok(prompt),
                Step::Never(error) => return Err(error),
                Step::NotYet(why) => why,
            };
            let stranded = memory.is_in(reading.composer.as_ref());
            if let Some(clear) = &self.pane.manifest.clear
                && stranded
                && Instant::now() >= patience
                && !cleared
            {
                if look.in_mode {
                    self.typist(lease).leave_mode().await?;
                }
                // Once a call: for some programs the same key twice means to end.
                cleared = self.typist(lease).press(&clear.key).await? == Deed::Done;
            }
            let draft = draft_in(&reading);
            if draft.is_some() && draft == before && memory.is_empty() && Instant::now() >= patience
            {
                self.put_draft_away(lease, &look, draft.as_deref()).await?;
            }
            before = draft;
            let wake = if memory.is_empty() && (before.is_none() || self.draft.get().is_some()) {
                limit
            } else {
                patience.max(Instant::now() + self.timing().settle / 6)
            };
            if !self.next_event(lease, seen, wake, limit).await? {
                return Err(why);
            }
        }
    }

    /// Puts a person's draft away, where the program can and brings it back by itself: once, only
    /// when nobody is at the terminal, and never on top of one that was put away before.
    async fn put_draft_away(
        &self,
        lease: &Lease,
        look: &Look,
        draft: Option<&str>,
    ) -> Result<(), TmuxError> {
        let Some((stash, draft)) = self.pane.manifest.stash.as_ref().zip(draft) else {
            return Ok(());
        };
        let taken = matches_any(&stash.shown, &look.screen).is_some();
        let for_text = matches!(self.goal, Goal::Taken);
        if taken
            || !for_text
            || look.in_mode
            || self.draft.get().is_some()
            || draft == self.outgoing.squashed
            || self.is_watched().await?
        {
            return Ok(());
        }
        // Noted before the key: an answer to it may be lost.
        let _ = self.draft.set(draft.to_owned());
        self.typist(lease).press(&stash.key).await.map(drop)
    }

    /// Nothing was submitted that would bring the draft back: asks the program for it. After a paste
    /// our text may still be drawn, and the draft would be glued to it: then a person is told.
    pub(super) async fn without_loss_of_draft(&self, error: Error, lease: &Lease) -> Error {
        let stash = self.pane.manifest.stash.as_ref();
        let Some(stash) = stash.filter(|_| self.draft.get().is_some()) else {
            return error;
        };
        if error.kind() == ErrorKind::DeliveryUnknown {
            return error.with_hint(format!(
                "look at its terminal (mosaic-fleet attach); a draft that was there is put away, \
                 {} brings it back",
                stash.key
            ));
        }
        if let Ok(look) = self.pane.look(0, self.clock.grace()).await
            && let Some(composer) = self.pane.read(&look).composer
            && composer.is_empty()
        {
            // Where that fails it is still put away, and a person's key brings it back.
            let _ = self.typist(lease).press(&stash.key).await;
        }
        error
    }

    /// A person's client looks at the session, not only connections as ours.
    async fn is_watched(&self) -> Result<bool, TmuxError> {
        let session = &self.pane.row.identity.session_id;
        let format = "#{client_control_mode}";
        let list = command!["list-clients", "-t", session, "-F", format];
        let lists = [CommandList::new([list])];
        let blocks = self
            .pane
            .control
            .request(&lists, self.clock.grace())
            .await?;
        Ok(blocks
            .iter()
            .any(|block| block.text().lines().any(|mode| mode != "1")))
    }

    fn judge_ready(&self, look: &Look, reading: &Reading) -> Step {
        let name = &self.pane.manifest.name;
        let not_yet = |refusal, message: String| Step::NotYet(Error::refused(refusal, message));
        if look.dead {
            return Step::Never(
                Error::refused(Refusal::Dead, "its program has ended")
                    .with_hint("restart it (mosaic-fleet restart)"),
            );
        }
        if look.input_off {
            return Step::Never(Error::refused(
                Refusal::NotReady,
                "its terminal takes no input (select-pane -d)",
            ));
        }
        if let Some(question) = &reading.question {
            let asks = format!("it asks for an answer: {:?}", question.text);
            let error = Error::refused(Refusal::Dialog, asks)
                .with_hint("answer it (mosaic-fleet agent answer, or attach), then send again");
            return if self.waits {
                Step::NotYet(error)
            } else {
                Step::Never(error)
            };
        }
        let rows = &look.screen.rows;
        let words = self.pane.manifest.words_on_screen().into_iter();
        let mut drawn = words.filter(|words| rows.iter().any(|row| row.contains(words)));
        if let Some(words) = drawn.next() {
            let seen = format!("{words:?} is on its screen, as in a question");
            return not_yet(Refusal::Dialog, seen);
        }
        if let Program::Other(program) = self.pane.program() {
            return not_yet(
                Refusal::WrongProgram,
                format!("{name} does not run in its terminal, {program} does"),
            );
        }
        let Some(composer) = &reading.composer else {
            if matches!(self.goal, Goal::Forgotten { .. }) && reading.busy {
                return Step::NotYet(busy());
            }
            let why = if reading.busy {
                "it is busy and holds no messages"
            } else {
                "its composer is not drawn"
            };
            return not_yet(Refusal::NotReady, why.to_owned());
        };
        if !composer.is_empty() {
            return Step::NotYet(
                Error::refused(Refusal::Draft, "somebody's text is in its composer")
                    .with_hint("submit or clear it at its terminal (mosaic-fleet attach)"),
            );
        }
        if let Goal::Forgotten { force: false, .. } = self.goal
            && (reading.busy || reading.queued)
        {
            return Step::NotYet(busy());
        }
        if reading.busy && !self.pane.manifest.queues {
            return not_yet(
                Refusal::NotReady,
                "it is busy and holds no messages".to_owned(),
            );
        }
        Step::Done(look.screen.before_cursor.clone())
    }

    /// The guard did not hold between the look and the paste: says why.
    pub(super) async fn why_withheld(&self) -> Error {
        let dead = || Error::refused(Refusal::Dead, "its program ended just now");
        match self.pane.look(0, self.clock.grace()).await {
            Ok(look) => match self.judge_ready(&look, &self.pane.read(&look)) {
                Step::Never(error) | Step::NotYet(error) => error,
                Step::Done(_) => Error::refused(
                    Refusal::Locked,
                    "another sender took it over, or keys to it go to other panes as well",
                ),
            },
            Err(TmuxError::NoSession(_)) => dead(),
            Err(error) => error.into(),
        }
    }
}

fn busy() -> Error {
    Error::refused(Refusal::Busy, "it is at work, and a reset may discard that")
        .with_hint("wait for it to be idle (--wait), or force the reset (--force)")
}

/// What stands in the composer, without its blanks.
fn draft_in(reading: &Reading) -> Option<String> {
    let composer = reading.composer.as_ref()?;
    (!composer.is_empty() && !composer.scrolled && reading.question.is_none())
        .then(|| squash(&composer.text))
}
