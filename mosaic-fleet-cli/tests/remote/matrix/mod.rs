//! Agents behind a gateway, over a homeserver.

mod acts;
mod conformance;
mod crash;
mod http;
mod person;
mod provision;
pub(crate) mod stage;
mod strangers;
mod synapse;
mod throughput;
