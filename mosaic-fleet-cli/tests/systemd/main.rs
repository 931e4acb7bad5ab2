//! The built `mosaic-fleet` under a real user manager. `make test` runs this as root inside of
//! `in-systemd`; the fleet is that of an ordinary user there. One test at a time: there is one user.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

mod adopt;
mod boot;
mod cutover;
mod guide;
mod install;
mod isolation;
mod kickstart;
mod recovery;
mod stage;
mod verify;
mod wrong;
