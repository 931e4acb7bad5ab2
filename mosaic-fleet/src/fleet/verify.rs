//! Proves on the live server, with two canaries of our own and without touching a real agent, what
//! this library promises: nothing is restarted that should not be, targets are exact, a text arrives
//! once.

use std::time::Duration;

use serde::Serialize;

use super::Fleet;
use super::canary::CANARIES;
use crate::agent::{AgentName, AgentState};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Message;
use crate::options::{ResetOptions, SendOptions};
use crate::supervise::{Census, Supervisor};
use crate::transport::TransportExt;

/// How long a canary may take to be there.
const START: Duration = Duration::from_secs(20);

/// How long a canary may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// One promise, tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// What is promised.
    pub name: &'static str,
    /// Whether it held.
    pub ok: bool,
    /// What was seen.
    pub seen: String,
}

/// All promises, tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Whether all held.
    pub ok: bool,
    /// Each of them.
    pub checks: Vec<Proof>,
}

/// A trial under way.
struct Trial<'a> {
    fleet: &'a Fleet,
    supervisor: &'a dyn Supervisor,
    canaries: [AgentName; 2],
    checks: Vec<Proof>,
}

impl Fleet {
    /// Tries the promises on the live server. Real agents are not touched: what is started, talked
    /// to, reset and stopped are two canaries, `_canary` and `_canary0`, which are gone afterwards.
    ///
    /// # Errors
    /// `Unavailable` when there is no server to try them on. A promise that does not hold is no error.
    ///
    /// # Cancel safety
    /// A dropped call may leave canaries behind, which the next one removes.
    pub async fn verify(&self) -> Result<Verified> {
        let supervisor = self.supervisor()?.as_ref();
        let canaries = [
            AgentName::reserved(CANARIES[0])?,
            AgentName::reserved(CANARIES[1])?,
        ];
        let mut trial = Trial {
            fleet: self,
            supervisor,
            canaries,
            checks: Vec::new(),
        };
        // What an earlier one may have left is not to be taken for an agent.
        trial.remove().await?;
        let before = supervisor.census().await?;
        if let Err(error) = trial.run(&before).await {
            trial.say("the canaries can be tried", false, error.to_string());
        }
        if let Err(error) = trial.remove().await {
            trial.say("the canaries can be removed", false, error.to_string());
        }
        if let Err(error) = trial.nothing_else(&before).await {
            trial.say("all agents are as before", false, error.to_string());
        }
        let checks = trial.checks;
        Ok(Verified {
            ok: checks.iter().all(|check| check.ok),
            checks,
        })
    }
}

impl Trial<'_> {
    fn say(&mut self, name: &'static str, ok: bool, seen: impl Into<String>) {
        let seen = seen.into();
        self.checks.push(Proof { name, ok, seen });
    }

    async fn run(&mut self, before: &Census) -> Result<()> {
        self.say(
            "the holder owns the server",
            before.owned,
            before.owner.clone(),
        );
        let [one, other] = self.canaries.clone();
        self.start(&one).await?;
        self.start(&other).await?;
        self.restart(&one).await?;
        self.send(&one, &other).await?;
        self.reset(&one, &other).await?;
        self.stop(&one, &other).await
    }

    async fn start(&self, name: &AgentName) -> Result<()> {
        let launch = self.fleet.canary_launch(name)?;
        let _ = std::fs::remove_file(self.fleet.canary_log(name));
        self.supervisor.start(&launch).await?;
        let idle = self.fleet.transport().wait_idle(name, START).await;
        idle.map(drop).map_err(|error| {
            Error::new(error.kind(), format!("the canary {name} does not come up"))
                .with_hint("see `mosaic-fleet doctor`")
                .with_source(error)
        })
    }

    async fn restart(&mut self, one: &AgentName) -> Result<()> {
        let before = self.supervisor.census().await?;
        self.supervisor.stop(one, GRACE).await?;
        let started = self.start(one).await;
        let after = self.census_again().await?;
        let name = "restarting one agent leaves the server and all others as they are";
        let moved = moved(&before, &after, one);
        let seen = match (&moved, before.server == after.server) {
            (_, false) => format!("the server was {}, and is {}", before.server, after.server),
            (Some(moved), true) => moved.clone(),
            (None, true) => format!(
                "server {} and {} terminals are the same",
                after.server,
                after.programs.len()
            ),
        };
        self.say(name, moved.is_none() && before.server == after.server, seen);
        started
    }

    /// What is there, as soon as a server answers: it may be another one.
    async fn census_again(&self) -> Result<Census> {
        let limit = tokio::time::Instant::now() + START;
        loop {
            match self.supervisor.census().await {
                Err(error) if tokio::time::Instant::now() < limit => {
                    tracing::debug!(%error, "no server answers");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                census => return census,
            }
        }
    }

    async fn send(&mut self, one: &AgentName, other: &AgentName) -> Result<()> {
        let mark = format!("verify {}", uuid::Uuid::now_v7().simple());
        let options = SendOptions::new();
        let transport = self.fleet.transport();
        let sent = transport.send(one, Message::new(&mark), options).await;
        let said = match &sent {
            Ok(receipt) => receipt.verdict.to_string(),
            Err(error) => error.to_string(),
        };
        // It has written a text down before it draws its composer again.
        let _ = transport.wait_idle(one, START).await;
        let count = |name: &AgentName| {
            let took = self.fleet.canary_took(name);
            took.iter().filter(|line| line.contains(&mark)).count()
        };
        let (here, there) = (count(one), count(other));
        let seen = format!("{said}; {one} took it {here} times, {other} {there} times");
        self.say("a send arrives once", sent.is_ok() && here == 1, &*seen);
        self.say(
            "a send reaches exactly its agent",
            sent.is_ok() && there == 0,
            seen,
        );
        Ok(())
    }

    async fn reset(&mut self, one: &AgentName, other: &AgentName) -> Result<()> {
        let transport = self.fleet.transport();
        let reset = transport.reset(one, ResetOptions::new()).await;
        let cleared = |name: &AgentName| {
            let took = self.fleet.canary_took(name);
            took.iter().any(|line| line == "cleared")
        };
        let (here, there) = (cleared(one), cleared(other));
        let said = match &reset {
            Ok(_) => "proven".to_owned(),
            Err(error) => error.to_string(),
        };
        self.say(
            "a reset reaches exactly its agent",
            reset.is_ok() && here && !there,
            format!("{said}; {one} was reset: {here}, {other}: {there}"),
        );
        Ok(())
    }

    async fn stop(&mut self, one: &AgentName, other: &AgentName) -> Result<()> {
        let before = self.supervisor.census().await?;
        self.supervisor.stop(one, GRACE).await?;
        let after = self.supervisor.census().await?;
        let there = self.state(other).await?;
        let gone = self.state(one).await?.is_none();
        let moved = moved(&before, &after, one);
        let seen = match &moved {
            Some(moved) => moved.clone(),
            None => format!(
                "{one} is gone: {gone}; {other} is there: {}",
                there.is_some()
            ),
        };
        let ok = gone && there.is_some() && moved.is_none();
        self.say("a stop reaches exactly its agent", ok, seen);
        Ok(())
    }

    async fn state(&self, name: &AgentName) -> Result<Option<AgentState>> {
        let transport = self.fleet.transport();
        match transport.status(name, crate::StatusOptions::new()).await {
            Ok(status) => Ok(Some(status.state)),
            Err(error) if error.kind() == ErrorKind::AgentNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn remove(&self) -> Result<()> {
        for name in &self.canaries {
            self.supervisor.stop(name, GRACE).await?;
            let _ = std::fs::remove_file(self.fleet.canary_log(name));
        }
        Ok(())
    }

    async fn nothing_else(&mut self, before: &Census) -> Result<()> {
        let after = self.supervisor.census().await?;
        let (same, seen) = match (&before.others, &after.others) {
            (Some(before), Some(after)) => {
                let gone: Vec<&str> = before.difference(after).map(String::as_str).collect();
                let seen = match gone.is_empty() {
                    true => format!("{} others, all still there", after.len()),
                    false => format!("gone: {}", gone.join(", ")),
                };
                (gone.is_empty(), seen)
            }
            _ => (true, "this host does not tell which there are".to_owned()),
        };
        self.say("no other server changed", same, seen);
        let left = moved(before, &after, &self.canaries[0]);
        let same = left.is_none() && before.server == after.server;
        let seen = left.unwrap_or_else(|| format!("{} terminals", after.programs.len()));
        self.say("all agents are as before", same, seen);
        Ok(())
    }
}

/// Whose terminal went or has another program, but for the canary `but`.
fn moved(before: &Census, after: &Census, but: &AgentName) -> Option<String> {
    let of_canary = |terminal: &str| terminal.split(' ').next() == Some(but.as_str());
    before
        .programs
        .iter()
        .filter(|(terminal, _)| !of_canary(terminal))
        .find_map(|(terminal, pid)| match after.programs.get(terminal) {
            None => Some(format!("{terminal} (process {pid}) is gone")),
            Some(now) if now != pid => Some(format!("{terminal} was process {pid}, and is {now}")),
            Some(_) => None,
        })
}
