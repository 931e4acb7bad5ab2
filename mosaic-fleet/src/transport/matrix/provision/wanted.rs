//! Rooms as the roster has them: who is in them, who may do what, and what they say from their first
//! moment. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ruma::OwnedUserId;
use serde_json::{Value, json};

use super::super::gateway::{OPERATOR_LEVEL, SENDER_LEVEL};
use super::super::protocol::{AgentRoom, FleetState, KEY, VERSION, kind};
use super::super::requests::NewRoom;
use super::super::rooms::ChildNote;
use super::{Provision, RoomAgent};

/// The level of a gateway: it acks and tells, and can change nothing else.
const GATEWAY_LEVEL: i64 = 50;

impl Provision {
    pub(super) fn gateway(&self, agent: &RoomAgent) -> Option<&OwnedUserId> {
        self.config.gateways.get(&agent.host)
    }

    pub(super) fn members(&self, _agent: Option<&RoomAgent>) -> BTreeSet<OwnedUserId> {
        let lists = [&self.config.senders, &self.config.operators];
        let listed = lists.into_iter().flatten();
        // The other hosts' gateways may write to the agent for their own.
        listed
            .chain(self.config.gateways.values())
            .cloned()
            .collect()
    }

    pub(super) fn agent_state(&self, agent: &RoomAgent) -> AgentRoom {
        AgentRoom {
            v: VERSION,
            agent: agent.name.clone(),
            host: agent.host.clone(),
            gateway: self
                .gateway(agent)
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }

    pub(super) fn child(&self, agent: &RoomAgent) -> Value {
        let server = self
            .config
            .gateways
            .values()
            .next()
            .map(|one| one.server_name().to_string());
        let note = ChildNote {
            agent: agent.name.clone(),
            host: agent.host.clone(),
        };
        json!({"via": server.into_iter().collect::<Vec<_>>(), KEY: note})
    }

    /// The levels of a room, or of the Space. Who makes it is above all of them and not named.
    pub(super) fn levels(&self, agent: Option<&RoomAgent>) -> Value {
        let mut users: BTreeMap<&OwnedUserId, i64> = BTreeMap::new();
        users.extend(
            self.config
                .gateways
                .values()
                .map(|user| (user, SENDER_LEVEL)),
        );
        users.extend(self.config.senders.iter().map(|user| (user, SENDER_LEVEL)));
        users.extend(
            self.config
                .operators
                .iter()
                .map(|user| (user, OPERATOR_LEVEL)),
        );
        match agent {
            Some(agent) => users.extend(self.gateway(agent).map(|user| (user, GATEWAY_LEVEL))),
            None => users.extend(
                self.config
                    .gateways
                    .values()
                    .map(|user| (user, GATEWAY_LEVEL)),
            ),
        }
        let closed = 100;
        let events = match agent {
            Some(_) => json!({
                kind::MESSAGE: SENDER_LEVEL, "m.reaction": SENDER_LEVEL, kind::REQUEST: SENDER_LEVEL,
                kind::ACK: GATEWAY_LEVEL, kind::STATUS: GATEWAY_LEVEL, kind::RESET: OPERATOR_LEVEL,
                kind::AGENT: closed, "m.room.redaction": closed, "m.room.encryption": closed,
                kind::POWER: closed,
            }),
            None => json!({
                kind::REQUEST: SENDER_LEVEL, kind::HOST: GATEWAY_LEVEL, kind::CHILD: closed,
                "m.room.encryption": closed, kind::POWER: closed,
            }),
        };
        json!({
            "users": users, "users_default": 0, "events": events,
            "events_default": if agent.is_some() { GATEWAY_LEVEL } else { closed },
            "state_default": closed, "invite": closed, "kick": closed, "ban": closed, "redact": closed,
        })
    }

    pub(super) fn new_space(&self) -> NewRoom {
        self.room_called(self.config.prefix.clone(), "The agents of a fleet", None)
    }

    pub(super) fn new_room(&self, agent: &RoomAgent) -> NewRoom {
        let name = format!("{} (agent)", agent.name);
        let topic = "A text goes to the agent. !help says what else can be asked.";
        self.room_called(name, topic, Some(agent))
    }

    pub(super) fn room_called(
        &self,
        name: String,
        topic: &str,
        agent: Option<&RoomAgent>,
    ) -> NewRoom {
        let fleet = FleetState {
            v: VERSION,
            fleet: self.config.prefix.clone(),
        };
        let mut state = vec![
            (kind::FLEET.to_owned(), json!(fleet)),
            (
                "m.room.history_visibility".to_owned(),
                json!({"history_visibility": "invited"}),
            ),
            (
                "m.room.guest_access".to_owned(),
                json!({"guest_access": "forbidden"}),
            ),
        ];
        state.extend(agent.map(|agent| (kind::AGENT.to_owned(), json!(self.agent_state(agent)))));
        NewRoom {
            name,
            topic: topic.to_owned(),
            is_space: agent.is_none(),
            state,
            power: self.levels(agent),
            invite: self.members(agent).into_iter().collect(),
        }
    }
}

/// Servers add levels of their own, which change nothing of ours.
pub(super) fn same_levels(there: &Value, wanted: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else {
        return false;
    };
    wanted
        .iter()
        .all(|(key, value)| match (key.as_str(), there.get(key)) {
            ("events", Some(there)) => {
                let events = value.as_object().into_iter().flatten();
                let mut events = events.map(|(kind, level)| there.get(kind) == Some(level));
                events.all(|same| same)
            }
            (_, there) => there == Some(value),
        })
}
