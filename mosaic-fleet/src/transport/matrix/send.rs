//! Texts and resets: put into the agent's room, where they last, and answered by one ack.

use std::time::{Duration, SystemTime};

use ruma::{EventId, OwnedEventId};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Inner;
use super::client::Patience;
use super::error::MatrixError;
use super::hub::{Heard, Interest, Listener};
use super::protocol::{
    Ack, AckState, Answered, Asks, KEY, LONGEST_CONTENT, LONGEST_ID, LONGEST_TEXT, Reset, Sent,
    VERSION, kind, now, ours, transaction,
};
use super::rooms::Located;
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Refusal, Result, Stage};
use crate::message::{Evidence, EvidenceKind, Message, Receipt, ReceiptId, Verdict};
use crate::options::{ResetOptions, ResetReport, SendOptions};
use crate::text;

/// What the agent programs take as commands, whichever they are.
pub(crate) const COMMAND_PREFIXES: &str = "/!";

/// How often a key may be tried whose text was refused each time.
const MOST_ATTEMPTS: u32 = 100;

/// Whether an ack says that nothing was typed, so that it may be tried again. What can never be
/// typed, another text under a key for example, is refused for good.
fn nothing_was_done(ack: &Ack) -> bool {
    let Some(error) = ack.error.as_ref().filter(|_| ack.state == AckState::Failed) else {
        return false;
    };
    let error = error.clone().error();
    let plain = [
        ErrorKind::AgentNotFound,
        ErrorKind::PermissionDenied,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Closed,
    ];
    error.refusal().is_some() || plain.contains(&error.kind())
}

/// What waits for its ack.
struct Waiting<'a> {
    located: &'a Located,
    id: &'a str,
    deadline: Instant,
}

impl Inner {
    /// Sends a text.
    pub(super) async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let (began, sent_at) = (Instant::now(), SystemTime::now());
        let deadline = began + options.timeout + options.wait.unwrap_or_default();
        let size = message.body.len();
        if size > LONGEST_TEXT {
            let what = format!("the text has {size} bytes, and {LONGEST_TEXT} are the most");
            return Err(Error::invalid_argument(what)
                .with_hint("write the text to a file and send the file's path"));
        }
        let cleaned = text::clean(&message.body, options.strip_control)?;
        if message.from.is_none()
            && !options.allow_command
            && let Some(prefix) = text::command_prefix(&cleaned.text, COMMAND_PREFIXES)
        {
            let what = format!("the text begins with {prefix:?}, which is a command");
            return Err(Error::refused(Refusal::UnsafeText, what)
                .with_hint("begin with another character, or allow a command (--allow-command)"));
        }
        let located = self.find(to, deadline).await?;
        if options
            .idempotency_key
            .as_ref()
            .is_some_and(|key| key.len() > LONGEST_KEY)
        {
            let what = format!("the idempotency key has more than {LONGEST_KEY} bytes");
            return Err(Error::invalid_argument(what));
        }
        let call = uuid::Uuid::now_v7().simple().to_string();
        let mut sent = Sent {
            v: VERSION,
            id: call.clone(),
            call,
            from: message.from.as_ref().map(ToString::to_string),
            to: to.clone(),
            expires_at: now() + millis(self.config.expires),
            wait_ms: options.wait.map(millis),
            timeout_ms: Some(millis(options.timeout)),
            allow_command: options.allow_command,
            no_preamble: message.from.is_none(),
        };
        let text = &cleaned.text;
        let (event, ack) = match &options.idempotency_key {
            None => self.put_text(&located, &sent, text, deadline).await?,
            Some(key) => {
                self.put_keyed(&located, &mut sent, key, text, deadline)
                    .await?
            }
        };
        let id = &sent.id;
        let mut receipt = Receipt::new(
            to.clone(),
            self.info().to_string(),
            Verdict::Accepted,
            Evidence::new(
                EvidenceKind::Stored,
                format!(
                    "the homeserver holds it ({event}); no word from the gateway of {}",
                    located.host
                ),
            ),
        );
        receipt.id = ReceiptId::from_string(format!("{to}/{id}/{event}"));
        receipt.sent_at = sent_at;
        receipt.normalised = cleaned.changes.iter().map(ToString::to_string).collect();
        if let Some(ack) = ack {
            told(&mut receipt, ack)?;
        }
        receipt.elapsed = began.elapsed();
        Ok(receipt)
    }

    async fn put_text(
        &self,
        located: &Located,
        sent: &Sent,
        text: &str,
        deadline: Instant,
    ) -> Result<(OwnedEventId, Option<Ack>)> {
        let waiting = Waiting {
            located,
            id: &sent.id,
            deadline,
        };
        let content = text_content(sent, text)?;
        let (event, acks) = self.put(&waiting, kind::MESSAGE, "send", &content).await?;
        let ack = self.ack(&waiting, &event, acks).await;
        Ok((event, ack))
    }

    /// Puts a text once under its key: the same key is the same text, to the server and to the
    /// gateway. What was refused, so that nothing was typed, may be tried again under its key.
    async fn put_keyed(
        &self,
        located: &Located,
        sent: &mut Sent,
        key: &str,
        text: &str,
        deadline: Instant,
    ) -> Result<(OwnedEventId, Option<Ack>)> {
        let patience = Patience::until(deadline);
        for attempt in 0..MOST_ATTEMPTS {
            sent.id = format!("k{attempt}.{}", hex(key));
            let waiting = Waiting {
                located,
                id: &sent.id,
                deadline,
            };
            let content = text_content(sent, text)?;
            let (event, acks) = self.put(&waiting, kind::MESSAGE, "send", &content).await?;
            // The first event under this key, which may be an older one: looked at while there is
            // time for it, since an ack may never come.
            let first = self.client.event(&located.room, &event, patience).await;
            let first = first.map_err(|error| {
                let what =
                    format!("{error}; the homeserver holds it, under this key or an older text");
                Error::delivery_unknown(Stage::KeyPressed, what).with_source(error)
            })?;
            let call = first.content.get(KEY).and_then(|key| key.get("call"));
            if call.and_then(Value::as_str) == Some(&sent.call) {
                let ack = self.ack(&waiting, &event, acks).await;
                return Ok((event, ack));
            }
            if first.content.get("body").and_then(Value::as_str) != Some(text) {
                return Err(Error::invalid_argument(
                    "this idempotency key was used with another text",
                ));
            }
            // Of an event that was there before, the ack may be as well.
            let ack = match self.ack_of(located, &sent.id, &event, patience).await {
                Ok(Some(ack)) => Some(ack),
                _ => self.ack(&waiting, &event, acks).await,
            };
            if !ack.as_ref().is_some_and(nothing_was_done) {
                return Ok((event, ack));
            }
        }
        Err(Error::invalid_argument(
            "this idempotency key was refused too often",
        ))
    }

    /// Resets an agent.
    pub(super) async fn reset(
        &self,
        agent: &AgentName,
        options: ResetOptions,
    ) -> Result<ResetReport> {
        let began = Instant::now();
        let deadline = began + options.timeout;
        let located = self.find(agent, deadline).await?;
        let id = uuid::Uuid::now_v7().simple().to_string();
        let reset = Reset {
            v: VERSION,
            id: id.clone(),
            mode: options.mode.map(|mode| mode.as_str().to_owned()),
            force: options.force,
            timeout_ms: Some(millis(options.timeout)),
            // Nobody wants an agent to forget long after it was asked.
            expires_at: now() + millis(options.timeout),
        };
        let waiting = Waiting {
            located: &located,
            id: &id,
            deadline,
        };
        let (event, acks) = self.put(&waiting, kind::RESET, "reset", &reset).await?;
        let Some(ack) = self.ack(&waiting, &event, acks).await else {
            let what = format!(
                "no word from the gateway of {}; it may reset it yet",
                located.host
            );
            return Err(Error::delivery_unknown(Stage::KeyPressed, what)
                .with_hint("look at the agent before it is given new work"));
        };
        match (ack.state, ack.error) {
            (AckState::Done, _) => Ok(ResetReport::new(
                agent.clone(),
                self.info().to_string(),
                text::one_line(&ack.command.unwrap_or_default()),
                plain(ack.evidence),
                began.elapsed(),
            )),
            (_, Some(failure)) => Err(failure.error()),
            _ => Err(unexpected()),
        }
    }

    /// Puts something into an agent's room. Its acks are heard from then on.
    async fn put<T: Serialize + Sync>(
        &self,
        waiting: &Waiting<'_>,
        kind: &str,
        what: &str,
        content: &T,
    ) -> Result<(OwnedEventId, Listener)> {
        let Waiting {
            located,
            id,
            deadline,
        } = waiting;
        let interest = Interest::Ack {
            room: located.room.clone(),
            id: (*id).to_owned(),
        };
        let acks = self.hub.listen(interest, *deadline).await?;
        let transaction = transaction(what, id);
        let patience = Patience::until(*deadline);
        let put = self
            .client
            .send(&located.room, kind, &transaction, content, patience);
        Ok((put.await.map_err(MatrixError::in_doubt)?, acks))
    }

    /// What became of an event, once its gateway says so; nothing where it does not in time.
    async fn ack(&self, waiting: &Waiting<'_>, event: &EventId, mut acks: Listener) -> Option<Ack> {
        let Waiting {
            located,
            id,
            deadline,
        } = waiting;
        let patience = Patience::until(*deadline);
        while let Some(heard) = acks.next(*deadline).await {
            match heard {
                Heard::Event(told) => {
                    let ack = (told.sender == located.gateway).then(|| ours::<Ack>(&told.content));
                    let ack = ack
                        .flatten()
                        .filter(|ack| ack.relates_to.event_id == *event);
                    if ack.is_some() {
                        return ack;
                    }
                }
                Heard::Gap => {
                    // It is held: whatever cannot be asked now is no error of it.
                    if let Ok(Some(ack)) = self.ack_of(located, id, event, patience).await {
                        return Some(ack);
                    }
                }
                // It is held, and can be asked about.
                Heard::Ended(_) => break,
                Heard::Device(_) => {}
            }
        }
        None
    }

    /// The ack of an event, if there is one.
    async fn ack_of(
        &self,
        located: &Located,
        id: &str,
        event: &EventId,
        patience: Patience,
    ) -> Result<Option<Ack>> {
        let acks = self
            .client
            .answers_to(&located.room, event, kind::ACK, patience)
            .await?;
        let mut mine = acks.into_iter().filter(|ack| ack.sender == located.gateway);
        Ok(mine.find_map(|told| ours::<Ack>(&told.content).filter(|ack| ack.id == id)))
    }

    /// What became of a text that was sent earlier, by this process or another one.
    pub(super) async fn outcome(&self, receipt: &ReceiptId, limit: Duration) -> Result<Receipt> {
        let unknown = || {
            Error::invalid_argument("no receipt of this transport")
                .with_hint("pass the `id` of a receipt as it was")
        };
        let mut parts = receipt.as_str().splitn(3, '/');
        let mut part = || parts.next().ok_or_else(unknown);
        let (agent, id, event) = (part()?, part()?, part()?);
        let agent = AgentName::new(agent).map_err(|_| unknown())?;
        let event = EventId::parse(event).map_err(|_| unknown())?;
        let deadline = Instant::now() + limit;
        let located = self.find(&agent, deadline).await?;
        let patience = Patience::until(deadline);
        let mut known = Receipt::new(
            agent,
            self.info().to_string(),
            Verdict::Accepted,
            Evidence::new(EvidenceKind::Stored, "no word from the gateway yet"),
        );
        known.id = receipt.clone();
        let Some(ack) = self.ack_of(&located, id, &event, patience).await? else {
            return Ok(known);
        };
        let held = ack.receipt.clone();
        told(&mut known, ack)?;
        if let (Verdict::Queued, Some(receipt)) = (known.verdict, held) {
            // What its program held then it may have taken by now.
            let asks = Asks::Outcome { receipt };
            let asked = self.ask(&located.room, &located, asks, deadline).await;
            // A gateway that was started since does not know: it was held, and no more is known.
            if let Ok(Some(Answered::Outcome { state, evidence })) = asked {
                known.verdict = state.verdict().ok_or_else(unexpected)?;
                known.evidence = plain(Some(evidence));
            }
        }
        Ok(known)
    }
}

/// Puts what an ack says into a receipt.
fn told(receipt: &mut Receipt, ack: Ack) -> Result<()> {
    receipt.verdict = match (ack.state.verdict(), ack.error) {
        (Some(verdict), _) => verdict,
        (None, Some(failure)) => return Err(failure.error()),
        (None, None) => return Err(unexpected()),
    };
    receipt.evidence = plain(ack.evidence);
    receipt.attempts = ack.attempts;
    let more = ack.normalised.iter().map(|change| text::one_line(change));
    receipt.normalised.extend(more);
    Ok(())
}

fn plain(evidence: Option<Evidence>) -> Evidence {
    match evidence {
        Some(told) => Evidence::new(told.kind, text::one_line(&told.detail)),
        None => Evidence::new(EvidenceKind::None, "the gateway says no more"),
    }
}

fn unexpected() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the gateway answers in a way that is not known here",
    )
    .with_hint("is it of another version of mosaic-fleet?")
}

/// A text as it is put into a room.
fn text_content(sent: &Sent, text: &str) -> Result<Value> {
    let content = json!({"msgtype": "m.text", "body": text, "m.mentions": {}, KEY: sent});
    fits(&content)?;
    Ok(content)
}

/// In JSON a text may grow.
fn fits(content: &Value) -> Result<()> {
    let size = content.to_string().len();
    if size <= LONGEST_CONTENT {
        return Ok(());
    }
    let what =
        format!("the message has {size} bytes on its way, and {LONGEST_CONTENT} are the most");
    Err(Error::invalid_argument(what)
        .with_hint("write the text to a file and send the file's path"))
}

/// The longest idempotency key, in bytes: it crosses the room as an id.
const LONGEST_KEY: usize = (LONGEST_ID - "k.".len()) / 2;

fn hex(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX / 4)
}
