//! `agent run`: keeps one agent in the foreground, and ends as it does. For units.

use std::time::Duration;
use std::{fs, process};

use clap::Args;
use mosaic_fleet::fleet::RunEvent;
use mosaic_fleet::supervise::{AgentEnd, Keeper};
use mosaic_fleet::{AgentName, Error, ErrorKind, Fleet, Result, Roster};
use tracing_subscriber::filter::LevelFilter;

use super::changes::binary;
use super::init::path_of;
use super::interrupted;
use crate::app::{Answered, Session};
use crate::exit::{self, Answer, Family};

/// A roster changed so recently may be half saved.
const HALF_SAVED: Duration = Duration::from_secs(60);

/// Keep one agent in the foreground, and end as it does; what its unit runs
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Which agent
    #[arg(value_name = "AGENT")]
    agent: String,
    /// The unit that the agent's programs shall belong to
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Stop what runs under the name first; without it, that is taken over as it is
    #[arg(long)]
    replace: bool,
    /// End what is left of the agent that this unit kept, and nothing else
    #[arg(long, hide = true)]
    clear: bool,
}

impl Run {
    pub(crate) async fn run(&self, session: &Session) -> Answered {
        let journal = journal();
        let ran = if self.clear {
            let unit = self.unit.as_deref();
            // A roster that is being changed shall leave nothing behind.
            let fleet = session.fleet().or_else(|_| rosterless(session))?;
            fleet.clear_agent(&self.agent, unit).await?;
            return Ok(Answer::Done);
        } else {
            self.keep(session).await
        };
        match ran {
            Ok(end) => process::exit(end.code().into()),
            Err(error) if journal => {
                let code = exit::code(Family::Run, Answer::from(&error));
                let hint = error.hint().unwrap_or_default();
                tracing::error!(
                    agent = %self.agent,
                    event = "failed",
                    exit_code = code,
                    kind = error.kind().as_str(),
                    "{error}{}{hint}",
                    if hint.is_empty() { "" } else { ": " }
                );
                tell_manager(false, &error.to_string());
                process::exit(code.into())
            }
            Err(error) => Err(error),
        }
    }

    async fn keep(&self, session: &Session) -> Result<AgentEnd> {
        let fleet = session
            .fleet()
            .map_err(|error| self.without(session, error))?;
        let mut keeper = Keeper::new().with_replace(self.replace);
        if let Some(unit) = &self.unit {
            let own = binary()?.display().to_string();
            keeper = keeper.with_unit(unit, vec![own, "agent-launch".to_owned()]);
        }
        let stop = async {
            if let Err(error) = interrupted().await {
                tracing::error!(%error, "signals are not heard");
                std::future::pending::<()>().await;
            }
        };
        let agent = self.agent.as_str();
        let on = |event: RunEvent<'_>| match event {
            RunEvent::Runs(kept) => {
                let (event, words) = match kept.adopted {
                    true => ("adopted", "taken over as it runs"),
                    false => ("started", "started"),
                };
                tracing::info!(
                    agent,
                    event,
                    pid = kept.pid,
                    "{words}: process {}",
                    kept.pid
                );
                tell_manager(true, &format!("process {}", kept.pid));
            }
            RunEvent::Kickstart(Ok(receipt)) => {
                let verdict = receipt.verdict.as_str();
                tracing::info!(
                    agent,
                    event = "kickstart",
                    verdict,
                    "first prompt: {verdict}"
                );
            }
            RunEvent::Kickstart(Err(error)) => {
                tracing::warn!(agent, event = "kickstart", "first prompt: {error}");
            }
            RunEvent::Ended(AgentEnd::Stopped) => {
                tracing::info!(agent, event = "stopped", exit_code = 0, "stopped");
            }
            RunEvent::Ended(end) => {
                tracing::info!(agent, event = "ended", exit_code = end.code(), "{end}");
            }
            _ => {}
        };
        fleet.run_agent(agent, &keeper, stop, on).await
    }
}

impl Run {
    /// Without a roster nothing can be started. One that has just been changed may be half saved:
    /// that is worth another try.
    fn without(&self, session: &Session, error: Error) -> Error {
        let changed = fs::metadata(path_of(session)).and_then(|found| found.modified());
        let young = changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < HALF_SAVED));
        let error = match young && error.kind() == ErrorKind::ConfigInvalid {
            true => Error::unavailable(error.message().to_owned()).with_source(error),
            false => error,
        };
        if let (Ok(fleet), Ok(name)) = (rosterless(session), AgentName::new(&*self.agent)) {
            fleet.note_failure(&name, &error);
        }
        error
    }
}

/// The fleet without its roster: the server, and who runs there.
pub(super) fn rosterless(session: &Session) -> Result<Fleet> {
    Fleet::with_roster(Roster::default(), session.options())
}

/// Under a service manager, its protocol; elsewhere nothing.
#[cfg(target_os = "linux")]
pub(super) fn tell_manager(ready: bool, status: &str) {
    use sd_notify::NotifyState;
    let status = NotifyState::Status(status);
    let told = match ready {
        true => sd_notify::notify(&[NotifyState::Ready, status]),
        false => sd_notify::notify(&[status]),
    };
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn tell_manager(_ready: bool, _status: &str) {}

/// Writes what happens into the journal, with fields, where stderr goes there as well. Elsewhere to
/// stderr. Says whether it is the journal.
pub(super) fn journal() -> bool {
    if to_journal() {
        return true;
    }
    // Set already: by -v.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::INFO)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .try_init();
    false
}

#[cfg(target_os = "linux")]
fn to_journal() -> bool {
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    let layer = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    let Some(layer) = layer else {
        return false;
    };
    let ours = Targets::new()
        .with_target("mosaic_fleet", LevelFilter::INFO)
        .with_target("mosaic_fleet_cli", LevelFilter::INFO);
    let layer = layer
        .with_field_prefix(Some("MOSAIC".to_owned()))
        .with_syslog_identifier("mosaic-fleet".to_owned());
    tracing_subscriber::registry()
        .with(ours)
        .with(layer)
        .try_init()
        .is_ok()
}

#[cfg(not(target_os = "linux"))]
fn to_journal() -> bool {
    false
}
