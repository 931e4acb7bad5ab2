//! For transport authors and for callers' own tests: the conformance suite, a mock, scripted agents,
//! a private tmux server and web servers on the loopback.
//!
//! Not covered by the promise of stability: a new behaviour may be added in any release, and a
//! transport that does not have it then fails.

#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "testing")]
pub mod gitea;
#[cfg(all(feature = "testing", feature = "matrix"))]
pub mod homeserver;
#[cfg(feature = "testing")]
pub mod loopback;
#[cfg(feature = "testing")]
pub mod mock;
#[cfg(feature = "scripted-agent")]
pub mod scripted_agent;
#[cfg(feature = "testing")]
pub mod terminals;
#[cfg(feature = "testing")]
pub mod tmux;
#[cfg(feature = "testing")]
pub mod woodpecker;
