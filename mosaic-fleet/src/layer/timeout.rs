//! Bounds every call, for transports that do not keep their own deadlines.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;

use super::explain;
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result, Retry, Stage};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, DEFAULT_TIMEOUT, ListOptions, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
use crate::transport::{DynTransport, Transport, TransportInfo};

/// How much longer than asked a call may take before [`Deadline`] gives it up.
pub const GRACE: Duration = Duration::from_secs(5);

/// Gives up a call that overstays its own `timeout` (and `wait`) by a grace.
///
/// A transport that keeps its deadlines never meets it; it is there for those written elsewhere
/// that hang. A given-up `send`, `reset` or `answer` is `DeliveryUnknown`, because something may have been
/// typed; anything else is `Timeout` and safe to repeat. A call that blocks its thread instead of
/// awaiting cannot be given up.
///
/// Needs a Tokio runtime with time enabled.
#[derive(Debug)]
pub struct Deadline {
    inner: DynTransport,
    grace: Duration,
}

impl Deadline {
    /// Wraps `inner` with a grace of five seconds ([`GRACE`]).
    pub fn new(inner: DynTransport) -> Self {
        Deadline {
            inner,
            grace: GRACE,
        }
    }

    /// Sets the grace.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    async fn bound<T: Send>(
        &self,
        span: Duration,
        call: impl Future<Output = Result<T>> + Send,
        late: impl FnOnce() -> Error + Send,
    ) -> Result<T> {
        tokio::time::timeout(span.saturating_add(self.grace), call)
            .await
            .unwrap_or_else(|_| Err(late()))
    }
}

const NO_ANSWER: &str = "the transport did not answer in time";

fn unanswered() -> Error {
    Error::new(ErrorKind::Timeout, NO_ANSWER).with_retry(Retry::Safe)
}

fn lost() -> Error {
    // What would be worse is told, where it cannot be known.
    Error::delivery_unknown(Stage::KeyPressed, NO_ANSWER)
        .with_hint("look at the agent before you send it again")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Deadline {
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
        let wait = options.wait.unwrap_or_default();
        let span = options.timeout.saturating_add(wait);
        self.bound(span, self.inner.send(to, message, options), lost)
            .await
            .map_err(|error| explain(error, "send", Some(to), self.info()))
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let span = options.timeout;
        self.bound(span, self.inner.reset(agent, options), lost)
            .await
            .map_err(|error| explain(error, "reset", Some(agent), self.info()))
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let wait = options.wait.unwrap_or_default();
        let span = options.timeout.saturating_add(wait);
        self.bound(span, self.inner.status(agent, options), unanswered)
            .await
            .map_err(|error| explain(error, "status", Some(agent), self.info()))
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let wait = options.wait.unwrap_or_default();
        let span = options.timeout.saturating_add(wait);
        self.bound(span, self.inner.tail(agent, options), unanswered)
            .await
            .map_err(|error| explain(error, "tail", Some(agent), self.info()))
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let span = options.timeout;
        self.bound(span, self.inner.list(options), unanswered)
            .await
            .map_err(|error| explain(error, "list", None, self.info()))
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        self.bound(DEFAULT_TIMEOUT, self.inner.outcome(receipt), unanswered)
            .await
            .map_err(|error| explain(error, "outcome", None, self.info()))
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let span = options.timeout;
        let late = || {
            Error::delivery_unknown(Stage::KeyPressed, NO_ANSWER)
                .with_hint("look at the agent before you answer again")
        };
        self.bound(span, self.inner.answer(agent, answer, options), late)
            .await
            .map_err(|error| explain(error, "answer", Some(agent), self.info()))
    }

    async fn close(&self) -> Result<()> {
        self.bound(DEFAULT_TIMEOUT, self.inner.close(), unanswered)
            .await
            .map_err(|error| explain(error, "close", None, self.info()))
    }
}
