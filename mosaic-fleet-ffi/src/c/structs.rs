//! Structs that C writes: read by the size they say they have, so that older and newer ones both fit.

use std::mem::MaybeUninit;
use std::ptr;

use super::code::{MF_CODE_ABI_MISMATCH, MF_CODE_NULL_POINTER};
use super::guard::{Failure, Outcome};

/// A struct that begins with its size.
///
/// # Safety
/// It is `repr(C)`, begins with a `usize`, has no padding that matters, and is valid when all bytes
/// are zero or whatever C wrote (numbers, pointers, optional functions).
pub(super) unsafe trait Sized_: Copy {
    /// What it is called.
    const NAME: &'static str;
    /// The size of its shortest version.
    const SHORTEST: usize;
}

/// Nothing of ours is nearly as long: a size beyond this was never set.
const LONGEST: usize = 4096;

/// Reads a struct; all zeroes where there is none.
///
/// # Safety
/// `written` is NULL or points to as many bytes as it says.
pub(super) unsafe fn optional<T: Sized_>(written: *const T) -> Outcome<T> {
    if written.is_null() {
        // SAFETY: `Sized_` allows zeroes.
        return Ok(unsafe { MaybeUninit::zeroed().assume_init() });
    }
    // SAFETY: the caller's promise.
    unsafe { required(written) }
}

/// Reads a struct.
///
/// # Safety
/// As [`optional`].
pub(super) unsafe fn required<T: Sized_>(written: *const T) -> Outcome<T> {
    if written.is_null() {
        let message = format!("the pointer to {} is NULL", T::NAME);
        return Err(Failure::argument(MF_CODE_NULL_POINTER, message));
    }
    let mismatch = |why: String| {
        let message = format!("{}: {why}", T::NAME);
        Err(Failure::argument(MF_CODE_ABI_MISMATCH, message))
    };
    let bytes = written.cast::<u8>();
    // SAFETY: every struct begins with its size; it need not be aligned.
    let size = unsafe { bytes.cast::<usize>().read_unaligned() };
    if size < T::SHORTEST || size > LONGEST {
        return mismatch(format!(
            "struct_size is {size}; set it to the struct's sizeof"
        ));
    }
    // SAFETY: it says that it has `size` bytes.
    let beyond = (size_of::<T>()..size).any(|at| unsafe { bytes.add(at).read() } != 0);
    if beyond {
        return mismatch("it asks for something that this library does not know".to_owned());
    }
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: both are at least as long as the shorter of them, and `Sized_` allows what C wrote.
    unsafe {
        let length = size.min(size_of::<T>());
        ptr::copy_nonoverlapping(bytes, read.as_mut_ptr().cast::<u8>(), length);
        Ok(read.assume_init())
    }
}
