//! A defect of the library ends as a code, not as the end of the process.
#![allow(unsafe_code, reason = "calls as C makes them")]

use std::ffi::CStr;
use std::ptr;

use mosaic_fleet_ffi::c::code::{MF_CODE_NULL_POINTER, MF_CODE_PANIC, MF_CODE_WOULD_BLOCK};
use mosaic_fleet_ffi::c::error::{mf_error_free, mf_error_message};
use mosaic_fleet_ffi::c::fleet::{mf_call, mf_fleet_open};
use mosaic_fleet_ffi::c::testing::mf_test_panic;

#[test]
fn a_panic_is_a_code_and_changes_no_output() {
    let (mut answer, mut error) = (7, ptr::null_mut());
    // SAFETY: all pointers are good.
    unsafe {
        let code = mf_test_panic(&raw mut answer, &raw mut error);
        assert_eq!((code, answer), (MF_CODE_PANIC, 7));
        let message = CStr::from_ptr(mf_error_message(error)).to_str().unwrap();
        assert_eq!(message, "a defect of mosaic-fleet: made for a test");
        mf_error_free(error);
        assert_eq!(
            mf_test_panic(&raw mut answer, ptr::null_mut()),
            MF_CODE_PANIC
        );
        let code = mf_test_panic(ptr::null_mut(), ptr::null_mut());
        assert_eq!(code, MF_CODE_NULL_POINTER);
    }
}

/// Not only our own runtime: a host may have one.
#[tokio::test]
async fn inside_of_another_runtime_nothing_blocks() {
    let (mut fleet, mut answer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: all pointers are good.
    unsafe {
        let code = mf_fleet_open(ptr::null(), &raw mut fleet, ptr::null_mut());
        assert_eq!(code, MF_CODE_WOULD_BLOCK);
        let operation = c"runtimes".as_ptr();
        let none = ptr::null();
        let code = mf_call(
            operation,
            none,
            ptr::null(),
            &raw mut answer,
            ptr::null_mut(),
        );
        assert_eq!(code, MF_CODE_WOULD_BLOCK);
    }
    assert!(fleet.is_null() && answer.is_null());
}
