//! Questions, answered live from the local transport to the device of whoever asked.

use std::sync::Arc;
use std::time::Duration;

use ruma::{DeviceId, OwnedUserId};

use super::super::client::Patience;
use super::super::protocol::{
    AckState, Answered, Asks, Failure, Request, Response, Shown, VERSION, kind, now, transaction,
};
use super::Shared;
use super::judge::GRACE;
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::message::ReceiptId;
use crate::options::{Cursor, ListOptions, StatusOptions, TailOptions};
use crate::text::pieces;

/// The longest part of an answer, in bytes: in JSON inside JSON it grows.
const PART: usize = 20 << 10;

/// The most lines of a tail.
const MOST_LINES: u32 = 5_000;

/// The longest that a question may wait, whatever it says.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// Answers a question, unless nobody waits for it any more.
pub(super) async fn answer(
    shared: Arc<Shared>,
    asker: OwnedUserId,
    agent: Option<AgentName>,
    request: Request,
) {
    let limit = request.expires_at.saturating_add(GRACE);
    let left = Duration::from_millis(limit.saturating_sub(now()));
    let left = left.min(LONGEST);
    let answered = tokio::time::timeout(left, answered(&shared, agent.as_ref(), &request.asks));
    let answered = match answered.await {
        Ok(Ok(Some(answered))) => answered,
        // It is another host that is asked, or too late.
        Ok(Ok(None)) | Err(_) => return,
        Ok(Err(error)) => Answered::Failed(Failure::of(&error)),
    };
    let Ok(text) = serde_json::to_string(&answered) else {
        return;
    };
    let parts = pieces(&text, PART);
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let device = <&DeviceId>::from(request.reply_device.as_str());
    for (number, text) in (1..).zip(parts) {
        let response = Response {
            v: VERSION,
            id: request.id.clone(),
            part: number,
            parts: count,
            text: text.to_owned(),
        };
        let name = transaction("res", &format!("{}-{number}", request.id));
        let patience = Patience::of(left);
        let sent =
            shared
                .client
                .to_device(&asker, device, kind::RESPONSE, &name, &response, patience);
        if let Err(error) = sent.await {
            tracing::warn!(%asker, %error, "a question is not answered");
            return;
        }
    }
}

async fn answered(
    shared: &Shared,
    agent: Option<&AgentName>,
    asks: &Asks,
) -> Result<Option<Answered>> {
    Ok(Some(match (asks, agent) {
        (Asks::Status, Some(agent)) => {
            let status = shared.local.status(agent, StatusOptions::new()).await?;
            Answered::Status(Box::new(Shown::of(&status)))
        }
        (
            Asks::Tail {
                lines,
                cursor,
                escapes,
                wait_ms,
            },
            Some(agent),
        ) => {
            let mut options = TailOptions::new().with_lines((*lines).min(MOST_LINES) as usize);
            options.cursor = cursor.as_deref().map(Cursor::parse).transpose()?;
            options.escapes = *escapes;
            options.wait = wait_ms.map(Duration::from_millis);
            let tail = shared.local.tail(agent, options).await?;
            Answered::Tail {
                lines: tail.lines,
                next: tail.next.map(|next| next.as_str().to_owned()),
                gap: tail.gap,
            }
        }
        (Asks::Outcome { receipt }, Some(_)) => {
            let receipt = ReceiptId::from_string(receipt.as_str());
            let receipt = shared.local.outcome(&receipt).await?;
            Answered::Outcome {
                state: AckState::of(receipt.verdict),
                evidence: receipt.evidence,
            }
        }
        (Asks::List { host, .. }, None) if *host != shared.host => return Ok(None),
        (Asks::List { composer, .. }, None) => {
            let options = ListOptions::new().with_composer(*composer);
            let listed = shared.local.list(options).await?;
            let served = listed
                .iter()
                .filter(|status| shared.agents.contains(&status.name));
            Answered::List(served.map(Shown::of).collect())
        }
        _ => {
            return Err(Error::unsupported("that question in this room"));
        }
    }))
}
