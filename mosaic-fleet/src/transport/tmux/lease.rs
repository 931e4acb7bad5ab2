//! One writer a pane: a lease held on the tmux server itself, so that it also holds between hosts.
//!
//! It is a user option of the pane, taken by compare-and-set in one command list, with an expiry by
//! the server's own clock. Whoever finds it expired takes it over.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::command::{Command, CommandList, all, command, when};
use super::config::short_host_name;
use super::control::{Control, within};
use super::error::TmuxError;
use super::target::Identity;
use crate::error::{Error, Refusal, Result};

/// Who holds the pane, and until when.
const OWNER: &str = "@mosaic_lease";
const EXPIRY: &str = "@mosaic_lease_until";

/// Who lets nothing new be typed here, and until when.
const DRAIN: &str = "@mosaic_drain";
const DRAIN_EXPIRY: &str = "@mosaic_drain_until";

/// The server's clock, in seconds.
pub(super) const NOW: &str = "#{T;l:%s}";

/// The time of the server's clock that is `length` away, a second at least.
pub(super) fn from_now(length: Duration) -> String {
    let seconds = length.as_secs().max(1);
    format!("#{{e|+:{NOW},{seconds}}}")
}

/// How long a held lease is watched before it is tried again without an event: its end is none
/// that tmux tells.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// What a lease is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A text, which a drained agent takes no more.
    Text,
    /// What helps an agent to come to an end: an answer to its question, or only to see that
    /// nobody is typing.
    End,
}

/// A held lease. Dropping it gives it back, in the background if it must.
#[derive(Debug)]
pub(super) struct Lease {
    control: Arc<Control>,
    target: String,
    owner: String,
    length: Duration,
    renewed: Instant,
    held: bool,
}

impl Lease {
    /// Takes the lease on a pane, waiting for it until `patience`.
    pub(super) async fn take(
        control: &Arc<Control>,
        identity: &Identity,
        purpose: Purpose,
        length: Duration,
        patience: Instant,
        deadline: Instant,
    ) -> Result<Lease> {
        let target = identity.target();
        let host = short_host_name();
        let owner = format!("{host}/{}/{}", std::process::id(), control.unique());
        let free = format!(
            "#{{||:#{{==:#{{{OWNER}}},}},#{{||:#{{==:#{{{OWNER}}},{owner}}},#{{e|<:#{{{EXPIRY}}},{NOW}}}}}}}"
        );
        let drained = format!("#{{&&:#{{!=:#{{{DRAIN}}},}},#{{e|>=:#{{{DRAIN_EXPIRY}}},{NOW}}}}}");
        let (free, words) = match purpose {
            Purpose::Text => (
                format!("#{{&&:#{{?{drained},0,1}},{free}}}"),
                format!("#{{?{drained},DRAIN #{{{DRAIN}}},HELD #{{{OWNER}}}}}"),
            ),
            Purpose::End => (free, format!("HELD #{{{OWNER}}}")),
        };
        let got = CommandList::new([
            set_owner(&target, &owner),
            set_expiry(&target, length),
            command!["display-message", "-p", "TAKEN"],
        ]);
        let held = CommandList::new([command!["display-message", "-p", "-t", &target, words]]);
        let attempt = CommandList::new([when(&target, &free, &got, &held)]);
        // Whatever becomes of the caller from here on, the lease is given back.
        let mut lease = Lease {
            control: Arc::clone(control),
            target,
            owner,
            length,
            renewed: Instant::now(),
            held: true,
        };
        loop {
            let seen = control.events();
            let blocks = control
                .request(std::slice::from_ref(&attempt), deadline)
                .await?;
            if let Some(bad) = blocks.iter().find(|block| !block.ok) {
                lease.held = false;
                return Err(TmuxError::Refused(bad.text()).into());
            }
            let words: Vec<String> = blocks.iter().map(|block| block.text()).collect();
            if words.iter().any(|words| words == "TAKEN") {
                lease.renewed = Instant::now();
                return Ok(lease);
            }
            if let Some(by) = words.iter().find_map(|words| words.strip_prefix("DRAIN ")) {
                lease.held = false;
                let why = format!("it is being drained by {by}, and takes nothing new");
                return Err(Error::refused(Refusal::Locked, why)
                    .with_hint("send it when it was started again, or end the drain"));
            }
            let holder = words
                .iter()
                .find_map(|words| words.strip_prefix("HELD "))
                .unwrap_or("somebody")
                .to_owned();
            if Instant::now() >= patience {
                lease.held = false;
                return Err(
                    Error::refused(Refusal::Locked, format!("{holder} is typing to it"))
                        .with_hint("try again, or allow more time (--timeout)"),
                );
            }
            control.changed(seen, patience.min(within(TRY_AGAIN))).await;
        }
    }

    /// The connection that it was taken over.
    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Formats that hold while the lease is ours.
    pub(super) fn conditions(&self) -> Vec<String> {
        vec![format!("#{{==:#{{{OWNER}}},{}}}", self.owner)]
    }

    /// The command that makes the lease last from now on.
    pub(super) fn renewal(&self) -> Command {
        set_expiry(&self.target, self.length)
    }

    /// Renews the lease when a third of it has passed.
    pub(super) async fn keep(&mut self, deadline: Instant) -> Result<(), TmuxError> {
        if self.renewed.elapsed() < self.length / 3 {
            return Ok(());
        }
        let ours = all(&self.conditions());
        let renew = CommandList::new([self.renewal()]);
        let list = CommandList::new([when(&self.target, &ours, &renew, &CommandList::default())]);
        self.control.request(&[list], deadline).await?;
        self.renewed = Instant::now();
        Ok(())
    }

    /// Gives the lease back.
    pub(super) async fn give_back(mut self, deadline: Instant) {
        self.held = false;
        let _ = self.control.request(&[self.release()], deadline).await;
    }

    fn release(&self) -> CommandList {
        let ours = all(&self.conditions());
        let unset = CommandList::new([
            command!["set-option", "-p", "-u", "-t", &self.target, OWNER],
            command!["set-option", "-p", "-u", "-t", &self.target, EXPIRY],
        ]);
        CommandList::new([when(&self.target, &ours, &unset, &CommandList::default())])
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if !self.held {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let control = Arc::clone(&self.control);
            let release = self.release();
            runtime.spawn(async move {
                let _ = control
                    .request(&[release], within(Duration::from_secs(2)))
                    .await;
            });
        }
    }
}

/// The commands that let nothing new be typed into a pane for `length`.
pub(super) fn drain(target: &str, by: &str, length: Duration) -> CommandList {
    let until = from_now(length);
    CommandList::new([
        command!["set-option", "-p", "-t", target, DRAIN, by],
        command!["set-option", "-p", "-F", "-t", target, DRAIN_EXPIRY, until],
    ])
}

/// The commands that end a drain.
pub(super) fn end_drain(target: &str) -> CommandList {
    CommandList::new([
        command!["set-option", "-p", "-u", "-t", target, DRAIN],
        command!["set-option", "-p", "-u", "-t", target, DRAIN_EXPIRY],
    ])
}

fn set_owner(target: &str, owner: &str) -> Command {
    command!["set-option", "-p", "-t", target, OWNER, owner]
}

fn set_expiry(target: &str, length: Duration) -> Command {
    command![
        "set-option",
        "-p",
        "-F",
        "-t",
        target,
        EXPIRY,
        from_now(length)
    ]
}
