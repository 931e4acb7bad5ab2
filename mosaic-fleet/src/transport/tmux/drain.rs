//! Before a stop: nothing new is typed to an agent, by any sender on any host, while it comes to the
//! end of what it has. For `supervise`.
//!
//! A mark on the pane with an expiry by the server's clock, as a lease has it: whoever drains renews
//! it, and if that one dies the agent takes texts again.

use std::time::Duration;

use super::TmuxTransport;
use super::control::within;
use super::error::TmuxError;
use super::lease::{Lease, Purpose, drain, end_drain};
use super::open::OpenPane;
use crate::agent::AgentName;
use crate::error::Result;

impl TmuxTransport {
    /// Lets nothing new be typed to an agent for `length` from now on.
    pub(crate) async fn drain(&self, name: &AgentName, length: Duration) -> Result<()> {
        let by = format!("{}/{}", self.config().host, std::process::id());
        self.mark(name, |at| drain(at, &by, length)).await
    }

    /// Lets texts be typed to an agent again.
    pub(crate) async fn end_drain(&self, name: &AgentName) -> Result<()> {
        self.mark(name, end_drain).await
    }

    async fn mark(
        &self,
        name: &AgentName,
        list: impl FnOnce(&str) -> super::command::CommandList,
    ) -> Result<()> {
        let Some(row) = self.row(name, super::STEP).await? else {
            return Err(TmuxError::NoSession(name.to_string()).into());
        };
        let list = list(&row.identity.target());
        self.inner.server.run(&list, super::STEP).await?;
        Ok(())
    }

    /// Waits until nobody is typing to an agent: who began before the drain comes to an end.
    pub(crate) async fn nobody_types(&self, name: &AgentName, limit: Duration) -> Result<()> {
        let deadline = within(limit);
        let pane = OpenPane::agent(&self.inner, name, deadline).await?;
        let config = self.config();
        let taken = Lease::take(
            &pane.control,
            &pane.row.identity,
            Purpose::End,
            config.timing.lease,
            deadline,
            deadline,
        )
        .await;
        let nobody = match taken {
            Ok(lease) => {
                lease.give_back(deadline).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        pane.close().await;
        nobody
    }
}
