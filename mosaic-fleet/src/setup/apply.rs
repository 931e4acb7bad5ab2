//! Reading and writing a program's configuration and our scripts: whole or not at all, through links
//! to the file they mean, with a backup of what is the user's. What to write is planned elsewhere.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::tools::TOOLS;
use super::{FileChange, FileText, Program, ToolFiles};
use crate::error::{Error, Result};

/// As many links in a row as the system follows.
const MOST_LINKS: usize = 40;

/// What is in a program's configuration now.
///
/// # Errors
///
/// `ConfigInvalid` if a file is there and cannot be read as text.
pub fn read(program: Program, folder: &Path) -> Result<Vec<FileText>> {
    let files = program.files(folder).into_iter();
    files
        .map(|path| {
            let text = text_of(&path)?;
            Ok(FileText { path, text })
        })
        .collect()
}

/// What is in the places of our scripts now, below `home` (`$MOSAIC_HOME`).
///
/// # Errors
///
/// `ConfigInvalid` if a file is there and cannot be read as text.
pub fn read_tools(home: &Path) -> Result<Vec<ToolFiles>> {
    let paths = TOOLS.iter().map(|tool| home.join(tool.path));
    paths
        .map(|path| {
            let target = followed(&path);
            let backups = backups_of(&target).into_iter().map(|path| {
                let text = text_of(&path)?;
                Ok(FileText { path, text })
            });
            Ok(ToolFiles {
                backups: backups.collect::<Result<_>>()?,
                executable: fs::metadata(&target).is_ok_and(|file| file.mode() & 0o100 != 0),
                file: FileText {
                    text: text_of(&path)?,
                    path,
                },
            })
        })
        .collect()
}

/// Writes one change, and says where the backup is, if there was something of the user's.
///
/// # Errors
///
/// `ConfigInvalid` if the file is no longer what the change was planned for, or if it or its backup
/// cannot be written; the file is then as it was.
pub fn apply(change: &FileChange) -> Result<Option<PathBuf>> {
    let planned_for = |path: &Path, text: &Option<String>| match text_of(path)? == *text {
        true => Ok(()),
        false => {
            let what = format!("{} has just changed", path.display());
            Err(Error::config_invalid(what).with_hint("run this again"))
        }
    };
    planned_for(&change.path, &change.before)?;
    if let Some(kept) = &change.restores {
        planned_for(kept, &change.after)?;
    }
    let target = followed(&change.path);
    let backup = match &change.before {
        Some(text) if !change.ours => {
            // A configuration's may hold secrets; a program's is to run again.
            let most = if change.mode.is_some() { 0o777 } else { 0o600 };
            let kept = backup(&target, text, most);
            Some(kept.map_err(|error| cannot("keep a backup of", &target, error))?)
        }
        _ => None,
    };
    match (&change.restores, &change.after) {
        (Some(kept), _) => fs::rename(kept, &target),
        (None, Some(text)) => write(&target, text, change.mode),
        (None, None) => fs::remove_file(&target),
    }
    .map_err(|error| cannot("write", &target, error))?;
    Ok(backup)
}

fn text_of(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, error)),
    }
}

/// The file that a path means, which may not be there yet.
fn followed(path: &Path) -> PathBuf {
    let mut target = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(to) = fs::read_link(&target) else {
            break;
        };
        target = match target.parent() {
            Some(folder) => folder.join(to),
            None => to,
        };
    }
    target
}

/// In one step, with the owner of the file that was there, and its mode unless one is given.
fn write(target: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let old = fs::metadata(target).ok();
    let mut file = tempfile::Builder::new()
        .prefix(".mosaic-fleet-")
        .permissions(Permissions::from_mode(match old {
            Some(_) => 0o600,
            None => 0o644,
        }))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Some(old) = old {
        // Another group than the old one shall not read it.
        let same_group = fchown(file.as_file(), None, Some(old.gid())).is_ok();
        let mode = old.mode() & if same_group { 0o777 } else { 0o707 };
        // Only root can give a file away, and only root has to.
        let _ = fchown(file.as_file(), Some(old.uid()), None);
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
    }
    if let Some(mode) = mode {
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// Keeps a text beside its file under the time's name, with no more than `most` of the file's mode.
fn backup(target: &Path, text: &str, most: u32) -> io::Result<PathBuf> {
    let old = fs::metadata(target)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let mut number = 0;
    let (copy, mut file) = loop {
        let again = match number {
            0 => String::new(),
            number => format!(".{number}"),
        };
        let copy = target.with_file_name(format!("{name}.{time}{again}.bak"));
        match File::options()
            .write(true)
            .create_new(true)
            .mode(old.mode() & most & 0o600)
            .open(&copy)
        {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            opened => break (copy, opened?),
        }
    };
    let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
    file.write_all(text.as_bytes())?;
    file.set_permissions(Permissions::from_mode(old.mode() & most))?;
    file.sync_all()?;
    Ok(copy)
}

/// What [`backup`] kept of a file, the newest first.
fn backups_of(target: &Path) -> Vec<PathBuf> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // Without the folder there is no backup either.
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let file = path.file_name()?.to_str()?;
            let rest = file.strip_prefix(&*name)?.strip_prefix('.')?;
            let (time, number) = rest.strip_suffix(".bak")?.split_once('Z')?;
            let number: u32 = match number.strip_prefix('.') {
                Some(number) => number.parse().ok()?,
                None if number.is_empty() => 0,
                None => return None,
            };
            Some(((time.to_owned(), number), path))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

fn cannot(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::config_invalid(format!("cannot {verb} {}: {error}", path.display()))
        .with_hint("see who owns that file and its folder, and run this again")
        .with_source(error)
}
