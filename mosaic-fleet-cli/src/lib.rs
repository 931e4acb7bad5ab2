//! The `mosaic-fleet` command as a library, so that another binary can add a transport of its own.
//!
//! Parsing, calling and printing only: what is done lives in [`mosaic_fleet`]. See
//! `examples/custom_transport.rs` for a binary with one more transport.

mod app;
mod args;
mod commands;
mod exit;
mod files;
mod output;
mod values;

pub use app::App;
