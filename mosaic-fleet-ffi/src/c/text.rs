//! Texts in and out: UTF-8 and NUL are checked on the way in, and what is given out is known until it
//! comes back.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::sync::{Mutex, PoisonError};
use std::{ptr, slice};

use serde_json::Value;

use mosaic_fleet::Error;

use super::code::{MF_CODE_INVALID_HANDLE, MF_CODE_INVALID_UTF8, MF_CODE_NULL_POINTER};
use super::guard::{Failure, Outcome};

fn not_utf8(what: &str) -> Failure {
    Failure::argument(MF_CODE_INVALID_UTF8, format!("{what} is not UTF-8"))
}

fn null(what: &str) -> Failure {
    Failure::argument(MF_CODE_NULL_POINTER, format!("{what} is NULL"))
}

/// A text that ends in NUL, or none.
///
/// # Safety
/// `text` is NULL or points to a text that ends in NUL and stays as it is while the answer is used.
pub(super) unsafe fn optional<'a>(text: *const c_char, what: &str) -> Outcome<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| not_utf8(what))
}

/// A text that ends in NUL.
///
/// # Safety
/// As [`optional`].
pub(super) unsafe fn required<'a>(text: *const c_char, what: &str) -> Outcome<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional(text, what) }?.ok_or_else(|| null(what))
}

/// A body: a pointer and a length. An empty one is not NULL either.
///
/// # Safety
/// `text` is NULL or points to `length` bytes that stay as they are while the answer is used.
pub(super) unsafe fn body<'a>(text: *const c_char, length: usize, what: &str) -> Outcome<&'a str> {
    if text.is_null() {
        return Err(null(what));
    }
    if length > isize::MAX.unsigned_abs() {
        return Err(Error::invalid_argument(format!("{what} has no possible length")).into());
    }
    // SAFETY: the caller's promise, and the length is a possible one.
    let bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length) };
    std::str::from_utf8(bytes).map_err(|_| not_utf8(what))
}

/// An array of texts; NULL only with a length of 0.
///
/// # Safety
/// `texts` is NULL or points to `count` pointers, each as in [`optional`].
pub(super) unsafe fn array<'a>(
    texts: *const *const c_char,
    count: usize,
    what: &str,
) -> Outcome<Vec<&'a str>> {
    if texts.is_null() && count > 0 {
        return Err(null(what));
    }
    // SAFETY: the caller's promise.
    let text = |at| unsafe { required(texts.add(at).read(), what) };
    (0..count).map(text).collect()
}

/// JSON; NULL is none.
///
/// # Safety
/// As [`optional`].
pub(super) unsafe fn json(text: *const c_char, what: &str) -> Outcome<Value> {
    // SAFETY: the caller's promise.
    let Some(text) = (unsafe { optional(text, what) })? else {
        return Ok(Value::Null);
    };
    serde_json::from_str(text)
        .map_err(|error| Error::invalid_argument(format!("{what} are not JSON: {error}")).into())
}

/// Variables as `KEY=VALUE`, up to a NULL; the process's own where there is no array. Of those, what
/// is not UTF-8 is left out.
///
/// # Safety
/// `variables` is NULL or points to pointers up to a NULL, each as in [`optional`].
pub(super) unsafe fn environment(
    variables: *const *const c_char,
) -> Outcome<BTreeMap<String, String>> {
    if variables.is_null() {
        let own = std::env::vars_os();
        let own = own
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        return Ok(own.collect());
    }
    let mut environment = BTreeMap::new();
    let mut next = variables;
    loop {
        // SAFETY: the caller's promise; the NULL was not seen yet.
        let Some(variable) = (unsafe { optional(next.read(), "a variable") })? else {
            return Ok(environment);
        };
        let Some((key, value)) = variable.split_once('=') else {
            return Err(Error::invalid_argument("a variable has no '=': write KEY=VALUE").into());
        };
        environment.insert(key.to_owned(), value.to_owned());
        // SAFETY: the array goes on until its NULL.
        next = unsafe { next.add(1) };
    }
}

/// A text as C can hold it.
pub(super) fn owned(text: &str) -> CString {
    let text = if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    };
    CString::new(text).unwrap_or_default()
}

/// A text as C can hold it, where there is one.
pub(super) fn owned_option(text: Option<impl AsRef<str>>) -> Option<CString> {
    text.map(|text| owned(text.as_ref()))
}

/// The pointer that C gets of a text that may be missing.
pub(super) fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

/// A text that C owns.
struct Given(*mut c_char);

// SAFETY: the text belongs to nobody while it is in the table; taking it out hands it over whole.
unsafe impl Send for Given {}

/// What was given out, by its address.
static GIVEN: Mutex<BTreeMap<usize, Given>> = Mutex::new(BTreeMap::new());

/// Gives a text out, to be taken back by [`take_back`].
pub(super) fn give(text: &str) -> *mut c_char {
    let text = owned(text).into_raw();
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.insert(text.addr(), Given(text));
    text
}

/// Gives a JSON value out.
pub(super) fn give_json(value: &Value) -> *mut c_char {
    give(&value.to_string())
}

/// Takes back a text that was given out.
pub(super) fn take_back(text: *mut c_char) -> Outcome {
    if text.is_null() {
        return Ok(());
    }
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    match given.remove(&text.addr()) {
        Some(Given(text)) => {
            // SAFETY: it was made by `into_raw` in `give`, and was still in the table.
            drop(unsafe { CString::from_raw(text) });
            Ok(())
        }
        None => Err(Failure::argument(
            MF_CODE_INVALID_HANDLE,
            "this text is not of this library, or it was freed",
        )),
    }
}

/// How many texts are out.
pub(super) fn live() -> usize {
    let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.len()
}
