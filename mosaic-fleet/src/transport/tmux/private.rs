//! Files and folders that nobody else can read or enter.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::TmuxError;

/// Makes a folder that nobody else can enter, or sees that it is one.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(path)?;
    let ours = found.is_dir()
        && found.uid() == rustix::process::getuid().as_raw()
        && found.mode() & 0o077 == 0;
    if !ours {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it must be a folder of ours that nobody else can enter (mode 0700)",
        ));
    }
    Ok(())
}

/// Makes a folder `below` the folder `base` that nobody else can enter, nor those between the two.
pub(crate) fn private_dirs(base: &Path, below: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(base)?;
    let mut folder = base.to_path_buf();
    for part in Path::new(below) {
        folder.push(part);
        private_dir(&folder)?;
    }
    Ok(folder)
}

/// As [`private_dir`], with an error that names the folder.
pub(super) fn private(path: &Path) -> Result<(), TmuxError> {
    private_dir(path).map_err(|source| TmuxError::File {
        path: path.display().to_string(),
        source,
    })
}

/// Writes a file that only we can read, new or in the place of the old one.
pub(crate) fn private_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension(format!("part{}", uuid::Uuid::now_v7().simple()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    file.write_all(bytes)?;
    fs::rename(&part, path)
}
