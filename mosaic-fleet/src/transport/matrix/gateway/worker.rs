//! Does what was received, for one agent in its order, and says what became of it. What may have been
//! done before a crash is never done anew: it is asked about under its key, or said to be unknown. A
//! transport that panics in one text breaks no other.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::client::Patience;
use super::super::error::MatrixError;
use super::super::failure::named_mode;
use super::super::protocol::{
    Ack, AckState, Failure, KEY, Reference, VERSION, kind, now, transaction,
};
use super::Shared;
use super::journal::{Row, State};
use super::judge::{Deed, GRACE, Known, Rank, Told, limit};
use crate::error::{Error, ErrorKind, Refusal, Result, Stage};
use crate::message::{Message, Sender};
use crate::options::{ResetOptions, SendOptions, StatusOptions, TailOptions};
use crate::text::one_line;

/// How long it is tried to tell what became of something, before it is tried anew.
const TELLING: Duration = Duration::from_secs(60);

/// The most of a tail that goes into a room, in bytes.
const MOST_IN_ROOM: usize = 16_000;

/// How long to wait where the journal cannot be written.
const AGAIN: Duration = Duration::from_secs(5);

/// How old what was begun may be to be asked about under its key: local journals forget keys.
const ASKED_ABOUT: u64 = 12 * 60 * 60 * 1000;

/// Works off what comes, one after the other, until nothing more can come.
pub(super) async fn work(shared: Arc<Shared>, mut rows: mpsc::UnboundedReceiver<Row>) {
    // They end with this worker.
    let mut telling = JoinSet::new();
    while let Some(mut row) = rows.recv().await {
        while telling.try_join_next().is_some() {}
        // What cannot be written down is not skipped: the next one would overtake it.
        while let Err(error) = one(&shared, &mut row, &mut telling).await {
            tracing::error!(agent = row.agent.as_str(), event = %row.event, %error, "it is tried again");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn one(shared: &Arc<Shared>, row: &mut Row, telling: &mut JoinSet<()>) -> Result<()> {
    let ack = match &row.ack {
        Some(ack) if row.state == State::Settled => ack.clone(),
        _ => {
            let Some(ack) = settle(shared, row).await? else {
                tracing::info!(agent = row.agent.as_str(), event = %row.event, "its room is not served any more");
                return shared.journal().forget(row.number);
            };
            shared.journal().settled(row.number, &ack)?;
            ack
        }
    };
    // It is told beside the work: a homeserver that is away holds no agent up.
    let (shared, row) = (Arc::clone(shared), row.clone());
    telling.spawn(async move { tell(&shared, &row, &ack).await });
    Ok(())
}

/// What the sender of a row may do now, where its room is still served for its agent: levels, lists
/// and gateways may be others than when it was received.
fn rank_now(shared: &Shared, row: &Row) -> Option<Rank> {
    let rooms = shared.served();
    let room = ruma::RoomId::parse(&row.room).ok()?;
    let served = rooms.get(&room)?;
    let known = Known {
        config: &shared.config,
        me: &shared.me,
        agent: served.agent.as_ref().filter(|agent| **agent == row.agent),
        levels: &served.levels,
        now: now(),
    };
    known.agent?;
    let sender = ruma::UserId::parse(&row.sender).ok()?;
    Some(known.rank(&sender))
}

/// Does it, and returns what is to be told, in JSON. Nothing where the row is somebody else's by now:
/// whoever serves the room finds it there.
async fn settle(shared: &Shared, row: &mut Row) -> Result<Option<String>> {
    let again = row.state == State::Submitting;
    let rank = rank_now(shared, row);
    if rank.is_none() && !again {
        return Ok(None);
    }
    let permitted = rank.is_some_and(|rank| rank >= row.deed.needs());
    if let Deed::Again { of } = row.deed {
        // It came before, and so it was settled before: each agent has one worker.
        let first = shared.journal().ack_of(of)?.unwrap_or_default();
        if let Ok(mut ack) = serde_json::from_str::<Ack>(&first) {
            ack.relates_to = Reference::to(&row.event);
            return written(&ack).map(Some);
        }
    }
    shared.journal().submitting(row.number)?;
    // From here on it may have been done, whatever fails.
    row.state = State::Submitting;
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
    let done = match (permitted, again) {
        (true, _) => {
            let done = AssertUnwindSafe(deed(shared, row, again, &mut ack)).catch_unwind();
            done.await.unwrap_or_else(|_| Err(unknown()))
        }
        // It may have been done when it was.
        (false, true) => Err(unknown()),
        (false, false) => Err(not_any_more()),
    };
    match done {
        Ok(()) => {}
        Err(error) => {
            ack.state = AckState::Failed;
            let mut failure = Failure::of(&error);
            if error.refusal() == Some(Refusal::Dialog) && !shared.config.tail_in_room {
                // Which question it is stays with the terminal.
                "it asks for an answer".clone_into(&mut failure.message);
            }
            ack.error = Some(failure);
        }
    }
    ack.at = now();
    written(&ack).map(Some)
}

fn not_any_more() -> Error {
    let what = "its sender was taken out of the lists, or lowered, before its turn came";
    Error::new(ErrorKind::PermissionDenied, what)
        .with_hint("name the account in the roster, and run `mosaic-fleet matrix provision`")
}

fn written(ack: &Ack) -> Result<String> {
    serde_json::to_string(ack).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "an ack cannot be written").with_source(error)
    })
}

fn unknown() -> Error {
    Error::delivery_unknown(
        Stage::KeyPressed,
        "the gateway broke off while it was at it, and whether it was done is not known",
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
            if again && (!keyed || row.at + ASKED_ABOUT < now()) {
                return Err(unknown());
            }
            // What was begun before a crash is asked about under its key, which types it where it was
            // not typed: too late for that, it is not known.
            in_time(*expires_at).map_err(|error| match again {
                true => unknown().with_source(error),
                false => error,
            })?;
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
            let sent = shared.local.send(&row.agent, message, options).await;
            let receipt = match sent {
                Ok(receipt) => receipt,
                // What is wrong now says nothing of what was typed before.
                Err(error) if again && error.kind() != ErrorKind::DeliveryUnknown => {
                    return Err(unknown().with_source(error));
                }
                Err(error) => return Err(error),
            };
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
            in_time(expires_at.map(|limit| limit.saturating_add(GRACE)))?;
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
        Deed::Again { .. } => return Err(unknown()),
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
            // The question may hold what is not to be kept in a room.
            format!("{} is {}", row.agent, status.state)
        }
        Told::Tail(_) if !shared.config.tail_in_room => {
            "What a terminal shows is not kept in this room: mosaic-fleet agent tail shows it. `tail_in_room: true` in the roster of the agent's host changes that."
                .to_owned()
        }
        Told::Tail(lines) => {
            let options = TailOptions::new().with_lines(lines.min(200) as usize);
            let tail = shared.local.tail(&row.agent, options).await?;
            let lines: Vec<String> = tail.lines.iter().map(|line| one_line(line)).collect();
            let mut text = lines.join("\n");
            // The newest lines are the last.
            let from = text.ceil_char_boundary(text.len().saturating_sub(MOST_IN_ROOM));
            text.split_off(from)
        }
    })
}

/// Puts the ack into the room, and a notice where a person reads it; again and again until it is there.
async fn tell(shared: &Shared, row: &Row, ack: &str) {
    let Ok(room) = ruma::RoomId::parse(&row.room) else {
        return;
    };
    let name = row.event.trim_start_matches('$');
    let mut short = false;
    loop {
        let ack = if short { in_short(ack) } else { ack.to_owned() };
        let ack = ack.as_str();
        let told = async {
            if let Some(notice) = notice(row, ack).filter(|_| !short) {
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
            Ok::<_, MatrixError>(())
        };
        match told.await {
            Ok(()) => break,
            Err(MatrixError::Refused {
                status: 400 | 413,
                code,
                ..
            }) if !short => {
                tracing::warn!(
                    agent = row.agent.as_str(),
                    code,
                    "what became of it is told in short"
                );
                short = true;
            }
            Err(error) if error.lasts() => {
                // Nothing that comes by itself mends that; the next start tries it again.
                tracing::error!(agent = row.agent.as_str(), %error, "what became of it cannot be told");
                return;
            }
            Err(error) => {
                tracing::warn!(agent = row.agent.as_str(), %error, "what became of it is told later");
                let asked_for = match &error {
                    MatrixError::Refused { after, .. } => *after,
                    _ => None,
                };
                let pause = asked_for.unwrap_or_default().max(Duration::from_secs(1));
                tokio::time::sleep(pause).await;
            }
        }
    }
    if let Err(error) = shared.journal().acked(row.number) {
        tracing::error!(%error, "that it was told is not written down");
    }
}

/// An ack without its words, where a server does not take them.
fn in_short(ack: &str) -> String {
    let Ok(mut ack) = serde_json::from_str::<Ack>(ack) else {
        return ack.to_owned();
    };
    (ack.evidence, ack.command) = (None, None);
    if let Some(error) = &mut ack.error {
        error.message = "its words are too long for the room".to_owned();
        error.hint = None;
    }
    written(&ack).unwrap_or_default()
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
