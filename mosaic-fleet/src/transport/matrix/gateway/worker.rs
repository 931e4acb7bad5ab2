//! Does what was received, for one agent in its order, and says what became of it. What may have been
//! done before a crash is never done anew: it is asked about under its key, or said to be unknown.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::client::Patience;
use super::super::failure::named_mode;
use super::super::protocol::{
    Ack, AckState, Failure, KEY, Reference, VERSION, kind, now, transaction,
};
use super::Shared;
use super::journal::{Row, State};
use super::judge::{Deed, Told, limit};
use crate::error::{Error, Refusal, Result, Stage};
use crate::message::{Message, Sender};
use crate::options::{ResetOptions, SendOptions, StatusOptions, TailOptions};
use crate::text::one_line;

/// How long it is tried to tell what became of something, before it is tried anew.
const TELLING: Duration = Duration::from_secs(60);

/// The longest tail in a room, in bytes.
const LONGEST_TAIL: usize = 16_000;

/// Works off what comes, one after the other, until nothing more can come.
pub(super) async fn work(shared: Arc<Shared>, mut rows: mpsc::UnboundedReceiver<Row>) {
    // They end with this worker.
    let mut telling = JoinSet::new();
    while let Some(row) = rows.recv().await {
        let (event, agent) = (row.event.clone(), row.agent.clone());
        while telling.try_join_next().is_some() {}
        if let Err(error) = one(&shared, row, &mut telling).await {
            // It is in the journal, and comes again with the next start.
            tracing::error!(agent = agent.as_str(), %event, %error, "what was received is left for later");
        }
    }
}

async fn one(shared: &Arc<Shared>, row: Row, telling: &mut JoinSet<()>) -> Result<()> {
    let ack = match &row.ack {
        Some(ack) if row.state == State::Settled => ack.clone(),
        _ => {
            let ack = settle(shared, &row).await?;
            shared.journal().settled(row.number, &ack)?;
            ack
        }
    };
    // It is told beside the work: a homeserver that is away holds no agent up.
    let shared = Arc::clone(shared);
    telling.spawn(async move { tell(&shared, &row, &ack).await });
    Ok(())
}

/// Does it, and returns what is to be told, in JSON; an empty text where nothing is.
async fn settle(shared: &Shared, row: &Row) -> Result<String> {
    let again = row.state == State::Submitting;
    if row.deed == Deed::Again {
        let first = shared.journal().first_ack(row)?.unwrap_or_default();
        let Ok(mut ack) = serde_json::from_str::<Ack>(&first) else {
            return Ok(String::new());
        };
        ack.relates_to = Reference::to(&row.event);
        return written(&ack);
    }
    shared.journal().submitting(row.number)?;
    let mut ack = Ack {
        relates_to: Reference::to(&row.event),
        v: VERSION,
        id: row.id.clone(),
        agent: row.agent.clone(),
        host: shared.host.clone(),
        state: AckState::Failed,
        evidence: None,
        normalised: Vec::new(),
        attempts: 0,
        elapsed_ms: 0,
        receipt: None,
        command: None,
        error: None,
        at: 0,
    };
    match deed(shared, row, again, &mut ack).await {
        Ok(()) => {}
        Err(error) => {
            ack.state = AckState::Failed;
            ack.error = Some(Failure::of(&error));
        }
    }
    ack.at = now();
    written(&ack)
}

fn written(ack: &Ack) -> Result<String> {
    serde_json::to_string(ack).map_err(|error| {
        Error::new(
            crate::error::ErrorKind::Unexpected,
            "an ack cannot be written",
        )
        .with_source(error)
    })
}

fn unknown() -> Error {
    Error::delivery_unknown(
        Stage::KeyPressed,
        "the gateway ended while it was at it, and whether it was done is not known",
    )
    .with_hint("look at the agent (mosaic-fleet agent tail) before it is sent again")
}

fn in_time(expires_at: Option<u64>) -> Result<()> {
    match expires_at {
        Some(limit) if limit < now() => Err(Error::refused(
            Refusal::NotReady,
            "its time was over before its turn came",
        )),
        _ => Ok(()),
    }
}

async fn deed(shared: &Shared, row: &Row, again: bool, ack: &mut Ack) -> Result<()> {
    match &row.deed {
        Deed::Send {
            body,
            from,
            allow_command,
            wait_ms,
            timeout_ms,
            expires_at,
            ..
        } => {
            let keyed = shared.local.capabilities().idempotent;
            if again && !keyed {
                return Err(unknown());
            }
            // What was begun before a crash is asked about, however late.
            if !again {
                in_time(*expires_at)?;
            }
            let mut message = Message::new(body.as_str());
            if let Some(from) = from {
                message = message.with_sender(Sender::parse(from)?);
            }
            let mut options = SendOptions::new()
                .with_timeout(limit(*timeout_ms))
                .with_allow_command(*allow_command);
            options.wait = wait_ms.map(|wait| limit(Some(wait)));
            if keyed {
                options = options.with_idempotency_key(format!("mx-{}", row.event));
            }
            let receipt = shared.local.send(&row.agent, message, options).await?;
            ack.state = AckState::of(receipt.verdict);
            ack.receipt = Some(receipt.id.as_str().to_owned());
            ack.evidence = Some(receipt.evidence);
            ack.normalised = receipt.normalised;
            ack.attempts = receipt.attempts;
            ack.elapsed_ms = u64::try_from(receipt.elapsed.as_millis()).unwrap_or(u64::MAX);
        }
        Deed::Reset {
            mode,
            force,
            timeout_ms,
            expires_at,
            ..
        } => {
            if again {
                return Err(unknown());
            }
            in_time(*expires_at)?;
            let mut options = ResetOptions::new();
            options.mode = mode.as_deref().map(named_mode).transpose()?;
            options.force = *force;
            options.timeout = limit(*timeout_ms);
            let report = shared.local.reset(&row.agent, options).await?;
            ack.state = AckState::Done;
            ack.command = Some(report.command);
            ack.evidence = Some(report.evidence);
            ack.elapsed_ms = u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX);
        }
        Deed::Refuse { failure, .. } => ack.error = Some(failure.clone()),
        Deed::Tell { what } => {
            ack.command = Some(said(shared, row, *what).await?);
            ack.state = AckState::Done;
        }
        Deed::Again => {}
    }
    shared.look_again.notify_one();
    Ok(())
}

/// What a person is told who asked in the room.
async fn said(shared: &Shared, row: &Row, what: Told) -> Result<String> {
    Ok(match what {
        Told::Help => "A text goes to the agent. !status says how it is, !tail N what it shows, !reset makes it forget (operators)."
            .to_owned(),
        Told::Status => {
            let status = shared.local.status(&row.agent, StatusOptions::new()).await?;
            let question = status.question.as_deref().map(|asks| format!(": {}", one_line(asks)));
            format!("{} is {}{}", row.agent, status.state, question.unwrap_or_default())
        }
        Told::Tail(_) if !shared.config.tail_in_room => {
            "What a terminal shows is not kept in this room: mosaic-fleet agent tail shows it. `tail_in_room: true` in the roster of the agent's host changes that."
                .to_owned()
        }
        Told::Tail(lines) => {
            let options = TailOptions::new().with_lines(lines.min(200) as usize);
            let tail = shared.local.tail(&row.agent, options).await?;
            let lines: Vec<String> = tail.lines.iter().map(|line| one_line(line)).collect();
            let mut shown = lines.join("\n");
            shown.truncate(shown.floor_char_boundary(LONGEST_TAIL));
            shown
        }
    })
}

/// Puts the ack into the room, and a notice where a person reads it; again and again until it is there.
async fn tell(shared: &Shared, row: &Row, ack: &str) {
    let Ok(room) = ruma::RoomId::parse(&row.room) else {
        return;
    };
    let name = row.event.trim_start_matches('$');
    loop {
        let told = async {
            if let Some(notice) = notice(row, ack) {
                let name = transaction("notice", name);
                let patience = Patience::of(TELLING);
                let sent = shared
                    .client
                    .send(&room, kind::MESSAGE, &name, &notice, patience);
                sent.await?;
            }
            if let Ok(content) = serde_json::from_str::<serde_json::Value>(ack) {
                let name = transaction("ack", name);
                let patience = Patience::of(TELLING);
                let sent = shared
                    .client
                    .send(&room, kind::ACK, &name, &content, patience);
                sent.await?;
            }
            Ok::<_, super::super::error::MatrixError>(())
        };
        match told.await {
            Ok(()) => break,
            Err(error) if error.lasts() => {
                // Nothing that comes by itself mends that; the next start tries it again.
                tracing::error!(agent = row.agent.as_str(), %error, "what became of it cannot be told");
                return;
            }
            Err(error) => {
                tracing::warn!(agent = row.agent.as_str(), %error, "what became of it is told later");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    if let Err(error) = shared.journal().acked(row.number) {
        tracing::error!(%error, "that it was told is not written down");
    }
}

/// What a person is answered in the room, where there is something to say: a notice, which nobody
/// takes for a text to an agent.
fn notice(row: &Row, ack: &str) -> Option<serde_json::Value> {
    let ack: Ack = serde_json::from_str(ack).ok()?;
    let (Deed::Send { person: true, .. }
    | Deed::Reset { person: true, .. }
    | Deed::Refuse { person: true, .. }
    | Deed::Tell { .. }) = &row.deed
    else {
        return None;
    };
    let body = match (&row.deed, &ack.error) {
        (_, Some(error)) => {
            let hint = error
                .hint
                .as_deref()
                .map(|hint| format!(" ({})", one_line(hint)));
            format!(
                "not done: {}{}",
                one_line(&error.message),
                hint.unwrap_or_default()
            )
        }
        (Deed::Tell { .. }, None) => ack.command?,
        (Deed::Reset { .. }, None) => "it was reset".to_owned(),
        // The receipt says that it arrived; no chatter.
        _ => return None,
    };
    Some(serde_json::json!({
        "msgtype": "m.notice", "body": body, "m.mentions": {},
        "m.relates_to": {"m.in_reply_to": {"event_id": row.event}},
        KEY: {"v": VERSION, "agent": row.agent},
    }))
}
