//! A gateway, asked to do what it must not, and where its homeserver or its own life ends in the middle.

mod journal;
mod judge;
mod lives;
mod presence;
mod properties;
mod rooms;
mod served;
mod standing;
mod stream;
