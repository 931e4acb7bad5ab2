//! One agent kept in the foreground, for a unit of the service manager or whatever else starts it
//! again; and the home that all of them live in.

use std::future::Future;
use std::time::Duration;

use super::Fleet;
use super::canary;
use super::life::START_UP;
use super::parts::is_here;
use super::talk::Kickstart;
use crate::agent::{AgentName, ExitStatus};
use crate::error::{Error, Result};
use crate::message::Receipt;
use crate::runtime::Launch;
use crate::supervise::{AgentEnd, Hold, Keeper, Kept, LastEnd, UnitFiles, UnitProgram};

/// How long a stopped agent may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// What happens to an agent that is kept, as it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunEvent<'a> {
    /// It runs, and is watched from now on: whoever waits for it can go on.
    Runs(&'a Kept),
    /// What came of its first prompt.
    Kickstart(&'a Result<Receipt>),
    /// It ended.
    Ended(&'a AgentEnd),
}

impl Fleet {
    /// Starts an agent, or takes it over as it runs, and stays until it ends or `stop` does, which
    /// stops it. `name` is an agent of this fleet, or a canary of ours.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad name, `AgentNotFound`, `ConfigInvalid` and `Unsupported` for what
    /// trying again would not mend; these are also written down for [`Fleet::status`]. `Unavailable`
    /// for what it would.
    ///
    /// # Cancel safety
    /// A dropped call leaves the agent running, with nobody to keep it.
    pub async fn run_agent(
        &self,
        name: &str,
        keeper: &Keeper,
        stop: impl Future<Output = ()>,
        mut on: impl FnMut(RunEvent<'_>),
    ) -> Result<AgentEnd> {
        let supervisor = self.supervisor()?;
        let name = canary::agent_name(name)?;
        let begun = async {
            if keeper.replace {
                supervisor.clear(&name, None, GRACE).await?;
            }
            // How it would be started today is no matter for one that runs.
            if let Some(kept) = supervisor.take_over(&name, keeper).await? {
                return Ok((kept, None));
            }
            let (launch, prompt) = self.run_launch(&name).await?;
            let kept = supervisor.keep(&launch, keeper).await?;
            Ok((kept, prompt))
        };
        let (kept, prompt) = match begun.await {
            Ok(begun) => begun,
            Err(error) => {
                let error = Error::with_agent(error, &name);
                self.note_failure(&name, &error);
                return Err(error);
            }
        };
        on(RunEvent::Runs(&kept));
        let life = async {
            let mut waiting = std::pin::pin!(supervisor.wait_end(&name, &kept));
            let prompt = prompt.filter(|_| !kept.adopted && !kept.expected);
            if prompt.is_some() {
                let mut prompting = std::pin::pin!(self.kickstart(&name, prompt, START_UP));
                tokio::select! {
                    biased;
                    end = &mut waiting => return end,
                    sent = &mut prompting => {
                        if let Some(sent) = sent.transpose() {
                            on(RunEvent::Kickstart(&sent));
                        }
                    }
                }
            }
            waiting.await
        };
        let end = tokio::select! {
            end = life => end?,
            () = stop => {
                supervisor.clear(&name, None, GRACE).await?;
                AgentEnd::Stopped
            }
        };
        on(RunEvent::Ended(&end));
        Ok(end)
    }

    /// Writes down for [`Fleet::status`] why an agent could not be started.
    pub fn note_failure(&self, name: &AgentName, error: &Error) {
        let end = LastEnd::new(ExitStatus::default(), error.message());
        // Where even that cannot be written, the error itself says enough.
        let noted = self.supervisor().and_then(|own| own.note_end(name, &end));
        if let Err(error) = noted {
            tracing::warn!(agent = name.as_str(), %error, "why it failed cannot be written down");
        }
    }

    async fn run_launch(&self, name: &AgentName) -> Result<(Launch, Option<String>)> {
        if canary::is_canary(name) {
            return Ok((self.canary_launch(name)?, None));
        }
        let agent = self.agent(name)?;
        if !is_here(agent) {
            return Err(Error::unsupported("keeping an agent that is elsewhere")
                .with_hint("run this where the agent is"));
        }
        let launch = self.launch_found(agent).await?;
        let prompt = self.first_prompt(agent, &Kickstart::Roster)?;
        Ok((launch, prompt))
    }

    /// Ends what is left of an agent that `unit` kept.
    ///
    /// # Errors
    /// `Unavailable`; `InvalidArgument` for a bad name.
    pub async fn clear_agent(&self, name: &str, unit: Option<&str>) -> Result<bool> {
        let name = canary::agent_name(name)?;
        self.supervisor()?.clear(&name, unit, GRACE).await
    }

    /// The program and arguments that print an agent's log; see
    /// [`Supervisor::log_command`](crate::supervise::Supervisor::log_command).
    ///
    /// # Errors
    /// `Unsupported` where no log is kept.
    pub fn log_command(&self, name: &AgentName, lines: usize, follow: bool) -> Result<Vec<String>> {
        let part = self.part_of(name)?;
        let command = part.supervisor()?.log_command(name, lines, follow);
        command.ok_or_else(|| {
            Error::unsupported("a log without a service manager")
                .with_agent(name)
                .with_hint(
                    "install the units (mosaic-fleet install-systemd); `agent tail` shows the terminal",
                )
        })
    }

    /// Holds the agents' home in the foreground; see [`Supervisor::hold`](crate::supervise::Supervisor::hold).
    ///
    /// # Errors
    /// `Unsupported` or `ConfigInvalid` where there can be none.
    pub async fn hold(&self, foreign: impl FnOnce(u32) + Send + 'static) -> Result<Hold> {
        self.supervisor()?.hold(Box::new(foreign)).await
    }

    /// Waits until the agents' home, which the process `main` holds, is ready for agents.
    ///
    /// # Errors
    /// `Unavailable` when it is not within twenty seconds.
    pub async fn held(&self, main: Option<u32>) -> Result<()> {
        self.supervisor()?.ready(main).await
    }

    /// The service manager's units of this fleet.
    ///
    /// # Errors
    /// `Unsupported` where this library starts no agents; `ConfigInvalid` for what cannot be written
    /// into a unit.
    pub fn units(&self, program: &UnitProgram) -> Result<UnitFiles> {
        let mut program = program.clone();
        program.reads.clone_from(&self.inner.roster_file);
        let agents = self.inner.agents.iter();
        let here = agents.filter(|agent| is_here(agent)).cloned();
        self.supervisor()?.units(&program, here.collect())
    }
}
