//! The agents' side: takes what is put into the rooms of this host's agents, hands it to the local
//! transport, and says in the room what became of it. It knows the local side by its trait only.
//!
//! What is received is written to the disk together with the place in the stream before anything is
//! done about it, and each step after that as well. So a gateway may be killed at any moment: nothing
//! is lost, nothing is done twice, and what cannot be known is said to be unknown.

mod answers;
mod journal;
mod judge;
mod presence;
mod served;
mod stream;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::future::Future;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use ruma::{OwnedRoomId, OwnedUserId};
use tokio::sync::Notify;

pub(crate) use judge::{OPERATOR_LEVEL, SENDER_LEVEL};

use super::client::{Client, Patience};
use super::config::MatrixConfig;
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::home::user_home;
use crate::transport::DynTransport;
use journal::Journal;
use served::Rooms;

/// What a gateway is for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GatewayOptions {
    /// The host, as the roster's agents name it.
    pub host: String,
    /// The agents that live here.
    pub agents: Vec<AgentName>,
    /// Where the journal is kept: a folder that nobody else can enter.
    pub folder: PathBuf,
}

/// Where the journal of a host's gateway is kept, for the fleet of `config`: below
/// `$XDG_STATE_HOME`, else `~/.local/state`. It is made, for nobody else to enter.
///
/// # Errors
/// `InvalidArgument` for a host or a fleet that is no name of a folder, `ConfigInvalid` where it
/// cannot be made.
pub fn gateway_folder(
    environment: &BTreeMap<String, String>,
    config: &MatrixConfig,
    host: &str,
) -> Result<PathBuf> {
    let fleet = config.prefix.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    for (what, name) in [("fleet", fleet), ("host", host)] {
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(Error::invalid_argument(format!(
                "no {what} is called {name:?}"
            )));
        }
    }
    let set = |key: &str| environment.get(key).filter(|value| !value.is_empty());
    let state = match set("XDG_STATE_HOME") {
        Some(state) => PathBuf::from(state),
        None => user_home(environment).join(".local/state"),
    };
    let folder = state.join("mosaic-fleet/matrix").join(fleet).join(host);
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    let private = made.and_then(|()| {
        let mode = std::fs::metadata(&folder)?.mode();
        match mode & 0o077 {
            0 => Ok(()),
            _ => Err(std::io::Error::other("others may enter it: chmod 700")),
        }
    });
    private.map_err(|error| {
        Error::config_invalid(format!(
            "the gateway's folder {}: {error}",
            folder.display()
        ))
        .with_source(error)
    })?;
    Ok(folder)
}

impl GatewayOptions {
    /// A gateway for these agents of this host.
    pub fn new(
        host: impl Into<String>,
        agents: impl IntoIterator<Item = AgentName>,
        folder: impl Into<PathBuf>,
    ) -> Self {
        GatewayOptions {
            host: host.into(),
            agents: agents.into_iter().collect(),
            folder: folder.into(),
        }
    }
}

/// A gateway, ready to run.
#[derive(Debug)]
pub struct Gateway {
    config: MatrixConfig,
    client: Client,
    local: DynTransport,
    options: GatewayOptions,
    journal: Journal,
}

/// What the parts of a running gateway share.
#[derive(Debug)]
struct Shared {
    config: MatrixConfig,
    client: Client,
    local: DynTransport,
    host: String,
    agents: Vec<AgentName>,
    me: OwnedUserId,
    journal: Mutex<Journal>,
    rooms: RwLock<Rooms>,
    /// An agent may be another than it was.
    look_again: Notify,
}

impl Shared {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self) -> RwLockReadGuard<'_, Rooms> {
        self.rooms.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> Rooms {
        self.served().clone()
    }

    fn serves(&self, rooms: &Rooms) {
        let mut shared = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        rooms.clone_into(&mut shared);
    }

    fn agent_rooms(&self) -> BTreeMap<AgentName, OwnedRoomId> {
        let rooms = self.rooms().into_iter();
        rooms
            .filter_map(|(room, served)| Some((served.agent?, room)))
            .collect()
    }
}

/// How long the server may take to say who we are and which rooms there are.
const BEGINNING: Duration = Duration::from_secs(60);

impl Gateway {
    /// A gateway between the rooms and `local`. Opens the journal; talks to nobody.
    ///
    /// # Errors
    /// `ConfigInvalid` for a broken journal or configuration; `Unavailable` where another process has
    /// the journal.
    pub fn new(config: MatrixConfig, local: DynTransport, options: GatewayOptions) -> Result<Self> {
        config.space()?;
        config.admin()?;
        Ok(Gateway {
            client: Client::new(&config)?,
            journal: Journal::open(&options.folder)?,
            config,
            local,
            options,
        })
    }

    /// Runs until `shutdown` ends; `ready` is called once the first events are there. A homeserver
    /// that is away is waited for.
    ///
    /// # Errors
    /// `Unauthenticated` for a token that is not taken (any more); `ConfigInvalid` for rooms, account
    /// or levels that are not as they must be.
    ///
    /// # Cancel safety
    /// It may be dropped, or its process killed, at any moment: what was begun is taken up by the next
    /// one with the same folder.
    pub async fn run(self, shutdown: impl Future<Output = ()>, ready: impl FnOnce()) -> Result<()> {
        let running = async { stream::run(self.opened().await?, ready).await };
        tokio::select! {
            ended = running => ended,
            () = shutdown => Ok(()),
        }
    }

    /// Asks who we are.
    async fn opened(self) -> Result<Arc<Shared>> {
        let me = stream::patiently("who this is", || async {
            self.client
                .whoami(Patience::of(BEGINNING))
                .await
                .map_err(Error::from)
        })
        .await?;
        if me.device.is_none() {
            return Err(Error::config_invalid("the token belongs to no device")
                .with_hint("use a token that a login gave, not one that an admin made"));
        }
        if self
            .config
            .gateways
            .get(&self.options.host)
            .is_some_and(|known| *known != me.user)
        {
            return Err(Error::config_invalid(format!(
                "the token is that of {}, and the roster has another account for {}",
                me.user, self.options.host
            ))
            .with_hint("mend matrix.gateways, or use the right token"));
        }
        let mut journal = self.journal;
        let (server, space) = (&self.config.homeserver, self.config.space()?);
        journal.belong_to(format!("{server} {} {space}", me.user));
        Ok(Arc::new(Shared {
            config: self.config,
            client: self.client,
            local: self.local,
            host: self.options.host,
            agents: self.options.agents,
            me: me.user,
            journal: Mutex::new(journal),
            rooms: RwLock::default(),
            look_again: Notify::new(),
        }))
    }
}
