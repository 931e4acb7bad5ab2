//! Opening, sharing and closing a fleet, and calling any operation by its name.

use std::ffi::c_char;

use mosaic_fleet::{Registry, wire};
use serde_json::{Map, Value, json};

use super::code::mf_code;
use super::error::mf_error;
use super::guard::{Outcome, guard, out, release};
use super::options::mf_fleet_options;
use super::running::{self, Running};
use super::transport::{Carrier, mf_transport};
use super::{structs, table, text};

/// A fleet that was opened. Can be used from any thread; freed by `mf_fleet_free`.
pub struct mf_fleet {
    _opaque: (),
}

/// The arguments of [`wire::open`] that the options are.
///
/// # Safety
/// The pointers are as `ABI.md` says.
unsafe fn opening(options: &mf_fleet_options) -> Outcome<Map<String, Value>> {
    let mut arguments = Map::new();
    for (name, value) in [
        ("roster", options.roster),
        ("roster_text", options.roster_text),
        ("instance", options.instance),
    ] {
        // SAFETY: the caller's promise.
        if let Some(value) = unsafe { text::optional(value, name) }? {
            arguments.insert(name.to_owned(), value.into());
        }
    }
    // SAFETY: the caller's promise.
    let environment = unsafe { text::environment(options.environment) }?;
    arguments.insert("environment".to_owned(), json!(environment));
    arguments.insert("lasting".to_owned(), (options.one_shot == 0).into());
    Ok(arguments)
}

/// Opens the fleet that a roster describes. Reads files; talks to no backend. `options` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_open(
    options: *const mf_fleet_options,
    fleet: *mut *mut mf_fleet,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let fleet = out(fleet, "the fleet")?;
            let arguments = opening(&structs::optional(options)?)?;
            let opened = Running::open(|| Ok(wire::open(arguments.into(), Registry::builtin())?))?;
            fleet.write(table::put(opened)?);
            Ok(())
        })
    }
}

/// Opens a fleet over a transport, which it shares. Without a roster in `options` (which may be NULL)
/// the fleet has no agents of its own and talks to all that the transport has; a roster names the
/// transport by its scheme.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_from_transport(
    transport: *const mf_transport,
    options: *const mf_fleet_options,
    fleet: *mut *mut mf_fleet,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let fleet = out(fleet, "the fleet")?;
            let transport = table::get::<Carrier>(transport)?;
            let mut arguments = opening(&structs::optional(options)?)?;
            let opened = Running::open(|| {
                let mut registry = Registry::new();
                let scheme = wire::register(&mut registry, transport.0.clone())?;
                if !arguments.contains_key("roster") && !arguments.contains_key("roster_text") {
                    arguments.insert("transport".to_owned(), scheme.into());
                }
                Ok(wire::open(arguments.into(), registry)?)
            })?;
            fleet.write(table::put(opened)?);
            Ok(())
        })
    }
}

/// Makes another handle of the same fleet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_clone(
    fleet: *const mf_fleet,
    clone: *mut *mut mf_fleet,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let clone = out(clone, "the clone")?;
            clone.write(table::put(table::get::<Running>(fleet)?)?);
            Ok(())
        })
    }
}

/// Frees a handle of a fleet. With the last one its runtime ends, and what is under way is abandoned.
/// Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_free(fleet: *mut mf_fleet) -> mf_code {
    release::<Running>(fleet)
}

/// Lets go of the transport's connections, in order. Later calls answer `MF_CODE_CLOSED`; closing
/// again is allowed. The handle still has to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_close(
    fleet: *const mf_fleet,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            running.block_on(async { Ok(running.fleet().close().await?) })
        })
    }
}

/// Calls an operation by its name, with one JSON object of arguments (NULL: none), and gives its
/// answer as JSON. `*answer` is freed by `mf_string_free`.
///
/// The operations and their arguments are those of every binding: `bindings/README.md` lists them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_call(
    fleet: *const mf_fleet,
    operation: *const c_char,
    arguments: *const c_char,
    answer: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let operation = text::required(operation, "operation")?;
            let arguments = text::json(arguments, "arguments")?;
            let answer = out(answer, "the answer")?;
            let called = running.block_on(async {
                let news = &mut |_| ();
                Ok(wire::call(running.fleet(), operation, arguments, news).await?)
            })?;
            answer.write(text::give_json(&called));
            Ok(())
        })
    }
}

/// Calls an operation that needs no fleet: lanes and CI (`lane_brief`, `ci_wait`, `ci_status`,
/// `ci_guard`), rosters as texts (`roster_parse`, `roster_add`, ...), `profiles`, `runtimes`.
///
/// `arguments` is one JSON object (NULL: none). `environment` has variables as `KEY=VALUE`, up to a
/// NULL; NULL: this process's own, read during the call. Logins and services are found by it.
/// `*answer` is freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_call(
    operation: *const c_char,
    arguments: *const c_char,
    environment: *const *const c_char,
    answer: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let operation = text::required(operation, "operation")?;
            let arguments = text::json(arguments, "arguments")?;
            let environment = text::environment(environment)?;
            let answer = out(answer, "the answer")?;
            let called = running::block_on(async {
                let news = &mut |_| ();
                Ok(wire::call_free(&environment, operation, arguments, news).await?)
            })?;
            answer.write(text::give_json(&called));
            Ok(())
        })
    }
}
