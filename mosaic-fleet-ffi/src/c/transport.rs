//! A transport as C holds it, wherever it comes from.

use mosaic_fleet::DynTransport;

use super::code::mf_code;
use super::error::mf_error;
use super::guard::{guard, out, release};
use super::table::{self, Handle};

/// A transport, to open fleets over. Can be used from any thread; freed by `mf_transport_free`.
pub struct mf_transport {
    _opaque: (),
}

/// A transport behind a handle.
pub(super) struct Carrier(pub(super) DynTransport);

impl Handle for Carrier {
    type Opaque = mf_transport;
    const NAME: &'static str = "mf_transport";
}

/// Makes another handle of the same transport.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_transport_clone(
    transport: *const mf_transport,
    clone: *mut *mut mf_transport,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let clone = out(clone, "the clone")?;
            clone.write(table::put(table::get::<Carrier>(transport)?)?);
            Ok(())
        })
    }
}

/// Frees a handle of a transport. Fleets over it go on. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_transport_free(transport: *mut mf_transport) -> mf_code {
    release::<Carrier>(transport)
}
