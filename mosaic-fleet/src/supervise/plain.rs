//! Agents straight on a tmux server of their own, without units: nothing restarts what ends.

use std::ffi::OsString;
use std::time::Duration;

use async_trait::async_trait;

use super::{Check, Finding, Holder, HolderState, Supervisor};
use crate::agent::AgentName;
use crate::error::Result;
use crate::message::Sender;
use crate::runtime::{Explanation, Launch};
use crate::transport::tmux::TmuxTransport;

/// How long one step may take.
const STEP: Duration = Duration::from_secs(15);

/// The oldest tmux that has what we need.
const OLDEST: (u32, u32) = (3, 2);

/// Agents without units.
#[derive(Debug)]
pub(super) struct Plain {
    transport: TmuxTransport,
}

impl Plain {
    pub(super) fn new(transport: TmuxTransport) -> Self {
        Plain { transport }
    }

    async fn check_program(&self) -> Check {
        let version = match self.transport.program_version(STEP).await {
            Ok(version) => version,
            Err(error) => {
                let fix = error.hint().unwrap_or_default().to_owned();
                return Check::new("tmux", Finding::Failure, error.to_string()).with_fix(fix);
            }
        };
        let seen = format!("version {version}");
        match numbers(&version) {
            number if number < OLDEST => Check::new("tmux", Finding::Failure, seen)
                .with_fix("install tmux 3.2 or later; 3.4 or later is better"),
            number if number < (3, 4) => {
                let known = "other tools can end the whole server with a bare paste into an ended \
                             program's terminal, and with control clients that come and go at once \
                             (mosaic-fleet does neither)";
                Check::new("tmux", Finding::Warning, format!("{seen}: {known}"))
                    .with_fix("tmux 3.4 or later has that mended")
            }
            _ => Check::new("tmux", Finding::Ok, seen),
        }
    }

    async fn check_server(&self) -> Check {
        let socket = self.transport.config().socket.clone();
        let name = format!("server {socket}");
        let state = match self.transport.server_state(STEP).await {
            Ok(state) => state,
            Err(error) => return Check::new(name, Finding::Failure, error.to_string()),
        };
        let Some(state) = state else {
            return Check::new(
                name,
                Finding::Ok,
                "not running; `mosaic-fleet start` starts it",
            );
        };
        let seen = format!("process {}, version {}", state.pid, state.version);
        let client = self.transport.program_version(STEP).await.ok();
        if client
            .as_ref()
            .is_some_and(|client| *client != state.version)
        {
            let client = client.unwrap_or_default();
            return Check::new(
                name,
                Finding::Warning,
                format!("{seen}; the program is {client}"),
            )
            .with_fix(
                "restart the fleet when its agents are idle: mixed versions have crashed servers",
            );
        }
        if !state.held {
            return Check::new(
                name,
                Finding::Warning,
                format!("{seen}; it was not started by us"),
            )
            .with_fix(
                "its agents work; to make it ours, stop everything on it and `mosaic-fleet start`",
            );
        }
        Check::new(name, Finding::Ok, seen)
    }
}

fn numbers(version: &str) -> (u32, u32) {
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .filter_map(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[async_trait]
impl Supervisor for Plain {
    async fn holder(&self) -> Result<Holder> {
        let state = self.transport.server_state(STEP).await?;
        Ok(Holder {
            state: match &state {
                None => HolderState::Down,
                Some(state) if state.held => HolderState::Up,
                Some(_) => HolderState::Foreign,
            },
            pid: state.map(|state| state.pid),
            supervisor: "plain",
        })
    }

    async fn prepare(&self) -> Result<()> {
        self.transport.ensure_server(STEP).await
    }

    async fn start(&self, launch: &Launch) -> Result<()> {
        let mut launch = launch.clone();
        let config = self.transport.config();
        let own = [
            ("MOSAIC_AGENT_NAME", launch.name.to_string()),
            ("MOSAIC_TMUX_SOCKET", config.socket.label()),
        ];
        launch
            .environment
            .extend(own.map(|(key, value)| (key.to_owned(), value)));
        self.transport.start_session(&launch, STEP).await
    }

    async fn stop(&self, agent: &AgentName, grace: Duration) -> Result<bool> {
        self.transport.stop_session(agent, grace).await
    }

    async fn release(&self) -> Result<()> {
        self.transport.stop_server().await
    }

    fn attach_command(&self, agent: &AgentName) -> Vec<OsString> {
        self.transport.attach_command(agent)
    }

    async fn sender(&self) -> Sender {
        self.transport.sender().await
    }

    async fn explain(&self, agent: &AgentName) -> Result<Explanation> {
        self.transport.explain(agent).await
    }

    async fn check(&self) -> Vec<Check> {
        vec![self.check_program().await, self.check_server().await]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare() {
        assert!(numbers("3.1c") < OLDEST);
        assert!(numbers("3.2a") >= OLDEST);
        assert_eq!(numbers("next-3.8"), (3, 8));
    }
}
