//! A gateway, asked to do what it must not.

mod journal;
mod judge;
mod served;
