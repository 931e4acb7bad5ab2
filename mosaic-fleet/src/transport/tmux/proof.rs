//! What proves that a text did its work after the submit key: the program's own word first, the
//! screen second. Pure.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::screen::Look;
use super::send::{Goal, Proven};
use crate::events::{Word, fingerprint};
use crate::message::{Evidence, EvidenceKind, Verdict};
use crate::runtime::{Echo, Needle, Outgoing, Reading};

/// How long the program's word is waited for once the screen proves a text taken, or a conversation
/// forgotten: more than was measured on a machine that was five times too busy.
const WORD_OF_PROMPT: Duration = Duration::from_secs(2);
const WORD_OF_RESET: Duration = Duration::from_secs(5);

/// What the program itself has told of a text since the submit key.
pub(super) struct Told {
    /// Its word before the key, if it tells of itself at all.
    before: Option<Word>,
    since: SystemTime,
    proof: Option<Proof>,
}

/// The program's word on a text.
struct Proof {
    /// Nothing where only the screen can tell whether a busy program holds the text for later.
    verdict: Option<Verdict>,
    words: String,
}

impl Told {
    pub(super) fn nothing_yet(word: Option<Word>) -> Self {
        Told {
            before: word.filter(|word| word.session().is_some()),
            since: SystemTime::now(),
            proof: None,
        }
    }

    /// The private key that the program has bound for submitting.
    pub(super) fn submit_key(&self) -> Option<&str> {
        self.before.as_ref()?.submit_key()
    }

    /// What is told from now on is told of this text.
    pub(super) fn key_goes(&mut self) {
        // An event's time has no fractions of a millisecond.
        self.since = SystemTime::now() - Duration::from_millis(1);
    }

    /// Looks for its word on the text, or on the new conversation.
    /// `was_busy`: the screen showed a turn when the key went.
    pub(super) fn hear(
        &mut self,
        word: Option<Word>,
        outgoing: &Outgoing,
        goal: Goal<'_>,
        was_busy: bool,
    ) {
        let Some(word) = word.filter(|_| self.proof.is_none()) else {
            return;
        };
        let was_busy = was_busy || self.before.as_ref().is_none_or(Word::is_busy);
        self.proof = match goal {
            Goal::Taken => {
                let prompts = word.prompts(&fingerprint(&outgoing.squashed), self.since);
                prompts.last().map(|prompt| Proof {
                    verdict: match (prompt.queued, was_busy) {
                        (true, _) => Some(Verdict::Queued),
                        (false, false) => Some(Verdict::Submitted),
                        (false, true) => None,
                    },
                    words: "the program told that it took this very text".to_owned(),
                })
            }
            Goal::Forgotten { .. } => word.began(self.since).map(|began| {
                let why = began.reason.as_deref().unwrap_or("no reason given");
                Proof {
                    verdict: Some(Verdict::Submitted),
                    words: format!("the program told that a new session began ({why})"),
                }
            }),
        };
    }

    pub(super) fn is_proof(&self) -> bool {
        self.proof.is_some()
    }

    /// How long its word may take once the screen proves it.
    pub(super) fn patience(&self, goal: Goal<'_>) -> Duration {
        match (goal, &self.before) {
            (_, None) => Duration::ZERO,
            (Goal::Taken, _) => WORD_OF_PROMPT,
            (Goal::Forgotten { .. }, _) => WORD_OF_RESET,
        }
    }

    /// What is known once the composer let go of the text; nothing while more may come.
    pub(super) fn concludes(&self, shown: Option<&Shown>, presses: u32) -> Option<Proven> {
        match &self.proof {
            Some(proof) if proof.verdict.is_some() || shown.is_some() => {
                self.at_last(shown, presses)
            }
            None if self.before.is_none() => self.at_last(shown, presses),
            _ => None,
        }
    }

    /// What is known when no more time is left: the program's word, or the screen's alone.
    pub(super) fn at_last(&self, shown: Option<&Shown>, presses: u32) -> Option<Proven> {
        let seen = shown.map(|(verdict, _)| *verdict);
        let (verdict, evidence) = match (&self.proof, shown) {
            (Some(proof), _) => (
                proof.verdict.or(seen).unwrap_or(Verdict::Submitted),
                Evidence::new(EvidenceKind::Hook, proof.words.clone()),
            ),
            (None, Some((verdict, words))) => {
                (*verdict, Evidence::new(EvidenceKind::Screen, words.clone()))
            }
            (None, None) => return None,
        };
        Some(Proven {
            verdict,
            evidence,
            presses,
        })
    }
}

/// What the screen shows of a text after the key: a verdict, and why.
pub(super) type Shown = (Verdict, String);

/// What was seen of the text in the composer, before the key.
pub(super) struct Echoed {
    pub(super) at: Instant,
    pub(super) collapsed: bool,
    /// A turn was running, and the program shows what it holds for after that.
    pub(super) busy: bool,
    /// How often the text stood above the composer already, and what stood there.
    pub(super) above: usize,
    pub(super) rows: Vec<String>,
    pub(super) history: u64,
}

/// Whether a look after the key proves that the program took the text.
pub(super) fn taken(
    look: &Look,
    reading: &Reading,
    echo: Option<&Echo>,
    before: &Echoed,
    needle: &Needle,
    worked: bool,
) -> Option<Shown> {
    let end = reading
        .composer
        .as_ref()
        .map_or(look.screen.rows.len(), |composer| composer.first_row);
    let count = needle.count(&look.screen, end, before.collapsed);
    let above = &look.screen.rows[..end.min(look.screen.rows.len())];
    let moved = look.history != before.history || above != before.rows.as_slice();
    let more = count > before.above;
    let shown = more || (count > 0 && (moved || worked) && reading.question.is_none());
    // A composer that is not there is no proof by itself: only one that gave way to a turn is.
    let emptied = match echo {
        Some(echo) => *echo == Echo::Empty,
        None => reading.busy || reading.queued || reading.question.is_some(),
    };
    if reading.queued && emptied && needle.head_is_in(above) {
        return Some((
            Verdict::Queued,
            "the program shows the text as held for after its turn".to_owned(),
        ));
    }
    if shown && emptied {
        let composer = if echo.is_some() { "emptied" } else { "closed" };
        return Some((
            Verdict::Submitted,
            format!("the composer {composer}, and the text stands above it"),
        ));
    }
    None
}
