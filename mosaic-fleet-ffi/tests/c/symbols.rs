//! The shared library exports what is committed, and nothing else; it has the name that programs look
//! for.

use std::fs;
use std::process::Command;

use crate::sources::package;
use crate::workshop::{installed, output};

const FILE: &str = "abi/symbols.txt";

#[test]
fn the_library_exports_what_is_committed() {
    let library = installed().join("lib/libmosaic_fleet.so");
    let listing = output(
        Command::new("nm")
            .args(["-D", "--defined-only"])
            .arg(&library),
    );
    let mut symbols: Vec<&str> = listing
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2))
        .collect();
    symbols.sort_unstable();
    let mut found = symbols.join("\n");
    found.push('\n');
    let file = package().join(FILE);
    if std::env::var_os("UPDATE_ABI").is_some() {
        fs::write(&file, &found).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        committed, found,
        "{FILE}: what is gone breaks programs; what is new is written by UPDATE_ABI=1"
    );
    let exported: Vec<_> = crate::sources::exported();
    let exported: Vec<_> = exported
        .iter()
        .filter(|name| !name.starts_with("mf_test_"))
        .collect();
    assert_eq!(exported, symbols.iter().collect::<Vec<_>>());
}

#[test]
fn the_library_is_found_by_its_soname() {
    let library = installed().join("lib/libmosaic_fleet.so");
    let dynamic = output(Command::new("readelf").arg("-d").arg(library));
    let major = mosaic_fleet_ffi::c::library::MF_ABI_VERSION >> 16;
    let soname = format!("soname: [libmosaic_fleet.so.{major}]");
    assert!(dynamic.contains(&soname), "{dynamic}");
}
