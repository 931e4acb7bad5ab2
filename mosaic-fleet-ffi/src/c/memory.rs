//! The transport in this process, whose agents are records: for tests of programs that talk to a
//! fleet.

use std::ffi::c_char;
use std::sync::Arc;

use mosaic_fleet::transport::memory::MemoryTransport;
use mosaic_fleet::wire;

use super::code::mf_code;
use super::error::mf_error;
use super::guard::{guard, out, release};
use super::table::{self, Handle};
use super::text;
use super::transport::{Carrier, mf_transport};

/// Agents in this process, and the controls that play them. Freed by `mf_memory_free`.
pub struct mf_memory {
    _opaque: (),
}

struct Agents(MemoryTransport);

impl Handle for Agents {
    type Opaque = mf_memory;
    const NAME: &'static str = "mf_memory";
}

/// Makes agents in this process. `arguments` is JSON, or NULL: `{"agents": ["coder0"],
/// "max_message_bytes": 1000}`, both optional.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_memory_open(
    arguments: *const c_char,
    memory: *mut *mut mf_memory,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let memory = out(memory, "the memory transport")?;
            let arguments = text::json(arguments, "arguments")?;
            let opened = wire::open_memory(arguments)?;
            memory.write(table::put(Arc::new(Agents(opened)))?);
            Ok(())
        })
    }
}

/// The transport to these agents, for `mf_fleet_from_transport`. Freed by `mf_transport_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_memory_transport(
    memory: *const mf_memory,
    transport: *mut *mut mf_transport,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let transport = out(transport, "the transport")?;
            let agents = table::get::<Agents>(memory)?;
            let carrier = Carrier(Arc::new(agents.0.clone()));
            transport.write(table::put(Arc::new(carrier))?);
            Ok(())
        })
    }
}

/// Plays an agent's part by a control's name: `inbox`, `conversation`, `finish_turn`, `add_agent`
/// (`{"agent": NAME}`), `set_state` (`state`), `say` and `set_draft` (`text`), `ask` (`text`,
/// `choices`), `set_reachable` (`{"reachable": false}`). `answer` may be NULL, where it does not
/// matter; `*answer` is JSON and freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_memory_call(
    memory: *const mf_memory,
    operation: *const c_char,
    arguments: *const c_char,
    answer: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let agents = table::get::<Agents>(memory)?;
            let operation = text::required(operation, "operation")?;
            let arguments = text::json(arguments, "arguments")?;
            let called = wire::memory(&agents.0, operation, arguments)?;
            if !answer.is_null() {
                out(answer, "the answer")?.write(text::give_json(&called));
            }
            Ok(())
        })
    }
}

/// Frees a handle of the agents. Transports to them go on. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_memory_free(memory: *mut mf_memory) -> mf_code {
    release::<Agents>(memory)
}
