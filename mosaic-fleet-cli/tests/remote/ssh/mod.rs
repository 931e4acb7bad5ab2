//! Agents on a host that is reached over ssh.

mod conformance;
mod refused;
mod sshd;
