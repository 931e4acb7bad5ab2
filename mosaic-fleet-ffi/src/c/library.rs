//! What is about the library itself: versions, names of codes, texts that come back.

use std::ffi::{CStr, c_char};

use super::code::mf_code;
use super::guard::{guard, look};
use super::{table, text};

/// The version of the ABI that this header describes: `major << 16 | minor`.
pub const MF_ABI_VERSION: u32 = 0x0001_0000;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

const NAMES: [(mf_code, &CStr); 21] = [
    (0, c"ok"),
    (1, c"unexpected"),
    (2, c"unsupported"),
    (3, c"invalid_argument"),
    (4, c"config_invalid"),
    (5, c"agent_not_found"),
    (6, c"refused"),
    (7, c"unavailable"),
    (8, c"permission_denied"),
    (9, c"unauthenticated"),
    (10, c"rate_limited"),
    (11, c"timeout"),
    (12, c"delivery_unknown"),
    (13, c"closed"),
    (14, c"plugin"),
    (1000, c"null_pointer"),
    (1001, c"invalid_utf8"),
    (1002, c"invalid_handle"),
    (1003, c"would_block"),
    (1004, c"abi_mismatch"),
    (1005, c"panic"),
];

/// The version of the ABI that the library has: `major << 16 | minor`. It is not the version of the
/// package.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_abi_version() -> u32 {
    look(0, || Ok(MF_ABI_VERSION))
}

/// The version of the package, for example `0.1.0`. Never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_version() -> *const c_char {
    look(c"".as_ptr(), || Ok(VERSION.as_ptr().cast()))
}

/// What a code is called, for example `agent_not_found`; `unknown` for a number that is none.
/// Never freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_code_name(code: mf_code) -> *const c_char {
    look(c"unknown".as_ptr(), || {
        let found = NAMES.iter().find(|entry| entry.0 == code);
        Ok(found.map_or(c"unknown", |entry| entry.1).as_ptr())
    })
}

/// Takes back a text that was given out as `char *`. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_string_free(text: *mut c_char) -> mf_code {
    // SAFETY: NULL is allowed.
    unsafe { guard(std::ptr::null_mut(), || text::take_back(text)) }
}

/// How many handles and texts were given out and not freed yet: for tests that look for leaks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_live_count() -> usize {
    look(0, || Ok(table::live() + text::live()))
}

#[cfg(test)]
mod tests {
    use super::super::code::{OWN_CODES, kind_of};
    use super::*;

    #[test]
    fn codes_are_called_as_everywhere_else() {
        assert_eq!(
            NAMES.len(),
            1 + mosaic_fleet::ErrorKind::ALL.len() + OWN_CODES.len()
        );
        for (code, name) in &NAMES[1..] {
            let name = name.to_str().unwrap();
            match kind_of(*code) {
                Some(kind) => assert_eq!(kind.as_str(), name),
                None => assert!(OWN_CODES.contains(&(*code, name)), "{name}"),
            }
        }
    }

    #[test]
    fn the_soname_has_the_major_version() {
        let build = include_str!("../../build.rs");
        let line = format!("const ABI_MAJOR: u32 = {};", MF_ABI_VERSION >> 16);
        assert!(build.contains(&line), "build.rs: {line}");
    }
}
