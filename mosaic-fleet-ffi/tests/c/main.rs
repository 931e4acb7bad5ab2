//! The C ABI from outside: its header, symbols and layouts, and programs in C and C++ against the
//! library as it is installed.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod conformance;
mod defects;
mod header;
mod layout;
mod programs;
mod readme;
mod scenarios;
mod sources;
mod symbols;
mod workshop;
