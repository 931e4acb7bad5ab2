//! The stream of a gateway's rooms: read without gaps, judged, kept, and handed to the agents' workers.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ruma::{OwnedEventId, OwnedRoomId, RoomId, UserId};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::client::Patience;
use super::super::error::MatrixError;
use super::super::event::{Batch, Event, RoomBatch};
use super::super::protocol::{AgentRoom, kind, now, ours};
use super::super::requests::StreamFilter;
use super::journal::{NewRow, Row};
use super::judge::{Judged, Known, judge};
use super::served::{Rooms, changed, served};
use super::{BEGINNING, Shared, answers, presence, worker};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Result, Retry};

/// How long the server may wait for something to come.
const POLL: Duration = Duration::from_secs(30);

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
            Err(error) if passes(&error) => {
                tracing::warn!(%error, "waits for the homeserver to say {what}");
                tokio::time::sleep(rest(&error, pause)).await;
                pause = (pause * 2).min(POLL);
            }
            asked => return asked,
        }
    }
}

/// Whether what is wrong with the homeserver may pass by itself.
fn passes(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout
    )
}

/// How long to wait before it is tried again: at least as long as the server asks for.
fn rest(error: &Error, pause: Duration) -> Duration {
    match error.retry() {
        Retry::After(asked_for) => pause.max(asked_for),
        _ => pause,
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
    let mut read = shared.journal().served()?;
    let mut asked_in = false;
    let mut looked: Option<tokio::time::Instant> = None;
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
        // What waits in a room that was not read yet does not wait for news; nor does who waits for
        // it to be said that we serve.
        let all_read = rooms.keys().all(|room| read.contains(room.as_str()));
        let at_once = ready.is_some() || !all_read;
        let wait = if at_once { Duration::ZERO } else { POLL };
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
                tokio::time::sleep(rest(&error, pause)).await;
                pause = (pause * 2).min(POLL);
                continue;
            }
        };
        let taken = take(&shared, &mut rooms, &batch, since.as_deref(), &read).await;
        let taken = match taken {
            Ok(taken) => taken,
            // The place in the stream is as before: the same comes again.
            Err(error) => {
                match error.kind() {
                    // We may have been taken out of a room.
                    ErrorKind::PermissionDenied => rooms = read_rooms(&shared).await?,
                    _ if passes(&error) => {}
                    _ => return Err(error),
                }
                tracing::warn!(%error, "waits for the homeserver");
                tokio::time::sleep(rest(&error, pause)).await;
                pause = (pause * 2).min(POLL);
                continue;
            }
        };
        pause = Duration::from_millis(200);
        // Who waits for its turn is judged by the levels as they are then.
        shared.serves(&rooms);
        read = rooms
            .keys()
            .filter(|room| !taken.moved.contains(room))
            .map(ToString::to_string)
            .collect();
        let served: Vec<String> = read.iter().cloned().collect();
        let new = shared.journal().receive(taken.rows, &batch.next, &served)?;
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
        // Anybody may ask us anywhere: that is looked at now and then only, and not forgotten.
        asked_in |= batch.invited;
        let due = asked_in && looked.is_none_or(|looked| looked.elapsed() >= POLL);
        if due {
            looked = Some(tokio::time::Instant::now());
        }
        if taken.rooms_changed || due || !batch.left.is_empty() {
            asked_in = false;
            rooms = read_rooms(&shared).await?;
        }
        if let Some(ready) = ready.take() {
            ready();
        }
    }
}

/// What another try may mend is only told.
fn again(error: MatrixError) -> Result<Error> {
    let error = Error::from(error);
    if passes(&error) {
        Ok(error)
    } else {
        Err(error)
    }
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
    shared.serves(&rooms);
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
    /// Rooms that became another gateway's: where they are ours again, what was not done meanwhile is
    /// read anew.
    moved: Vec<OwnedRoomId>,
}

async fn take(
    shared: &Shared,
    rooms: &mut Rooms,
    batch: &Batch,
    since: Option<&str>,
    read: &BTreeSet<String>,
) -> Result<Taken> {
    let mut taken = Taken::default();
    let all: Vec<OwnedRoomId> = rooms.keys().cloned().collect();
    for room in all {
        let came = batch.rooms.iter().find(|one| one.room == room);
        match (came, since) {
            (Some(came), Some(since)) if read.contains(room.as_str()) => {
                let events = whole(shared, came, since).await?;
                events_of(shared, rooms, &room, &events, false, &mut taken).await?;
            }
            (None, Some(_)) if read.contains(room.as_str()) => {}
            // It is read for the first time, or was left out for a while.
            _ => {
                let events = history(shared, &room).await?;
                events_of(shared, rooms, &room, &events, true, &mut taken).await?;
            }
        }
    }
    Ok(taken)
}

/// What the events of one room come to. With `old`, an earlier gateway may have dealt with them.
async fn events_of(
    shared: &Shared,
    rooms: &mut Rooms,
    room: &OwnedRoomId,
    events: &[Event],
    old: bool,
    taken: &mut Taken,
) -> Result<()> {
    let agent = rooms.get(room).and_then(|served| served.agent.clone());
    for event in events {
        // What levels and agent were then is of no matter now.
        if !old && changed(rooms, room, event) {
            taken.rooms_changed = true;
            if moved(shared, event) {
                // What comes after it is another gateway's.
                taken.moved.push(room.clone());
                return Ok(());
            }
            continue;
        }
        let Some(served) = rooms.get(room) else {
            return Ok(());
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
            Judged::Ask(_) if old => {}
            Judged::Ask(request) => {
                let asked = (event.sender.clone(), agent.clone(), request);
                taken.asked.push(asked);
            }
            Judged::Do { id, deed } => {
                let Some(agent) = agent.clone() else { continue };
                if old && answered(shared, room, event).await? {
                    continue;
                }
                taken.rows.push(NewRow {
                    room: room.to_string(),
                    event: event.event_id.to_string(),
                    sender: event.sender.to_string(),
                    id,
                    agent,
                    deed,
                });
                taken.read.retain(|(other, _)| other != room);
                taken.read.push((room.clone(), event.event_id.clone()));
            }
        }
    }
    Ok(())
}

/// Whether an event says that the room is served by another gateway from there on.
fn moved(shared: &Shared, event: &Event) -> bool {
    let agent = ours::<AgentRoom>(&event.content).filter(|_| event.kind == kind::AGENT);
    agent.is_some_and(|agent| agent.host != shared.host || agent.gateway != shared.me.as_str())
}

/// The events of a room since `since`, those that the server left out before them.
async fn whole(shared: &Shared, one: &RoomBatch, since: &str) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    if one.limited
        && let Some(before) = &one.before
    {
        events = back(shared, &one.room, Some(before), Some(since), 0).await?;
    }
    events.extend(one.timeline.iter().cloned());
    Ok(events)
}

/// The events of a room that may still be waiting.
async fn history(shared: &Shared, room: &RoomId) -> Result<Vec<Event>> {
    let expires = u64::try_from(shared.config.expires.as_millis()).unwrap_or(u64::MAX);
    back(shared, room, None, None, now().saturating_sub(expires)).await
}

/// The events from one place back to another, or to those of before `oldest`, in milliseconds since
/// 1970; the oldest first.
async fn back(
    shared: &Shared,
    room: &RoomId,
    from: Option<&str>,
    to: Option<&str>,
    oldest: u64,
) -> Result<Vec<Event>> {
    let mut events = Vec::new();
    let mut place = from.map(str::to_owned);
    let types = heard();
    loop {
        let patience = Patience::of(BEGINNING);
        let asked = shared
            .client
            .before(room, place.as_deref(), to, &types, patience);
        let (page, next) = asked.await?;
        let young = |event: &Event| event.origin_server_ts >= oldest;
        let enough = page.last().is_some_and(|last| !young(last));
        events.extend(page.into_iter().filter(young));
        match next {
            // A page may be empty and have more behind it.
            Some(next) if place.as_deref() != Some(&next) && !enough => place = Some(next),
            _ => break,
        }
    }
    events.reverse();
    Ok(events)
}

/// Whether an event of before this gateway's time was dealt with: by an earlier one of the fleet.
async fn answered(shared: &Shared, room: &RoomId, event: &Event) -> Result<bool> {
    let patience = Patience::of(BEGINNING);
    let acks = shared
        .client
        .answers_to(room, &event.event_id, kind::ACK, patience)
        .await?;
    let ours = |account: &UserId| {
        let mut gateways = shared.config.gateways.values();
        account == shared.me || gateways.any(|gateway| gateway == account)
    };
    Ok(acks.iter().any(|ack| ours(&ack.sender)))
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
