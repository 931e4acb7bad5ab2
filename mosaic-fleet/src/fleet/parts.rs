//! A fleet that lives in several places: a part for each, which is a fleet of its own with the
//! transport that reaches that place and, where this library starts agents there, a supervisor.
//!
//! The first part is this host's, over the roster's own transport, and is opened with the fleet. The
//! others are opened when somebody first asks for them, so that what is wrong with one place hides
//! nobody elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::future::{BoxFuture, join_all};
use serde_json::Value;

use super::open::placed;
use super::outcome::{Outcome, Progress, none_of};
use super::{Fleet, FleetOptions, Inner};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::registry::{Context, Reach, Registry};
use crate::roster::{Action, AgentSpec, Roster, plan};
use crate::supervise::{self, Supervisor};
use crate::transport::DynTransport;

/// Where agents are: what reaches them, and on which host they are where that matters to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) scheme: String,
    pub(super) host: Option<String>,
}

impl Place {
    /// Where an agent is.
    pub(super) fn of(agent: &AgentSpec, roster: &Roster, registry: &Registry) -> Self {
        let scheme = agent.transport.as_ref().unwrap_or(&roster.transport);
        let everywhere = registry.reach(scheme) == Some(Reach::Everywhere);
        Place {
            scheme: scheme.clone(),
            host: agent.host.clone().filter(|_| !everywhere),
        }
    }

    /// Where agents are of which the roster says nothing.
    pub(super) fn here(roster: &Roster) -> Self {
        Place {
            scheme: roster.transport.clone(),
            host: None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "{}:{host}", self.scheme),
            None => f.write_str(&self.scheme),
        }
    }
}

/// Whether an agent is this host's, by what a fleet knows of it.
pub(super) fn is_here(agent: &AgentSpec) -> bool {
    agent.host.is_none() && agent.transport.is_none()
}

/// What it takes to open a part.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    pub(super) registry: Registry,
    pub(super) context: Context,
}

impl Opener {
    /// What reaches a place.
    pub(super) fn open(&self, place: &Place, roster: &Roster) -> Result<Opened> {
        let scheme = place.scheme.as_str();
        let block = roster.block(scheme).unwrap_or(&Value::Null);
        let mut context = self.context.clone();
        context.host.clone_from(&place.host);
        // The caller's instance is one of the roster's own transport.
        if place.scheme != roster.transport {
            context.instance = None;
        }
        let misplaced = |error: Error| {
            let words = error.message().trim_start_matches(scheme);
            let field = words.strip_prefix('.').and_then(|w| w.split(':').next());
            let unknown = error.message().split('`').nth(1);
            let path: Vec<String> = [Some(scheme), field.or(unknown)]
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .collect();
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            placed(roster, &path, error)
        };
        let transport = self
            .registry
            .open(scheme, block, &context)
            .map_err(misplaced)?;
        let supervisor = supervise::open(scheme, block, &context).map_err(misplaced)?;
        Ok(Opened {
            transport,
            supervisor,
        })
    }
}

/// What reaches a place, and what starts agents there.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) transport: DynTransport,
    pub(super) supervisor: Option<Arc<dyn Supervisor>>,
}

/// One place and its agents.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) place: Place,
    pub(super) agents: Vec<AgentSpec>,
    opened: OnceLock<Fleet>,
}

impl Part {
    /// The places of these agents, each once, in the order in which they are first named.
    pub(super) fn all(agents: &[AgentSpec], roster: &Roster, registry: &Registry) -> Vec<Part> {
        let mut at: BTreeMap<Place, usize> = BTreeMap::new();
        let mut parts = vec![Part::new(Place::here(roster))];
        at.insert(Place::here(roster), 0);
        for agent in agents {
            let place = Place::of(agent, roster, registry);
            let at = *at.entry(place.clone()).or_insert_with(|| {
                parts.push(Part::new(place));
                parts.len() - 1
            });
            parts[at].agents.push(agent.clone());
        }
        parts
    }

    fn new(place: Place) -> Self {
        Part {
            place,
            agents: Vec::new(),
            opened: OnceLock::new(),
        }
    }

    /// The fleet of this place, opened now where it was not before.
    fn open(&self, whole: &Inner) -> Result<Fleet> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.clone());
        }
        let opened = whole.opener.open(&self.place, &whole.roster)?;
        let fleet = whole.part(self, opened);
        // Somebody else may have been quicker; either will do.
        Ok(self.opened.get_or_init(|| fleet).clone())
    }
}

impl Inner {
    /// A part of this fleet, as a fleet of its own.
    fn part(&self, part: &Part, opened: Opened) -> Fleet {
        let instance = opened.transport.info().instance.replace('/', "%");
        let programs = opened.supervisor.as_ref().and_then(|own| own.path());
        let path = programs.or_else(|| self.path.clone());
        Fleet {
            inner: Arc::new(Inner {
                agents: part.agents.clone(),
                events: self
                    .state
                    .join("mosaic-fleet")
                    .join("events")
                    .join(instance),
                path: path.filter(|_| part.place.host.is_none()),
                host: part.place.host.clone(),
                transport: opened.transport,
                supervisor: opened.supervisor,
                here: None,
                elsewhere: Vec::new(),
                ..self.clone()
            }),
        }
    }

    /// This fleet with its parts, where it has more than one.
    pub(super) fn in_parts(mut self, parts: Vec<Part>) -> Fleet {
        let mut parts = parts.into_iter();
        if let Some(here) = parts.next()
            && parts.len() > 0
        {
            let opened = Opened {
                transport: self.transport.clone(),
                supervisor: self.supervisor.clone(),
            };
            self.here = Some(self.part(&here, opened));
            self.elsewhere = parts.collect();
        }
        Fleet {
            inner: Arc::new(self),
        }
    }
}

impl Fleet {
    /// The fleet as it is on `host`: the roster's agents of that host, and those of which it names
    /// none, reached from there by the transport `scheme`. What a gateway there serves.
    ///
    /// # Errors
    /// As [`Fleet::open`].
    pub fn on_host(
        roster: &Roster,
        host: &str,
        scheme: &str,
        options: FleetOptions,
    ) -> Result<Fleet> {
        let mut there = roster.clone();
        let local = |agent: &AgentSpec| match &agent.host {
            Some(named) => named == host,
            None => agent.transport.as_ref().unwrap_or(&roster.transport) == scheme,
        };
        there.agents.retain(local);
        for agent in &mut there.agents {
            (agent.host, agent.transport) = (None, None);
        }
        scheme.clone_into(&mut there.transport);
        Fleet::with_roster(there, options)
    }

    /// The part of the fleet that an agent is in: this host's for one that the roster does not have.
    ///
    /// # Errors
    /// What is wrong with that place.
    pub(super) fn part_of(&self, name: &AgentName) -> Result<Fleet> {
        let has = |part: &&Part| part.agents.iter().any(|agent| agent.name == *name);
        match self.inner.elsewhere.iter().find(has) {
            Some(part) => part.open(&self.inner),
            None => Ok(self.part_here()),
        }
    }

    /// The part on this host, over the roster's own transport.
    pub(super) fn part_here(&self) -> Fleet {
        match &self.inner.here {
            Some(here) => here.clone(),
            None => self.clone(),
        }
    }

    /// The parts that were opened so far.
    pub(super) fn opened_parts(&self) -> Vec<Fleet> {
        let elsewhere = self.inner.elsewhere.iter();
        let elsewhere = elsewhere.filter_map(|part| part.opened.get().cloned());
        [self.part_here()].into_iter().chain(elsewhere).collect()
    }

    /// The parts, this host's first.
    pub(super) fn parts(&self) -> Vec<Reached> {
        let here = self.part_here();
        let mut parts = vec![Reached {
            scope: here.inner.transport.info().to_string(),
            agents: here.inner.agents.clone(),
            fleet: Ok(here),
        }];
        for part in &self.inner.elsewhere {
            let fleet = part.open(&self.inner);
            parts.push(Reached {
                scope: match &fleet {
                    Ok(fleet) => fleet.inner.transport.info().to_string(),
                    Err(_) => part.place.to_string(),
                },
                agents: part.agents.clone(),
                fleet,
            });
        }
        parts
    }
}

/// What a part does with its agents.
pub(super) type Acting<'a> = BoxFuture<'a, Result<Vec<Outcome>>>;

/// Whom a call is about, part by part.
#[derive(Debug)]
struct Asked {
    /// This host's: all of them where it is empty. Nothing where none of this host is meant.
    here: Option<Vec<AgentName>>,
    /// The others, by name.
    elsewhere: Vec<(Result<Fleet>, Vec<AgentName>)>,
}

impl Fleet {
    /// Has each part act on its agents among `names`, all side by side. What is wrong with one place is
    /// told of its agents, and hides no others.
    ///
    /// # Errors
    /// A name that nobody knows, before anything is begun; what is wrong with the only place.
    pub(super) async fn in_each_part<O: Sync>(
        &self,
        action: Action,
        names: &[AgentName],
        options: &O,
        progress: &mut (dyn FnMut(&Outcome) + Send),
        act: impl for<'a> Fn(&'a Fleet, &'a [AgentName], &'a O, Progress<'a>) -> Acting<'a> + Sync,
    ) -> Result<Vec<Outcome>> {
        let asked = self.asked(names);
        let progress = Mutex::new(progress);
        let tell = |outcome: &Outcome| {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            (*progress)(outcome);
        };
        let mut parts = Vec::new();
        if let Some(names) = asked.here {
            let here = self.part_here();
            if asked.elsewhere.is_empty() {
                return act(&here, &names, options, &tell).await;
            }
            if names.iter().any(|name| self.agent(name).is_err()) {
                plan(&here.names(), &here.actual().await?, action, &names)?;
            }
            let meant = match names.is_empty() {
                true => here.names(),
                false => names.clone(),
            };
            parts.push((Ok(here), names, meant));
        }
        let elsewhere = asked.elsewhere.into_iter();
        parts.extend(elsewhere.map(|(part, names)| (part, names.clone(), names)));
        let acting = parts.iter().map(async |(part, names, meant)| {
            let acted = match part {
                Ok(part) => act(part, names, options, &tell).await,
                Err(error) => Err(error.repeated()),
            };
            acted.unwrap_or_else(|error| none_of(meant, action, &error, &tell))
        });
        Ok(join_all(acting).await.into_iter().flatten().collect())
    }

    /// Whom a call that starts or stops agents is about: these, or all where there are none; of
    /// those only the ones that this library starts and stops.
    fn asked(&self, names: &[AgentName]) -> Asked {
        let mut elsewhere = Vec::new();
        for part in &self.inner.elsewhere {
            let of_part = part.agents.iter().map(|agent| agent.name.clone());
            let of_part: Vec<AgentName> = match names {
                [] => of_part.collect(),
                names => of_part.filter(|name| names.contains(name)).collect(),
            };
            let startable = supervise::starts(&part.place.scheme);
            if of_part.is_empty() || (names.is_empty() && !startable) {
                continue;
            }
            elsewhere.push((part.open(&self.inner), of_part));
        }
        let is_elsewhere = |name: &&AgentName| elsewhere.iter().any(|(_, of)| of.contains(name));
        let here = names.iter().filter(|name| !is_elsewhere(name)).cloned();
        let here: Vec<AgentName> = here.collect();
        let meant = match names {
            [] => self.inner.supervisor.is_some() || elsewhere.is_empty(),
            _ => !here.is_empty(),
        };
        Asked {
            here: meant.then_some(here),
            elsewhere,
        }
    }
}

/// A part, or what is wrong with it.
#[derive(Debug)]
pub(super) struct Reached {
    /// How messages call it.
    pub(super) scope: String,
    pub(super) agents: Vec<AgentSpec>,
    pub(super) fleet: Result<Fleet>,
}
