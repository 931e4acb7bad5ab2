//! Gives the shared library the name that programs look for: the C library is `libmosaic_fleet`, with
//! the ABI's major version. The file itself is named by cargo, after this package.

/// As `MF_ABI_VERSION >> 16`; a test compares them.
const ABI_MAJOR: u32 = 1;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |key: &str, value: &str| std::env::var(key).is_ok_and(|found| found == value);
    if std::env::var_os("CARGO_FEATURE_C").is_none() {
        return;
    }
    if is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libmosaic_fleet.so.{ABI_MAJOR}");
        // The tests load a transport that is written in C: it finds our functions in their program.
        println!("cargo::rustc-link-arg-tests=-rdynamic");
    } else if is("CARGO_CFG_TARGET_OS", "macos") {
        let name = format!("@rpath/libmosaic_fleet.{ABI_MAJOR}.dylib");
        println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,{name}");
    }
}
