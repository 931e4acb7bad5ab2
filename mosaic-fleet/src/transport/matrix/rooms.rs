//! Which room is an agent's: by the Space's own children and each room's own state, both written by
//! the fleet's admin, never by an alias or a name that anybody could take.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use ruma::{OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::client::{Client, Patience};
use super::config::MatrixConfig;
use super::error::MatrixError;
use super::event::Event;
use super::protocol::{AgentRoom, KEY, kind, ours};
use crate::agent::AgentName;
use crate::error::{Error, Result};

/// An agent's room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) room: OwnedRoomId,
    /// The host that it lives on.
    pub(crate) host: String,
    /// The account whose acks and answers count.
    pub(crate) gateway: OwnedUserId,
}

/// What the Space says of a child beside what the specification asks for, so that one agent is found
/// without reading all rooms. The room's own state decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildNote {
    pub(crate) agent: AgentName,
    pub(crate) host: String,
}

/// A child of the Space.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) room: OwnedRoomId,
    pub(crate) note: Option<ChildNote>,
}

/// Who made the room that this state is of.
pub(crate) fn creator(state: &[Event]) -> Option<&UserId> {
    let is_made =
        |event: &&Event| event.kind == kind::CREATE && event.state_key.as_deref() == Some("");
    let made = state.iter().find(is_made)?;
    Some(&made.sender)
}

/// The state of a type with the empty key, as one of ours.
pub(crate) fn own_state<T: serde::de::DeserializeOwned>(state: &[Event], kind: &str) -> Option<T> {
    let mine = |event: &&Event| event.kind == kind && event.state_key.as_deref() == Some("");
    ours(&state.iter().find(mine)?.content)
}

/// All state of a room; where we are not in it yet, after having come at the admin's invitation.
pub(crate) async fn enter(
    client: &Client,
    room: &RoomId,
    patience: Patience,
) -> Result<Vec<Event>, MatrixError> {
    match client.all_state(room, patience).await {
        Err(error) if error.lasts() && error.is(&["M_FORBIDDEN", "M_UNKNOWN"]) => {
            client.join(room, patience).await?;
            client.all_state(room, patience).await
        }
        read => read,
    }
}

/// All state of the Space, which the admin must have made.
///
/// # Errors
/// `PermissionDenied` where we are not in it and not invited, `ConfigInvalid` where the admin did not
/// make it.
pub(crate) async fn space_state(
    client: &Client,
    config: &MatrixConfig,
    patience: Patience,
) -> Result<Vec<Event>> {
    let (space, admin) = (config.space()?, config.admin()?);
    let state = enter(client, space, patience).await?;
    if creator(&state) != Some(admin) {
        let what = format!("matrix.space: {space} was not made by {admin}");
        return Err(
            Error::config_invalid(what).with_hint("see that `space` and `admin` belong together")
        );
    }
    Ok(state)
}

/// The Space's children, by its state.
pub(crate) fn children(space: &[Event]) -> Vec<Child> {
    let child = |event: &Event| {
        // A child that was taken out has no content.
        let there = event.kind == kind::CHILD && event.content.get("via").is_some();
        let room = RoomId::parse(event.state_key.as_deref()?)
            .ok()
            .filter(|_| there)?;
        let note = event.content.get(KEY);
        Some(Child {
            room,
            note: note.and_then(|note| ChildNote::deserialize(note).ok()),
        })
    };
    space.iter().filter_map(child).collect()
}

/// Reads an agent's room. Nothing where it is none of the fleet's.
///
/// # Errors
/// `ConfigInvalid` where the room and the roster name different gateways.
pub(crate) async fn read_room(
    client: &Client,
    config: &MatrixConfig,
    room: &RoomId,
    patience: Patience,
) -> Result<Option<(AgentName, Located, Vec<Event>)>> {
    let state = match enter(client, room, patience).await {
        Ok(state) => state,
        // A room of the fleet that is not for us.
        Err(error) if error.lasts() && error.is(&["M_FORBIDDEN", "M_UNKNOWN", "M_NOT_FOUND"]) => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    if creator(&state) != Some(config.admin()?) {
        return Ok(None);
    }
    let Some(agent) = own_state::<AgentRoom>(&state, kind::AGENT) else {
        return Ok(None);
    };
    let Ok(gateway) = UserId::parse(&agent.gateway) else {
        return Ok(None);
    };
    if config
        .gateways
        .get(&agent.host)
        .is_some_and(|known| *known != gateway)
    {
        return Err(Error::config_invalid(format!(
            "the room of {} is served by {gateway}, and the roster has another account for {}",
            agent.agent, agent.host
        ))
        .with_hint("run `mosaic-fleet matrix provision`, or mend matrix.gateways"));
    }
    let located = Located {
        room: room.to_owned(),
        host: agent.host,
        gateway,
    };
    Ok(Some((agent.agent, located, state)))
}

/// The rooms of agents, as far as they were asked for a short while ago: an agent may move.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    found: Mutex<BTreeMap<AgentName, (Located, Instant)>>,
}

/// So many rooms are read at once.
const AT_ONCE: usize = 16;

/// How long it is believed that an agent's room is still its room.
const BELIEVED: Duration = Duration::from_secs(30);

impl Rooms {
    /// An agent's room.
    ///
    /// # Errors
    /// `AgentNotFound`, with the nearest name; `ConfigInvalid` where two rooms claim the agent.
    pub(super) async fn find(
        &self,
        client: &Client,
        config: &MatrixConfig,
        agent: &AgentName,
        patience: Patience,
    ) -> Result<Located> {
        let known = || {
            let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let (located, when) = found.get(agent)?;
            (when.elapsed() < BELIEVED).then(|| located.clone())
        };
        if let Some(located) = known() {
            return Ok(located);
        }
        let children = children(&space_state(client, config, patience).await?);
        let may_be = |child: &&Child| child.note.as_ref().is_none_or(|note| note.agent == *agent);
        let mut claims = Vec::new();
        for child in children.iter().filter(may_be) {
            let read = read_room(client, config, &child.room, patience).await?;
            claims.extend(
                read.filter(|(name, ..)| name == agent)
                    .map(|(_, room, _)| room),
            );
        }
        match claims.as_slice() {
            [one] => {
                let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
                found.insert(agent.clone(), (one.clone(), Instant::now()));
                Ok(one.clone())
            }
            [] => {
                let known = children.iter().filter_map(|child| child.note.as_ref());
                Err(Error::agent_not_found(
                    agent.as_str(),
                    known.map(|note| note.agent.as_str()),
                ))
            }
            _ => Err(Error::config_invalid(format!(
                "{} rooms of the Space claim {agent}, and which is meant is not known",
                claims.len()
            ))
            .with_hint(
                "run `mosaic-fleet matrix provision`, and take the others out of the Space",
            )),
        }
    }

    /// All rooms of agents, with their state.
    pub(super) async fn all(
        &self,
        client: &Client,
        config: &MatrixConfig,
        patience: Patience,
    ) -> Result<Vec<(AgentName, Located, Vec<Event>)>> {
        let children = children(&space_state(client, config, patience).await?);
        let reads = children.into_iter().map(|child| async move {
            let room = &child.room;
            read_room(client, config, room, patience).await
        });
        let reads: Vec<_> = futures::stream::iter(reads)
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut rooms = Vec::new();
        for read in reads {
            rooms.extend(read?);
        }
        rooms.sort_by(|one: &(AgentName, _, _), other| one.0.cmp(&other.0));
        Ok(rooms)
    }
}
