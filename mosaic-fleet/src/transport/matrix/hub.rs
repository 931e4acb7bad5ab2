//! The stream of an account, shared by all who wait for something on it: one task reads, and hands
//! each what it waits for. Acks and answers reach whoever listens before they are asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ruma::{OwnedRoomId, OwnedUserId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::client::{Client, Patience};
use super::error::MatrixError;
use super::event::{Batch, Event, ToDevice};
use super::protocol::kind;
use super::requests::StreamFilter;

/// How long the server may wait for something to come.
const POLL: Duration = Duration::from_secs(30);

/// The shortest pause before an interrupted stream is read again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// What somebody waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Interest {
    /// What became of the text or reset of this id.
    Ack { room: OwnedRoomId, id: String },
    /// The answer to the request of this id, from this account.
    Answer { from: OwnedUserId, id: String },
    /// A new status of the agent of this room.
    Status { room: OwnedRoomId },
}

/// What came.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    Event(Event),
    Device(ToDevice),
    /// Something may have been missed: it has to be asked for.
    Gap,
    /// The stream has ended, and why.
    Ended(MatrixError),
}

/// The stream's reader, and who listens.
#[derive(Debug, Clone)]
pub(super) struct Hub {
    client: Client,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    next: u64,
    listeners: BTreeMap<u64, (Interest, mpsc::UnboundedSender<Heard>)>,
    reader: Option<Reader>,
}

#[derive(Debug)]
struct Reader {
    task: JoinHandle<()>,
    progress: watch::Receiver<Progress>,
}

/// How far a reader is.
#[derive(Debug, Clone)]
enum Progress {
    /// It looks for the place in the stream; what went wrong with that last.
    Looking(Option<MatrixError>),
    /// The place is known.
    Ready,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.task.abort();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn new(client: Client) -> Self {
        Hub {
            client,
            shared: Arc::default(),
        }
    }

    /// Listens from now on: what comes after this has returned is not missed. Cancel safe.
    ///
    /// # Errors
    /// When the stream cannot be read by `deadline`.
    pub(super) async fn listen(
        &self,
        interest: Interest,
        deadline: Instant,
    ) -> Result<Listener, MatrixError> {
        let (sender, heard) = mpsc::unbounded_channel();
        let (key, mut progress) = {
            let mut shared = lock(&self.shared);
            shared.next += 1;
            let key = shared.next;
            shared.listeners.insert(key, (interest, sender));
            (key, self.reading(&mut shared))
        };
        let mut listener = Listener {
            key,
            shared: Arc::clone(&self.shared),
            heard,
        };
        let is_ready = progress.wait_for(|progress| matches!(progress, Progress::Ready));
        let is_ready = timeout_at(deadline, is_ready).await;
        let went_wrong = match is_ready.map(|there| there.map(drop)) {
            Ok(Ok(())) => return Ok(listener),
            Ok(Err(_)) => match listener.heard.try_recv() {
                Ok(Heard::Ended(why)) => Some(why),
                _ => None,
            },
            Err(_) => match &*progress.borrow() {
                Progress::Looking(why) => why.clone(),
                Progress::Ready => None,
            },
        };
        Err(went_wrong.unwrap_or_else(|| MatrixError::Unreachable {
            host: "the homeserver".to_owned(),
            words: "no answer in time".to_owned(),
            reached: false,
        }))
    }

    /// The reader, started where there is none. It ends with the last clone of the hub.
    fn reading(&self, shared: &mut Shared) -> watch::Receiver<Progress> {
        if let Some(reader) = shared
            .reader
            .as_ref()
            .filter(|reader| !reader.task.is_finished())
        {
            return reader.progress.clone();
        }
        let (sender, progress) = watch::channel(Progress::Looking(None));
        let (client, weak) = (self.client.clone(), Arc::downgrade(&self.shared));
        let task = tokio::spawn(async move {
            let why = read(&client, &weak, &sender).await;
            if let (Some(shared), Some(why)) = (weak.upgrade(), why) {
                let mut shared = lock(&shared);
                // Who listens from now on starts another one.
                shared.reader = None;
                for (_, listener) in shared.listeners.values() {
                    let _ = listener.send(Heard::Ended(why.clone()));
                }
            }
        });
        let receiver = progress.clone();
        shared.reader = Some(Reader { task, progress });
        receiver
    }

    /// Stops reading.
    pub(super) fn close(&self) {
        let mut shared = lock(&self.shared);
        if let Some(reader) = shared.reader.take() {
            reader.task.abort();
        }
        shared.listeners.clear();
    }
}

/// Reads until the server refuses for good, which is returned, or nobody is there any more.
async fn read(
    client: &Client,
    shared: &std::sync::Weak<Mutex<Shared>>,
    progress: &watch::Sender<Progress>,
) -> Option<MatrixError> {
    let filter = StreamFilter {
        rooms: None,
        timeline: vec![kind::ACK.to_owned(), kind::STATUS.to_owned()],
        state: Vec::new(),
        limit: 100,
    };
    let mut since: Option<String> = None;
    let mut pause = SHORTEST_PAUSE;
    loop {
        let wait = since.as_ref().map_or(Duration::ZERO, |_| POLL);
        // Each failure is to be known to those who wait.
        let patience = Patience::of(POLL * 2).one_try();
        let asked = client.sync(since.as_deref(), wait, &filter, patience);
        match asked.await {
            Ok(batch) => {
                pause = SHORTEST_PAUSE;
                let shared = shared.upgrade()?;
                // What was there before is history.
                if since.is_some() {
                    hand_out(&lock(&shared), &batch);
                }
                since = Some(batch.next);
                progress.send_replace(Progress::Ready);
            }
            Err(error) if error.lasts() => return Some(error),
            Err(error) => {
                tracing::debug!(%error, "the stream of the homeserver is interrupted");
                let rest = error.after().unwrap_or_default().max(pause);
                if since.is_none() {
                    progress.send_replace(Progress::Looking(Some(error)));
                }
                tokio::time::sleep(rest).await;
                pause = (pause * 2).min(POLL);
            }
        }
    }
}

fn hand_out(shared: &Shared, batch: &Batch) {
    for (interest, listener) in shared.listeners.values() {
        // Who has gone has let go of the other end.
        let tell = |heard: Heard| drop(listener.send(heard));
        match interest {
            Interest::Answer { from, id } => {
                let mine = |one: &&ToDevice| {
                    one.kind == kind::RESPONSE
                        && one.sender == *from
                        && one.content.get("id").and_then(|id| id.as_str()) == Some(id)
                };
                batch
                    .to_device
                    .iter()
                    .filter(mine)
                    .cloned()
                    .for_each(|one| tell(Heard::Device(one)));
            }
            Interest::Ack { room, .. } | Interest::Status { room } => {
                let rooms = batch.rooms.iter().filter(|batch| batch.room == *room);
                for room in rooms {
                    if room.limited {
                        tell(Heard::Gap);
                    }
                    let events = room.state.iter().chain(&room.timeline);
                    let mine = |event: &&Event| match interest {
                        Interest::Ack { id, .. } => {
                            event.kind == kind::ACK
                                && event.content.get("id").and_then(|id| id.as_str()) == Some(id)
                        }
                        _ => event.kind == kind::STATUS,
                    };
                    events
                        .filter(mine)
                        .cloned()
                        .for_each(|event| tell(Heard::Event(event)));
                }
            }
        }
    }
}

/// Somebody who listens; dropping it ends that.
#[derive(Debug)]
pub(super) struct Listener {
    key: u64,
    shared: Arc<Mutex<Shared>>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Listener {
    /// What came next; nothing when `deadline` is there first. Cancel safe.
    pub(super) async fn next(&mut self, deadline: Instant) -> Option<Heard> {
        timeout_at(deadline, self.heard.recv()).await.ok().flatten()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        lock(&self.shared).listeners.remove(&self.key);
    }
}
