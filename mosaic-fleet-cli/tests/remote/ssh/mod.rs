//! Agents on a host that is reached over ssh.
