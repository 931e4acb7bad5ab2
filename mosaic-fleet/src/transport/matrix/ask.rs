//! Questions to a gateway: asked in a room, where the server knows who may ask, and answered to the
//! asker's device, so that what a terminal shows is not kept in a room.

use std::collections::BTreeMap;
use std::time::Duration;

use ruma::RoomId;
use tokio::time::Instant;

use super::Inner;
use super::client::Patience;
use super::hub::{Heard, Interest};
use super::protocol::{Answered, Asks, Request, Response, VERSION, kind, now, ours, transaction};
use super::rooms::Located;
use crate::error::{Error, ErrorKind, Result};

/// More parts than any answer of ours has.
const MOST_PARTS: u32 = 256;

impl Inner {
    /// Asks the gateway of `located` in `room`. Nothing when it is silent until `deadline`.
    ///
    /// An answer goes to a device once: another process of the same account may have taken it. So it
    /// is asked once more when half of the time is over.
    ///
    /// # Errors
    /// The gateway's own; what the homeserver refuses.
    pub(super) async fn ask(
        &self,
        room: &RoomId,
        located: &Located,
        asks: Asks,
        deadline: Instant,
    ) -> Result<Option<Answered>> {
        let now = Instant::now();
        let half = now + deadline.saturating_duration_since(now) / 2;
        let waits = matches!(
            asks,
            Asks::Tail {
                wait_ms: Some(_),
                ..
            }
        );
        if !waits && let Some(answered) = self.ask_once(room, located, asks.clone(), half).await? {
            return Ok(Some(answered));
        }
        self.ask_once(room, located, asks, deadline).await
    }

    async fn ask_once(
        &self,
        room: &RoomId,
        located: &Located,
        asks: Asks,
        deadline: Instant,
    ) -> Result<Option<Answered>> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let interest = Interest::Answer {
            from: located.gateway.clone(),
            id: id.clone(),
        };
        let (_, device) = self.account(deadline).await?;
        let mut answers = self.hub.listen(interest, deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let request = Request {
            v: VERSION,
            id: id.clone(),
            asks,
            reply_device: device.to_string(),
            // Nobody waits for the answer any more then.
            expires_at: now() + u64::try_from(left.as_millis()).unwrap_or(u64::MAX / 2),
        };
        let transaction = transaction("req", &id);
        let patience = Patience::until(deadline);
        self.client
            .send(room, kind::REQUEST, &transaction, &request, patience)
            .await?;
        let mut parts: BTreeMap<u32, String> = BTreeMap::new();
        while let Some(heard) = answers.next(deadline).await {
            let content = match heard {
                Heard::Device(answer) => answer.content,
                Heard::Ended(why) => return Err(why.into()),
                Heard::Event(_) | Heard::Gap => continue,
            };
            let Some(part) = ours::<Response>(&content).filter(|part| part.parts <= MOST_PARTS)
            else {
                continue;
            };
            parts.insert(part.part, part.text);
            if parts.len() as u64 == u64::from(part.parts) {
                let whole: String = parts.into_values().collect();
                return match serde_json::from_str(&whole) {
                    Ok(answered) => Ok(Some(answered)),
                    Err(error) => Err(Error::new(
                        ErrorKind::Unexpected,
                        "the gateway answers in a way that is not known here",
                    )
                    .with_hint("is it of another version of mosaic-fleet?")
                    .with_source(error)),
                };
            }
        }
        Ok(None)
    }
}

/// How long a gateway is waited for where something older can be told instead.
pub(super) fn patience(timeout: Duration) -> Duration {
    timeout * 3 / 4
}
