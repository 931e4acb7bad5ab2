//! Receipts as C holds them.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use mosaic_fleet::Receipt;
use serde_json::json;

use super::code::{Numbered, mf_code, mf_evidence, mf_verdict};
use super::error::mf_error;
use super::guard::{Outcome, read, release};
use super::table::{self, Handle};
use super::text::{give, owned};

/// The answer to a send: what is known, and from what. Freed by `mf_receipt_free`.
pub struct mf_receipt {
    _opaque: (),
}

/// A receipt and its texts.
pub(super) struct Sent {
    id: CString,
    agent: CString,
    transport: CString,
    verdict: mf_verdict,
    evidence: mf_evidence,
    detail: CString,
    attempts: u32,
    elapsed_ms: u64,
    json: String,
}

impl Handle for Sent {
    type Opaque = mf_receipt;
    const NAME: &'static str = "mf_receipt";
}

impl Sent {
    /// A handle of a receipt.
    pub(super) fn handle(receipt: &Receipt) -> Outcome<*mut mf_receipt> {
        table::put(Arc::new(Sent {
            id: owned(receipt.id.as_str()),
            agent: owned(receipt.agent.as_str()),
            transport: owned(&receipt.transport),
            verdict: receipt.verdict.number(),
            evidence: receipt.evidence.kind.number(),
            detail: owned(&receipt.evidence.detail),
            attempts: receipt.attempts,
            elapsed_ms: u64::try_from(receipt.elapsed.as_millis()).unwrap_or(u64::MAX),
            json: json!(receipt).to_string(),
        }))
    }
}

/// The send's name for later questions (the operation `outcome`). Valid until the receipt is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_id(
    receipt: *const mf_receipt,
    id: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, id, err, |sent| Ok(sent.id.as_ptr())) }
}

/// Who it was for. Valid until the receipt is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_agent(
    receipt: *const mf_receipt,
    agent: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, agent, err, |sent| Ok(sent.agent.as_ptr())) }
}

/// The transport that took it, for example `tmux:mosaic-factory`. Valid until the receipt is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_transport(
    receipt: *const mf_receipt,
    transport: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, transport, err, |sent| Ok(sent.transport.as_ptr())) }
}

/// What became of the text. `MF_VERDICT_UNCONFIRMED`: do not send it again without a look.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_verdict(
    receipt: *const mf_receipt,
    verdict: *mut mf_verdict,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, verdict, err, |sent| Ok(sent.verdict)) }
}

/// What kind of proof the verdict stands on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_evidence(
    receipt: *const mf_receipt,
    evidence: *mut mf_evidence,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, evidence, err, |sent| Ok(sent.evidence)) }
}

/// What was seen, for people. Valid until the receipt is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_detail(
    receipt: *const mf_receipt,
    detail: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, detail, err, |sent| Ok(sent.detail.as_ptr())) }
}

/// How often the submit key was pressed. The text itself is typed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_attempts(
    receipt: *const mf_receipt,
    attempts: *mut u32,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, attempts, err, |sent| Ok(sent.attempts)) }
}

/// How long it took from the call to the verdict, in milliseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_elapsed_ms(
    receipt: *const mf_receipt,
    elapsed_ms: *mut u64,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, elapsed_ms, err, |sent| Ok(sent.elapsed_ms)) }
}

/// The whole receipt as JSON. `*json` is freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_json(
    receipt: *const mf_receipt,
    json: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Sent, _>(receipt, json, err, |sent| Ok(give(&sent.json))) }
}

/// Frees a receipt. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_receipt_free(receipt: *mut mf_receipt) -> mf_code {
    release::<Sent>(receipt)
}
