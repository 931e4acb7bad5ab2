//! Agents beyond this machine, over a homeserver that exists already.

mod client;
mod config;
mod error;
mod event;
mod protocol;
mod requests;

pub use config::{MATRIX_SCHEME, MatrixBlock, MatrixConfig, TOKEN_VARIABLE};
