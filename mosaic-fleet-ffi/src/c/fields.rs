//! What a transport in C tells in its replies, as structs.

use std::ffi::c_char;
use std::mem::offset_of;

use super::code::{mf_evidence, mf_state, mf_verdict};
use super::structs::Sized_;

/// What a send came to, as a transport tells it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_receipt_fields {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// A name for later questions (`outcome`); NULL: the library makes one.
    pub id: *const c_char,
    /// Who it was for. Needed by `outcome` alone.
    pub agent: *const c_char,
    /// What was seen, for people; or NULL.
    pub detail: *const c_char,
    /// What became of the text.
    pub verdict: mf_verdict,
    /// What kind of proof there is.
    pub evidence: mf_evidence,
    /// How often the submit key was pressed.
    pub attempts: u32,
    /// Zero.
    pub reserved: u32,
}

/// What a reset or an answer came to, as a transport tells it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_report_fields {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Of a reset: what the program was told, for example `/clear`; or NULL.
    pub command: *const c_char,
    /// Of an answer: what was asked; or NULL.
    pub question: *const c_char,
    /// Of an answer: what was answered, as it was shown; or NULL.
    pub answer: *const c_char,
    /// What was seen, for people; or NULL.
    pub detail: *const c_char,
    /// What kind of proof there is.
    pub evidence: mf_evidence,
    /// Zero.
    pub reserved: u32,
}

/// How an agent is, as a transport tells it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_agent_fields {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who.
    pub name: *const c_char,
    /// What the state was read from, for people; or NULL.
    pub evidence: *const c_char,
    /// The program, as manifests call it (`claude`, `pi`); or NULL.
    pub runtime: *const c_char,
    /// The host it runs on, where it is not this one; or NULL.
    pub host: *const c_char,
    /// The question it asks, for `MF_STATE_WAITING`; or NULL.
    pub question: *const c_char,
    /// What it waits for (`permission`, `question`); or NULL.
    pub waiting_for: *const c_char,
    /// How it is.
    pub state: mf_state,
    /// Zero.
    pub reserved: u32,
}

macro_rules! sized {
    ($($type:ident: $last:ident),* $(,)?) => {$(
        // SAFETY: numbers and pointers, the size first.
        unsafe impl Sized_ for $type {
            const NAME: &'static str = stringify!($type);
            // Version 1.0: up to the end. A later version leaves this where it is.
            const SHORTEST: usize = offset_of!($type, $last) + 4;
        }
    )*};
}

sized! {
    mf_receipt_fields: attempts,
    mf_report_fields: evidence,
    mf_agent_fields: state,
}
