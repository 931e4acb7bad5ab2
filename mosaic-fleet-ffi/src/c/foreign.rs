//! Calls the functions of a transport in C: on threads that may block, with requests that live until
//! the function returns, however late that is.

use std::ffi::{CString, c_char, c_void};
use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mosaic_fleet::options::DEFAULT_TIMEOUT;
use mosaic_fleet::wire::Foreign;
use mosaic_fleet::{AgentState, Error, ErrorKind, ResetMode, Result};
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::code::Numbered;
use super::reply::{Reply, mf_reply};
use super::vtable::*;

/// How long after its deadline a function is waited for.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// A transport in C. Clones share it; the last one drops its context.
#[derive(Clone)]
pub(super) struct Native(Arc<Functions>);

struct Functions {
    vtable: mf_transport_vtable,
    context: *mut c_void,
    /// The context is ours to drop.
    owned: AtomicBool,
}

// SAFETY: whoever writes a transport promises that its functions may run on any thread, several at
// once. The texts that the table points to are not used after it was described.
unsafe impl Send for Functions {}
// SAFETY: as above.
unsafe impl Sync for Functions {}

impl Drop for Functions {
    fn drop(&mut self) {
        if let Some(drop) = self.vtable.drop
            && self.owned.load(Ordering::Relaxed)
        {
            // SAFETY: no function runs any more, each holds this value.
            unsafe { drop(self.context) };
        }
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Native").finish_non_exhaustive()
    }
}

#[async_trait]
impl Foreign for Native {
    async fn call(&self, operation: &str, arguments: Value) -> Result<Value> {
        let functions = Arc::clone(&self.0);
        let operation = operation.to_owned();
        // A caller that gives up leaves this thread alone: it ends when the function returns.
        let called = spawn_blocking(move || functions.call(&operation, &arguments)).await;
        called.unwrap_or_else(|error| {
            let kind = if error.is_cancelled() {
                ErrorKind::Closed
            } else {
                ErrorKind::Unexpected
            };
            Err(Error::new(kind, "the call was abandoned").with_source(error))
        })
    }
}

impl Native {
    /// A transport of these functions, which are given `context`.
    pub(super) fn new(vtable: mf_transport_vtable, context: *mut c_void) -> Self {
        Native(Arc::new(Functions {
            vtable,
            context,
            owned: AtomicBool::new(true),
        }))
    }

    /// Gives the context back to whom it came from.
    pub(super) fn disown(&self) {
        self.0.owned.store(false, Ordering::Relaxed);
    }
}

/// The texts of a request, as long as it lives.
#[derive(Default)]
struct Texts(Vec<CString>);

impl Texts {
    /// A field's text; NULL where there is none.
    fn of(&mut self, field: &Value) -> Result<*const c_char> {
        match field.as_str() {
            Some(text) => self.keep(text),
            None => Ok(ptr::null()),
        }
    }

    fn keep(&mut self, text: &str) -> Result<*const c_char> {
        let text = CString::new(text)
            .map_err(|_| Error::invalid_argument("a text for a transport in C holds a NUL"))?;
        // It stays where it is when the vector grows.
        let place = text.as_ptr();
        self.0.push(text);
        Ok(place)
    }
}

fn number(field: &Value) -> u64 {
    field.as_u64().unwrap_or(0)
}

fn small(field: &Value) -> u32 {
    u32::try_from(number(field)).unwrap_or(u32::MAX)
}

fn yes(field: &Value) -> u32 {
    u32::from(field.as_bool().unwrap_or(false))
}

/// The number of a value that is told by its name; 0 for none.
fn named<T: Numbered>(field: &Value, as_str: fn(T) -> &'static str) -> u32 {
    let word = field.as_str();
    let found = T::TABLE.iter().find(|entry| Some(as_str(entry.1)) == word);
    found.map_or(0, |entry| entry.0)
}

fn default_timeout() -> u64 {
    u64::try_from(DEFAULT_TIMEOUT.as_millis()).unwrap_or(u64::MAX)
}

/// Calls a function with a request, if there is one.
macro_rules! invoke {
    ($functions:expr, $reply:expr, $function:ident, $request:expr) => {
        match $functions.vtable.$function {
            Some(function) => {
                let request = $request;
                // SAFETY: the function is the transport's; the request and its texts live on.
                unsafe { function($functions.context, &raw const request, $reply) };
                Ok(())
            }
            None => Err(Error::unsupported(stringify!($function))),
        }
    };
}

impl Functions {
    /// Calls a function and takes what it replied.
    fn call(&self, operation: &str, arguments: &Value) -> Result<Value> {
        let (reply, handle) = Reply::open()?;
        let called = self.invoke(operation, arguments, handle);
        reply.close(handle);
        called?;
        reply.answer(operation)
    }

    fn invoke(&self, operation: &str, told: &Value, reply: *mut mf_reply) -> Result<()> {
        let mut texts = Texts::default();
        match operation {
            "send" => {
                let text = told["text"].as_str().unwrap_or_default();
                let from = &told["from"];
                let from = match (from["host"].as_str(), from["session"].as_str()) {
                    (Some(host), Some(session)) => texts.keep(&format!("{host}:{session}"))?,
                    _ => ptr::null(),
                };
                invoke!(
                    self,
                    reply,
                    send,
                    mf_send_request {
                        struct_size: size_of::<mf_send_request>(),
                        agent: texts.of(&told["agent"])?,
                        text: texts.keep(text)?,
                        text_length: text.len(),
                        from,
                        idempotency_key: texts.of(&told["idempotency_key"])?,
                        timeout_ms: number(&told["timeout_ms"]),
                        wait_ms: number(&told["wait_ms"]),
                        key_repeats: small(&told["key_repeats"]),
                        allow_command: yes(&told["allow_command"]),
                    }
                )
            }
            "reset" => invoke!(
                self,
                reply,
                reset,
                mf_reset_request {
                    struct_size: size_of::<mf_reset_request>(),
                    agent: texts.of(&told["agent"])?,
                    timeout_ms: number(&told["timeout_ms"]),
                    mode: named(&told["mode"], ResetMode::as_str),
                    force: yes(&told["force"]),
                }
            ),
            "status" => invoke!(
                self,
                reply,
                status,
                mf_status_request {
                    struct_size: size_of::<mf_status_request>(),
                    agent: texts.of(&told["agent"])?,
                    timeout_ms: number(&told["timeout_ms"]),
                    wait_ms: number(&told["wait_ms"]),
                    changed_from: named(&told["changed_from"], AgentState::as_str),
                    reserved: 0,
                }
            ),
            "tail" => invoke!(
                self,
                reply,
                tail,
                mf_tail_request {
                    struct_size: size_of::<mf_tail_request>(),
                    agent: texts.of(&told["agent"])?,
                    cursor: texts.of(&told["cursor"])?,
                    lines: number(&told["lines"]),
                    timeout_ms: number(&told["timeout_ms"]),
                    wait_ms: number(&told["wait_ms"]),
                    escapes: yes(&told["escapes"]),
                    reserved: 0,
                }
            ),
            "list" => invoke!(
                self,
                reply,
                list,
                mf_list_request {
                    struct_size: size_of::<mf_list_request>(),
                    timeout_ms: number(&told["timeout_ms"]),
                    composer: yes(&told["composer"]),
                    reserved: 0,
                }
            ),
            "answer" => invoke!(
                self,
                reply,
                answer,
                mf_answer_request {
                    struct_size: size_of::<mf_answer_request>(),
                    agent: texts.of(&told["agent"])?,
                    expect: texts.of(&told["expect"])?,
                    timeout_ms: number(&told["timeout_ms"]),
                    choice: small(&told["choice"]),
                    reserved: 0,
                }
            ),
            "outcome" => invoke!(
                self,
                reply,
                outcome,
                mf_outcome_request {
                    struct_size: size_of::<mf_outcome_request>(),
                    receipt: texts.of(&told["receipt"])?,
                    timeout_ms: default_timeout(),
                }
            ),
            "close" => {
                if let Some(close) = self.vtable.close {
                    // SAFETY: the function is the transport's.
                    unsafe { close(self.context, reply) };
                }
                Ok(())
            }
            other => Err(Error::unsupported(other)),
        }
    }
}
