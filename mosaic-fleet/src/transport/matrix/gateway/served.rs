//! The rooms that a gateway serves: those of the Space that the admin made for an agent of this host
//! and this account. Nobody else's are ever joined.

use std::collections::BTreeMap;

use ruma::{OwnedRoomId, RoomId, UserId};

use super::super::client::{Client, Patience};
use super::super::config::MatrixConfig;
use super::super::event::Event;
use super::super::protocol::kind;
use super::super::rooms::{children, creator, read_room, space_state};
use super::judge::Levels;
use crate::agent::AgentName;
use crate::error::{Error, Result};

/// A room, and who may do what in it.
#[derive(Debug, Clone)]
pub(super) struct Served {
    /// Whose it is; nothing for the Space.
    pub(super) agent: Option<AgentName>,
    pub(super) levels: Levels,
}

/// The rooms by their ids.
pub(super) type Rooms = BTreeMap<OwnedRoomId, Served>;

fn levels(state: &[Event]) -> Levels {
    let levels = state.iter().find(|event| is_power(event));
    levels.map_or_else(Levels::default, |event| {
        Levels::read(&event.content, creator(state))
    })
}

/// Whether an event is the room's levels: an event of that type with another key, or with none, is
/// not, whoever was let put it.
fn is_power(event: &Event) -> bool {
    event.kind == kind::POWER && event.state_key.as_deref() == Some("")
}

/// Reads which rooms are served now, and comes into those that are not entered yet.
///
/// # Errors
/// `ConfigInvalid` where two rooms claim one agent.
pub(super) async fn served(
    client: &Client,
    config: &MatrixConfig,
    me: &UserId,
    host: &str,
    agents: &[AgentName],
    patience: Patience,
) -> Result<Rooms> {
    let space = config.space()?;
    let state = space_state(client, config, patience).await?;
    let mut rooms = Rooms::new();
    rooms.insert(
        space.to_owned(),
        Served {
            agent: None,
            levels: levels(&state),
        },
    );
    for child in children(&state) {
        // Of another host, by the admin's own word: it is not even read.
        if child.note.as_ref().is_some_and(|note| note.host != host) {
            continue;
        }
        let Some((agent, located, state)) =
            read_room(client, config, &child.room, patience).await?
        else {
            continue;
        };
        if located.host != host || located.gateway != me {
            continue;
        }
        if !agents.contains(&agent) {
            tracing::warn!(agent = agent.as_str(), room = %child.room, "a room for an agent that this host does not have");
            continue;
        }
        if rooms
            .values()
            .any(|room| room.agent.as_ref() == Some(&agent))
        {
            return Err(
                Error::config_invalid(format!("two rooms of the Space claim {agent}"))
                    .with_hint("take the wrong one out of the Space"),
            );
        }
        rooms.insert(
            child.room,
            Served {
                agent: Some(agent),
                levels: levels(&state),
            },
        );
    }
    Ok(rooms)
}

/// Takes changed levels in. True where the rooms have to be read anew.
pub(super) fn changed(rooms: &mut Rooms, room: &RoomId, event: &Event) -> bool {
    let is_state = event.state_key.is_some();
    if is_state && (event.kind == kind::CHILD || event.kind == kind::AGENT) {
        return true;
    }
    if is_power(event)
        && let Some(served) = rooms.get_mut(room)
    {
        served.levels = served.levels.with(&event.content);
    }
    false
}
