//! What maturin runs to have the Python module for the library that it packs: this one puts the
//! committed module where it asks for it. The one that generates is in `../generator`, and costs two
//! minutes to build; that the committed one fits the library is a test.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const MODULE: &str = "mosaic_fleet_uniffi.py";

fn main() -> io::Result<()> {
    let mut words = env::args_os().skip_while(|word| word != "--out-dir");
    let folder = words.nth(1).map(PathBuf::from).ok_or_else(|| {
        let why = "maturin calls this with --out-dir FOLDER; to generate, run ../generate";
        io::Error::new(io::ErrorKind::InvalidInput, why)
    })?;
    let committed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../native")
        .join(MODULE);
    fs::create_dir_all(&folder)?;
    fs::copy(committed, folder.join(MODULE))?;
    Ok(())
}
