//! The in-process transport, for tests of host programs.

use std::sync::Arc;

use mosaic_fleet::transport::memory::MemoryTransport as Memory;
use mosaic_fleet::wire;
use napi_derive::napi;

use crate::answer::{arguments, envelope};
use crate::foreign::{Transport, thrown};

/// Agents that are records in this process.
#[napi]
#[derive(Debug)]
pub struct MemoryTransport {
    inner: Memory,
}

#[napi]
impl MemoryTransport {
    /// With `agents`, idle, and perhaps `max_message_bytes`.
    ///
    /// # Errors
    /// With an error's envelope as the message.
    #[napi(constructor)]
    pub fn new(options: String) -> napi::Result<Self> {
        let opened = arguments(&options).and_then(wire::open_memory);
        let inner = opened.map_err(thrown)?;
        Ok(MemoryTransport { inner })
    }

    /// Calls one of its controls by name; answers an envelope.
    #[napi]
    pub fn control(&self, operation: String, text: String) -> String {
        envelope(arguments(&text).and_then(|asked| wire::memory(&self.inner, &operation, asked)))
    }

    /// The transport, to open a fleet with.
    #[napi]
    pub fn transport(&self) -> Transport {
        Transport::new(Arc::new(self.inner.clone()))
    }
}
