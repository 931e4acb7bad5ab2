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

mod dialogs;
mod hooks;
mod model;
mod program;
mod scenarios;
mod scripted;
mod stage;
mod texts;
mod wire;

/// The scenarios that hold for a program whatever it is.
macro_rules! scenarios {
    ($module:ident, $program:ident: $($part:ident { $($scenario:ident)* })*) => {
        mod $module {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    crate::$part::$scenario(crate::program::Program::$program).await;
                }
            )*)*
        }
    };
}

scenarios!(pi, Pi:
    scenarios { idle wrapped busy reset draft start_up copy_mode two_senders fixed_sleeps }
    dialogs { private_key }
    hooks { told });
scenarios!(claude, Claude:
    scenarios { idle wrapped busy reset start_up copy_mode two_senders fixed_sleeps }
    hooks { told draft_put_away }
    dialogs { private_key open answered opens_after_the_paste opens_before_a_private_key });
scenarios!(codex, Codex:
    scenarios { idle wrapped busy reset draft start_up copy_mode two_senders fixed_sleeps }
    dialogs { open answered opens_after_the_paste });
scenarios!(gemini, Gemini:
    scenarios { idle wrapped reset draft start_up copy_mode fixed_sleeps }
    dialogs { open answered });
