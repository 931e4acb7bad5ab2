//! The log: what the program took and what happened to it. The oracle of "exactly once".

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Who answered a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Enter: it takes the first choice, and that is the harm tests look for.
    Enter,
    /// Another key: `1`, `2`, Escape or Ctrl-C.
    Key,
    /// The script itself, which plays the person at the keyboard.
    Script,
}

/// One line of the log. On file each also carries `at_ms`, the wall clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entry {
    /// The process runs.
    Started {
        /// The agent's name.
        name: String,
        /// Its process.
        pid: u32,
    },
    /// The composer was drawn for the first time.
    Ready,
    /// A composer that was not empty was submitted.
    Took {
        /// Exactly what it held (see `Script::trim`).
        text: String,
        /// It waits for the running turn.
        queued: bool,
        /// Its number, from 1.
        seq: u32,
    },
    /// A turn began; 0 is `Script::busy_at_start_ms`.
    Began {
        /// The text's number.
        seq: u32,
    },
    /// A turn ended.
    TurnEnded {
        /// The text's number.
        seq: u32,
        /// Escape, Ctrl-C or a reset cut it short.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        interrupted: bool,
    },
    /// A dialog covers the composer.
    DialogOpened {
        /// What it asks about.
        title: String,
    },
    /// A dialog was answered.
    DialogAnswered {
        /// The number of the choice: 1 approves, the last one denies.
        choice: u8,
        /// Who answered.
        by: By,
    },
    /// A paste, or typing, that a dialog ignored.
    DialogAte {
        /// What was lost.
        text: String,
    },
    /// The reset command was submitted.
    Reset {
        /// The command.
        command: String,
        /// A turn or queued texts were dropped for it (each queued one has its own `lost`).
        lost: bool,
    },
    /// The reset is done: its marker was printed.
    ResetDone,
    /// A text that was submitted and that nobody will ever see.
    Lost {
        /// The text.
        text: String,
    },
    /// A carriage return with more text behind it in the same read submitted: a paste without
    /// brackets. `took` follows.
    RawNewlineSubmit {
        /// What it submitted.
        text: String,
    },
    /// A key that did nothing, or not what its sender hoped for.
    Key {
        /// `enter`, `f12`, `chord`.
        name: String,
        /// `starting`, `empty`, `dialog`, `unbound`, `swallowed` or `newline`.
        why: String,
    },
    /// A random fault was picked for the paste that just landed.
    Fault {
        /// Which.
        name: String,
    },
    /// The process ends.
    Exited {
        /// Its exit code; 9 is a crash.
        code: i32,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// Reads a log. One that does not exist yet is empty; a last line that is still being written is
/// left for the next call.
///
/// # Errors
/// The file cannot be read, or holds a line that is no entry.
pub fn read_log(path: impl AsRef<Path>) -> io::Result<Vec<Entry>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).map_err(io::Error::from))
        .collect()
}

/// Appends entries, one `write` a line, so that programs can share a file.
pub(super) struct Writer(Option<File>);

impl Writer {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let open = |path| File::options().create(true).append(true).open(path);
        path.map(open).transpose().map(Writer)
    }

    pub(super) fn write(&mut self, entries: &[Entry]) -> io::Result<()> {
        let Some(file) = &mut self.0 else {
            return Ok(());
        };
        for entry in entries {
            let since = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let at_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            let mut line = serde_json::to_vec(&Line { at_ms, entry })?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_torn_line_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(read_log(&path).unwrap(), []);
        let entries = [
            Entry::Ready,
            Entry::Took {
                text: "a\n\u{1F980}".to_owned(),
                queued: false,
                seq: 1,
            },
        ];
        Writer::open(Some(&path)).unwrap().write(&entries).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"{\"entry\":\"exi").unwrap();
        assert_eq!(read_log(&path).unwrap(), entries);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"at_ms\":"), "{text}");
        assert!(text.contains("\"entry\":\"ready\""), "{text}");
    }
}
