//! The C ABI: exported functions and the types they take. `ABI.md` says what holds for all of them;
//! every export goes through `guard`, and a test finds one that does not.
//!
//! Unsafe code is allowed in this room only. What makes it sound is the same everywhere and said in
//! `ABI.md`: pointers that a caller passes are NULL or point to what their type says for the length of
//! the call. Handles are never followed.
#![allow(unsafe_code, reason = "pointers come from C")]
#![allow(
    non_camel_case_types,
    reason = "types have the names that C gives them"
)]
#![allow(
    missing_debug_implementations,
    reason = "the types are what C sees, and C prints nothing"
)]
#![allow(
    clippy::missing_safety_doc,
    reason = "ABI.md says it for all functions at once"
)]

pub mod asynchronous;
pub mod capability;
pub mod code;
pub mod error;
pub mod fields;
pub mod fleet;
mod foreign;
mod guard;
pub mod library;
pub mod memory;
pub mod options;
pub mod receipt;
pub mod reply;
pub mod report;
mod running;
pub mod status;
pub mod stream;
mod structs;
mod table;
pub mod tail;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
pub mod transport;
pub mod verbs;
pub mod vtable;
