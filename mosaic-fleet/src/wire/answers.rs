//! Answers and errors that were made elsewhere, read back. What is missing is filled in; what is
//! more than we know is left out; what is wrong is the plugin's fault.

use std::time::{Duration, Instant, SystemTime};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::arguments::kind;
use crate::agent::{AgentName, AgentState, AgentStatus, ExitStatus};
use crate::error::{Error, ErrorKind, Refusal, Result, Retry, Stage};
use crate::message::{Evidence, EvidenceKind, Receipt, ReceiptId, Verdict};
use crate::options::{AnswerReport, Cursor, ResetReport, Tail, TailOptions};
use crate::text::one_line;

/// The most of a foreign answer's mistakes that is repeated, in characters.
const LONGEST_WORDS: usize = 300;

/// An error as `--json` shows it: `{code, number, message, operation, agent, transport, retry,
/// reason, hint}`.
pub fn error_to_value(error: &Error) -> Value {
    serde_json::to_value(error).unwrap_or_else(
        |_| json!({ "code": error.kind(), "number": error.kind().number(), "message": error.message() }),
    )
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    message: String,
    reason: Option<String>,
    retry: Option<Value>,
    hint: Option<String>,
}

/// The error that `value` shows, in the shape of [`error_to_value`]; `code` and `message` are enough.
/// What has no such shape, or a code that is none, is an error of kind `Plugin` that says so.
pub fn error_from_value(value: &Value) -> Error {
    let Ok(failure) = Failure::deserialize(value) else {
        let what = kind(value);
        return plugin(format!("the transport reported an error as {what}"));
    };
    let known = ErrorKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == failure.code);
    let reason = failure.reason.as_deref();
    let refusal = Refusal::ALL
        .into_iter()
        .find(|refusal| Some(refusal.as_str()) == reason);
    let stage = [Stage::Pasted, Stage::KeyPressed]
        .into_iter()
        .find(|stage| Some(stage.as_str()) == reason);
    let message = failure.message;
    let mut error = match (known, refusal) {
        (Some(ErrorKind::Refused), Some(refusal)) => Error::refused(refusal, message),
        (Some(ErrorKind::Refused), None) => plugin(format!(
            "the transport refused for no known reason: {message}"
        )),
        // What cannot be told is told as what would be worse.
        (Some(ErrorKind::DeliveryUnknown), _) => {
            Error::delivery_unknown(stage.unwrap_or(Stage::KeyPressed), message)
        }
        (Some(kind), _) => Error::new(kind, message),
        (None, _) => plugin(message),
    };
    // Where something may have been typed, nobody is told that it is safe to do it again.
    let in_doubt = matches!(error.kind(), ErrorKind::Plugin | ErrorKind::DeliveryUnknown);
    error = match retry(failure.retry.as_ref()) {
        Some(retry) if !in_doubt => error.with_retry(retry),
        _ => error,
    };
    match failure.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn retry(written: Option<&Value>) -> Option<Retry> {
    let written = written?;
    match written.as_str() {
        Some("safe") => Some(Retry::Safe),
        Some(_) => Some(Retry::Never),
        None => {
            let delay = written.get("after_ms")?.as_u64()?;
            Some(Retry::After(Duration::from_millis(delay)))
        }
    }
}

pub(super) fn plugin(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Plugin, message)
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        let words: String = one_line(&error.to_string())
            .chars()
            .take(LONGEST_WORDS)
            .collect();
        plugin(format!("the transport's answer makes no sense: {words}"))
    })
}

/// Whose answer it is, and since when it is waited for.
pub(super) struct Call<'a> {
    pub(super) agent: &'a AgentName,
    pub(super) transport: String,
    pub(super) began: Instant,
    pub(super) at: SystemTime,
}

impl Call<'_> {
    /// An answer that names another agent is of another call, or nonsense.
    fn is_for(&self, named: Option<&AgentName>) -> Result<()> {
        match named {
            Some(named) if named != self.agent => {
                Err(plugin(format!("the transport answered for {named}")))
            }
            _ => Ok(()),
        }
    }

    fn elapsed(&self, told: Option<u64>) -> Duration {
        told.map_or_else(|| self.began.elapsed(), Duration::from_millis)
    }
}

#[derive(Deserialize)]
struct ReceiptRead {
    agent: Option<AgentName>,
    id: Option<String>,
    verdict: Verdict,
    evidence: Option<Evidence>,
    #[serde(default)]
    normalised: Vec<String>,
    #[serde(default)]
    attempts: u32,
    elapsed_ms: Option<u64>,
    sent_at: Option<String>,
}

pub(super) fn receipt(value: Value, call: &Call<'_>) -> Result<Receipt> {
    let told: ReceiptRead = read(value)?;
    call.is_for(told.agent.as_ref())?;
    let evidence = told.evidence.unwrap_or_else(nothing);
    let mut receipt = Receipt::new(
        call.agent.clone(),
        call.transport.clone(),
        told.verdict,
        evidence,
    );
    if let Some(id) = told.id.filter(|id| !id.is_empty()) {
        receipt.id = ReceiptId::from_string(id);
    }
    receipt.normalised = told.normalised;
    receipt.attempts = told.attempts;
    receipt.elapsed = call.elapsed(told.elapsed_ms);
    receipt.sent_at = told.sent_at.as_deref().and_then(time).unwrap_or(call.at);
    Ok(receipt)
}

/// The agent that a receipt says it is of.
pub(super) fn agent_of(value: &Value) -> Result<AgentName> {
    let name = value.get("agent").and_then(Value::as_str);
    AgentName::new(name.unwrap_or_default())
        .map_err(|_| plugin("the transport's receipt names no agent"))
}

#[derive(Deserialize)]
struct StatusRead {
    name: AgentName,
    state: AgentState,
    runtime: Option<String>,
    host: Option<String>,
    waiting_for: Option<String>,
    question: Option<String>,
    since: Option<String>,
    evidence: Option<String>,
    exit_status: Option<ExitStatus>,
}

pub(super) fn status(value: Value, transport: &str) -> Result<AgentStatus> {
    let told: StatusRead = read(value)?;
    let evidence = told.evidence.unwrap_or_default();
    let mut status = AgentStatus::new(told.name, transport, told.state, evidence);
    status.runtime = told.runtime;
    status.host = told.host;
    status.waiting_for = told.waiting_for;
    status.question = told.question;
    status.since = told.since.as_deref().and_then(time);
    status.exit_status = told.exit_status;
    Ok(status)
}

/// All agents, by name; one that is told twice is nonsense.
pub(super) fn list(value: Value, transport: &str) -> Result<Vec<AgentStatus>> {
    let told: Vec<Value> = read(value)?;
    let agents = told.into_iter().map(|agent| status(agent, transport));
    let mut agents: Vec<AgentStatus> = agents.collect::<Result<_>>()?;
    agents.sort_by(|one, other| one.name.cmp(&other.name));
    match agents.windows(2).find(|two| two[0].name == two[1].name) {
        Some(twice) => Err(plugin(format!(
            "the transport lists {} twice",
            twice[0].name
        ))),
        None => Ok(agents),
    }
}

#[derive(Deserialize)]
struct TailRead {
    lines: Vec<String>,
    next: Option<String>,
    #[serde(default)]
    gap: bool,
}

/// What is shown. A line is one line and, unless escape sequences were asked for, holds none.
pub(super) fn tail(value: Value, options: &TailOptions) -> Result<Tail> {
    let told: TailRead = read(value)?;
    let lines = told.lines.iter().flat_map(|line| line.split('\n'));
    let plain = |line: &str| -> String {
        let stays = |c: &char| options.escapes || *c == '\t' || !c.is_control();
        line.chars().filter(stays).collect()
    };
    let mut lines: Vec<String> = lines.map(plain).collect();
    if options.cursor.is_none() {
        lines.drain(..lines.len().saturating_sub(options.lines));
    }
    let next = told.next.map(Cursor::parse).transpose();
    let next = next
        .map_err(|_| plugin("the transport's cursor is empty, too long or not printable ASCII"))?;
    Ok(Tail::new(lines, next, told.gap))
}

#[derive(Deserialize)]
struct ReportRead {
    agent: Option<AgentName>,
    command: Option<String>,
    question: Option<String>,
    answer: Option<String>,
    evidence: Option<Evidence>,
    elapsed_ms: Option<u64>,
}

pub(super) fn reset(value: Value, mode: &str, call: &Call<'_>) -> Result<ResetReport> {
    let told: ReportRead = read(value)?;
    call.is_for(told.agent.as_ref())?;
    Ok(ResetReport::new(
        call.agent.clone(),
        call.transport.clone(),
        told.command.unwrap_or_else(|| mode.to_owned()),
        told.evidence.unwrap_or_else(nothing),
        call.elapsed(told.elapsed_ms),
    ))
}

pub(super) fn answer(value: Value, pressed: &str, call: &Call<'_>) -> Result<AnswerReport> {
    let told: ReportRead = read(value)?;
    call.is_for(told.agent.as_ref())?;
    Ok(AnswerReport::new(
        call.agent.clone(),
        call.transport.clone(),
        told.question.unwrap_or_default(),
        told.answer.unwrap_or_else(|| pressed.to_owned()),
        told.evidence.unwrap_or_else(nothing),
        call.elapsed(told.elapsed_ms),
    ))
}

fn nothing() -> Evidence {
    Evidence::new(EvidenceKind::None, "the transport said no more")
}

fn time(text: &str) -> Option<SystemTime> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(time.into())
}
