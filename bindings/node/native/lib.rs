//! The native half of `@mosaicstack/fleet`: the library as JSON, carried to JavaScript and back.
//!
//! Nothing here knows an operation. Names, types, errors and iterators of the package are made by
//! `src/*.ts`; each call that can fail answers an envelope, `{"ok": …}` or `{"error": …}`, since an
//! error that napi makes of a Rust one has no code of its own.

mod answer;
#[cfg(feature = "testing")]
mod conformance;
mod fleet;
mod foreign;
mod memory;
#[cfg(feature = "testing")]
mod services;
mod skills;
mod stream;
