//! Agents behind a gateway, over a homeserver.

mod conformance;
mod crash;
mod http;
mod stage;
mod synapse;
mod throughput;
