//! Reading a small file that holds secrets, and saying when others may read it too. What is in it
//! is the caller's to say; nothing of it is ever in an error.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::{Error, Result};

/// The longest such file, in bytes.
const LONGEST: u64 = 1 << 20;

/// The file's text, `None` if there is no such file. `warnings` gets a sentence if its group or
/// everybody may read it.
///
/// # Errors
///
/// `ConfigInvalid` if it cannot be read or is no text.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Result<Option<String>> {
    let shown = path.display();
    let bad = |why: String| Error::config_invalid(format!("{shown} {why}"));
    // Before it is opened: a pipe would have us wait.
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(bad("is no file".to_owned())),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(bad(format!("cannot be read: {error}"))),
    }
    let read = || {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        let mut bytes = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>((bytes, mode))
    };
    let (bytes, mode) = read().map_err(|error| bad(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(bad("is too long to be what it should be".to_owned()));
    }
    if mode & 0o044 != 0 {
        warnings.push(format!(
            "{shown} holds secrets and other users may read it: chmod 600 {shown}"
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(bad("is no text in UTF-8".to_owned())),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn others_may_not_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "hunter2").unwrap();
        for (mode, warned) in [(0o600, false), (0o640, true), (0o604, true), (0o622, false)] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let mut warnings = Vec::new();
            let text = read(&file, &mut warnings).unwrap();
            assert_eq!(text.as_deref(), Some("hunter2"));
            assert_eq!(warnings.len(), usize::from(warned), "{mode:o}");
            assert!(!warnings.concat().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_such_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let read = |path: &Path| read(path, &mut Vec::new());
        assert_eq!(read(&file).unwrap(), None);
        assert!(read(folder.path()).is_err());
        fs::write(&file, b"hunter2\xff").unwrap();
        assert_eq!(read(&file.join("below")).unwrap(), None);
        let error = read(&file).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        fs::write(&file, vec![b'x'; (LONGEST + 1) as usize]).unwrap();
        assert!(read(&file).is_err());
    }
}
