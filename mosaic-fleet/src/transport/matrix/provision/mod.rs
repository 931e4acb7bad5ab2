//! Makes the fleet's Space and rooms, and the levels in them, as the roster has them: looks at what
//! is there, decides what is missing, and does only that. Killed anywhere it goes on where it was: a
//! room has its meaning from the moment it exists.

mod wanted;

use std::collections::BTreeMap;

use ruma::{OwnedRoomId, OwnedUserId, UserId};
use serde::Serialize;
use serde_json::{Value, json};

use super::client::{Client, Patience};
use super::config::MatrixConfig;
use super::event::Event;
use super::protocol::{AgentRoom, FleetState, kind};
use super::rooms::{creator, own_state};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use wanted::same_levels;

/// How long one request may take: servers make rooms slowly, and say when to go on.
const STEP: std::time::Duration = std::time::Duration::from_secs(180);

/// An agent that has a room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoomAgent {
    /// The agent.
    pub name: AgentName,
    /// The host that it lives on, as `gateways` of the roster names it.
    pub host: String,
}

impl RoomAgent {
    /// An agent of a host.
    pub fn new(name: AgentName, host: impl Into<String>) -> Self {
        RoomAgent {
            name,
            host: host.into(),
        }
    }
}

/// Something that is missing, or is not as the roster has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProvisionStep {
    /// There is no Space of this fleet.
    MakeSpace,
    /// There is no room for an agent.
    MakeRoom {
        /// Whose it will be.
        agent: AgentName,
    },
    /// A room is not, or not rightly, in the Space.
    PutIntoSpace {
        /// Whose it is.
        agent: AgentName,
    },
    /// A room says another host or gateway than the roster.
    SetAgent {
        /// Whose it is.
        agent: AgentName,
    },
    /// Levels are not as the roster has them.
    SetLevels {
        /// Whose room it is; the Space where it is left out.
        agent: Option<AgentName>,
    },
    /// An account is to be in a room and is not.
    Invite {
        /// Whose room it is; the Space where it is left out.
        agent: Option<AgentName>,
        /// The account.
        account: String,
    },
    /// The roster does not have the agent any more: its room leaves the Space, and is left alone.
    TakeOutOfSpace {
        /// Whose it was.
        agent: AgentName,
    },
    /// An account is in a room and in no list of the roster. It is not removed: its level is.
    Left {
        /// Whose room it is; the Space where it is left out.
        agent: Option<AgentName>,
        /// The account.
        account: String,
    },
    /// As [`Left`](ProvisionStep::Left), where those are to be removed.
    Remove {
        /// Whose room it is; the Space where it is left out.
        agent: Option<AgentName>,
        /// The account.
        account: String,
    },
}

/// What came of it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Provisioned {
    /// The Space, once there is one.
    pub space: Option<String>,
    /// The account that makes the rooms.
    pub admin: String,
    /// What was done, or would be.
    pub steps: Vec<ProvisionStep>,
}

/// A room as it is there.
#[derive(Debug, Clone)]
struct Found {
    room: OwnedRoomId,
    state: Vec<Event>,
}

/// The rooms of a fleet, as its roster has them.
#[derive(Debug)]
pub struct Provision {
    config: MatrixConfig,
    client: Client,
    agents: Vec<RoomAgent>,
    removes: bool,
}

impl Provision {
    /// For these agents. No I/O.
    ///
    /// # Errors
    /// `ConfigInvalid` for an agent of a host that has no gateway in the roster.
    pub fn new(config: MatrixConfig, agents: Vec<RoomAgent>) -> Result<Self> {
        for agent in &agents {
            if !config.gateways.contains_key(&agent.host) {
                let what = format!(
                    "matrix.gateways: no account for {}, the host of {}",
                    agent.host, agent.name
                );
                return Err(Error::config_invalid(what)
                    .with_hint("name the account of that host's gateway, as in gateways: { box1: \"@gw-box1:example.com\" }"));
            }
        }
        Ok(Provision {
            client: Client::new(&config)?,
            config,
            agents,
            removes: false,
        })
    }

    /// Takes accounts that no list of the roster names out of the rooms, where they could read on.
    #[must_use]
    pub fn with_removal(mut self, removes: bool) -> Self {
        self.removes = removes;
        self
    }

    /// Does what is missing, or only says it. `progress` hears each step before it is done.
    ///
    /// # Errors
    /// `ConfigInvalid` where the token is not the admin's; what the homeserver refuses.
    ///
    /// # Cancel safety
    /// A dropped call has done some of the steps; the next one does the rest.
    pub async fn run(
        &self,
        dry: bool,
        mut progress: impl FnMut(&ProvisionStep),
    ) -> Result<Provisioned> {
        let patience = || Patience::of(STEP);
        let me = self.client.whoami(patience()).await?.user;
        if self.config.admin.as_ref().is_some_and(|admin| *admin != me) {
            return Err(
                Error::config_invalid(format!("matrix.admin: the token is that of {me}"))
                    .with_hint("run it with the admin's token (--token-file), once"),
            );
        }
        if self.config.operators.contains(&me) || self.config.senders.contains(&me) {
            let what = format!(
                "{me} makes the rooms, and is above all levels: it is no sender or operator"
            );
            return Err(Error::config_invalid(what)
                .with_hint("leave it out of both lists, and keep its token offline"));
        }
        let mut found = self.found(&me).await?;
        let mut done = Vec::new();
        let space = match found.remove(&None) {
            Some(space) => space,
            None => {
                self.take(ProvisionStep::MakeSpace, &mut done, &mut progress);
                if dry {
                    for agent in &self.agents {
                        self.would_make(agent, &mut done, &mut progress);
                    }
                    return Ok(self.provisioned(None, &me, done));
                }
                let room = self
                    .client
                    .create_room(self.new_space(), patience())
                    .await?;
                let state = self.client.all_state(&room, patience()).await?;
                Found { room, state }
            }
        };
        self.right(&space, None, dry, &mut done, &mut progress)
            .await?;
        for agent in &self.agents {
            let name = agent.name.clone();
            let room = match found.remove(&Some(name.clone())) {
                Some(room) => room,
                None => {
                    if dry {
                        self.would_make(agent, &mut done, &mut progress);
                        continue;
                    }
                    let step = ProvisionStep::MakeRoom {
                        agent: name.clone(),
                    };
                    self.take(step, &mut done, &mut progress);
                    let room = self
                        .client
                        .create_room(self.new_room(agent), patience())
                        .await?;
                    let state = self.client.all_state(&room, patience()).await?;
                    Found { room, state }
                }
            };
            let wanted = self.agent_state(agent);
            if own_state::<AgentRoom>(&room.state, kind::AGENT).as_ref() != Some(&wanted) {
                self.take(
                    ProvisionStep::SetAgent {
                        agent: name.clone(),
                    },
                    &mut done,
                    &mut progress,
                );
                if !dry {
                    let put =
                        self.client
                            .put_state(&room.room, kind::AGENT, "", &wanted, patience());
                    put.await?;
                }
            }
            self.right(&room, Some(agent), dry, &mut done, &mut progress)
                .await?;
            let child = self.child(agent);
            if content(&space.state, kind::CHILD, room.room.as_str()) != Some(&child) {
                self.take(
                    ProvisionStep::PutIntoSpace { agent: name },
                    &mut done,
                    &mut progress,
                );
                if !dry {
                    let key = room.room.as_str();
                    let put =
                        self.client
                            .put_state(&space.room, kind::CHILD, key, &child, patience());
                    put.await?;
                }
            }
        }
        for (name, room) in found {
            let Some(agent) = name else { continue };
            let child = content(&space.state, kind::CHILD, room.room.as_str());
            if child.is_some_and(|child| child.get("via").is_some()) {
                self.take(
                    ProvisionStep::TakeOutOfSpace { agent },
                    &mut done,
                    &mut progress,
                );
                if !dry {
                    let (key, nothing) = (room.room.as_str(), json!({}));
                    let put =
                        self.client
                            .put_state(&space.room, kind::CHILD, key, &nothing, patience());
                    put.await?;
                }
            }
        }
        Ok(self.provisioned(Some(&space), &me, done))
    }

    fn provisioned(
        &self,
        space: Option<&Found>,
        me: &OwnedUserId,
        steps: Vec<ProvisionStep>,
    ) -> Provisioned {
        Provisioned {
            space: space.map(|space| space.room.to_string()),
            admin: me.to_string(),
            steps,
        }
    }

    /// The steps of a room that is not made.
    fn would_make(
        &self,
        agent: &RoomAgent,
        done: &mut Vec<ProvisionStep>,
        progress: &mut impl FnMut(&ProvisionStep),
    ) {
        let agent = agent.name.clone();
        let make = ProvisionStep::MakeRoom {
            agent: agent.clone(),
        };
        self.take(make, done, progress);
        self.take(ProvisionStep::PutIntoSpace { agent }, done, progress);
    }

    fn take(
        &self,
        step: ProvisionStep,
        done: &mut Vec<ProvisionStep>,
        progress: &mut impl FnMut(&ProvisionStep),
    ) {
        progress(&step);
        done.push(step);
    }

    /// The fleet's rooms among those that the admin made: the Space, and one an agent.
    async fn found(&self, me: &OwnedUserId) -> Result<BTreeMap<Option<AgentName>, Found>> {
        let mut found = BTreeMap::new();
        for room in self.client.joined(Patience::of(STEP)).await? {
            let state = self.client.all_state(&room, Patience::of(STEP)).await?;
            let fleet = own_state::<FleetState>(&state, kind::FLEET);
            let mine = creator(&state) == Some(me)
                && fleet.is_some_and(|fleet| fleet.fleet == self.config.prefix);
            if !mine {
                continue;
            }
            let agent = own_state::<AgentRoom>(&state, kind::AGENT).map(|agent| agent.agent);
            if let Some(Found { room: first, .. }) = found.get(&agent) {
                let whose = agent.map_or_else(|| "the Space".to_owned(), |agent| agent.to_string());
                return Err(Error::config_invalid(format!(
                    "two rooms are {whose} of {}: {first} and {room}",
                    self.config.prefix
                ))
                .with_hint(
                    "leave the one that is not used with the admin's account, then run this again",
                ));
            }
            found.insert(agent, Found { room, state });
        }
        Ok(found)
    }

    /// Sets the levels of a room and invites who is to be in it.
    async fn right(
        &self,
        found: &Found,
        agent: Option<&RoomAgent>,
        dry: bool,
        done: &mut Vec<ProvisionStep>,
        progress: &mut impl FnMut(&ProvisionStep),
    ) -> Result<()> {
        let name = || agent.map(|agent| agent.name.clone());
        let patience = || Patience::of(STEP);
        let levels = self.levels(agent);
        if !content(&found.state, kind::POWER, "").is_some_and(|there| same_levels(there, &levels))
        {
            self.take(ProvisionStep::SetLevels { agent: name() }, done, progress);
            if !dry {
                let put = self
                    .client
                    .put_state(&found.room, kind::POWER, "", &levels, patience());
                put.await?;
            }
        }
        let wanted = self.members(agent);
        for account in &wanted {
            if matches!(membership(found, account.as_str()), Some("join" | "invite")) {
                continue;
            }
            let step = ProvisionStep::Invite {
                agent: name(),
                account: account.to_string(),
            };
            self.take(step, done, progress);
            if !dry {
                self.client.invite(&found.room, account, patience()).await?;
            }
        }
        let made_by = creator(&found.state);
        for event in &found.state {
            let (true, Some(account)) = (event.kind == kind::MEMBER, &event.state_key) else {
                continue;
            };
            let is_known =
                wanted.iter().any(|one| one == account) || made_by.is_some_and(|me| me == account);
            if is_known || !matches!(membership(found, account), Some("join" | "invite")) {
                continue;
            }
            let (agent, account) = (name(), account.clone());
            if !self.removes {
                // Only said: nobody is thrown out behind anybody's back.
                progress(&ProvisionStep::Left { agent, account });
                continue;
            }
            let user = UserId::parse(&account);
            self.take(ProvisionStep::Remove { agent, account }, done, progress);
            if let (false, Ok(user)) = (dry, user) {
                self.client.remove(&found.room, &user, patience()).await?;
            }
        }
        Ok(())
    }
}

fn content<'a>(state: &'a [Event], kind: &str, key: &str) -> Option<&'a Value> {
    let mine = |event: &&Event| event.kind == kind && event.state_key.as_deref() == Some(key);
    state.iter().find(mine).map(|event| &event.content)
}

fn membership<'a>(found: &'a Found, account: &str) -> Option<&'a str> {
    content(&found.state, kind::MEMBER, account)?
        .get("membership")?
        .as_str()
}
