//! The launcher's questions about skills, which it asks without waiting.

use mosaic_fleet::wire;
use napi_derive::napi;

use crate::answer::{arguments, envelope, variables};

/// Calls an operation about skills by name; answers an envelope.
#[napi]
pub fn skills(environment: String, operation: String, text: String) -> String {
    let read = arguments(&text).and_then(|asked| Ok((asked, variables(&environment)?)));
    envelope(read.and_then(|(asked, known)| wire::skills(&known, &operation, asked)))
}
