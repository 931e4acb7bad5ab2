//! Refuses what a transport does not claim, before any I/O.

use async_trait::async_trait;

use super::explain;
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetMode, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
use crate::transport::{DynTransport, Transport, TransportInfo};

/// Answers `Unsupported` for every operation and option that the transport below does not claim,
/// and `InvalidArgument` for a body beyond its limit.
#[derive(Debug)]
pub struct CapabilityCheck {
    inner: DynTransport,
}

impl CapabilityCheck {
    /// Wraps `inner`.
    pub fn new(inner: DynTransport) -> Self {
        CapabilityCheck { inner }
    }
}

fn claimed(claim: bool, what: &str) -> Result<()> {
    if claim {
        Ok(())
    } else {
        Err(Error::unsupported(what))
    }
}

fn check_send(claims: Capabilities, message: &Message, options: &SendOptions) -> Result<()> {
    claimed(claims.send, "send")?;
    claimed(
        claims.idempotent || options.idempotency_key.is_none(),
        "an idempotency key",
    )?;
    let size = message.body.len() as u64;
    match claims.max_message_bytes {
        Some(limit) if size > limit => Err(Error::invalid_argument(format!(
            "the text has {size} bytes, and {limit} are the most"
        ))
        .with_hint("split it, or put it into a file and send the file's name")),
        _ => Ok(()),
    }
}

fn check_reset(claims: Capabilities, options: &ResetOptions) -> Result<()> {
    match options.mode {
        None => claimed(claims.reset_clear || claims.reset_new, "reset"),
        Some(ResetMode::Clear) => claimed(claims.reset_clear, "reset with mode clear"),
        Some(ResetMode::New) => claimed(claims.reset_new, "reset with mode new"),
    }
}

fn check_status(claims: Capabilities, options: &StatusOptions) -> Result<()> {
    claimed(claims.status, "status")?;
    claimed(
        claims.events || options.wait.is_none(),
        "waiting for a change",
    )
}

fn check_tail(claims: Capabilities, options: &TailOptions) -> Result<()> {
    claimed(claims.tail, "tail")?;
    claimed(
        claims.tail_cursor || options.cursor.is_none(),
        "tail from a cursor",
    )?;
    claimed(
        claims.events || options.wait.is_none(),
        "waiting for output",
    )
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for CapabilityCheck {
    fn info(&self) -> TransportInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let result = match check_send(self.capabilities(), &message, &options) {
            Ok(()) => self.inner.send(to, message, options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "send", Some(to), self.info()))
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let result = match check_reset(self.capabilities(), &options) {
            Ok(()) => self.inner.reset(agent, options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "reset", Some(agent), self.info()))
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let result = match check_status(self.capabilities(), &options) {
            Ok(()) => self.inner.status(agent, options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "status", Some(agent), self.info()))
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let result = match check_tail(self.capabilities(), &options) {
            Ok(()) => self.inner.tail(agent, options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "tail", Some(agent), self.info()))
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let result = match claimed(self.capabilities().list, "list") {
            Ok(()) => self.inner.list(options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "list", None, self.info()))
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let result = self.inner.outcome(receipt).await;
        result.map_err(|error| explain(error, "outcome", None, self.info()))
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let result = match claimed(self.capabilities().answer, "answer") {
            Ok(()) => self.inner.answer(agent, answer, options).await,
            Err(error) => Err(error),
        };
        result.map_err(|error| explain(error, "answer", Some(agent), self.info()))
    }

    async fn close(&self) -> Result<()> {
        let result = self.inner.close().await;
        result.map_err(|error| explain(error, "close", None, self.info()))
    }
}
