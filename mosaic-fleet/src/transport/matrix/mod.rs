//! Agents beyond this machine, over a homeserver that exists already: the sender's side here, the
//! agents' side in `gateway`, the rooms of both by `provision`.
//!
//! A text is put into the agent's room, where it lasts. The gateway of the agent's host types it
//! there and says in the same room what became of it. What is asked is answered from device to
//! device.

mod ask;
mod client;
mod config;
mod error;
mod event;
mod failure;
mod gateway;
mod hub;
mod protocol;
mod provision;
mod requests;
mod rooms;
mod send;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ruma::{OwnedDeviceId, OwnedUserId};
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use config::{MATRIX_SCHEME, MatrixBlock, MatrixConfig, TOKEN_VARIABLE};
pub use gateway::{Gateway, GatewayOptions, gateway_folder};
pub use provision::{Provision, ProvisionStep, Provisioned, RoomAgent};

use super::{Transport, TransportInfo};
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{EvidenceKind, Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, Cursor, ListOptions, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
use ask::patience;
use client::{Client, Patience};
use hub::{Heard, Hub, Interest};
use protocol::{Answered, Asks, LONGEST_TEXT, Shown, kind};
use rooms::{Located, Rooms, own_state};

/// The agents of a fleet's Space. Cheap to clone; clones share the stream.
#[derive(Debug, Clone)]
pub struct MatrixTransport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: MatrixConfig,
    client: Client,
    hub: Hub,
    rooms: Rooms,
    account: OnceCell<(OwnedUserId, OwnedDeviceId)>,
    closed: AtomicBool,
}

/// How long an outcome is asked for.
const OUTCOME: Duration = Duration::from_secs(10);

impl MatrixTransport {
    /// The fleet of this configuration. No I/O.
    ///
    /// # Errors
    /// `ConfigInvalid` for a token or certificates that are none.
    pub fn new(config: MatrixConfig) -> Result<Self> {
        let client = Client::new(&config)?;
        Ok(MatrixTransport {
            inner: Arc::new(Inner {
                hub: Hub::new(client.clone()),
                client,
                config,
                rooms: Rooms::default(),
                account: OnceCell::new(),
                closed: AtomicBool::new(false),
            }),
        })
    }
}

impl Inner {
    fn info(&self) -> TransportInfo {
        TransportInfo::new(MATRIX_SCHEME, self.config.host())
    }

    /// Runs a call, with what is known of it added to its error.
    async fn running<T>(
        &self,
        operation: &'static str,
        agent: Option<&AgentName>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let asked = if self.closed.load(Ordering::Acquire) {
            Err(Error::new(ErrorKind::Closed, "the transport is closed"))
        } else {
            call.await
        };
        asked.map_err(|error| {
            let error = error.with_operation(operation).with_transport(self.info());
            match agent {
                Some(agent) => error.with_agent(agent),
                None => error,
            }
        })
    }

    /// Who we are, asked once.
    ///
    /// # Errors
    /// `ConfigInvalid` for a token of no device: its transaction ids do not outlive a restart of the
    /// server, and a text could be put twice.
    async fn account(&self, deadline: Instant) -> Result<&(OwnedUserId, OwnedDeviceId)> {
        let ask = || async {
            let whoami = self.client.whoami(Patience::until(deadline)).await?;
            let device = whoami.device.ok_or_else(|| {
                Error::config_invalid("the token belongs to no device")
                    .with_hint("use a token that a login gave, not one that an admin made")
            })?;
            Ok((whoami.user, device))
        };
        self.account.get_or_try_init(ask).await
    }

    async fn find(&self, agent: &AgentName, deadline: Instant) -> Result<Located> {
        let (user, _) = self.account(deadline).await?;
        let patience = Patience::until(deadline);
        let found = self.rooms.find(&self.client, &self.config, agent, patience);
        let located = found.await?;
        if *user == located.gateway {
            // It takes none of its own for a message.
            let what = format!("the token is that of the agent's own gateway, {user}");
            return Err(Error::invalid_argument(what).with_hint(
                "use an account of its own, or reach the agent on its host without rooms",
            ));
        }
        Ok(located)
    }

    /// How an agent is now; what was last told of it where its gateway is silent.
    async fn live_status(
        &self,
        agent: &AgentName,
        located: &Located,
        timeout: Duration,
    ) -> Result<AgentStatus> {
        let now = Instant::now();
        let (soon, deadline) = (now + patience(timeout), now + timeout);
        let transport = self.info().to_string();
        match self.ask(&located.room, located, Asks::Status, soon).await? {
            Some(Answered::Status(shown)) if shown.agent == *agent => {
                Ok(shown.status(&transport, &located.host))
            }
            Some(other) => Err(something_else(other)),
            None => {
                let patience = Patience::until(deadline);
                let told = self.client.state(&located.room, kind::STATUS, "", patience);
                let told = told.await?.and_then(|content| protocol::ours(&content));
                Ok(last_told(agent, told, &transport, &located.host))
            }
        }
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let located = self.find(agent, Instant::now() + options.timeout).await?;
        let Some(wait) = options.wait else {
            return self.live_status(agent, &located, options.timeout).await;
        };
        let limit = Instant::now() + wait;
        let interest = Interest::Status {
            room: located.room.clone(),
        };
        let mut changes = self.hub.listen(interest, limit + options.timeout).await?;
        loop {
            let status = self.live_status(agent, &located, options.timeout).await?;
            if options.changed_from != Some(status.state) || Instant::now() >= limit {
                return Ok(status);
            }
            if let Some(Heard::Ended(why)) = changes.next(limit).await {
                return Err(why.into());
            }
        }
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let limit = options.timeout + options.wait.unwrap_or_default();
        let deadline = Instant::now() + limit;
        let located = self.find(agent, deadline).await?;
        let asks = Asks::Tail {
            lines: u32::try_from(options.lines).unwrap_or(u32::MAX),
            cursor: options
                .cursor
                .as_ref()
                .map(|cursor| cursor.as_str().to_owned()),
            escapes: options.escapes,
            wait_ms: options
                .wait
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
        };
        match self.ask(&located.room, &located, asks, deadline).await? {
            Some(Answered::Tail { lines, next, gap }) => {
                let next = next.map(Cursor::parse).transpose()?;
                let safe = |line: String| match options.escapes {
                    true => line,
                    false => crate::text::one_line(&line),
                };
                Ok(Tail::new(lines.into_iter().map(safe).collect(), next, gap))
            }
            Some(other) => Err(something_else(other)),
            None => Err(Error::unavailable(format!(
                "the gateway of {} does not answer",
                located.host
            ))
            .with_hint("is it up (mosaic-fleet gateway, on that host)?")),
        }
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let now = Instant::now();
        let (soon, deadline) = (now + patience(options.timeout), now + options.timeout);
        self.account(deadline).await?;
        let patience = Patience::until(deadline);
        let rooms = self.rooms.all(&self.client, &self.config, patience).await?;
        let mut hosts: BTreeMap<&str, &Located> = BTreeMap::new();
        for (_, located, _) in &rooms {
            hosts.insert(&located.host, located);
        }
        let space = self.config.space()?;
        let composer = options.composer;
        let asking = hosts.into_iter().map(|(host, located)| async move {
            let host = host.to_owned();
            let asks = Asks::List {
                host: host.clone(),
                composer,
            };
            let answered = self.ask(space, located, asks, soon).await?;
            Ok::<_, Error>((host, answered))
        });
        let answers = futures::future::try_join_all(asking).await?;
        let mut live: BTreeMap<AgentName, Shown> = BTreeMap::new();
        let mut silent: BTreeMap<String, Option<String>> = BTreeMap::new();
        for (host, answered) in answers {
            match answered {
                Some(Answered::List(shown)) => {
                    // A host speaks of its own agents only.
                    let mine = |shown: &Shown| {
                        let mut rooms = rooms.iter();
                        rooms.any(|(name, room, _)| *name == shown.agent && room.host == host)
                    };
                    let shown = shown.into_iter().filter(mine);
                    live.extend(shown.map(|shown| (shown.agent.clone(), shown)));
                }
                // What is wrong with one host hides no other.
                Some(other) => {
                    silent.insert(host, Some(something_else(other).to_string()));
                }
                None => {
                    silent.insert(host, None);
                }
            }
        }
        let transport = self.info().to_string();
        let statuses = rooms.iter().filter_map(|(name, located, state)| {
            if let Some(why) = silent.get(&located.host) {
                let told = own_state::<Shown>(state, kind::STATUS);
                let mut status = last_told(name, told, &transport, &located.host);
                if let Some(why) = why {
                    status.evidence.clone_from(why);
                }
                return Some(status);
            }
            // Its gateway knows of no such agent that runs.
            Some(live.remove(name)?.status(&transport, &located.host))
        });
        Ok(statuses.collect())
    }
}

/// The error that an answer is, or that it is of another kind than was asked for.
fn something_else(answered: Answered) -> Error {
    match answered {
        Answered::Failed(failure) => failure.error(),
        _ => Error::new(ErrorKind::Unexpected, "the gateway answers something else"),
    }
}

/// What can be said of an agent whose gateway is silent: an old `idle` is not told as now.
fn last_told(agent: &AgentName, told: Option<Shown>, transport: &str, host: &str) -> AgentStatus {
    let evidence = match &told {
        None => format!("the gateway of {host} does not answer"),
        Some(told) => format!(
            "the gateway of {host} does not answer; last told: {}",
            told.state
        ),
    };
    let state = AgentState::Unknown;
    let mut status = AgentStatus::new(agent.clone(), transport, state, evidence);
    status.host = Some(host.to_owned());
    if let Some(told) = told {
        status.since = protocol::time(told.at);
        status.runtime = told.runtime.as_deref().map(crate::text::one_line);
    }
    status
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for MatrixTransport {
    fn info(&self) -> TransportInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
            .with_send(true)
            .with_queue(true)
            .with_confirm(EvidenceKind::Hook)
            .with_idempotent(true)
            .with_max_message_bytes(Some(LONGEST_TEXT as u64))
            .with_reset_clear(true)
            .with_reset_new(true)
            .with_status(true)
            .with_tail(true)
            .with_tail_cursor(true)
            .with_list(true)
            .with_events(true)
    }

    async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let sending = self.inner.send(to, message, options);
        self.inner.running("send", Some(to), sending).await
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let resetting = self.inner.reset(agent, options);
        self.inner.running("reset", Some(agent), resetting).await
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let asking = self.inner.status(agent, options);
        self.inner.running("status", Some(agent), asking).await
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let asking = self.inner.tail(agent, options);
        self.inner.running("tail", Some(agent), asking).await
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let asking = self.inner.list(options);
        self.inner.running("list", None, asking).await
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let asking = self.inner.outcome(receipt, OUTCOME);
        self.inner.running("outcome", None, asking).await
    }

    async fn answer(
        &self,
        agent: &AgentName,
        _answer: Answer,
        _options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let refusing = async { Err(Error::unsupported("answering a question over rooms")) };
        self.inner.running("answer", Some(agent), refusing).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.closed.store(true, Ordering::Release);
        self.inner.hub.close();
        Ok(())
    }
}
