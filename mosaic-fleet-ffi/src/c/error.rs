//! Errors as C holds them: read field by field, or whole as JSON.

use std::ffi::{CString, c_char};
use std::ptr;
use std::sync::Arc;

use mosaic_fleet::wire;
use serde_json::Value;

use super::code::{MF_CODE_INVALID_HANDLE, MF_RETRY_NEVER, OWN_CODES, mf_code, mf_retry, retry_of};
use super::guard::{Failure, Outcome, guard, look, out, release};
use super::table::{self, Handle};
use super::text::{give, owned, owned_option, pointer};

/// Why a call failed. Belongs to whom it was given to; freed by `mf_error_free`.
pub struct mf_error {
    _opaque: (),
}

/// An error and its texts.
pub(super) struct Failed {
    code: mf_code,
    sentence: CString,
    hint: Option<CString>,
    reason: Option<CString>,
    operation: Option<CString>,
    agent: Option<CString>,
    transport: Option<CString>,
    retry: (mf_retry, u64),
    json: String,
}

impl Handle for Failed {
    type Opaque = mf_error;
    const NAME: &'static str = "mf_error";
}

impl Failed {
    /// A handle of a failure.
    pub(super) fn handle(failure: Failure) -> Outcome<*mut mf_error> {
        let Failure { code, error } = failure;
        let mut whole = wire::error_to_value(&error);
        let own = OWN_CODES.into_iter().find(|own| own.0 == code);
        if let (Some((_, name)), Value::Object(fields)) = (own, &mut whole) {
            fields.insert("code".to_owned(), name.into());
            fields.insert("number".to_owned(), code.into());
        }
        table::put(Arc::new(Failed {
            code,
            sentence: owned(&error.to_string()),
            hint: owned_option(error.hint()),
            reason: owned_option(error.reason()),
            operation: owned_option(error.operation()),
            agent: owned_option(error.agent()),
            transport: owned_option(error.transport()),
            retry: retry_of(error.retry()),
            json: whole.to_string(),
        }))
    }
}

/// A text of an error; NULL where there is none, or no error.
fn field(error: *const mf_error, pick: impl FnOnce(&Failed) -> Option<&CString>) -> *const c_char {
    look(ptr::null(), || {
        let failed = table::get::<Failed>(error)?;
        Ok(pointer(pick(&failed)))
    })
}

/// Frees an error. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_free(error: *mut mf_error) -> mf_code {
    release::<Failed>(error)
}

/// The code that the failed call returned. `MF_CODE_INVALID_HANDLE` for what is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_code(error: *const mf_error) -> mf_code {
    look(MF_CODE_INVALID_HANDLE, || {
        Ok(table::get::<Failed>(error)?.code)
    })
}

/// What went wrong, as one sentence without a full stop:
/// `send coder9 via tmux:mosaic-factory: no such agent (did you mean coder0?)`.
/// Valid until the error is freed; NULL for what is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_message(error: *const mf_error) -> *const c_char {
    field(error, |failed| Some(&failed.sentence))
}

/// What to do next; NULL where there is no advice. Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_hint(error: *const mf_error) -> *const c_char {
    field(error, |failed| failed.hint.as_ref())
}

/// Why nothing was typed (`draft`, `dialog`, ...), for `MF_CODE_REFUSED`, and how far a send got
/// (`pasted`, `key_pressed`), for `MF_CODE_DELIVERY_UNKNOWN`; NULL otherwise.
/// Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_reason(error: *const mf_error) -> *const c_char {
    field(error, |failed| failed.reason.as_ref())
}

/// The operation that failed, or NULL. Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_operation(error: *const mf_error) -> *const c_char {
    field(error, |failed| failed.operation.as_ref())
}

/// The agent that it is about, or NULL. Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_agent(error: *const mf_error) -> *const c_char {
    field(error, |failed| failed.agent.as_ref())
}

/// The transport that it went through, or NULL. Valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_transport(error: *const mf_error) -> *const c_char {
    field(error, |failed| failed.transport.as_ref())
}

/// Whether calling again can help. `MF_RETRY_NEVER` for what is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_retry(error: *const mf_error) -> mf_retry {
    look(MF_RETRY_NEVER, || Ok(table::get::<Failed>(error)?.retry.0))
}

/// How long to wait before calling again, in milliseconds, for `MF_RETRY_AFTER`; 0 otherwise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_retry_after_ms(error: *const mf_error) -> u64 {
    look(0, || Ok(table::get::<Failed>(error)?.retry.1))
}

/// The whole error as JSON: `{code, number, message, operation, agent, transport, retry, reason,
/// hint}`. `*json` is freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_error_json(
    error: *const mf_error,
    json: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let failed = table::get::<Failed>(error)?;
            out(json, "json")?.write(give(&failed.json));
            Ok(())
        })
    }
}
