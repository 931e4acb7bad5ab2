//! What a reset came to, as C holds it.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use mosaic_fleet::fleet::ResetOutcome;
use serde_json::json;

use super::code::{Numbered, mf_code, mf_evidence};
use super::error::mf_error;
use super::guard::{Outcome, read, release};
use super::table::{self, Handle};
use super::text::{give, owned, pointer};

/// What a reset did. Freed by `mf_report_free`.
pub struct mf_report {
    _opaque: (),
}

/// A report and its texts.
pub(super) struct Report {
    command: Option<CString>,
    evidence: mf_evidence,
    trouble: Option<CString>,
    json: String,
}

impl Handle for Report {
    type Opaque = mf_report;
    const NAME: &'static str = "mf_report";
}

impl Report {
    /// A handle of what a reset came to.
    pub(super) fn handle(outcome: &ResetOutcome) -> Outcome<*mut mf_report> {
        let report = outcome.report.as_ref();
        let trouble = outcome.kickstart_error.as_ref();
        table::put(Arc::new(Report {
            command: report.map(|report| owned(&report.command)),
            evidence: report.map_or(0, |report| report.evidence.kind.number()),
            trouble: trouble.map(|error| owned(&error.to_string())),
            json: json!(outcome).to_string(),
        }))
    }
}

/// What the program was told, for example `/clear`; NULL where it knows no reset and was restarted
/// instead. Valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_report_command(
    report: *const mf_report,
    command: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Report, _>(report, command, err, |report| {
            Ok(pointer(report.command.as_ref()))
        })
    }
}

/// What kind of proof there is that the program did it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_report_evidence(
    report: *const mf_report,
    evidence: *mut mf_evidence,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Report, _>(report, evidence, err, |report| Ok(report.evidence)) }
}

/// Why the first prompt was not taken, though the reset was done; NULL if it was, or if there is
/// none. Valid until the report is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_report_kickstart_error(
    report: *const mf_report,
    message: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Report, _>(report, message, err, |report| {
            Ok(pointer(report.trouble.as_ref()))
        })
    }
}

/// The whole answer as JSON: `{agent, report, kickstart, kickstart_error, warnings}`. `*json` is
/// freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_report_json(
    report: *const mf_report,
    json: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Report, _>(report, json, err, |report| Ok(give(&report.json))) }
}

/// Frees a report. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_report_free(report: *mut mf_report) -> mf_code {
    release::<Report>(report)
}
