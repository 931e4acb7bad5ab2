//! The native half of `@mosaicstack/fleet`: the library as JSON, carried to JavaScript and back.
//!
//! Nothing here knows an operation. Names, types, errors and iterators of the package are made by
//! `src/*.ts`; each call that can fail answers an envelope, `{"ok": …}` or `{"error": …}`, since an
//! error that napi makes of a Rust one has no code of its own.

pub mod answer;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod fleet;
pub mod foreign;
pub mod memory;
#[cfg(feature = "testing")]
pub mod services;
pub mod skills;
pub mod stream;
