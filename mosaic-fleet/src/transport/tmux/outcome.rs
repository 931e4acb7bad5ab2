//! What became of a text that a busy program held for after its turn: the screen is looked at again.

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Inner;
use super::control::within;
use super::open::OpenPane;
use super::target::Identity;
use crate::error::{Error, Result};
use crate::message::{Evidence, EvidenceKind, Receipt, ReceiptId, Verdict};
use crate::options::DEFAULT_TIMEOUT;
use crate::runtime::Needle;

/// So many held texts are remembered; the oldest is forgotten first.
const MOST_HELD: usize = 1000;

/// How many lines above the screen the text may have scrolled to.
const REACH: usize = 200;

/// A text that was held.
#[derive(Debug, Clone)]
struct Held {
    receipt: Receipt,
    text: String,
    /// Where: a program that was started anew holds nothing.
    identity: Identity,
}

/// The held texts of a process, oldest first.
#[derive(Debug, Default)]
pub(super) struct HeldTexts(VecDeque<Held>);

impl HeldTexts {
    /// Remembers a receipt that says `Queued`.
    pub(super) fn remember(&mut self, receipt: &Receipt, text: &str, pane: &OpenPane) {
        if receipt.verdict != Verdict::Queued {
            return;
        }
        if self.0.len() == MOST_HELD {
            self.0.pop_front();
        }
        self.0.push_back(Held {
            receipt: receipt.clone(),
            text: text.to_owned(),
            identity: pane.row.identity.clone(),
        });
    }

    fn find(&mut self, id: &ReceiptId) -> Option<&mut Held> {
        self.0.iter_mut().find(|held| held.receipt.id == *id)
    }
}

/// Looks at the agent again.
pub(super) async fn outcome(inner: &Inner, id: &ReceiptId) -> Result<Receipt> {
    let held = inner.held().find(id).cloned().ok_or_else(|| {
        Error::invalid_argument(format!(
            "no such receipt {id}: no held text of this process"
        ))
    })?;
    if held.receipt.verdict != Verdict::Queued {
        return Ok(held.receipt);
    }
    let deadline = within(DEFAULT_TIMEOUT);
    let pane = OpenPane::agent(inner, &held.receipt.agent, deadline).await?;
    let judged = judge(&pane, &held, deadline).await;
    inner.put_back(pane).await;
    let mut receipt = held.receipt;
    (receipt.verdict, receipt.evidence) = judged?;
    if receipt.verdict == Verdict::Submitted
        && let Some(held) = inner.held().find(id)
    {
        held.receipt = receipt.clone();
    }
    Ok(receipt)
}

/// What a look tells of a held text.
async fn judge(pane: &OpenPane, held: &Held, deadline: Instant) -> Result<(Verdict, Evidence)> {
    let unknown = |why| {
        let evidence = Evidence::new(EvidenceKind::None, why);
        Ok((Verdict::Unconfirmed, evidence))
    };
    if pane.row.identity != held.identity {
        return unknown("the program that held it was started anew");
    }
    let look = pane.look(REACH, deadline).await?;
    let reading = pane.read(&look);
    let seen = |words| Evidence::new(EvidenceKind::Screen, words);
    if reading.queued {
        let words = "the program still shows that it holds a text";
        return Ok((Verdict::Queued, seen(words)));
    }
    let end = reading.composer.as_ref();
    let end = end.map_or(look.screen.rows.len(), |composer| composer.first_row);
    let needle = Needle::new(&pane.manifest, &held.text);
    if needle.count(&look.screen, end, false) == 0 {
        return unknown("nothing is held any more, and the text is not to be seen");
    }
    let words = "nothing is held any more, and the text stands above the composer";
    Ok((Verdict::Submitted, seen(words)))
}
