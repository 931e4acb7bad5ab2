//! What is right and wrong with tmux on the agents' host.

use super::check::{Check, Finding};
use super::manager::Manager;
use super::plain::{Plain, STEP};

/// The oldest tmux that has what we need.
const OLDEST: (u32, u32) = (3, 2);

impl Plain {
    /// What is right and wrong with tmux on this host.
    pub(super) async fn host(&self) -> Vec<Check> {
        vec![self.check_program().await, self.check_server().await]
    }

    pub(super) fn check_supervisor(&self) -> Check {
        let seen = "plain: nothing starts the agents at boot or after a crash";
        let check = Check::new("supervisor", Finding::Ok, seen);
        match Manager::of(&self.transport.config().environment).is_there() {
            true => check.with_fix("mosaic-fleet install-systemd --enable"),
            false => check,
        }
    }

    async fn check_program(&self) -> Check {
        let name = match &self.transport.config().remote {
            None => "tmux".to_owned(),
            Some(host) => format!("tmux of {host}"),
        };
        let version = match self.transport.program_version(STEP).await {
            Ok(version) => version,
            Err(error) => {
                let fix = error.hint().unwrap_or_default().to_owned();
                return Check::new(name, Finding::Failure, error.to_string()).with_fix(fix);
            }
        };
        let seen = format!("version {version}");
        match numbers(&version) {
            number if number < OLDEST => Check::new(name, Finding::Failure, seen)
                .with_fix("install tmux 3.2 or later; 3.7 or later is better"),
            number if number < (3, 7) => {
                let paste = match number < (3, 4) {
                    true => " with a bare paste into an ended program's terminal, and",
                    false => "",
                };
                let known = format!(
                    "other tools can end the whole server{paste} with control clients that come \
                     and go at once (mosaic-fleet does not)"
                );
                Check::new(name, Finding::Warning, format!("{seen}: {known}"))
                    .with_fix("tmux 3.7 or later has that mended")
            }
            _ => Check::new(name, Finding::Ok, seen),
        }
    }

    async fn check_server(&self) -> Check {
        let name = format!("server {}", self.transport.instance());
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
