//! Agents on a host that is reached over ssh.

mod conformance;
mod cut;
mod hostile;
mod refused;
pub(crate) mod sshd;

pub(crate) use sshd::free_port;
