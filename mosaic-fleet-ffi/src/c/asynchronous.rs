//! Calls that do not block: their answer comes to a callback, exactly once.

use std::ffi::{c_char, c_void};
use std::mem;
use std::ptr;

use mosaic_fleet::{Error, ErrorKind, Stage, wire};
use tokio::task::spawn_blocking;

use super::code::{MF_CODE_NULL_POINTER, MF_CODE_OK, mf_code};
use super::error::{Failed, mf_error};
use super::fleet::mf_fleet;
use super::guard::{Failure, Outcome, guard};
use super::options::mf_send_options;
use super::receipt::{Sent, mf_receipt};
use super::running::Running;
use super::structs::{self, Sized_};
use super::verbs::{agent, message};
use super::{table, text};

/// Where the receipt of a send goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_receipt_callback {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Given to the functions as it is.
    pub context: *mut c_void,
    /// Gets the answer: a receipt, or an error and its code. Both belong to it. Runs exactly once.
    pub call: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            code: mf_code,
            receipt: *mut mf_receipt,
            error: *mut mf_error,
        ),
    >,
    /// Runs exactly once, after `call`; or NULL.
    pub drop: Option<unsafe extern "C" fn(context: *mut c_void)>,
}

/// Where the answer of an operation goes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_answer_callback {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Given to the functions as it is.
    pub context: *mut c_void,
    /// Gets the answer: JSON, or an error and its code. Both belong to it (`mf_string_free`,
    /// `mf_error_free`). Runs exactly once.
    pub call: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            code: mf_code,
            answer: *mut c_char,
            error: *mut mf_error,
        ),
    >,
    /// Runs exactly once, after `call`; or NULL.
    pub drop: Option<unsafe extern "C" fn(context: *mut c_void)>,
    /// Gets what goes on before the answer (the outcome of each agent's start), as JSON that is valid
    /// until it returns; or NULL. Runs on a thread that others wait for: it must return soon.
    pub news: Option<unsafe extern "C" fn(context: *mut c_void, news: *const c_char)>,
}

// SAFETY: numbers, pointers and optional functions, the size first.
unsafe impl Sized_ for mf_receipt_callback {
    const NAME: &'static str = "mf_receipt_callback";
    const SHORTEST: usize = mem::offset_of!(mf_receipt_callback, drop) + size_of::<usize>();
}

// SAFETY: as above.
unsafe impl Sized_ for mf_answer_callback {
    const NAME: &'static str = "mf_answer_callback";
    const SHORTEST: usize = mem::offset_of!(mf_answer_callback, drop) + size_of::<usize>();
}

type Call<T> = unsafe extern "C" fn(*mut c_void, mf_code, *mut T, *mut mf_error);

/// A callback that was taken: told once, whatever happens, then dropped.
struct Taken<T: 'static> {
    context: *mut c_void,
    call: Option<Call<T>>,
    drop: Option<unsafe extern "C" fn(*mut c_void)>,
    /// What a call that is abandoned is told as.
    abandoned: fn() -> Error,
}

// SAFETY: the caller allows its callbacks to run on any thread.
unsafe impl<T> Send for Taken<T> {}

impl<T> Taken<T> {
    fn tell(&mut self, answer: Outcome<*mut T>) {
        let Some(call) = self.call.take() else {
            return;
        };
        let (code, answer, error) = match answer {
            Ok(answer) => (MF_CODE_OK, answer, ptr::null_mut()),
            Err(failure) => {
                let code = failure.code;
                let error = Failed::handle(failure).unwrap_or(ptr::null_mut());
                (code, ptr::null_mut(), error)
            }
        };
        // SAFETY: the function and its context are the caller's, who promised that it may be called.
        unsafe { call(self.context, code, answer, error) };
    }

    /// Tells the answer on a thread that may take its time. `make` runs there, so that no handle is
    /// made for nobody.
    fn answer<A: Send + 'static>(mut self, answer: Outcome<A>, make: fn(A) -> Outcome<*mut T>) {
        // Nobody waits for it: it tells by itself.
        drop(spawn_blocking(move || self.tell(answer.and_then(make))));
    }
}

impl<T> Drop for Taken<T> {
    fn drop(&mut self) {
        if self.call.is_some() {
            self.tell(Err((self.abandoned)().into()));
        }
        if let Some(drop) = self.drop {
            // SAFETY: as for `call`, of which this is after the last.
            unsafe { drop(self.context) };
        }
    }
}

fn may_be_typed() -> Error {
    Error::delivery_unknown(
        Stage::KeyPressed,
        "the fleet was freed before the answer came",
    )
    .with_hint("look at the agent before you send it again")
}

fn closed() -> Error {
    Error::new(
        ErrorKind::Closed,
        "the fleet was freed before the answer came",
    )
}

fn no_call() -> Failure {
    Failure::argument(MF_CODE_NULL_POINTER, "the callback's function is NULL")
}

/// Sends as `mf_fleet_send` does, without waiting: the receipt goes to `callback`. When this function
/// returns another code than `MF_CODE_OK`, the callback was not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_send_async(
    fleet: *const mf_fleet,
    agent_name: *const c_char,
    text: *const c_char,
    text_length: usize,
    options: *const mf_send_options,
    callback: *const mf_receipt_callback,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let to = agent(agent_name)?;
            let text = text::body(text, text_length, "text")?.to_owned();
            let options = structs::optional(options)?;
            let (from, send) = (options.sender()?, options.read()?);
            let find_out = options.preamble != 0;
            let callback = structs::required(callback)?;
            let taken = Taken {
                context: callback.context,
                call: Some(callback.call.ok_or_else(no_call)?),
                drop: callback.drop,
                abandoned: may_be_typed,
            };
            let fleet = running.fleet().clone();
            running.spawn(async move {
                let taken = taken;
                let message = message(&fleet, &text, from, find_out).await;
                let sent = fleet.send(&to, message, send).await;
                taken.answer(sent.map_err(Failure::from), |sent| Sent::handle(&sent));
            })
        })
    }
}

/// News of a call, told as they come.
struct News {
    context: *mut c_void,
    news: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
}

// SAFETY: as `Taken`.
unsafe impl Send for News {}

impl News {
    fn tell(&self, news: &serde_json::Value) {
        if let Some(tell) = self.news {
            let news = text::owned(&news.to_string());
            // SAFETY: as `Taken::tell`; the text lives as long as the call.
            unsafe { tell(self.context, news.as_ptr()) };
        }
    }
}

/// Calls an operation as `mf_fleet_call` does, without waiting: the answer goes to `callback`. When
/// this function returns another code than `MF_CODE_OK`, the callback was not taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_call_async(
    fleet: *const mf_fleet,
    operation: *const c_char,
    arguments: *const c_char,
    callback: *const mf_answer_callback,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let operation = text::required(operation, "operation")?.to_owned();
            let arguments = text::json(arguments, "arguments")?;
            let callback = structs::required(callback)?;
            let types = ["send", "send_each", "reset", "answer"].contains(&operation.as_str());
            let taken = Taken {
                context: callback.context,
                call: Some(callback.call.ok_or_else(no_call)?),
                drop: callback.drop,
                abandoned: if types { may_be_typed } else { closed },
            };
            let news = News {
                context: callback.context,
                news: callback.news,
            };
            let fleet = running.fleet().clone();
            running.spawn(async move {
                let taken = taken;
                let told = &mut move |what| news.tell(&what);
                let called = wire::call(&fleet, &operation, arguments, told).await;
                taken.answer(called.map_err(Failure::from), |answer| {
                    Ok(text::give_json(&answer))
                });
            })
        })
    }
}
