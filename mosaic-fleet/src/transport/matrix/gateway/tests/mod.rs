//! A gateway, asked to do what it must not.

mod journal;
mod judge;
mod properties;
mod served;
