//! The contract between this library and whatever carries messages to agents.
//!
//! Backends live in modules of their own below and never import each other.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::stream::{self, Stream};

use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};

#[cfg(feature = "matrix")]
pub mod matrix;
pub mod memory;
pub mod tmux;

/// A transport behind a pointer, as [`Fleet`](crate::Fleet) and the bindings hold it.
pub type DynTransport = Arc<dyn Transport>;

/// Which transport this is: a scheme and an instance of it, shown as `tmux:mosaic-factory`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TransportInfo {
    /// The kind of transport, as the roster names it.
    pub scheme: String,
    /// Which one of that kind.
    pub instance: String,
}

impl TransportInfo {
    /// Names a transport.
    pub fn new(scheme: impl Into<String>, instance: impl Into<String>) -> Self {
        TransportInfo {
            scheme: scheme.into(),
            instance: instance.into(),
        }
    }
}

impl fmt::Display for TransportInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme, self.instance)
    }
}

/// Carries messages to agents, and tells how they are.
///
/// # Contract
/// - A text is typed **at most once** per call of [`send`](Transport::send). After an error of kind
///   `DeliveryUnknown`, or a verdict `Unconfirmed`, the caller decides; a transport never sends again.
/// - `Refused` means that **nothing was typed**.
/// - [`list`](Transport::list) fails loudly: an empty answer means "asked, and there are none". A
///   backend that cannot be reached is `Unavailable`, never an empty list.
/// - An operation or option that [`capabilities`](Transport::capabilities) does not claim answers
///   `Unsupported` and does nothing.
/// - Names are matched whole: `agent-1` is never `agent-10`.
/// - Every await may be dropped. Each method says what that leaves behind.
///
/// # Implementing
/// The trait is open: implement it in a crate of your own, prove it with
/// [`transport_conformance_tests!`](crate::transport_conformance_tests) (feature `testing`), and
/// register a factory in a [`Registry`](crate::Registry). New operations will arrive as default
/// methods that answer `Unsupported`, together with a capability. Wrappers should carry
/// `#[deny(clippy::missing_trait_methods)]`, so that they notice.
///
/// # Cancel safety
/// Dropping `status`, `tail`, `list` or `outcome` leaves nothing behind. Dropping `send` or `reset`
/// is allowed at every await; what was typed by then stays typed, and the outcome is unknown to the
/// caller, exactly as with `DeliveryUnknown`.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Which transport this is. No I/O.
    fn info(&self) -> TransportInfo;

    /// What it can do. Constant for the value's life; no I/O.
    fn capabilities(&self) -> Capabilities;

    /// Gives `message` to the agent `to`, once, and says what is known of it.
    ///
    /// # Errors
    /// `Refused` (nothing was typed), `DeliveryUnknown` (typing began, its end was not seen),
    /// `AgentNotFound`, `Unavailable`, `Timeout`, `Unsupported`.
    ///
    /// # Cancel safety
    /// A dropped call has typed all of the text or nothing, and may have pressed the submit key.
    async fn send(&self, to: &AgentName, message: Message, options: SendOptions)
    -> Result<Receipt>;

    /// Makes the agent's program forget its conversation, and returns after its proof.
    ///
    /// # Errors
    /// As [`send`](Transport::send); `Unsupported` where the runtime knows no such reset.
    ///
    /// # Cancel safety
    /// A dropped call may have reset the agent.
    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport>;

    /// How one agent is. With [`StatusOptions::with_wait`], answers when its state has changed.
    ///
    /// # Errors
    /// `AgentNotFound`, `Unavailable`, `Timeout`, `Unsupported`.
    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus>;

    /// What one agent shows, from a cursor on if one is given.
    ///
    /// # Errors
    /// `AgentNotFound`, `InvalidArgument` (a cursor of another transport), `Unavailable`, `Timeout`,
    /// `Unsupported`.
    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail>;

    /// How all agents are, ordered by name.
    ///
    /// # Errors
    /// `Unavailable` when the backend cannot be reached; never an empty list instead. `Timeout`,
    /// `Unsupported`.
    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>>;

    /// What became of an `Accepted` or `Queued` send.
    ///
    /// # Errors
    /// `Unsupported` unless the transport keeps outcomes; `InvalidArgument` for an unknown receipt.
    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let _ = receipt;
        Err(Error::unsupported("outcome").with_transport(self.info()))
    }

    /// Answers the question that the agent's program asks, and returns after its proof. Nothing else
    /// ever presses a key on a question.
    ///
    /// # Errors
    /// `Refused` (nothing was pressed): `NoQuestion` when none is open, when it has no such choice or
    /// is another one than [`AnswerOptions::expect`] says; otherwise as [`send`](Transport::send).
    /// `DeliveryUnknown` when the key was pressed and the question is still there. `Unsupported`
    /// where the transport or the program's manifest knows no way.
    ///
    /// # Cancel safety
    /// A dropped call may have answered.
    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let _ = (answer, options);
        let error = Error::unsupported("answer").with_operation("answer");
        Err(error.with_agent(agent).with_transport(self.info()))
    }

    /// Lets go of connections. Later calls answer `Closed`; closing again is allowed.
    ///
    /// # Errors
    /// Whatever letting go met with; the transport is closed all the same.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: Transport + ?Sized> Transport for $pointer<T> {
            fn info(&self) -> TransportInfo {
                (**self).info()
            }
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            async fn send(
                &self,
                to: &AgentName,
                message: Message,
                options: SendOptions,
            ) -> Result<Receipt> {
                (**self).send(to, message, options).await
            }
            async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
                (**self).reset(agent, options).await
            }
            async fn status(
                &self,
                agent: &AgentName,
                options: StatusOptions,
            ) -> Result<AgentStatus> {
                (**self).status(agent, options).await
            }
            async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
                (**self).tail(agent, options).await
            }
            async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
                (**self).list(options).await
            }
            async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
                (**self).outcome(receipt).await
            }
            async fn answer(
                &self,
                agent: &AgentName,
                answer: Answer,
                options: AnswerOptions,
            ) -> Result<AnswerReport> {
                (**self).answer(agent, answer, options).await
            }
            async fn close(&self) -> Result<()> {
                (**self).close().await
            }
        }
    };
}
forward!(Arc);
forward!(Box);

mod sealed {
    pub trait Sealed {}
    impl<T: super::Transport + ?Sized> Sealed for T {}
}

/// How long one long poll of [`TransportExt`] lasts before it asks again.
const POLL_SPAN: Duration = Duration::from_secs(30);

/// The longest wait that is told as a time.
const LONGEST: Duration = Duration::from_secs(86_400 * 365);

/// How long a transport without events is left alone between two questions.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What users of a transport get on top; not to be implemented.
#[async_trait]
pub trait TransportExt: Transport + sealed::Sealed {
    /// Sends a plain text with default options.
    ///
    /// # Errors
    /// As [`Transport::send`].
    async fn send_text(&self, to: &AgentName, text: &str) -> Result<Receipt> {
        self.send(to, Message::new(text), SendOptions::new()).await
    }

    /// Waits until the agent is in one of `states` and returns that status.
    ///
    /// # Errors
    /// `Timeout` after `timeout` with the last state seen; otherwise as [`Transport::status`].
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    async fn wait_until(
        &self,
        agent: &AgentName,
        states: &[AgentState],
        timeout: Duration,
    ) -> Result<AgentStatus> {
        let now = Instant::now();
        // So long that no clock can say when it ends.
        let deadline = now.checked_add(timeout).unwrap_or(now + LONGEST);
        let mut status = self.status(agent, StatusOptions::new()).await?;
        while !states.contains(&status.state) {
            let asked = tokio::time::Instant::now();
            let before = status.state;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let wanted: Vec<_> = states.iter().map(|state| state.as_str()).collect();
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!("not {} yet, still {}", wanted.join(" or "), status.state),
                )
                .with_operation("wait")
                .with_agent(agent)
                .with_transport(self.info()));
            }
            let mut options = StatusOptions::new();
            if self.capabilities().events {
                options = options.with_wait(status.state, left.min(POLL_SPAN));
            } else {
                tokio::time::sleep(ASK_AGAIN.min(left)).await;
            }
            status = self.status(agent, options).await?;
            if status.state == before {
                pace(asked).await;
            }
        }
        Ok(status)
    }

    /// Waits until the agent is idle. As [`TransportExt::wait_until`].
    ///
    /// # Errors
    /// As [`TransportExt::wait_until`].
    async fn wait_idle(&self, agent: &AgentName, timeout: Duration) -> Result<AgentStatus> {
        self.wait_until(agent, &[AgentState::Idle], timeout).await
    }

    /// How the agent is, then each change of its state, until an error. With
    /// [`changed_from`](StatusOptions::changed_from) it begins with the first other state. A state
    /// that came and went between two looks is not told.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosaic_fleet::Result<()> {
    /// use futures::{StreamExt, pin_mut};
    /// use mosaic_fleet::transport::memory::MemoryTransport;
    /// use mosaic_fleet::{AgentName, AgentState, StatusOptions, TransportExt};
    ///
    /// let fleet = MemoryTransport::new();
    /// let coder = AgentName::new("coder0")?;
    /// fleet.add_agent(coder.clone());
    ///
    /// let changes = fleet.watch(&coder, StatusOptions::new());
    /// pin_mut!(changes);
    /// assert_eq!(changes.next().await.unwrap()?.state, AgentState::Idle);
    /// fleet.set_state(&coder, AgentState::Working)?;
    /// assert_eq!(changes.next().await.unwrap()?.state, AgentState::Working);
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the stream leaves nothing behind.
    fn watch<'a>(
        &'a self,
        agent: &'a AgentName,
        options: StatusOptions,
    ) -> impl Stream<Item = Result<AgentStatus>> + Send + 'a
    where
        Self: Sized,
    {
        stream::try_unfold(options, move |mut options| async move {
            loop {
                let asked = tokio::time::Instant::now();
                let last = options.changed_from;
                if let Some(last) = last {
                    if self.capabilities().events {
                        options = options.with_wait(last, POLL_SPAN);
                    } else {
                        tokio::time::sleep(ASK_AGAIN).await;
                    }
                }
                let status = self.status(agent, options.clone()).await?;
                if last != Some(status.state) {
                    options.changed_from = Some(status.state);
                    return Ok(Some((status, options)));
                }
                pace(asked).await;
            }
        })
    }

    /// What the agent shows from now on (or from `options.cursor`), piece by piece, until an error.
    ///
    /// # Cancel safety
    /// Dropping the stream leaves nothing behind.
    fn follow<'a>(
        &'a self,
        agent: &'a AgentName,
        options: TailOptions,
    ) -> impl Stream<Item = Result<Tail>> + Send + 'a
    where
        Self: Sized,
    {
        stream::try_unfold(options, move |options| next_piece(self, agent, options))
    }
}

impl<T: Transport + ?Sized> TransportExt for T {}

/// What an agent shows next, and how to ask for what comes after it.
pub(crate) async fn next_piece<T: Transport + ?Sized>(
    transport: &T,
    agent: &AgentName,
    mut options: TailOptions,
) -> Result<Option<(Tail, TailOptions)>> {
    loop {
        let asked = tokio::time::Instant::now();
        let first = options.cursor.is_none();
        let tail = transport.tail(agent, options.clone()).await?;
        let Some(next) = tail.next.clone() else {
            return Ok(None);
        };
        options = options.with_cursor(next);
        if transport.capabilities().events {
            options = options.with_wait(POLL_SPAN);
        } else if !first && tail.lines.is_empty() {
            tokio::time::sleep(ASK_AGAIN).await;
        }
        if first || tail.gap || !tail.lines.is_empty() {
            return Ok(Some((tail, options)));
        }
        pace(asked).await;
    }
}

/// How often a transport is asked at most that answers a long poll at once, with nothing new.
const PACE: Duration = Duration::from_millis(100);

/// Leaves a transport alone whose answer, with nothing new, was there too soon.
pub(crate) async fn pace(asked: tokio::time::Instant) {
    tokio::time::sleep_until(asked + PACE).await;
}
