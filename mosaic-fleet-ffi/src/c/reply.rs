//! What a transport in C answers: put together by functions, taken when its own has returned.

use std::ffi::c_char;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mosaic_fleet::{
    AgentState, Error, ErrorKind, EvidenceKind, Refusal, Result, Retry, Stage, Verdict,
};
use serde_json::{Map, Value, json};

use super::code::{
    MF_RETRY_AFTER, MF_RETRY_SAFE, kind_of, mf_code, mf_evidence, mf_refusal, mf_retry, mf_stage,
};
use super::error::mf_error;
use super::fields::{mf_agent_fields, mf_receipt_fields, mf_report_fields};
use super::guard::{Outcome, guard};
use super::options::by_number;
use super::structs;
use super::table::{self, Handle};
use super::text;

/// Where a transport's function says its answer. Valid until that function returns; never freed by it.
pub struct mf_reply {
    _opaque: (),
}

/// A reply while it is put together.
pub(super) struct Reply(Mutex<Said>);

#[derive(Default)]
struct Said {
    /// The reply to `send`, `outcome`, `reset` and `answer`.
    fields: Option<Value>,
    agents: Vec<Value>,
    lines: Vec<Value>,
    next: Option<String>,
    gap: bool,
    /// An empty list or tail is meant.
    done: bool,
    error: Option<Error>,
    /// Anything that was said, at all.
    anything: bool,
}

impl Handle for Reply {
    type Opaque = mf_reply;
    const NAME: &'static str = "mf_reply";
}

impl Reply {
    /// A reply that is empty, and its handle.
    pub(super) fn open() -> Result<(Arc<Self>, *mut mf_reply)> {
        let reply = Arc::new(Reply(Mutex::default()));
        let handle = table::put(reply.clone()).map_err(|failure| failure.error)?;
        Ok((reply, handle))
    }

    /// Ends the handle: what is said from now on is `MF_CODE_INVALID_HANDLE`.
    pub(super) fn close(&self, handle: *mut mf_reply) {
        // It cannot fail: nobody else can take it, since `mf_reply` has no free.
        drop(table::take::<Reply>(handle));
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was replied to `operation`, in the form of the bindings' documents.
    pub(super) fn answer(&self, operation: &str) -> Result<Value> {
        let said = std::mem::take(&mut *self.said());
        if let Some(error) = said.error {
            return Err(error);
        }
        let answer = match operation {
            "close" => Some(Value::Null),
            "status" => match <[Value; 1]>::try_from(said.agents) {
                Ok([agent]) => Some(agent),
                Err(_) => None,
            },
            "list" if said.done || !said.agents.is_empty() => Some(said.agents.into()),
            "tail" if said.done || said.gap || !said.lines.is_empty() || said.next.is_some() => {
                Some(json!({ "lines": said.lines, "next": said.next, "gap": said.gap }))
            }
            "list" | "tail" => None,
            _ => said.fields,
        };
        answer.ok_or_else(|| {
            let what = if said.anything {
                "with something else than an answer to it"
            } else {
                "without an answer"
            };
            let message = format!("the transport's function {operation} returned {what}");
            Error::new(ErrorKind::Plugin, message)
        })
    }
}

/// Says something in a reply.
fn say(reply: *mut mf_reply, what: impl FnOnce(&mut Said)) -> Outcome {
    let reply = table::get::<Reply>(reply)?;
    let mut said = reply.said();
    said.anything = true;
    what(&mut said);
    Ok(())
}

/// Fields that are there.
///
/// # Safety
/// The pointers are as `ABI.md` says.
unsafe fn texts<const N: usize>(fields: [(&str, *const c_char); N]) -> Outcome<Map<String, Value>> {
    let mut map = Map::new();
    for (name, value) in fields {
        // SAFETY: the caller's promise.
        if let Some(value) = unsafe { text::optional(value, name) }? {
            map.insert(name.to_owned(), value.into());
        }
    }
    Ok(map)
}

fn evidence(kind: mf_evidence, map: &mut Map<String, Value>) -> Outcome {
    let kind = by_number::<EvidenceKind>(kind)?;
    let detail = map.remove("detail");
    let detail = detail.unwrap_or_else(|| "the transport said no more".into());
    map.insert(
        "evidence".to_owned(),
        json!({ "kind": kind, "detail": detail }),
    );
    Ok(())
}

/// Replies to `send` or `outcome`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_receipt(
    reply: *mut mf_reply,
    fields: *const mf_receipt_fields,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let told = structs::required(fields)?;
            let mut map = texts([
                ("id", told.id),
                ("agent", told.agent),
                ("detail", told.detail),
            ])?;
            let verdict = by_number::<Verdict>(told.verdict)?;
            evidence(told.evidence, &mut map)?;
            map.insert("verdict".to_owned(), json!(verdict));
            map.insert("attempts".to_owned(), told.attempts.into());
            say(reply, |said| said.fields = Some(map.into()))
        })
    }
}

/// Replies to `reset` or `answer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_report(
    reply: *mut mf_reply,
    fields: *const mf_report_fields,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let told = structs::required(fields)?;
            let mut map = texts([
                ("command", told.command),
                ("question", told.question),
                ("answer", told.answer),
                ("detail", told.detail),
            ])?;
            evidence(told.evidence, &mut map)?;
            say(reply, |said| said.fields = Some(map.into()))
        })
    }
}

/// Replies to `status`, once, or adds an agent to the reply to `list`, in any order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_agent(
    reply: *mut mf_reply,
    fields: *const mf_agent_fields,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let told = structs::required(fields)?;
            let name = text::required(told.name, "name")?;
            let mut map = texts([
                ("evidence", told.evidence),
                ("runtime", told.runtime),
                ("host", told.host),
                ("question", told.question),
                ("waiting_for", told.waiting_for),
            ])?;
            map.insert("name".to_owned(), name.into());
            let state = by_number::<AgentState>(told.state)?;
            map.insert("state".to_owned(), json!(state));
            say(reply, |said| said.agents.push(map.into()))
        })
    }
}

/// Adds a line of `length` bytes to the reply to `tail`, oldest first, without its line end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_line(
    reply: *mut mf_reply,
    line: *const c_char,
    length: usize,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let line = text::body(line, length, "line")?;
            say(reply, |said| said.lines.push(line.into()))
        })
    }
}

/// Says in the reply to `tail` where the next one goes on: a text of printable ASCII.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_cursor(
    reply: *mut mf_reply,
    next: *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let next = text::required(next, "next")?;
            say(reply, |said| said.next = Some(next.to_owned()))
        })
    }
}

/// Says in the reply to `tail` that output was lost before its first line.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_gap(reply: *mut mf_reply, err: *mut *mut mf_error) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { guard(err, || say(reply, |said| said.gap = true)) }
}

/// Says that a list or a tail without entries is meant: it was asked, and there are none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_done(reply: *mut mf_reply, err: *mut *mut mf_error) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { guard(err, || say(reply, |said| said.done = true)) }
}

/// Replies with an error: the number of an error's kind (1 to 14) and a sentence without a full stop.
/// `MF_CODE_REFUSED` and `MF_CODE_DELIVERY_UNKNOWN` have functions of their own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_error(
    reply: *mut mf_reply,
    code: mf_code,
    message: *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let message = text::required(message, "message")?;
            let kind = match kind_of(code) {
                Some(ErrorKind::Refused | ErrorKind::DeliveryUnknown) | None => {
                    let error = format!("no error of its own has the code {code}");
                    return Err(Error::invalid_argument(error).into());
                }
                Some(kind) => kind,
            };
            // As the library's own: nothing was done.
            let retry = match kind {
                ErrorKind::Unavailable | ErrorKind::Timeout => Retry::Safe,
                _ => Retry::Never,
            };
            let error = Error::new(kind, message).with_retry(retry);
            say(reply, |said| said.error = Some(error))
        })
    }
}

/// Replies that there is no such agent, and suggests the nearest of `known` (`count` of them).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_agent_not_found(
    reply: *mut mf_reply,
    name: *const c_char,
    known: *const *const c_char,
    count: usize,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let name = text::required(name, "name")?;
            let known = text::array(known, count, "known")?;
            let error = Error::agent_not_found(name, known);
            say(reply, |said| said.error = Some(error))
        })
    }
}

/// Replies that nothing was typed, on purpose.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_refused(
    reply: *mut mf_reply,
    refusal: mf_refusal,
    message: *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let message = text::required(message, "message")?;
            let error = Error::refused(by_number::<Refusal>(refusal)?, message);
            say(reply, |said| said.error = Some(error))
        })
    }
}

/// Replies that typing began and its end was not seen.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_delivery_unknown(
    reply: *mut mf_reply,
    stage: mf_stage,
    message: *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let message = text::required(message, "message")?;
            let error = Error::delivery_unknown(by_number::<Stage>(stage)?, message);
            say(reply, |said| said.error = Some(error))
        })
    }
}

/// Adds to the error of this reply what to do next (an imperative sentence without a full stop; or
/// NULL) and whether calling again can help, for `MF_RETRY_AFTER` after how many milliseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_reply_advice(
    reply: *mut mf_reply,
    hint: *const c_char,
    retry: mf_retry,
    after_ms: u64,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let hint = text::optional(hint, "hint")?;
            let retry = match retry {
                MF_RETRY_SAFE => Retry::Safe,
                MF_RETRY_AFTER => Retry::After(Duration::from_millis(after_ms)),
                0 => Retry::Never,
                other => {
                    return Err(Error::invalid_argument(format!("no retry {other}")).into());
                }
            };
            say(reply, |said| {
                let error = said.error.take().map(|error| error.with_retry(retry));
                said.error = match hint {
                    Some(hint) => error.map(|error| error.with_hint(hint)),
                    None => error,
                };
            })
        })
    }
}
