//! For this package's own tests, and in no library that is handed out: an export that panics, and the
//! way from a handle to the transport that Rust's suite is to try.

use mosaic_fleet::DynTransport;

use super::code::mf_code;
use super::error::mf_error;
use super::guard::{guard, out};
use super::table;
use super::transport::{Carrier, mf_transport};

/// Panics, as a defect of the library would.
#[unsafe(no_mangle)]
#[expect(clippy::panic, reason = "that is what it is for")]
pub unsafe extern "C" fn mf_test_panic(answer: *mut u32, err: *mut *mut mf_error) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let _ = out(answer, "the answer")?;
            panic!("made for a test")
        })
    }
}

/// The transport behind a handle.
pub fn transport_of(transport: *const mf_transport) -> Option<DynTransport> {
    let carrier = table::get::<Carrier>(transport).ok()?;
    Some(carrier.0.clone())
}
