//! The real programs against a fake model: what delivery claims, seen by the model itself.
//! `make test-real` installs them and runs this.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod model;
mod program;
mod scenarios;
mod stage;
mod texts;
mod wire;

/// The scenarios that hold for a program whatever it is.
macro_rules! scenarios {
    ($module:ident, $program:ident: $($scenario:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    crate::scenarios::$scenario(crate::program::Program::$program).await;
                }
            )*
        }
    };
}

scenarios!(pi, Pi: idle wrapped busy reset draft start_up copy_mode two_senders fixed_sleeps);
scenarios!(claude, Claude: idle wrapped busy reset draft start_up copy_mode two_senders fixed_sleeps);
scenarios!(codex, Codex: idle wrapped busy reset draft start_up copy_mode two_senders fixed_sleeps);
scenarios!(gemini, Gemini: idle wrapped reset draft start_up copy_mode fixed_sleeps);
