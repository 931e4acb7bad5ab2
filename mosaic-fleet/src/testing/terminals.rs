//! The conformance suite for whatever reaches the agents of a [`TmuxFixture`]: their programs' logs are
//! the oracle, and a person's keys make them busy or ask.
#![allow(
    clippy::unwrap_used,
    reason = "a behaviour fails by panicking, as any test does"
)]

use async_trait::async_trait;

use super::conformance::{Harness, Quirks};
use super::tmux::TmuxFixture;
use crate::agent::AgentName;
use crate::transport::DynTransport;

/// A way to agents in terminals. Whoever implements this has a [`Harness`].
#[async_trait]
pub trait Terminals: Send + Sync + Sized + 'static {
    /// As [`Harness::start`]; see [`TmuxFixture::start_for_conformance`].
    async fn start() -> Self;

    /// Where the agents are.
    fn fixture(&self) -> &TmuxFixture;

    /// As [`Harness::transport`].
    fn transport(&self) -> DynTransport;

    /// As [`Harness::break_backend`].
    async fn break_backend(&self);

    /// As [`Harness::quirks`].
    fn quirks(&self) -> Quirks {
        Quirks::new()
    }
}

#[async_trait]
impl<T: Terminals> Harness for T {
    async fn start() -> Self {
        <T as Terminals>::start().await
    }

    fn transport(&self) -> DynTransport {
        Terminals::transport(self)
    }

    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.fixture().taken(agent.as_str()).unwrap()
    }

    async fn kill_agent(&self, agent: &AgentName) {
        self.fixture().kill_agent(agent.as_str()).await.unwrap();
    }

    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.fixture().make_busy(agent.as_str()).await.unwrap();
        true
    }

    async fn finish_turn(&self, agent: &AgentName) {
        self.fixture().interrupt(agent.as_str()).unwrap();
    }

    async fn ask(&self, agent: &AgentName) -> bool {
        self.fixture().ask(agent.as_str()).await.unwrap();
        true
    }

    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        self.fixture().answers(agent.as_str()).unwrap()
    }

    async fn break_backend(&self) {
        Terminals::break_backend(self).await;
    }

    fn quirks(&self) -> Quirks {
        Terminals::quirks(self)
    }

    fn normalised(&self, text: &str, changes: &[String]) -> String {
        TmuxFixture::normalised(text, changes)
    }
}
