//! The tmux transport: agents that live in terminals of a tmux server of their own.
//!
//! Two ways in, one interface. A short-lived caller pays one process a verb; a host that stays
//! ([`TmuxTransport::connect`]) keeps a control-mode connection. A verified send always has a
//! connection of its own, on the agent's session, because only that one hears the agent's output.

mod answer;
mod caller;
mod client;
mod coming;
mod command;
mod config;
mod control;
mod deliver;
mod drain;
mod ear;
mod error;
mod gate;
mod journal;
pub(crate) mod keep;
mod lease;
mod mark;
mod memory;
mod open;
mod outcome;
mod paste;
mod places;
mod private;
mod programs;
mod proof;
mod protocol;
mod ready;
mod refuse;
mod remote;
mod reset;
mod screen;
mod send;
pub(crate) mod server;
pub(crate) mod session;
mod source;
mod status;
mod tail;
mod target;
mod there;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

pub(crate) use config::is_this_host;
pub use config::{
    DEFAULT_SCHEME, DEFAULT_SOCKET, Socket, Timing, TmuxBlock, TmuxConfig, short_host_name,
};
pub use remote::Destination;
use source::sender_of_pane;
pub use target::PaneTarget;

use super::{Transport, TransportInfo};
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::message::{EvidenceKind, Message, Receipt, Sender};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::runtime::Explanation;
use caller::Caller;
use control::Control;
use deliver::deliver;
use open::OpenPane;
use outcome::HeldTexts;
use screen::Capture;
use send::Clock;
use server::Server;

/// Agents on one tmux server. Cheap to clone; clones share the connection.
#[derive(Debug, Clone)]
pub struct TmuxTransport {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    /// The lasting connection, for a host that stays.
    lasting: Option<tokio::sync::Mutex<status::Lasting>>,
    /// Senders of this process to one agent queue here, in order, before they meet those of others
    /// at the lease.
    queues: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Connections of a host that stays that nobody uses right now.
    idle: Mutex<Vec<(Arc<Control>, Capture)>>,
    /// So many sends may be under way at once, each on a connection of its own.
    sends: Semaphore,
    /// Texts that busy programs hold, for whoever asks what became of them.
    held: Mutex<HeldTexts>,
    closed: AtomicBool,
}

impl TmuxTransport {
    /// For a caller that makes a call or two: one process a verb, nothing kept. No I/O.
    pub fn one_shot(config: TmuxConfig) -> Self {
        Self::new(config, None)
    }

    /// For a host that stays: status, list and tail go over one control-mode connection, made at
    /// the first use and again after a loss. No I/O.
    pub fn connect(config: TmuxConfig) -> Self {
        Self::new(config, Some(tokio::sync::Mutex::default()))
    }

    fn new(config: TmuxConfig, lasting: Option<tokio::sync::Mutex<status::Lasting>>) -> Self {
        TmuxTransport {
            inner: Arc::new(Inner {
                server: Server::new(config),
                lasting,
                queues: Mutex::default(),
                idle: Mutex::default(),
                sends: Semaphore::new(MOST_SENDS),
                held: Mutex::default(),
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &TmuxConfig {
        &self.inner.server.config
    }

    /// Who the caller is: the session of the tmux pane it runs in, on that pane's own server; `?`
    /// outside of one.
    pub async fn sender(&self) -> Sender {
        sender_of_pane(&self.inner.server.config.environment).await
    }

    /// What the agent's manifest sees in its terminal right now, and why.
    ///
    /// # Errors
    /// As [`Transport::status`].
    pub async fn explain(&self, agent: &AgentName) -> Result<Explanation> {
        let context = |error: Error| self.inner.context("explain", error).with_agent(agent);
        self.inner.open_for_business().map_err(context)?;
        let deadline = control::within(STEP);
        let explaining = async {
            let pane = OpenPane::agent(&self.inner, agent, deadline).await?;
            let explanation = pane.explain(deadline).await;
            self.inner.put_back(pane).await;
            Ok(explanation?)
        };
        explaining.await.map_err(context)
    }

    /// Sends to any pane of the server, in a roster or not. `runtime` names the manifest to read it
    /// by; without one it is told from the program that runs there.
    ///
    /// # Errors
    /// As [`Transport::send`]; `AgentNotFound` for a target that is not there.
    ///
    /// # Cancel safety
    /// As [`Transport::send`].
    pub async fn send_to_pane(
        &self,
        target: &PaneTarget,
        runtime: Option<&str>,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let context = |error: Error| self.inner.context("send", error).with_agent(target);
        self.inner.open_for_business().map_err(context)?;
        let clock = Clock::start(options.timeout + options.wait.unwrap_or_default());
        let (inner, place) = (Arc::clone(&self.inner), target.clone());
        let runtime = runtime.map(str::to_owned);
        let sending = Caller::serve(|caller| async move {
            let opening = OpenPane::target(&inner, &place, runtime.as_deref(), clock.deadline);
            let pane = caller.or_gone(opening).await?;
            let sent = async {
                let session = &pane.row.identity.session;
                let name = AgentName::new(session.as_str())
                    .or_else(|_| AgentName::reserved(session))
                    .map_err(|error| error.with_hint("rename the session (tmux rename-session)"))?;
                let turn = inner.turn(&pane.row.identity.pane_id, clock);
                let _turn = caller.or_gone(turn).await?;
                deliver(&inner, &pane, &name, &message, &options, clock, &caller).await
            };
            let sent = sent.await;
            inner.put_back(pane).await;
            sent
        });
        sending.await.map_err(context)
    }
}

impl Inner {
    fn info(&self) -> TransportInfo {
        TransportInfo::new(DEFAULT_SCHEME, self.server.config.label())
    }

    fn context(&self, operation: &'static str, error: Error) -> Error {
        error.with_operation(operation).with_transport(self.info())
    }

    fn open_for_business(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the transport is closed"));
        }
        Ok(())
    }

    /// Waits for this process's other senders: those to `whom`, and the most at once.
    async fn turn(
        &self,
        whom: &str,
        clock: Clock,
    ) -> Result<(OwnedMutexGuard<()>, SemaphorePermit<'_>)> {
        let queue = {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry(whom.to_owned()).or_default())
        };
        let both = async { (queue.lock_owned().await, self.sends.acquire().await) };
        match timeout_at(clock.patience(), both).await {
            Ok((turn, Ok(permit))) => Ok((turn, permit)),
            Ok((_, Err(_))) => Err(Error::new(ErrorKind::Closed, "the transport is closed")),
            Err(_) => Err(Error::refused(
                Refusal::Locked,
                "other messages of this program come first",
            )),
        }
    }

    fn held(&self) -> MutexGuard<'_, HeldTexts> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that nobody uses, in a host that stays.
    fn take_idle(&self) -> Option<(Arc<Control>, Capture)> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(control, _)| !control.is_closed());
        idle.pop()
    }

    /// Keeps a pane's connection for the next send, or ends it.
    async fn put_back(&self, pane: OpenPane) {
        let OpenPane {
            control, capture, ..
        } = pane;
        if self.lasting.is_some() && !self.closed.load(Ordering::Acquire) && !control.is_closed() {
            return self.keep(control, capture);
        }
        control.close().await;
    }

    /// Keeps a connection for later; what is too many ends by itself.
    fn keep(&self, control: Arc<Control>, capture: Capture) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_SENDS {
            idle.push((control, capture));
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for TmuxTransport {
    fn info(&self) -> TransportInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> Capabilities {
        let journal = journal::folder(&self.inner.server.config.environment);
        Capabilities::NONE
            .with_idempotent(journal.is_some())
            .with_send(true)
            .with_queue(true)
            .with_confirm(EvidenceKind::Hook)
            .with_reset_clear(true)
            .with_reset_new(true)
            .with_answer(true)
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
        let context = |error: Error| self.inner.context("send", error).with_agent(to);
        self.inner.open_for_business().map_err(context)?;
        let clock = Clock::start(options.timeout + options.wait.unwrap_or_default());
        let (inner, name) = (Arc::clone(&self.inner), to.clone());
        let sending = Caller::serve(|caller| async move {
            let _turn = caller.or_gone(inner.turn(name.as_str(), clock)).await?;
            let opening = OpenPane::agent(&inner, &name, clock.deadline);
            let pane = caller.or_gone(opening).await?;
            let sent = deliver(&inner, &pane, &name, &message, &options, clock, &caller).await;
            inner.put_back(pane).await;
            sent
        });
        sending.await.map_err(context)
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let context = |error: Error| self.inner.context("reset", error).with_agent(agent);
        self.inner.open_for_business().map_err(context)?;
        let (inner, name) = (Arc::clone(&self.inner), agent.clone());
        let resetting =
            Caller::serve(
                |caller| async move { reset::reset(&inner, &name, &options, &caller).await },
            );
        resetting.await.map_err(context)
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let context = |error: Error| self.inner.context("status", error).with_agent(agent);
        self.inner.open_for_business().map_err(context)?;
        status::status(&self.inner, agent, &options)
            .await
            .map_err(context)
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let context = |error: Error| self.inner.context("tail", error).with_agent(agent);
        self.inner.open_for_business().map_err(context)?;
        tail::tail(&self.inner, agent, &options)
            .await
            .map_err(context)
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let context = |error: Error| self.inner.context("list", error);
        self.inner.open_for_business().map_err(context)?;
        status::list(&self.inner, &options).await.map_err(context)
    }

    async fn outcome(&self, receipt: &crate::message::ReceiptId) -> Result<Receipt> {
        let context = |error: Error| self.inner.context("outcome", error);
        self.inner.open_for_business().map_err(context)?;
        outcome::outcome(&self.inner, receipt)
            .await
            .map_err(context)
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let context = |error: Error| self.inner.context("answer", error).with_agent(agent);
        self.inner.open_for_business().map_err(context)?;
        let (inner, name) = (Arc::clone(&self.inner), agent.clone());
        let answering = Caller::serve(|caller| async move {
            answer::answer(&inner, &name, answer, &options, &caller).await
        });
        answering.await.map_err(context)
    }

    async fn close(&self) -> Result<()> {
        self.inner.closed.store(true, Ordering::Release);
        if let Some(lasting) = &self.inner.lasting {
            lasting.lock().await.disconnect().await;
        }
        while let Some((control, _)) = self.inner.take_idle() {
            control.close().await;
        }
        Ok(())
    }
}

/// More sends at once would only wait for each other: the server does one thing at a time.
const MOST_SENDS: usize = 16;

/// The deadline of a call that says nothing about it.
const STEP: Duration = Duration::from_secs(10);
