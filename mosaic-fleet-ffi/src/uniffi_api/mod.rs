//! The face for languages that uniffi knows: fleets, streams, transports and errors, as JSON.
//!
//! It is thin over [`mosaic_fleet::wire`], and what it takes and gives is text: a language's own
//! layer turns it into that language's types. Every call runs on the runtime of this
//! library, so that it never holds up a caller's event loop; a caller that stops waiting drops it.

mod conformance;
mod fleet;
mod foreign;
mod news;
mod runtime;
#[cfg(feature = "uniffi-testing")]
mod suite;
mod transport;

use std::fmt;

use mosaic_fleet::wire::error_to_value;
use mosaic_fleet::{Error, Result};
use serde_json::Value;

pub use conformance::{conformance_behaviours, run_conformance};
pub use fleet::{Fleet, Stream, call_free, call_free_now, error_codes};
pub use foreign::{ForeignTransport, Reply};
pub use news::News;
pub use runtime::end;
pub use transport::{Carrier, MemoryTransport};

/// An error, with everything that is known of it.
#[derive(Debug, uniffi::Error)]
pub enum FleetError {
    /// What a call failed with.
    Failed {
        /// `{code, number, message, operation, agent, transport, retry, reason, hint}` as JSON.
        document: String,
    },
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FleetError::Failed { document } = self;
        f.write_str(document)
    }
}

impl std::error::Error for FleetError {}

impl From<Error> for FleetError {
    fn from(error: Error) -> Self {
        FleetError::Failed {
            document: error_to_value(&error).to_string(),
        }
    }
}

/// What code of the other language threw where it must not.
#[derive(Debug, uniffi::Error)]
pub enum CallbackError {
    /// It was not expected.
    Unexpected {
        /// Its words.
        words: String,
    },
}

impl fmt::Display for CallbackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallbackError::Unexpected { words } = self;
        f.write_str(words)
    }
}

impl std::error::Error for CallbackError {}

impl From<uniffi::UnexpectedUniFFICallbackError> for CallbackError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        CallbackError::Unexpected {
            words: error.reason,
        }
    }
}

/// Reads a text as JSON.
fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::invalid_argument("the arguments are no JSON").with_source(error))
}
