//! Agents behind a gateway, over a homeserver.

mod conformance;
mod http;
mod stage;
mod synapse;
