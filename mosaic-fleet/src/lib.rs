//! Run a durable fleet of AI coding agents, and deliver messages to them that you can trust.
#![warn(clippy::future_not_send)]

pub mod agent;
pub mod capability;
#[cfg(feature = "ci")]
pub mod ci;
pub mod error;
pub mod events;
pub mod fleet;
#[cfg(feature = "forge")]
pub mod forge;
pub mod guide;
pub mod home;
#[cfg(any(feature = "forge", feature = "matrix"))]
mod http;
#[cfg(feature = "forge")]
pub mod lane;
pub mod layer;
pub mod message;
pub mod options;
pub mod registry;
pub mod roster;
pub mod runtime;
pub mod setup;
pub mod skills;
pub mod supervise;
#[cfg(feature = "scripted-agent")]
pub mod testing;
pub mod text;
pub mod transport;
pub mod wire;

pub use agent::{AgentName, AgentState, AgentStatus, ExitStatus};
pub use capability::Capabilities;
pub use error::{Error, ErrorKind, Refusal, Result, Retry, Stage};
pub use fleet::{Fleet, FleetOptions};
pub use message::{Evidence, EvidenceKind, Message, Preamble, Receipt, ReceiptId, Sender, Verdict};
pub use options::{
    Answer, AnswerOptions, AnswerReport, Cursor, ListOptions, ResetMode, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
pub use registry::Registry;
pub use roster::{AgentSpec, Roster};
pub use transport::{DynTransport, Transport, TransportExt, TransportInfo};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
