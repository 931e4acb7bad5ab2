//! The conformance suite: what every transport must do, one named test a behaviour.
//!
//! Implement [`Harness`] for your transport and write one line,
//! [`transport_conformance_tests!`](crate::transport_conformance_tests). Each behaviour is also a
//! public function here, documented with what it demands.
//!
//! The oracle is [`Harness::taken`]: what the agent's program itself wrote down, never what the
//! transport believes. "Nothing more came" is proved by sending one more text and looking at what
//! stands before it, not by waiting.
//!
//! A behaviour that does not apply ([`Outcome::NotApplicable`]) fails unless the harness says
//! beforehand, in [`Quirks::not_applicable`], that it may; then it is reported on standard error
//! where no test runner swallows it. So a skip cannot look like a pass.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a behaviour fails by panicking, as any test does"
)]

mod asking;
mod claims;
mod delivery;
mod failure;
mod oracle;
mod reading;
mod texts;

use std::io::Write;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::agent::AgentName;
use crate::transport::DynTransport;

pub use asking::*;
pub use claims::*;
pub use delivery::*;
pub use failure::*;
pub use reading::*;
pub use texts::*;

/// The agents that a harness runs, in the order of [`Transport::list`](crate::Transport::list).
/// Each name begins with an earlier one, for transports that match by prefix.
pub const AGENTS: [&str; 4] = ["agent", "agent-1", "agent-10", "agent0"];

/// A transport with four agents behind it, as one test needs them.
///
/// Every test starts its own. A failed test panics and never reaches [`Harness::finish`]: what
/// must not outlive it belongs into `Drop`.
#[async_trait]
pub trait Harness: Send + Sync + Sized + 'static {
    /// Starts the backend with the agents [`AGENTS`], running and idle. Panics when it cannot: a
    /// missing prerequisite is a failure, not a skip.
    async fn start() -> Self;

    /// The transport under test; the same one at each call.
    fn transport(&self) -> DynTransport;

    /// Exactly what the agent's program took so far, in order, as the program wrote it down.
    /// Goes on working when the backend is broken or the transport closed.
    async fn taken(&self, agent: &AgentName) -> Vec<String>;

    /// Ends the agent's program and returns when it has ended.
    async fn kill_agent(&self, agent: &AgentName);

    /// Has the agent work on something until [`Harness::finish_turn`], and returns when it does.
    /// `false`: this harness cannot.
    async fn make_busy(&self, agent: &AgentName) -> bool;

    /// Ends the turn that [`Harness::make_busy`] began.
    async fn finish_turn(&self, agent: &AgentName);

    /// Has the agent ask a question with two choices, of which the first approves and the last
    /// denies, and returns when it does. `false`: this harness cannot.
    async fn ask(&self, agent: &AgentName) -> bool {
        let _ = agent;
        false
    }

    /// The numbers of the choices that were taken of the agent's questions, in order.
    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        let _ = agent;
        Vec::new()
    }

    /// What the agent's program remembers of what it took, if the harness can tell.
    async fn remembered(&self, agent: &AgentName) -> Option<Vec<String>> {
        let _ = agent;
        None
    }

    /// Makes the backend unreachable for the rest of the test.
    async fn break_backend(&self);

    /// What `text` is after the `changes` that a receipt reported as
    /// [`normalised`](crate::Receipt::normalised). Knows `crlf` and `control`; a transport that
    /// makes other changes says here what they are.
    fn normalised(&self, text: &str, changes: &[String]) -> String {
        changes
            .iter()
            .fold(text.to_owned(), |text, change| match change.as_str() {
                "crlf" => text.replace("\r\n", "\n").replace('\r', "\n"),
                "control" => text
                    .chars()
                    .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                    .collect(),
                other => panic!("unknown change {other:?}: Harness::normalised must explain it"),
            })
    }

    /// Where this transport may differ.
    fn quirks(&self) -> Quirks {
        Quirks::new()
    }

    /// Stops the backend after a test that passed.
    async fn finish(self) {}
}

/// Where a transport may differ from the strictest reading of the suite.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Quirks {
    /// How long the suite waits for something that must happen.
    pub patience: Duration,
    /// Every text without control characters arrives byte for byte: none is refused or altered.
    pub exact_text: bool,
    /// Behaviours, by name, that are allowed not to apply to this transport.
    pub not_applicable: Vec<&'static str>,
}

impl Quirks {
    /// Twenty seconds of patience, texts may be altered if it is reported, everything applies.
    pub fn new() -> Self {
        Quirks {
            patience: Duration::from_secs(20),
            exact_text: false,
            not_applicable: Vec::new(),
        }
    }

    /// Sets how long the suite waits for something that must happen.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Demands that every text without control characters arrives byte for byte.
    #[must_use]
    pub fn with_exact_text(mut self, exact: bool) -> Self {
        self.exact_text = exact;
        self
    }

    /// Allows behaviours, by name, not to apply.
    #[must_use]
    pub fn with_not_applicable(mut self, names: impl IntoIterator<Item = &'static str>) -> Self {
        self.not_applicable.extend(names);
        self
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::new()
    }
}

/// What a behaviour's function answers when it did not panic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// The transport behaves so.
    Checked,
    /// It could not be checked, and why.
    NotApplicable(String),
}

impl Outcome {
    fn not_applicable(reason: impl Into<String>) -> Self {
        Outcome::NotApplicable(reason.into())
    }
}

/// How many patiences a whole behaviour may take before it counts as hung.
const PATIENCES: u32 = 9;

/// Runs one behaviour against a fresh harness: what each test of
/// [`transport_conformance_tests!`](crate::transport_conformance_tests) does.
///
/// # Panics
/// When the transport does not behave so, when the behaviour hangs, and when it does not apply and
/// the harness did not say that it may not.
pub async fn run<H, F>(name: &str, behaviour: F)
where
    H: Harness,
    F: for<'a> FnOnce(&'a H) -> BoxFuture<'a, Outcome> + Send,
{
    let harness = H::start().await;
    let quirks = harness.quirks();
    let outcome = tokio::time::timeout(quirks.patience * PATIENCES, behaviour(&harness))
        .await
        .unwrap_or_else(|_| panic!("{name} hangs"));
    if let Outcome::NotApplicable(reason) = outcome {
        assert!(
            quirks.not_applicable.contains(&name),
            "{name} does not apply ({reason}), and Quirks::not_applicable does not allow that"
        );
        // Not `eprintln!`, which the test runner hides when a test passes.
        let transport = harness.transport().info();
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED {name} for {transport}: {reason}"
        );
    }
    harness.finish().await;
}

/// Writes one test for each behaviour of the [conformance suite](crate::testing::conformance).
///
/// The calling crate needs `tokio` with the features `macros` and `rt-multi-thread`.
///
/// ```no_run
/// # use mosaic_fleet::testing::conformance::Harness;
/// # use mosaic_fleet::{AgentName, DynTransport};
/// struct Slack { /* the backend */ }
///
/// #[async_trait::async_trait]
/// impl Harness for Slack {
///     # async fn start() -> Self { todo!() }
///     # fn transport(&self) -> DynTransport { todo!() }
///     # async fn taken(&self, _: &AgentName) -> Vec<String> { todo!() }
///     # async fn kill_agent(&self, _: &AgentName) { todo!() }
///     # async fn make_busy(&self, _: &AgentName) -> bool { todo!() }
///     # async fn finish_turn(&self, _: &AgentName) { todo!() }
///     # async fn break_backend(&self) { todo!() }
///     // start, transport, taken, …
/// }
///
/// mosaic_fleet::transport_conformance_tests!(Slack);
/// ```
#[macro_export]
macro_rules! transport_conformance_tests {
    (@behaviours $($then:tt)*) => {
        $crate::transport_conformance_tests! { $($then)*
            delivers_exactly_once
            delivers_multi_line
            delivers_100_kb
            delivers_1_mb
            look_alike_names_get_only_their_own
            two_senders_at_once_both_arrive_whole
            senders_to_all_agents_at_once
            preamble_is_rendered_once
            receipt_is_complete
            busy_agent_queues_or_refuses
            keeps_hostile_text
            line_ends_become_lf
            refuses_control_characters
            refuses_commands
            refuses_empty_text
            unknown_agent_is_not_found
            dead_agent_refuses_and_the_rest_live
            dead_agent_is_told_by_status_and_list
            cancelled_send_is_all_or_nothing
            unreachable_backend_is_unavailable
            close_then_closed
            status_of_idle
            status_wait_ends_on_change
            watch_tells_what_is_and_what_changes
            list_has_every_agent_once_sorted
            tail_shows_what_was_said
            tail_cursor_continues_without_loss_or_repeat
            tail_limits_lines
            foreign_cursor_is_invalid_argument
            answer_takes_the_choice_and_no_other
            idempotency_key_repeats_nothing
            reset_forgets_and_next_send_arrives
            unclaimed_is_unsupported
        }
    };
    (@then $then:ident $($name:ident)*) => { $then! { $($name)* } };
    (@names $($name:ident)*) => { &[$(::core::stringify!($name)),*] };
    (@tests [$harness:ty] $($name:ident)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $crate::testing::conformance::run::<$harness, _>(
                ::core::stringify!($name),
                |harness| ::std::boxed::Box::pin(
                    $crate::testing::conformance::$name(harness)
                ),
            )
            .await;
        }
    )*};
    ($harness:ty) => {
        $crate::transport_conformance_tests! { @behaviours @tests [$harness] }
    };
}

/// The names of all behaviours.
pub const BEHAVIOURS: &[&str] = transport_conformance_tests! { @behaviours @names };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_behaviour_is_forgotten() {
        let sources = [
            include_str!("asking.rs"),
            include_str!("claims.rs"),
            include_str!("delivery.rs"),
            include_str!("failure.rs"),
            include_str!("reading.rs"),
            include_str!("texts.rs"),
        ];
        let mut written: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("pub async fn "))
            .filter_map(|rest| rest.split('<').next())
            .collect();
        let mut run = BEHAVIOURS.to_vec();
        written.sort_unstable();
        run.sort_unstable();
        assert_eq!(written, run);
    }
}
