//! mosaic-fleet for other languages. Nothing here has logic of its own.

#[cfg(feature = "uniffi")]
pub mod uniffi_api;

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!("mosaic_fleet_uniffi");
