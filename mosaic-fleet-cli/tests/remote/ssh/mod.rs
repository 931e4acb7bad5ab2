//! Agents on a host that is reached over ssh.

mod conformance;
mod cut;
mod hostile;
mod latency;
mod life;
mod refused;
pub(crate) mod sshd;

pub(crate) use sshd::free_port;
