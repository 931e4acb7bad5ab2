//! Agents beyond this process's machine, for real: over a sshd and over a Synapse, each of a test's
//! own, on loopback. `make test` installs both and runs this; `cargo test` alone does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking, and the long ones print what they measured"
)]

mod matrix;
mod mixed;
mod ssh;
