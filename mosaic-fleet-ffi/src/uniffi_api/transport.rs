//! Transports that a fleet can be opened over: one of the other language, and the one in memory.

use std::fmt;
use std::sync::Arc;

use mosaic_fleet::wire;
use mosaic_fleet::{DynTransport, transport};

use super::foreign::Bridge;
use super::{FleetError, ForeignTransport, json};

/// A transport, for [`Fleet::open`](super::Fleet::open).
#[derive(uniffi::Object)]
pub struct Carrier {
    pub(super) transport: DynTransport,
}

#[uniffi::export]
impl Carrier {
    /// The other language's code as a transport. `description` is `{scheme, instance,
    /// capabilities}` as JSON; what is not claimed there is never called.
    ///
    /// # Errors
    /// `invalid_argument` for a description that is none.
    #[uniffi::constructor]
    pub fn foreign(
        description: String,
        code: Arc<dyn ForeignTransport>,
    ) -> Result<Arc<Self>, FleetError> {
        let bridge = Arc::new(Bridge::new(code));
        let transport = wire::ForeignTransport::new(json(&description)?, bridge)?;
        Ok(Arc::new(Carrier {
            transport: Arc::new(transport),
        }))
    }

    /// The scheme by which a roster, or a fleet without one, names it.
    pub fn scheme(&self) -> String {
        self.transport.info().scheme
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Carrier").field(&self.transport).finish()
    }
}

/// Agents in this process, for tests of programs that use a fleet.
#[derive(Debug, uniffi::Object)]
pub struct MemoryTransport {
    memory: transport::memory::MemoryTransport,
}

#[uniffi::export]
impl MemoryTransport {
    /// A transport as `arguments` say: `{agents, max_message_bytes}` as JSON.
    ///
    /// # Errors
    /// `invalid_argument`.
    #[uniffi::constructor]
    pub fn open(arguments: String) -> Result<Arc<Self>, FleetError> {
        let memory = wire::open_memory(json(&arguments)?)?;
        Ok(Arc::new(MemoryTransport { memory }))
    }

    /// Calls a control by name: `inbox`, `finish_turn`, `set_state` and what else
    /// [`mosaic_fleet::wire::memory`] knows.
    ///
    /// # Errors
    /// As the control.
    pub fn control(&self, operation: String, arguments: String) -> Result<String, FleetError> {
        let answer = wire::memory(&self.memory, &operation, json(&arguments)?)?;
        Ok(answer.to_string())
    }

    /// The same agents as a transport for a fleet.
    pub fn carrier(&self) -> Arc<Carrier> {
        Arc::new(Carrier {
            transport: Arc::new(self.memory.clone()),
        })
    }
}
