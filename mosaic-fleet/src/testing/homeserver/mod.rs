//! A pretended Matrix homeserver on a loopback port: accounts, rooms with levels, the stream and what
//! came before it, with the habits of a real one that a client can trip over. A transaction id is the
//! same whatever the type, a timeline has a longest length, the same state again makes no event, and
//! what is done may not be told. It fails on order. Only what this library asks for is here, and who
//! may do what only as far as its rooms have it.

mod answer;
mod fault;
mod reading;
mod world;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::timeout;

pub use fault::Fault;
pub use world::{Account, Asked, Event, Letter, World};

use super::loopback::Loopback;
use fault::Order;

/// How long a test waits for what must come, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running homeserver. It ends when it is dropped. What it holds may be changed at any time.
#[derive(Debug)]
pub struct Homeserver {
    loopback: Loopback,
    kept: Kept,
}

/// What it holds, and who hears of changes.
#[derive(Debug, Clone)]
struct Kept {
    world: Arc<Mutex<World>>,
    changes: watch::Sender<()>,
}

impl Kept {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.world());
        self.changes.send_replace(());
        changed
    }

    async fn until(&self, is_so: impl Fn(&World) -> bool) {
        let mut changes = self.changes.subscribe();
        while !is_so(&self.world()) {
            // One end is here.
            let _ = changes.changed().await;
        }
    }
}

impl Homeserver {
    /// A homeserver of nobody, `fleet.test`.
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start() -> io::Result<Self> {
        let kept = Kept {
            world: Arc::default(),
            changes: watch::Sender::new(()),
        };
        let asked = kept.clone();
        let router = Router::new().fallback(move |request: Request| {
            let kept = asked.clone();
            async move { answer::answer(&kept, request).await }
        });
        let loopback = Loopback::serve(router)?;
        Ok(Homeserver { loopback, kept })
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        self.loopback.url()
    }

    /// Looks at what it holds, or changes it.
    pub fn with<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        self.kept.change(change)
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// `TimedOut` where it is not for a minute.
    pub async fn until(&self, is_so: impl Fn(&World) -> bool) -> io::Result<()> {
        let waited = timeout(PATIENCE, self.kept.until(is_so)).await;
        waited.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it never was so"))
    }

    /// Logs somebody in, on the one device that this name has.
    pub fn login(&self, name: &str) -> Account {
        self.with(|world| {
            let account = Account {
                user: format!("@{name}:fleet.test"),
                device: Some(format!("DEVICE-{name}")),
                token: format!("dummy-token-{name}-{}", world.next()),
            };
            world
                .accounts
                .insert(account.token.clone(), account.clone());
            account
        })
    }

    /// The token is not known from now on.
    pub fn revoke(&self, account: &Account) {
        self.with(|world| world.accounts.remove(&account.token));
    }

    /// Puts an event into a room, whether the sender may or not. Its id.
    pub fn put(&self, sender: &str, room: &str, kind: &str, content: Value) -> String {
        self.with(|world| world.put(sender, room, kind, None, content))
    }

    /// Sends something to a device, whoever the sender is.
    pub fn post(&self, sender: &str, to: &Account, kind: &str, content: Value) {
        self.with(|world| {
            let letter = Letter {
                place: world.next(),
                to: (to.user.clone(), to.device.clone().unwrap_or_default()),
                kind: kind.to_owned(),
                sender: sender.to_owned(),
                content,
            };
            world.letters.push(letter);
        });
    }

    /// Sets a state, whether the sender may or not. Its event's id.
    pub fn set(&self, sender: &str, room: &str, kind: &str, key: &str, content: Value) -> String {
        self.with(|world| world.set(sender, room, kind, key, content))
    }

    /// Throws somebody out of a room.
    pub fn kick(&self, admin: &str, room: &str, user: &str) {
        self.set(
            admin,
            room,
            "m.room.member",
            user,
            json!({"membership": "leave"}),
        );
    }

    /// The events of a type in a room, the oldest first.
    pub fn events(&self, room: &str, kind: &str) -> Vec<Event> {
        let mine = |event: &&Event| event.room == room && event.kind == kind;
        self.kept
            .world()
            .events
            .iter()
            .filter(mine)
            .cloned()
            .collect()
    }

    /// The next `times` requests with `part` in their method and path go wrong in this way.
    pub fn fail(&self, part: &str, times: usize, fault: Fault) -> &Self {
        self.fail_after(0, part, times, fault)
    }

    /// The same, after `pass` of them that do not.
    pub fn fail_after(&self, pass: usize, part: &str, times: usize, fault: Fault) -> &Self {
        self.with(|world| {
            world.orders.push(Order {
                part: part.to_owned(),
                pass,
                times,
                fault,
            });
        });
        self
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.with(|world| world.orders.clear());
    }

    /// Lets all answers go that are held.
    pub fn release(&self) {
        self.with(|world| world.released = world.stalled);
    }

    /// The oldest state that comes by itself has its time.
    pub fn delay_is_over(&self) {
        self.with(|world| {
            let one = world.delayed.remove(0);
            world.set(&one.sender, &one.room, &one.kind, &one.key, one.content);
        });
    }

    /// How many requests there were with `part` in their method and path.
    pub fn count(&self, part: &str) -> usize {
        let world = self.kept.world();
        world
            .asked
            .iter()
            .filter(|asked| asked.what.contains(part))
            .count()
    }
}
