//! The one way into this library and out of it: a panic, a failure and an output that was not asked
//! for all end here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use mosaic_fleet::{Error, ErrorKind};

use super::code::{MF_CODE_NULL_POINTER, MF_CODE_OK, MF_CODE_PANIC, mf_code};
use super::error::{Failed, mf_error};
use super::table::{self, Handle};

/// Why a call failed: the code that C gets, and the error with its words.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: mf_code,
    pub(super) error: Error,
}

/// What the body of an export comes to.
pub(super) type Outcome<T = ()> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.kind().number();
        Failure { code, error }
    }
}

impl Failure {
    /// A mistake of the caller that only C can make.
    pub(super) fn argument(code: mf_code, message: impl Into<String>) -> Self {
        let error = Error::invalid_argument(message);
        Failure { code, error }
    }

    /// A defect.
    pub(super) fn unexpected(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unexpected, message).into()
    }

    fn panicked(payload: &(dyn Any + Send)) -> Self {
        let words = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let words = words.unwrap_or("no words");
        let error = Error::new(
            ErrorKind::Unexpected,
            format!("a defect of mosaic-fleet: {words}"),
        )
        .with_hint("please report it");
        let code = MF_CODE_PANIC;
        Failure { code, error }
    }
}

/// Runs the body of an export: clears `*err`, ends a panic, turns a failure into a code and, where it
/// is wanted, an error. The body writes its outputs last, so that a failure leaves them as they were.
///
/// # Safety
/// `err` is NULL or can be written to.
pub(super) unsafe fn guard(err: *mut *mut mf_error, body: impl FnOnce() -> Outcome) -> mf_code {
    if !err.is_null() {
        // SAFETY: the caller's promise.
        unsafe { err.write(ptr::null_mut()) };
    }
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return MF_CODE_OK,
        Ok(Err(failure)) => failure,
        Err(payload) => Failure::panicked(&*payload),
    };
    let code = failure.code;
    if !err.is_null()
        && let Ok(handle) = Failed::handle(failure)
    {
        // SAFETY: the caller's promise.
        unsafe { err.write(handle) };
    }
    code
}

/// An export that reads one thing of a handle into `place`.
///
/// # Safety
/// `place` and `err` are NULL or can be written to.
pub(super) unsafe fn read<T: Handle, V>(
    handle: *const T::Opaque,
    place: *mut V,
    err: *mut *mut mf_error,
    pick: impl FnOnce(&T) -> Outcome<V>,
) -> mf_code {
    // SAFETY: the caller's promise.
    unsafe {
        guard(err, || {
            let object = table::get::<T>(handle)?;
            let place = out(place, "the output")?;
            place.write(pick(&object)?);
            Ok(())
        })
    }
}

/// An export that answers without a code: `otherwise`, where the body fails.
pub(super) fn look<V>(otherwise: V, body: impl FnOnce() -> Outcome<V>) -> V {
    let mut seen = otherwise;
    // SAFETY: NULL is allowed.
    unsafe {
        guard(ptr::null_mut(), || {
            seen = body()?;
            Ok(())
        });
    }
    seen
}

/// An export that takes a handle back.
pub(super) fn release<T: Handle>(handle: *mut T::Opaque) -> mf_code {
    // SAFETY: NULL is allowed.
    unsafe {
        guard(ptr::null_mut(), || {
            drop(table::take::<T>(handle)?);
            Ok(())
        })
    }
}

/// Where an answer goes; known not to be NULL before anything is done.
pub(super) struct Out<V>(*mut V);

impl<V> Out<V> {
    /// Writes the answer.
    pub(super) fn write(self, value: V) {
        // SAFETY: `out` was promised that it can be written to.
        unsafe { self.0.write(value) };
    }
}

/// Checks an output.
///
/// # Safety
/// `place` is NULL or can be written to for as long as the answer is kept.
pub(super) unsafe fn out<V>(place: *mut V, what: &str) -> Outcome<Out<V>> {
    if place.is_null() {
        let message = format!("the pointer to {what} is NULL");
        return Err(Failure::argument(MF_CODE_NULL_POINTER, message));
    }
    Ok(Out(place))
}
