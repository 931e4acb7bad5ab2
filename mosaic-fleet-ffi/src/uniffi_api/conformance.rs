//! The conformance suite for a transport that is written in the other language.
//!
//! It is in a build with the feature `uniffi-testing`; any other has the same functions, which say
//! so, and one generated module fits both.

use std::sync::Arc;

use super::{Carrier, FleetError, ForeignTransport};

/// The names of all behaviours.
///
/// # Errors
/// `unsupported` in a build without the suite.
#[uniffi::export]
pub fn conformance_behaviours() -> Result<Vec<String>, FleetError> {
    #[cfg(feature = "uniffi-testing")]
    let behaviours = Ok(super::suite::behaviours());
    #[cfg(not(feature = "uniffi-testing"))]
    let behaviours = Err(without_suite().into());
    behaviours
}

/// Has a transport with the agents `agent`, `agent-1`, `agent-10` and `agent0`, idle, show one
/// behaviour. `backend` is asked what a harness is: `taken`, `kill_agent`, `make_busy`,
/// `finish_turn`, `ask`, `answers`, `remembered`, `break_backend`, each of an `agent`.
///
/// # Errors
/// `unexpected`, with what the transport did otherwise; `invalid_argument` for a name that is none;
/// `unsupported` in a build without the suite.
#[uniffi::export]
pub async fn run_conformance(
    behaviour: String,
    transport: Arc<Carrier>,
    backend: Arc<dyn ForeignTransport>,
) -> Result<(), FleetError> {
    #[cfg(feature = "uniffi-testing")]
    let shown = super::suite::run(&behaviour, &transport, backend).await;
    #[cfg(not(feature = "uniffi-testing"))]
    let shown = {
        let _ = (behaviour, transport, backend);
        Err(without_suite().into())
    };
    shown
}

#[cfg(not(feature = "uniffi-testing"))]
fn without_suite() -> mosaic_fleet::Error {
    mosaic_fleet::Error::unsupported("the conformance suite in this build")
        .with_hint("build mosaic-fleet-ffi with the feature uniffi-testing")
}
