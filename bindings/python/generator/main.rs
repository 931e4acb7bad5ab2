//! `generate LIBRARY FOLDER`: the Python module for the exports of a built library.

use camino::Utf8PathBuf;
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1).map(Utf8PathBuf::from);
    let (Some(source), Some(out_dir), None) = (words.next(), words.next(), words.next()) else {
        anyhow::bail!("usage: generate LIBRARY FOLDER");
    };
    generate(GenerateOptions {
        languages: vec![TargetLanguage::Python],
        source,
        out_dir,
        ..GenerateOptions::default()
    })
}
