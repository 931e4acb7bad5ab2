//! What agents showed before they were ended, kept in files that nobody else can read.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::transport::tmux::server::{private_dirs, private_file};

/// Makes a folder for the tails of now, below `state` (`$XDG_STATE_HOME`).
///
/// # Errors
/// `ConfigInvalid` where it cannot be made.
pub(crate) fn tails_folder(state: &Path) -> Result<PathBuf> {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let below = format!("mosaic-fleet/cutover/{now}");
    private_dirs(state, &below).map_err(|error| cannot(&state.join(&below), error))
}

/// Writes what an agent shows, in the place of what it showed before.
///
/// # Errors
/// `ConfigInvalid` where it cannot be written.
pub(crate) fn save_tail(folder: &Path, agent: &AgentName, lines: &[String]) -> Result<PathBuf> {
    let path = folder.join(format!("{agent}.txt"));
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    private_file(&path, text.as_bytes()).map_err(|error| cannot(&path, error))?;
    Ok(path)
}

fn cannot(path: &Path, error: std::io::Error) -> Error {
    Error::config_invalid(format!("cannot write {}: {error}", path.display()))
        .with_hint("nothing was stopped; make room there, or set XDG_STATE_HOME")
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn tails_are_ours_alone_and_are_written_anew() {
        use std::os::unix::fs::PermissionsExt;
        let state = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tails_folder(state.path()).unwrap();
        assert_eq!(
            tails_folder(state.path()).unwrap().parent(),
            folder.parent()
        );
        let name = AgentName::new("coder-0").unwrap();
        for lines in [&["a", "b"][..], &["c"]] {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            let path = save_tail(&folder, &name, &lines).unwrap();
            assert_eq!(path, folder.join("coder-0.txt"));
            assert_eq!(fs::read_to_string(&path).unwrap(), lines.join("\n") + "\n");
            assert_eq!(mode(&path), 0o600);
        }
        assert_eq!([mode(&folder), mode(folder.parent().unwrap())], [0o700; 2]);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
