//! A transport that is written in another language, from this side.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answers::{self, Call, plugin};
use super::arguments::read;
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::registry::Registry;
use crate::text::clean;
use crate::transport::{DynTransport, Transport, TransportInfo};

/// The code of a transport in another language: each operation by name, with JSON.
///
/// | operation | arguments | answer |
/// |---|---|---|
/// | `send` | `agent`, `text`, `from` (`{host, session}` or null), `timeout_ms`, `wait_ms`, `key_repeats`, `allow_command`, `idempotency_key` | a receipt: `verdict` and, better, `evidence {kind, detail}`, `id`, `attempts` |
/// | `reset` | `agent`, `mode` (`clear`, `new` or null), `force`, `timeout_ms` | `command`, `evidence` |
/// | `status` | `agent`, `changed_from`, `wait_ms`, `timeout_ms` | `name`, `state` and what else is known |
/// | `tail` | `agent`, `lines`, `cursor`, `wait_ms`, `escapes`, `timeout_ms` | `lines`, `next`, `gap` |
/// | `list` | `composer`, `timeout_ms` | an array of statuses |
/// | `answer` | `agent`, `choice` (null: deny), `expect`, `timeout_ms` | `question`, `answer`, `evidence` |
/// | `outcome` | `receipt` | a receipt with its `agent` |
/// | `close` | | anything |
///
/// The text that `send` is given has no control characters but line feeds and tabs, and its line
/// ends are line feeds; a sender's preamble is the transport's to render.
#[async_trait]
pub trait Foreign: fmt::Debug + Send + Sync + 'static {
    /// Calls an operation. An error keeps its kind; what the code threw by accident is to be of kind
    /// [`Plugin`](ErrorKind::Plugin).
    ///
    /// # Errors
    /// Whatever the operation met with.
    async fn call(&self, operation: &str, arguments: Value) -> Result<Value>;
}

/// A [`Foreign`] as a [`Transport`]. Opened through a [`Registry`], it has the
/// [standard layers](crate::layer::standard) around it, whose deadline ends a call that never
/// answers.
#[derive(Debug)]
pub struct ForeignTransport {
    info: TransportInfo,
    capabilities: Capabilities,
    foreign: Arc<dyn Foreign>,
    closed: AtomicBool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    scheme: String,
    instance: Option<String>,
    #[serde(default)]
    capabilities: Capabilities,
}

impl ForeignTransport {
    /// A transport as `described`: `{scheme, instance, capabilities}`, where a capability that is not
    /// named is not claimed.
    ///
    /// # Errors
    /// `InvalidArgument` for a description that is none.
    pub fn new(described: Value, foreign: Arc<dyn Foreign>) -> Result<Self> {
        let described: Described = read(described)?;
        let instance = described.instance.unwrap_or_else(|| "local".to_owned());
        Ok(ForeignTransport {
            info: TransportInfo::new(described.scheme, instance),
            capabilities: described.capabilities,
            foreign,
            closed: AtomicBool::new(false),
        })
    }

    /// Calls an operation, unless the transport was closed.
    async fn ask(&self, operation: &str, arguments: Value) -> Result<Value> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the transport was closed"));
        }
        self.foreign.call(operation, arguments).await
    }

    fn call<'a>(&self, agent: &'a AgentName) -> Call<'a> {
        Call {
            agent,
            transport: self.info.to_string(),
            began: Instant::now(),
            at: SystemTime::now(),
        }
    }

    fn explain(&self, error: Error, operation: &'static str, agent: Option<&AgentName>) -> Error {
        let error = error
            .with_operation(operation)
            .with_transport(self.info.clone());
        let error = match (operation, error.kind(), error.hint()) {
            ("send" | "reset" | "answer", ErrorKind::Plugin, None) => {
                error.with_hint("what it did by then cannot be told: look at the agent first")
            }
            _ => error,
        };
        match agent {
            Some(agent) => error.with_agent(agent),
            None => error,
        }
    }

    async fn deliver(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        if let Some(limit) = self.capabilities.max_message_bytes {
            let size = message.body.len() as u64;
            if size > limit {
                return Err(Error::invalid_argument(format!(
                    "the text has {size} bytes, and {limit} are the most"
                )));
            }
        }
        let cleaned = clean(&message.body, options.strip_control)?;
        let call = self.call(to);
        let arguments = json!({
            "agent": to, "text": cleaned.text, "from": message.from,
            "timeout_ms": milliseconds(options.timeout),
            "wait_ms": options.wait.map(milliseconds), "key_repeats": options.key_repeats,
            "allow_command": options.allow_command, "idempotency_key": options.idempotency_key,
        });
        let answer = self.ask("send", arguments).await?;
        let mut receipt = answers::receipt(answer, &call)?;
        for change in cleaned.changes {
            let change = change.to_string();
            if !receipt.normalised.contains(&change) {
                receipt.normalised.push(change);
            }
        }
        Ok(receipt)
    }

    async fn ask_status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let arguments = json!({
            "agent": agent, "changed_from": options.changed_from,
            "wait_ms": options.wait.map(milliseconds), "timeout_ms": milliseconds(options.timeout),
        });
        let answer = self.ask("status", arguments).await?;
        let status = answers::status(answer, &self.info.to_string())?;
        match status.name == *agent {
            true => Ok(status),
            false => Err(plugin(format!(
                "the transport answered for {}",
                status.name
            ))),
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for ForeignTransport {
    fn info(&self) -> TransportInfo {
        self.info.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let sent = self.deliver(to, message, options).await;
        sent.map_err(|error| self.explain(error, "send", Some(to)))
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let call = self.call(agent);
        let arguments = json!({
            "agent": agent, "mode": options.mode, "force": options.force,
            "timeout_ms": milliseconds(options.timeout),
        });
        let mode = options.mode.map_or("reset", |mode| mode.as_str());
        let answer = self.ask("reset", arguments).await;
        answer
            .and_then(|answer| answers::reset(answer, mode, &call))
            .map_err(|error| self.explain(error, "reset", Some(agent)))
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let status = self.ask_status(agent, options).await;
        status.map_err(|error| self.explain(error, "status", Some(agent)))
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let arguments = json!({
            "agent": agent, "lines": options.lines, "cursor": options.cursor,
            "wait_ms": options.wait.map(milliseconds), "escapes": options.escapes,
            "timeout_ms": milliseconds(options.timeout),
        });
        let answer = self.ask("tail", arguments).await;
        answer
            .and_then(|answer| answers::tail(answer, &options))
            .map_err(|error| self.explain(error, "tail", Some(agent)))
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        let arguments = json!({
            "composer": options.composer, "timeout_ms": milliseconds(options.timeout),
        });
        let answer = self.ask("list", arguments).await;
        answer
            .and_then(|answer| answers::list(answer, &self.info.to_string()))
            .map_err(|error| self.explain(error, "list", None))
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let answer = self.ask("outcome", json!({ "receipt": receipt }));
        let outcome = async {
            let answer = answer.await?;
            let agent = answers::agent_of(&answer)?;
            let told = answers::receipt(answer, &self.call(&agent))?;
            Ok(Receipt {
                id: receipt.clone(),
                ..told
            })
        };
        let outcome = outcome.await;
        outcome.map_err(|error| self.explain(error, "outcome", None))
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let call = self.call(agent);
        let choice = match answer {
            Answer::Choice(number) => Some(number),
            Answer::Deny => None,
        };
        let arguments = json!({
            "agent": agent, "choice": choice, "expect": options.expect,
            "timeout_ms": milliseconds(options.timeout),
        });
        let answered = self.ask("answer", arguments).await;
        answered
            .and_then(|report| answers::answer(report, &answer.to_string(), &call))
            .map_err(|error| self.explain(error, "answer", Some(agent)))
    }

    async fn close(&self) -> Result<()> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let closed = self.foreign.call("close", json!({})).await;
        closed.map_err(|error| self.explain(error, "close", None))?;
        Ok(())
    }
}

/// Registers an open transport under its own scheme, which is returned. Every fleet of the registry
/// that names the scheme shares it.
///
/// # Errors
/// As [`Registry::register`].
pub fn register(registry: &mut Registry, transport: DynTransport) -> Result<String> {
    let scheme = transport.info().scheme;
    registry.register(&scheme, Arc::new(move |_, _| Ok(transport.clone())))?;
    Ok(scheme)
}
