//! Tells `tracing` what is asked of a transport and what it answers; never a message's text.

use std::future::Future;

use async_trait::async_trait;
use tracing::{Instrument, Span, debug, info, info_span, warn};

use super::explain;
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::transport::{DynTransport, Transport, TransportInfo};

/// Puts a span around every call and an event at its end, with agent, transport, verdict and the
/// error's code. Sends, resets and answers are `INFO`, questions `DEBUG`; what may be lost or is a defect is
/// `WARN`. Neither a message's text nor an agent's output is ever recorded, and of an error only its
/// code and reason, since its sentence may quote a screen.
#[derive(Debug)]
pub struct Trace {
    inner: DynTransport,
}

impl Trace {
    /// Wraps `inner`.
    pub fn new(inner: DynTransport) -> Self {
        Trace { inner }
    }

    async fn record<T: Send>(
        &self,
        operation: &'static str,
        agent: Option<&AgentName>,
        call: impl Future<Output = Result<T>> + Send,
        answered: impl FnOnce(&T) + Send,
    ) -> Result<T> {
        let info = self.info();
        let span = span(operation, agent, &info);
        let result = call.instrument(span.clone()).await;
        let result = result.map_err(|error| explain(error, operation, agent, info));
        span.in_scope(|| match &result {
            Ok(answer) => answered(answer),
            Err(error) => failed(error),
        });
        result
    }
}

fn span(operation: &'static str, agent: Option<&AgentName>, info: &TransportInfo) -> Span {
    let agent = agent.map(AgentName::as_str);
    info_span!("transport", operation, agent, transport = %info)
}

fn failed(error: &Error) {
    let code = error.kind().as_str();
    let reason = error.reason();
    match error.kind() {
        ErrorKind::DeliveryUnknown | ErrorKind::Unexpected | ErrorKind::Plugin => {
            warn!(code, reason, "failed");
        }
        _ => info!(code, reason, "failed"),
    }
}

fn delivered(receipt: &Receipt) {
    info!(
        receipt = %receipt.id,
        verdict = receipt.verdict.as_str(),
        evidence = ?receipt.evidence.kind,
        attempts = receipt.attempts,
        elapsed_ms = milliseconds(receipt.elapsed),
        "sent"
    );
}

fn milliseconds(elapsed: std::time::Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Trace {
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
        let call = self.inner.send(to, message, options);
        self.record("send", Some(to), call, delivered).await
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let call = self.inner.reset(agent, options);
        self.record("reset", Some(agent), call, |report| {
            info!(
                command = report.command,
                evidence = ?report.evidence.kind,
                elapsed_ms = milliseconds(report.elapsed),
                "reset"
            );
        })
        .await
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let call = self.inner.status(agent, options);
        self.record("status", Some(agent), call, |status| {
            debug!(state = status.state.as_str(), "answered");
        })
        .await
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let call = self.inner.tail(agent, options);
        self.record("tail", Some(agent), call, |tail| {
            debug!(lines = tail.lines.len(), gap = tail.gap, "answered");
        })
        .await
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let call = self.inner.list(options);
        self.record("list", None, call, |agents| {
            debug!(agents = agents.len(), "answered");
        })
        .await
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let call = self.inner.outcome(receipt);
        self.record("outcome", None, call, delivered).await
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let call = self.inner.answer(agent, answer, options);
        self.record("answer", Some(agent), call, |report| {
            info!(
                %answer,
                evidence = ?report.evidence.kind,
                elapsed_ms = milliseconds(report.elapsed),
                "question answered"
            );
        })
        .await
    }

    async fn close(&self) -> Result<()> {
        let call = self.inner.close();
        self.record("close", None, call, |()| debug!("closed"))
            .await
    }
}
