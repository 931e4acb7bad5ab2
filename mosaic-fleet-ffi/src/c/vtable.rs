//! A transport that is written in C: the table of its functions, and what each is asked.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::sync::Arc;

use mosaic_fleet::layer::Deadline;
use mosaic_fleet::wire::ForeignTransport;
use mosaic_fleet::{DynTransport, Error};
use serde_json::json;

use super::capability::capabilities;
use super::code::{MF_CODE_ABI_MISMATCH, mf_code, mf_evidence, mf_reset_mode, mf_state};
use super::error::mf_error;
use super::foreign::{GRACE, Native};
use super::guard::{Failure, Outcome, guard, out};
use super::library::MF_ABI_VERSION;
use super::reply::mf_reply;
use super::structs::Sized_;
use super::transport::{Carrier, mf_transport};
use super::{structs, table, text};

/// A text for an agent.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_send_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who it is for.
    pub agent: *const c_char,
    /// The text: `text_length` bytes, and a NUL after them.
    pub text: *const c_char,
    /// Without the NUL.
    pub text_length: usize,
    /// Who sends, as `host:session`, to be rendered as `[host:session -> host:agent] `; or NULL.
    pub from: *const c_char,
    /// Or NULL.
    pub idempotency_key: *const c_char,
    /// When the answer is due, in milliseconds, without `wait_ms`.
    pub timeout_ms: u64,
    /// How long the agent may take to become ready; 0: no longer than usual.
    pub wait_ms: u64,
    /// How often the submit key may be repeated.
    pub key_repeats: u32,
    /// 1: the text may begin with what the program runs as a command.
    pub allow_command: u32,
}

/// An agent is to forget its conversation.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_reset_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who.
    pub agent: *const c_char,
    /// When the answer is due, in milliseconds.
    pub timeout_ms: u64,
    /// Which reset.
    pub mode: mf_reset_mode,
    /// 1: also when it is busy.
    pub force: u32,
}

/// How is an agent?
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_status_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who.
    pub agent: *const c_char,
    /// When the answer is due, in milliseconds, without `wait_ms`.
    pub timeout_ms: u64,
    /// How long to wait for a change.
    pub wait_ms: u64,
    /// Answer when the state is another; `MF_STATE_NONE`: at once.
    pub changed_from: mf_state,
    /// Zero.
    pub reserved: u32,
}

/// What does an agent show?
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_tail_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who.
    pub agent: *const c_char,
    /// Only what came after it; or NULL.
    pub cursor: *const c_char,
    /// The most lines; with a cursor at least one.
    pub lines: u64,
    /// When the answer is due, in milliseconds, without `wait_ms`.
    pub timeout_ms: u64,
    /// With a cursor: how long to wait for something new.
    pub wait_ms: u64,
    /// 1: keep escape sequences.
    pub escapes: u32,
    /// Zero.
    pub reserved: u32,
}

/// How are all agents?
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_list_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// When the answer is due, in milliseconds.
    pub timeout_ms: u64,
    /// 1: tell idle from working. 0: only what is known without a look at each.
    pub composer: u32,
    /// Zero.
    pub reserved: u32,
}

/// An agent's question is to be answered.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_answer_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who.
    pub agent: *const c_char,
    /// Words that the question must have, or it is another one; or NULL.
    pub expect: *const c_char,
    /// When the answer is due, in milliseconds.
    pub timeout_ms: u64,
    /// The choice's number, from 1; 0: deny.
    pub choice: u32,
    /// Zero.
    pub reserved: u32,
}

/// What became of an earlier send?
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_outcome_request {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// The receipt's id.
    pub receipt: *const c_char,
    /// When the answer is due, in milliseconds.
    pub timeout_ms: u64,
}

/// The functions of a transport. One that is NULL is an operation that is not supported. All of them
/// may run on any thread, several at once, and say their answer with `mf_reply_...` before they
/// return.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_transport_vtable {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// `MF_ABI_VERSION`.
    pub abi_version: u32,
    /// What it can do: `MF_CAN_...`, added up.
    pub capabilities: u32,
    /// The largest body in bytes; 0: there is no limit.
    pub max_message_bytes: u64,
    /// The best evidence a send can come back with.
    pub confirm: mf_evidence,
    /// Zero.
    pub reserved: u32,
    /// The kind of transport, as a roster names it: a lower-case word.
    pub scheme: *const c_char,
    /// Which one of that kind; NULL: `local`.
    pub instance: *const c_char,
    /// Runs exactly once, after the last call of any other; or NULL.
    pub drop: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// Gives a text to an agent, once: `mf_reply_receipt`.
    pub send: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_send_request,
            reply: *mut mf_reply,
        ),
    >,
    /// Makes an agent forget, and returns after its proof: `mf_reply_report`.
    pub reset: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_reset_request,
            reply: *mut mf_reply,
        ),
    >,
    /// How an agent is: `mf_reply_agent`, once.
    pub status: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_status_request,
            reply: *mut mf_reply,
        ),
    >,
    /// What an agent shows: `mf_reply_line`, `mf_reply_cursor`, `mf_reply_gap`.
    pub tail: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_tail_request,
            reply: *mut mf_reply,
        ),
    >,
    /// How all agents are: `mf_reply_agent` for each, or `mf_reply_done` when there are none.
    pub list: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_list_request,
            reply: *mut mf_reply,
        ),
    >,
    /// Answers an agent's question, and returns after its proof: `mf_reply_report`.
    pub answer: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_answer_request,
            reply: *mut mf_reply,
        ),
    >,
    /// What became of an earlier send: `mf_reply_receipt`, with its agent.
    pub outcome: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            request: *const mf_outcome_request,
            reply: *mut mf_reply,
        ),
    >,
    /// Lets go of connections; later calls answer `MF_CODE_CLOSED`. Needs no reply.
    pub close: Option<unsafe extern "C" fn(context: *mut c_void, reply: *mut mf_reply)>,
}

// SAFETY: numbers, pointers and optional functions, the size first.
unsafe impl Sized_ for mf_transport_vtable {
    const NAME: &'static str = "mf_transport_vtable";
    // What describes it; a table without any function would be one that can do nothing.
    const SHORTEST: usize = offset_of!(mf_transport_vtable, send);
}

impl mf_transport_vtable {
    /// Every claim has its function.
    fn claims_are_kept(&self) -> Outcome {
        use super::capability::*;
        for (claims, function, is_there) in [
            (MF_CAN_SEND, "send", self.send.is_some()),
            (MF_CAN_QUEUE, "send", self.send.is_some()),
            (MF_CAN_IDEMPOTENT, "send", self.send.is_some()),
            (MF_CAN_RESET_CLEAR, "reset", self.reset.is_some()),
            (MF_CAN_RESET_NEW, "reset", self.reset.is_some()),
            (MF_CAN_ANSWER, "answer", self.answer.is_some()),
            (MF_CAN_STATUS, "status", self.status.is_some()),
            (MF_CAN_TAIL, "tail", self.tail.is_some()),
            (MF_CAN_TAIL_CURSOR, "tail", self.tail.is_some()),
            (MF_CAN_LIST, "list", self.list.is_some()),
        ] {
            if self.capabilities & claims != 0 && !is_there {
                let error =
                    format!("a capability of {function} is claimed, and {function} is NULL");
                return Err(Error::invalid_argument(error).into());
            }
        }
        Ok(())
    }
}

/// Makes a transport of functions in C. The table and its texts are copied. When this function
/// answers another code than `MF_CODE_OK`, it has not taken `context`, and `drop` does not run.
/// `*transport` is freed by `mf_transport_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_transport_from_vtable(
    vtable: *const mf_transport_vtable,
    context: *mut c_void,
    transport: *mut *mut mf_transport,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let vtable = structs::required(vtable)?;
            if vtable.abi_version >> 16 != MF_ABI_VERSION >> 16 {
                let message = format!(
                    "abi_version is {:#x}, and this library has {MF_ABI_VERSION:#x}: compile it with the library's header",
                    vtable.abi_version
                );
                return Err(Failure::argument(MF_CODE_ABI_MISMATCH, message));
            }
            let transport = out(transport, "the transport")?;
            let scheme = text::required(vtable.scheme, "scheme")?;
            let instance = text::optional(vtable.instance, "instance")?;
            let claims = capabilities(
                vtable.capabilities,
                vtable.confirm,
                vtable.max_message_bytes,
            )?;
            vtable.claims_are_kept()?;
            let described =
                json!({ "scheme": scheme, "instance": instance, "capabilities": claims });
            let native = Native::new(vtable, context);
            let foreign = match ForeignTransport::new(described, Arc::new(native.clone())) {
                Ok(foreign) => foreign,
                Err(error) => {
                    native.disown();
                    return Err(error.into());
                }
            };
            let bounded: DynTransport =
                Arc::new(Deadline::new(Arc::new(foreign)).with_grace(GRACE));
            match table::put(Arc::new(Carrier(bounded))) {
                Ok(handle) => transport.write(handle),
                Err(failure) => {
                    native.disown();
                    return Err(failure);
                }
            }
            Ok(())
        })
    }
}
