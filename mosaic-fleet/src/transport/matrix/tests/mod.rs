//! Both ends against a homeserver that fails on order: what a real one cannot be made to do.

mod acks;
mod asks;
mod faults;
mod provision;
pub(super) mod stage;
