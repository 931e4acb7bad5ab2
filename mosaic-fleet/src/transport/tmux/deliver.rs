//! One send as its caller sees it: the text made ready, its key taken, the text typed out, the
//! receipt written. How it is typed is `send.rs`.

use super::Inner;
use super::caller::Caller;
use super::journal::{self, Entry, Scope};
use super::open::OpenPane;
use super::refuse::refuse_words_of_dialogs;
use super::send::{Clock, Goal, Manner, type_out};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::SendOptions;
use crate::runtime::prepare;

/// Delivers `message` to the open pane and says what is known of it.
pub(super) async fn deliver(
    inner: &Inner,
    pane: &OpenPane,
    agent: &AgentName,
    message: &Message,
    options: &SendOptions,
    clock: Clock,
    caller: &Caller,
) -> Result<Receipt> {
    if message.body.trim().is_empty() {
        return Err(Error::invalid_argument("the text is empty"));
    }
    let rendered = message.rendered(&inner.server.config.host, agent);
    let outgoing = prepare(&pane.manifest, &rendered, options)?;
    refuse_words_of_dialogs(pane, &outgoing)?;
    let manner = Manner {
        wait: options.wait,
        key_repeats: options.key_repeats,
        goal: Goal::Taken,
    };
    let claimed = match keyed(inner, agent, &rendered, options, clock, caller).await? {
        Some(Entry::Done(receipt)) => return Ok(*receipt),
        Some(Entry::Free(claimed)) => Some(claimed),
        None => None,
    };
    let typed = type_out(inner, pane, &outgoing, manner, clock, caller).await;
    let sent = typed.map(|proven| Receipt {
        id: ReceiptId::generate(),
        agent: agent.clone(),
        transport: inner.info().to_string(),
        verdict: proven.verdict,
        evidence: proven.evidence,
        normalised: outgoing.normalised.clone(),
        attempts: proven.presses,
        elapsed: clock.started.elapsed(),
        sent_at: clock.sent_at,
    });
    if let Some(claimed) = claimed {
        claimed.end(&sent);
    }
    if let Ok(receipt) = &sent {
        inner.held().remember(receipt, &outgoing.text, pane);
    }
    sent
}

/// Takes the caller's idempotency key, if there is one.
async fn keyed(
    inner: &Inner,
    agent: &AgentName,
    text: &str,
    options: &SendOptions,
    clock: Clock,
    caller: &Caller,
) -> Result<Option<Entry>> {
    let Some(key) = &options.idempotency_key else {
        return Ok(None);
    };
    let folder = journal::folder(&inner.server.config.environment).ok_or_else(|| {
        Error::unsupported("an idempotency key without a home folder")
            .with_hint("set HOME or XDG_STATE_HOME")
    })?;
    let scope = Scope {
        key: key.clone(),
        agent: agent.clone(),
        instance: inner.info().to_string(),
    };
    let begun = journal::begin(&folder, scope, text, clock.patience());
    caller.or_gone(begun).await.map(Some)
}
