//! Streams of a fleet: how its agents become, and what one of them shows.

use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};

use super::Fleet;
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::error::{ErrorKind, Result};
use crate::options::{StatusOptions, Tail, TailOptions};
use crate::transport::{TransportExt, next_piece, pace};

/// How long an agent for which nothing runs is left alone between two questions.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long one long poll lasts before it is asked again.
const POLL_SPAN: Duration = Duration::from_secs(30);

impl Fleet {
    /// How agents are, then each change of a state, of all of them merged; all of the roster when
    /// `names` is empty. One for which nothing runs is `Stopped` until it is there again. An agent
    /// that cannot be watched is told as an error, once, and hides no other.
    ///
    /// A fleet that was opened to stay
    /// ([`with_lasting`](crate::FleetOptions::with_lasting)) keeps its connections meanwhile.
    ///
    /// ```no_run
    /// # async fn watch(fleet: &mosaic_fleet::Fleet) -> mosaic_fleet::Result<()> {
    /// use futures::{StreamExt, pin_mut};
    ///
    /// let changes = fleet.watch(&[]);
    /// pin_mut!(changes);
    /// while let Some((name, status)) = changes.next().await {
    ///     println!("{name} is {}", status?.state);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the stream leaves nothing behind.
    pub fn watch(
        &self,
        names: &[AgentName],
    ) -> impl Stream<Item = (AgentName, Result<AgentStatus>)> + Send + use<> {
        let names = match names {
            [] => self.names(),
            names => names.to_vec(),
        };
        let agents = names.into_iter().map(|name| {
            let whom = name.clone();
            let fleet = self.clone();
            let changes = stream::try_unfold(None, move |last| {
                let (fleet, name) = (fleet.clone(), name.clone());
                async move {
                    let status = fleet.next_status(&name, last).await?;
                    let state = status.state;
                    Ok(Some((status, Some(state))))
                }
            });
            changes.map(move |status| (whom.clone(), status)).boxed()
        });
        stream::select_all(agents)
    }

    /// How an agent is; where it was `last` already, not before it is something else.
    async fn next_status(&self, name: &AgentName, last: Option<AgentState>) -> Result<AgentStatus> {
        let part = self.part_of(name)?;
        let transport = &part.inner.transport;
        loop {
            let asked = tokio::time::Instant::now();
            let mut options = StatusOptions::new();
            let by_events = transport.capabilities().events;
            if let Some(last) = last.filter(|_| by_events) {
                options = options.with_wait(last, POLL_SPAN);
            }
            let status = match transport.status(name, options).await {
                Ok(status) => status,
                Err(error) => {
                    let state = match error.kind() {
                        ErrorKind::AgentNotFound => AgentState::Stopped,
                        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => {
                            AgentState::Unknown
                        }
                        _ => return Err(self.explained(name, error)),
                    };
                    if self.agent(name).is_err() && error.kind() != ErrorKind::Timeout {
                        return Err(self.explained(name, error));
                    }
                    let scope = transport.info().to_string();
                    AgentStatus::new(name.clone(), scope, state, error.message())
                }
            };
            if last != Some(status.state) {
                return Ok(status);
            }
            let absent = matches!(status.state, AgentState::Stopped | AgentState::Unknown);
            if absent || !by_events {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            pace(asked).await;
        }
    }

    /// Waits until an agent is in one of `states` and returns that status.
    ///
    /// # Errors
    /// `Timeout` after `timeout`; otherwise as [`Transport::status`](crate::Transport::status).
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    pub async fn wait_until(
        &self,
        name: &AgentName,
        states: &[AgentState],
        timeout: Duration,
    ) -> Result<AgentStatus> {
        let part = self.part_of(name)?;
        let reached = part.inner.transport.wait_until(name, states, timeout);
        reached.await.map_err(|error| self.explained(name, error))
    }

    /// What an agent shows from now on (or from `options.cursor`), piece by piece, until an error.
    ///
    /// # Cancel safety
    /// Dropping the stream leaves nothing behind.
    pub fn follow(
        &self,
        name: &AgentName,
        options: TailOptions,
    ) -> impl Stream<Item = Result<Tail>> + Send + use<> {
        let (fleet, name) = (self.clone(), name.clone());
        stream::try_unfold(options, move |options| {
            let (fleet, name) = (fleet.clone(), name.clone());
            async move {
                let part = fleet.part_of(&name)?;
                let piece = next_piece(&*part.inner.transport, &name, options).await;
                piece.map_err(|error| fleet.explained(&name, error))
            }
        })
    }
}
