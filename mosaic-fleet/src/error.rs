//! The one error of this library: a kind with a fixed number, a sentence, and what to do next.
//!
//! Backends keep private error enums of their own and convert them here, once. Nothing else of
//! this crate is imported: everything may import this.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Result of every fallible call of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms that do not change between releases or languages.
///
/// The number is the C code and stays fixed for ever; 0 is never used because it means "OK" in C.
/// [`ErrorKind::as_str`] is the only spelling: Node's `err.code`, the Python exception's name, the
/// CLI's JSON and the log field all use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// A defect of ours or of something below us; please report it.
    Unexpected = 1,
    /// The transport does not offer this operation or option (see `Capabilities`).
    Unsupported = 2,
    /// The caller passed something that can never work.
    InvalidArgument = 3,
    /// A roster, manifest, environment or host set-up is wrong.
    ConfigInvalid = 4,
    /// No agent of that name is known to the transport.
    AgentNotFound = 5,
    /// Nothing was typed, on purpose; [`Error::refusal`] says why.
    Refused = 6,
    /// The backend cannot be reached.
    Unavailable = 7,
    /// The backend was reached and does not allow this.
    PermissionDenied = 8,
    /// The backend does not know who we are.
    Unauthenticated = 9,
    /// The backend asks us to slow down.
    RateLimited = 10,
    /// The deadline passed before anything irreversible was done.
    Timeout = 11,
    /// Lost sight of a send after typing began; [`Error::stage`] says how far it got.
    DeliveryUnknown = 12,
    /// The transport was closed.
    Closed = 13,
    /// A transport or callback written outside this library failed.
    Plugin = 14,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [ErrorKind; 14] = [
        ErrorKind::Unexpected,
        ErrorKind::Unsupported,
        ErrorKind::InvalidArgument,
        ErrorKind::ConfigInvalid,
        ErrorKind::AgentNotFound,
        ErrorKind::Refused,
        ErrorKind::Unavailable,
        ErrorKind::PermissionDenied,
        ErrorKind::Unauthenticated,
        ErrorKind::RateLimited,
        ErrorKind::Timeout,
        ErrorKind::DeliveryUnknown,
        ErrorKind::Closed,
        ErrorKind::Plugin,
    ];

    /// The stable spelling, for example `agent_not_found`.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Unexpected => "unexpected",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::InvalidArgument => "invalid_argument",
            ErrorKind::ConfigInvalid => "config_invalid",
            ErrorKind::AgentNotFound => "agent_not_found",
            ErrorKind::Refused => "refused",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::PermissionDenied => "permission_denied",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::Timeout => "timeout",
            ErrorKind::DeliveryUnknown => "delivery_unknown",
            ErrorKind::Closed => "closed",
            ErrorKind::Plugin => "plugin",
        }
    }

    /// The stable number.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether calling again can help. A property of one error, not of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Retry {
    /// Calling again will not help, or could do harm (a second delivery).
    #[default]
    Never,
    /// Nothing was done; calling again is harmless and may succeed.
    Safe,
    /// As `Safe`, but not before this much time has passed.
    After(Duration),
}

impl Serialize for Retry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Retry::Never => serializer.serialize_str("never"),
            Retry::Safe => serializer.serialize_str("safe"),
            Retry::After(delay) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(
                    "after_ms",
                    &u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                )?;
                map.end()
            }
        }
    }
}

/// Why nothing was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Somebody's unsubmitted text is in the composer.
    Draft,
    /// A question is open; a submit key would answer it.
    Dialog,
    /// The agent's program has ended.
    Dead,
    /// The program is up but its composer is not, or it is busy and cannot hold a message.
    NotReady,
    /// The terminal runs something else than the expected program.
    WrongProgram,
    /// A person is reading in a mode that takes the keys (copy mode), and asked not to be disturbed.
    InMode,
    /// The text would be altered, run as a command, or do harm.
    UnsafeText,
    /// Another sender holds the agent.
    Locked,
    /// The agent is at work and the operation would discard it.
    Busy,
    /// The roster protects this agent's conversation.
    Persistent,
    /// The question to be answered is not open: none is, another one is, or it has no such choice.
    NoQuestion,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Refusal; 11] = [
        Refusal::Draft,
        Refusal::Dialog,
        Refusal::Dead,
        Refusal::NotReady,
        Refusal::WrongProgram,
        Refusal::InMode,
        Refusal::UnsafeText,
        Refusal::Locked,
        Refusal::Busy,
        Refusal::Persistent,
        Refusal::NoQuestion,
    ];

    /// The stable spelling, for example `wrong_program`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Refusal::Draft => "draft",
            Refusal::Dialog => "dialog",
            Refusal::Dead => "dead",
            Refusal::NotReady => "not_ready",
            Refusal::WrongProgram => "wrong_program",
            Refusal::InMode => "in_mode",
            Refusal::UnsafeText => "unsafe_text",
            Refusal::Locked => "locked",
            Refusal::Busy => "busy",
            Refusal::Persistent => "persistent",
            Refusal::NoQuestion => "no_question",
        }
    }
}

/// How far a send got before it was lost from sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The text may be in the composer; the submit key was not pressed.
    Pasted,
    /// The submit key was pressed.
    KeyPressed,
}

impl Stage {
    /// The stable spelling, for example `key_pressed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Stage::Pasted => "pasted",
            Stage::KeyPressed => "key_pressed",
        }
    }
}

/// An error: kind, sentence, context, advice and cause. One pointer wide.
///
/// `Display` is one sentence: `send coder9 via tmux:mosaic-factory: no such agent (did you mean
/// coder0?)`. The advice ([`Error::hint`]) is kept apart so that callers can show it on a line of
/// its own.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    operation: Option<Cow<'static, str>>,
    agent: Option<String>,
    transport: Option<String>,
    retry: Retry,
    refusal: Option<Refusal>,
    stage: Option<Stage>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message` (no trailing full stop, no secret).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                operation: None,
                agent: None,
                transport: None,
                retry: Retry::Never,
                refusal: None,
                stage: None,
                hint: None,
                source: None,
            }),
        }
    }

    /// `Refused`: nothing was typed. Calling again is safe unless the text itself is the reason.
    pub fn refused(refusal: Refusal, message: impl Into<String>) -> Self {
        let retry = match refusal {
            Refusal::UnsafeText | Refusal::Persistent | Refusal::NoQuestion => Retry::Never,
            _ => Retry::Safe,
        };
        let mut error = Error::new(ErrorKind::Refused, message).with_retry(retry);
        error.inner.refusal = Some(refusal);
        error
    }

    /// `DeliveryUnknown`: typing began and its end was not seen. Never retried.
    pub fn delivery_unknown(stage: Stage, message: impl Into<String>) -> Self {
        let mut error = Error::new(ErrorKind::DeliveryUnknown, message);
        error.inner.stage = Some(stage);
        error
    }

    /// `Unsupported` for an operation or option that a transport does not claim.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Error::new(ErrorKind::Unsupported, format!("{what} is not supported"))
    }

    /// `InvalidArgument`.
    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    /// `ConfigInvalid`.
    pub fn config_invalid(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::ConfigInvalid, message)
    }

    /// `Unavailable`, safe to try again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unavailable, message).with_retry(Retry::Safe)
    }

    /// `AgentNotFound`, with the nearest of `known` suggested when one is near.
    pub fn agent_not_found<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let message = match nearest(name, known) {
            Some(near) => format!("no such agent (did you mean {near}?)"),
            None => "no such agent".to_owned(),
        };
        let mut error = Error::new(ErrorKind::AgentNotFound, message);
        error.inner.agent = Some(name.to_owned());
        error
    }

    /// The same once more, without its cause: for each of those whom it concerns.
    pub(crate) fn repeated(&self) -> Self {
        let inner = &self.inner;
        Error {
            inner: Box::new(Inner {
                kind: inner.kind,
                message: inner.message.clone(),
                operation: inner.operation.clone(),
                agent: inner.agent.clone(),
                transport: inner.transport.clone(),
                retry: inner.retry,
                refusal: inner.refusal,
                stage: inner.stage,
                hint: inner.hint.clone(),
                source: None,
            }),
        }
    }

    /// Names the operation (`send`, `start`, …). The first caller to name it wins, so that an
    /// inner layer's more exact word survives.
    #[must_use]
    pub fn with_operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.inner.operation.get_or_insert_with(|| operation.into());
        self
    }

    /// Names the agent, unless one is named already.
    #[must_use]
    pub fn with_agent(mut self, agent: impl fmt::Display) -> Self {
        self.inner.agent.get_or_insert_with(|| agent.to_string());
        self
    }

    /// Names the transport (`tmux:mosaic-factory`), unless one is named already.
    #[must_use]
    pub fn with_transport(mut self, transport: impl fmt::Display) -> Self {
        self.inner
            .transport
            .get_or_insert_with(|| transport.to_string());
        self
    }

    /// Says whether calling again can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// Says what to do next, as an imperative sentence without a full stop.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hint = Some(hint.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The sentence without its context.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The operation that failed.
    pub fn operation(&self) -> Option<&str> {
        self.inner.operation.as_deref()
    }

    /// The agent it was about.
    pub fn agent(&self) -> Option<&str> {
        self.inner.agent.as_deref()
    }

    /// The transport it went through.
    pub fn transport(&self) -> Option<&str> {
        self.inner.transport.as_deref()
    }

    /// Whether calling again can help.
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// Why nothing was typed, for `Refused`.
    pub fn refusal(&self) -> Option<Refusal> {
        self.inner.refusal
    }

    /// How far a send got, for `DeliveryUnknown`.
    pub fn stage(&self) -> Option<Stage> {
        self.inner.stage
    }

    /// The stable spelling of [`Error::refusal`] or [`Error::stage`].
    pub fn reason(&self) -> Option<&'static str> {
        self.refusal()
            .map(Refusal::as_str)
            .or(self.stage().map(Stage::as_str))
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        let mut context = false;
        if let Some(operation) = &inner.operation {
            f.write_str(operation)?;
            context = true;
        }
        if let Some(agent) = &inner.agent {
            write!(f, "{}{agent}", if context { " " } else { "" })?;
            context = true;
        }
        if let Some(transport) = &inner.transport {
            write!(f, "{}via {transport}", if context { " " } else { "" })?;
            context = true;
        }
        if context {
            f.write_str(": ")?;
        }
        f.write_str(&inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.inner;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("message", &inner.message)
            .field("operation", &inner.operation)
            .field("agent", &inner.agent)
            .field("transport", &inner.transport)
            .field("retry", &inner.retry)
            .field("reason", &self.reason())
            .field("hint", &inner.hint)
            .field("source", &inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// The JSON form: `{code, number, message, operation, agent, transport, retry, reason, hint}`.
impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(9))?;
        map.serialize_entry("code", &self.kind())?;
        map.serialize_entry("number", &self.kind().number())?;
        map.serialize_entry("message", self.message())?;
        map.serialize_entry("operation", &self.operation())?;
        map.serialize_entry("agent", &self.agent())?;
        map.serialize_entry("transport", &self.transport())?;
        map.serialize_entry("retry", &self.retry())?;
        map.serialize_entry("reason", &self.reason())?;
        map.serialize_entry("hint", &self.hint())?;
        map.end()
    }
}

/// The entry of `known` that `word` was probably meant to be, if one is near enough.
///
/// Near: Damerau-Levenshtein distance of at most a third of the word's length, and at least one.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spellings_are_fixed_for_ever() {
        let table: Vec<(u32, &str)> = ErrorKind::ALL
            .iter()
            .map(|kind| (kind.number(), kind.as_str()))
            .collect();
        assert_eq!(
            table,
            [
                (1, "unexpected"),
                (2, "unsupported"),
                (3, "invalid_argument"),
                (4, "config_invalid"),
                (5, "agent_not_found"),
                (6, "refused"),
                (7, "unavailable"),
                (8, "permission_denied"),
                (9, "unauthenticated"),
                (10, "rate_limited"),
                (11, "timeout"),
                (12, "delivery_unknown"),
                (13, "closed"),
                (14, "plugin"),
            ]
        );
    }

    #[test]
    fn display_is_one_sentence() {
        let error = Error::agent_not_found("coder9", ["coder0", "ultron"])
            .with_operation("send")
            .with_transport("tmux:mosaic-factory");
        assert_eq!(
            error.to_string(),
            "send coder9 via tmux:mosaic-factory: no such agent (did you mean coder0?)"
        );
    }

    #[test]
    fn the_first_context_wins() {
        let error = Error::unavailable("gone")
            .with_operation("paste")
            .with_operation("send");
        assert_eq!(error.to_string(), "paste: gone");
    }

    #[test]
    fn json_has_every_field() {
        let error = Error::refused(Refusal::Draft, "text in the composer").with_hint("ask");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({
                "code": "refused", "number": 6, "message": "text in the composer",
                "operation": null, "agent": null, "transport": null,
                "retry": "safe", "reason": "draft", "hint": "ask"
            })
        );
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(nearest("zebra", ["coder0"]), None);
        assert_eq!(nearest("codr0", ["coder0", "coder1"]), Some("coder0"));
    }
}
