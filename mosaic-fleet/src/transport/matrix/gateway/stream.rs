//! The stream of a gateway's rooms: read without gaps, judged, kept, and handed to the agents' workers.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ruma::{OwnedEventId, OwnedRoomId, RoomId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::client::Patience;
use super::super::error::MatrixError;
use super::super::event::{Batch, Event, RoomBatch};
use super::super::protocol::{kind, millis, now};
use super::super::requests::StreamFilter;
use super::journal::{NewRow, Row};
use super::judge::{Judged, Known, judge};
use super::served::{Rooms, changed, served};
use super::{BEGINNING, Shared, answers, presence, worker};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Result};

/// How long the server may wait for something to come.
const POLL: Duration = Duration::from_secs(30);

/// How far back a first start looks, in pages of a hundred events a room.
const PAGES: usize = 10;

/// The events that a gateway hears.
fn heard() -> Vec<String> {
    [
        kind::MESSAGE,
        kind::RESET,
        kind::REQUEST,
        kind::POWER,
        kind::CHILD,
        kind::AGENT,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Asks until there is an answer: a homeserver that is away comes back.
pub(super) async fn patiently<T, F>(what: &str, ask: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut pause = Duration::from_millis(500);
    loop {
        match ask().await {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout
                ) =>
            {
                tracing::warn!(%error, "waits for the homeserver to say {what}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(POLL);
            }
            asked => return asked,
        }
    }
}

/// The agents' workers.
struct Workers {
    shared: Arc<Shared>,
    queues: BTreeMap<AgentName, mpsc::UnboundedSender<Row>>,
}

impl Workers {
    fn hand(&mut self, row: Row, tasks: &mut JoinSet<()>) {
        let queue = self.queues.entry(row.agent.clone()).or_insert_with(|| {
            let (queue, rows) = mpsc::unbounded_channel();
            tasks.spawn(worker::work(Arc::clone(&self.shared), rows));
            queue
        });
        // A worker lives as long as its queue.
        let _ = queue.send(row);
    }
}

/// Reads the stream for ever.
pub(super) async fn run(shared: Arc<Shared>, ready: impl FnOnce()) -> Result<()> {
    // They end with this call.
    let mut tasks = JoinSet::new();
    let mut workers = Workers {
        shared: Arc::clone(&shared),
        queues: BTreeMap::new(),
    };
    let mut rooms = read_rooms(&shared).await?;
    // Only now: on a first start the rooms are entered above.
    tasks.spawn(presence::statuses(Arc::clone(&shared)));
    tasks.spawn(presence::alive(Arc::clone(&shared)));
    let unfinished = shared.journal().unfinished()?;
    for row in unfinished {
        workers.hand(row, &mut tasks);
    }
    let mut since = shared.journal().since()?;
    let mut ready = Some(ready);
    let mut pause = Duration::from_millis(200);
    loop {
        // What has ended is let go of.
        while tasks.try_join_next().is_some() {}
        let filter = StreamFilter {
            rooms: Some(rooms.keys().cloned().collect()),
            timeline: heard(),
            state: Vec::new(),
            limit: 100,
        };
        let wait = since.as_ref().map_or(Duration::ZERO, |_| POLL);
        let patience = Patience::of(POLL * 4);
        let batch = match shared
            .client
            .sync(since.as_deref(), wait, &filter, patience)
            .await
        {
            Ok(batch) => batch,
            Err(error) => {
                let error: Error = again(error)?;
                tracing::warn!(%error, "waits for the homeserver");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(POLL);
                continue;
            }
        };
        let taken = take(&shared, &mut rooms, &batch, since.as_deref()).await;
        let taken = match taken {
            Ok(taken) => taken,
            // The place in the stream is as before: the same comes again.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                tracing::warn!(%error, "waits for the homeserver");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(POLL);
                continue;
            }
            Err(error) => return Err(error),
        };
        pause = Duration::from_millis(200);
        let new = shared.journal().receive(taken.rows, &batch.next)?;
        since = Some(batch.next);
        for row in new {
            workers.hand(row, &mut tasks);
        }
        for (asker, agent, request) in taken.asked {
            tasks.spawn(answers::answer(Arc::clone(&shared), asker, agent, request));
        }
        if !taken.read.is_empty() {
            tasks.spawn(read_up_to(Arc::clone(&shared), taken.read));
        }
        if taken.rooms_changed || !batch.invites.is_empty() || !batch.left.is_empty() {
            rooms = read_rooms(&shared).await?;
        }
        if let Some(ready) = ready.take() {
            ready();
        }
    }
}

/// What another try may mend is only told.
fn again(error: MatrixError) -> Result<Error> {
    let lasting = error.lasts();
    let error: Error = error.into();
    if lasting { Err(error) } else { Ok(error) }
}

async fn read_rooms(shared: &Shared) -> Result<Rooms> {
    let rooms = patiently("which rooms there are", || {
        served(
            &shared.client,
            &shared.config,
            &shared.me,
            &shared.host,
            &shared.agents,
            Patience::of(BEGINNING),
        )
    })
    .await?;
    rooms.clone_into(&mut shared.rooms.write().unwrap_or_else(PoisonError::into_inner));
    Ok(rooms)
}

/// What a batch comes to.
#[derive(Default)]
struct Taken {
    rows: Vec<NewRow>,
    asked: Vec<(
        ruma::OwnedUserId,
        Option<AgentName>,
        super::super::protocol::Request,
    )>,
    /// The last event of each room that had some.
    read: Vec<(OwnedRoomId, OwnedEventId)>,
    rooms_changed: bool,
}

async fn take(
    shared: &Shared,
    rooms: &mut Rooms,
    batch: &Batch,
    since: Option<&str>,
) -> Result<Taken> {
    let mut taken = Taken::default();
    for one in &batch.rooms {
        let Some(agent) = rooms.get(&one.room).map(|served| served.agent.clone()) else {
            continue;
        };
        for event in &whole(shared, one, since).await? {
            if changed(rooms, &one.room, event) {
                taken.rooms_changed = true;
                continue;
            }
            let Some(served) = rooms.get(&one.room) else {
                continue;
            };
            let known = Known {
                config: &shared.config,
                me: &shared.me,
                agent: agent.as_ref(),
                levels: &served.levels,
                now: now(),
            };
            match judge(event, &known) {
                Judged::Ignore(why) => {
                    tracing::debug!(sender = %event.sender, event = %event.event_id, why, "left alone");
                }
                Judged::Ask(request) => {
                    taken
                        .asked
                        .push((event.sender.clone(), agent.clone(), request));
                }
                Judged::Do { id, deed } => {
                    let Some(agent) = agent.clone() else { continue };
                    if since.is_none() && answered(shared, &one.room, event).await? {
                        continue;
                    }
                    taken.rows.push(NewRow {
                        room: one.room.to_string(),
                        event: event.event_id.to_string(),
                        sender: event.sender.to_string(),
                        id,
                        agent,
                        deed,
                    });
                    taken.read.retain(|(room, _)| *room != one.room);
                    taken.read.push((one.room.clone(), event.event_id.clone()));
                }
            }
        }
    }
    Ok(taken)
}

/// The events of a room, those that the server left out before them.
async fn whole(shared: &Shared, one: &RoomBatch, since: Option<&str>) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    if one.limited
        && let Some(before) = &one.before
    {
        let mut from = Some(before.clone());
        let mut pages = 0;
        while let Some(place) = from.take() {
            let (page, next) = shared
                .client
                .before(
                    &one.room,
                    Some(&place),
                    since,
                    &heard(),
                    Patience::of(BEGINNING),
                )
                .await?;
            pages += 1;
            // A first start has no end to go back to.
            let end = page.is_empty() || (since.is_none() && pages >= PAGES);
            events.extend(page);
            from = next.filter(|_| !end);
        }
        events.reverse();
    }
    events.extend(one.timeline.iter().cloned());
    if since.is_none() {
        // What is older than anything may wait is history.
        let expires = millis(std::time::SystemTime::UNIX_EPOCH + shared.config.expires);
        let oldest = now().saturating_sub(expires);
        events.retain(|event| event.origin_server_ts >= oldest);
    }
    Ok(events)
}

/// Whether an event of before this gateway's time was dealt with: by an earlier one of this account.
async fn answered(shared: &Shared, room: &RoomId, event: &Event) -> Result<bool> {
    let patience = Patience::of(BEGINNING);
    let acks = shared
        .client
        .answers_to(room, &event.event_id, kind::ACK, patience)
        .await?;
    Ok(acks.iter().any(|ack| ack.sender == shared.me))
}

/// Says in the rooms that what was put there has arrived.
async fn read_up_to(shared: Arc<Shared>, read: Vec<(OwnedRoomId, OwnedEventId)>) {
    for (room, event) in read {
        let patience = Patience::of(BEGINNING);
        if let Err(error) = shared.client.read_up_to(&room, &event, patience).await {
            tracing::debug!(%error, "that it arrived is not said");
        }
    }
}
