//! The integration tests, one binary so that they link once.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod broken;
mod documents;
mod house;
mod layering;
mod layers;
mod memory;
mod parts;
mod public_api;
mod scenarios;
mod schema;
mod services;
mod source;
mod streams;
mod tmux;
mod words;
