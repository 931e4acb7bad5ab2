//! mosaic-fleet for languages that are not Rust. Each face is a feature and a room of its own, and
//! none has logic: they take arguments in, call the core, and give answers out.

#[cfg(feature = "c")]
pub mod c;
#[cfg(feature = "uniffi")]
pub mod uniffi_api;

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!("mosaic_fleet_uniffi");
