//! What a gateway tells without being asked: how its agents are, when that changes, and that it is
//! there at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ruma::OwnedRoomId;
use tokio::time::Instant;

use super::super::client::Patience;
use super::super::protocol::{HostState, Shown, VERSION, kind, now};
use super::Shared;
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::options::ListOptions;

/// How often the local transport is asked how its agents are.
const LOOK: Duration = Duration::from_secs(1);

/// How long the server waits for us before it says that this host is down.
const DOWN_AFTER: Duration = Duration::from_secs(120);

/// How often it is told that we are there: an event each time where it cannot wait by itself.
const ALIVE: Duration = Duration::from_secs(30);
const ALIVE_BY_EVENT: Duration = Duration::from_secs(300);

/// The feature of servers that set a state by themselves.
const DELAYED: &str = "org.matrix.msc4140";

/// Tells of each change of an agent's state, for as long as it is polled.
pub(super) async fn statuses(shared: Arc<Shared>) {
    let mut told: BTreeMap<AgentName, AgentState> = BTreeMap::new();
    loop {
        let listed = shared.local.list(ListOptions::new()).await;
        let rooms = shared.agent_rooms();
        for (agent, room) in rooms {
            let status = match &listed {
                Ok(all) => all
                    .iter()
                    .find(|status| status.name == agent)
                    .cloned()
                    .unwrap_or_else(|| nothing(&agent, AgentState::Stopped, "nothing runs for it")),
                Err(error) => nothing(&agent, AgentState::Unknown, error.message()),
            };
            if told.get(&agent) == Some(&status.state) {
                continue;
            }
            if tell(&shared, &room, &status).await {
                told.insert(agent, status.state);
            }
        }
        let _ = tokio::time::timeout(LOOK, shared.look_again.notified()).await;
    }
}

fn nothing(agent: &AgentName, state: AgentState, evidence: &str) -> AgentStatus {
    AgentStatus::new(agent.clone(), "", state, evidence)
}

/// What may be kept in a room: the question is not, nor which words of the terminal were read, unless
/// they are wanted there.
pub(super) fn kept(mut shown: Shown, tail_in_room: bool) -> Shown {
    shown.question = None;
    if !tail_in_room && shown.evidence.starts_with("screen: ") {
        shown.evidence.truncate("screen".len());
    }
    shown
}

async fn tell(shared: &Shared, room: &OwnedRoomId, status: &AgentStatus) -> bool {
    let shown = kept(Shown::of(status), shared.config.tail_in_room);
    let patience = Patience::of(Duration::from_secs(30));
    let put = shared
        .client
        .put_state(room, kind::STATUS, "", &shown, patience);
    put.await
        .inspect_err(|error| tracing::warn!(%error, "a changed status is told later"))
        .is_ok()
}

/// Tells that this host is up, for as long as it is polled.
pub(super) async fn alive(shared: Arc<Shared>) {
    let mut host = Host::of(&shared).await;
    loop {
        host.beat(&shared).await;
        tokio::time::sleep(ALIVE).await;
    }
}

/// What was told of this host.
pub(super) struct Host {
    /// The server can set a state by itself.
    delayed: bool,
    /// The name of what it sets unless we come before.
    waiting: Option<String>,
    /// What was told, and when.
    said: Option<(HostState, Instant)>,
}

fn patience() -> Patience {
    Patience::of(Duration::from_secs(30))
}

impl Host {
    pub(super) async fn of(shared: &Shared) -> Self {
        let features = shared.client.features(patience()).await.unwrap_or_default();
        Host {
            delayed: features.iter().any(|feature| feature == DELAYED),
            waiting: None,
            said: None,
        }
    }

    /// Tells once that we are there.
    pub(super) async fn beat(&mut self, shared: &Shared) {
        let Ok(space) = shared.config.space() else {
            return;
        };
        let (client, host) = (&shared.client, shared.host.as_str());
        let state = |up: bool, expires: Duration| HostState {
            v: VERSION,
            up,
            gateway: shared.me.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            at: now(),
            expires_at: now() + u64::try_from(expires.as_millis()).unwrap_or(u64::MAX / 4),
        };
        let put_off = match &self.waiting {
            Some(name) => client.put_off(name, patience()).await.is_ok(),
            None => false,
        };
        if !put_off && self.delayed {
            let down = state(false, Duration::ZERO);
            let put =
                client.put_state_later(space, kind::HOST, host, &down, DOWN_AFTER, patience());
            self.waiting = put.await.ok();
            self.said = None;
        }
        // Where the server waits for us, one state holds until it says otherwise. It is put each time
        // as it was, which makes no event: one of an earlier life, or one whose name was lost on the
        // way, may have said that we are down.
        let (up, when) = match (self.said.take(), &self.waiting) {
            (Some(said), Some(_)) => said,
            (Some((up, when)), None) if when.elapsed() < ALIVE_BY_EVENT => {
                self.said = Some((up, when));
                return;
            }
            (_, waiting) => {
                let expires = match waiting {
                    Some(_) => Duration::from_secs(365 * 24 * 60 * 60),
                    None => ALIVE_BY_EVENT * 3,
                };
                (state(true, expires), Instant::now())
            }
        };
        match client
            .put_state(space, kind::HOST, host, &up, patience())
            .await
        {
            Ok(()) => self.said = Some((up, when)),
            Err(error) => tracing::warn!(%error, "that this host is up is told later"),
        }
    }
}
