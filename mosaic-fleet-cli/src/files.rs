//! Writing the operator's files: whole or not at all, and never over something that is not kept.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use mosaic_fleet::{Error, Result};

/// Reads a file of text.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::NotFound => "there is no file",
            ErrorKind::InvalidData => "not UTF-8 text:",
            _ => "cannot read",
        };
        Error::invalid_argument(format!("{what} {}", path.display())).with_source(error)
    })
}

/// Writes a file in one step, its folder as well. A file that is a link stays one.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let written = || {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".mosaic-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        let like = fs::metadata(&target).map(|old| old.permissions());
        file.as_file()
            .set_permissions(like.unwrap_or_else(|_| readable()))?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error: std::io::Error| cannot("write", path, error))
}

fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

/// Copies a file beside itself under the time's name, and says where.
pub(crate) fn backup(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    for number in 0..1000 {
        let again = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let copy = path.with_file_name(format!("{name}.{time}{again}.bak"));
        match File::create_new(&copy) {
            Ok(_) => {
                fs::copy(path, &copy).map_err(|error| cannot("write", &copy, error))?;
                return Ok(copy);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(cannot("write", &copy, error)),
        }
    }
    Err(Error::config_invalid(format!(
        "too many backups of {}",
        path.display()
    )))
}

fn cannot(verb: &str, path: &Path, error: std::io::Error) -> Error {
    Error::config_invalid(format!("cannot {verb} {}: {error}", path.display())).with_source(error)
}
