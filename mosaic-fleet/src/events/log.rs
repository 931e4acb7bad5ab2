//! The log itself: a line of JSON an event, two files of a bounded size, appended to by processes
//! that do not know each other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Event, What, Word};

/// A file of more bytes than this is put aside, and the one put aside before goes.
const MOST_BYTES: u64 = 16 * 1024;

/// The events of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLog {
    path: PathBuf,
}

impl EventLog {
    /// The log at `path`, which need not exist. No I/O.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        EventLog { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins an empty log in a folder of its own, which only we can read. What an earlier program
    /// told is gone.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn begin(&self) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        match fs::remove_file(self.old()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.open()?.set_len(0)
    }

    /// Adds an event, whole or not at all. Never makes a folder: one that is gone means that the
    /// fleet is.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn append(&self, event: &Event) -> io::Result<()> {
        let mut file = self.open()?;
        if file.metadata()?.len() > MOST_BYTES
            && let Some(_turn) = self.turn()
        {
            file = self.open()?;
            if file.metadata()?.len() > MOST_BYTES {
                file = self.turn_over()?;
            }
        }
        file.write_all(&line(event)?)
    }

    /// What is in it, oldest first; lines that are no events are passed over.
    pub fn read(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for path in [&self.old(), &self.path] {
            let text = regular(path).unwrap_or_default();
            let lines = text.split(|byte| *byte == b'\n');
            events.extend(lines.filter_map(|line| serde_json::from_slice::<Event>(line).ok()));
        }
        events
    }

    /// What the agent's own program told, whose hooks have one of these names; nothing where there
    /// is no log.
    pub(crate) fn word(&self, is_program: impl Fn(&str) -> bool) -> Option<Word> {
        let mut events = self.path.exists().then(|| self.read())?;
        events.retain(|event| event.runtime.is_empty() || is_program(&event.runtime));
        Some(Word::of(events))
    }

    /// The right to put the full file aside: one process at a time, and nobody waits for it.
    fn turn(&self) -> Option<File> {
        let folder = File::open(self.path.parent()?).ok()?;
        let alone = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&folder, alone).ok()?;
        Some(folder)
    }

    /// Puts the full file aside and begins another, which knows whose conversation goes on.
    fn turn_over(&self) -> io::Result<File> {
        let word = Word::of(self.read());
        fs::rename(&self.path, self.old())?;
        let mut file = self.open()?;
        if let Some(session) = word.session() {
            let goes_on = Event {
                at: word.last().map_or(0, |last| last.at),
                what: word.last().map_or(What::Idle, |last| last.what),
                runtime: word
                    .last()
                    .map_or_else(String::new, |last| last.runtime.clone()),
                submit_key: word.submit_key().map(str::to_owned),
                ..Event::now(What::Idle, session)
            };
            file.write_all(&line(&goes_on)?)?;
        }
        Ok(file)
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        options.open(&self.path)
    }

    fn old(&self) -> PathBuf {
        self.path.with_extension("old")
    }
}

/// What a file holds, as far as a log can grow. A device or a pipe in its place is no log.
fn regular(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = options.read(true).custom_flags(nonblocking).open(path)?;
    let mut text = Vec::new();
    if file.metadata()?.is_file() {
        file.take(4 * MOST_BYTES).read_to_end(&mut text)?;
    }
    Ok(text)
}

fn line(event: &Event) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (tempfile::TempDir, EventLog) {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::at(folder.path().join("agent/log"));
        (folder, log)
    }

    #[test]
    fn what_is_written_is_read_and_a_torn_line_is_passed_over() {
        let (_folder, log) = log();
        assert!(log.append(&Event::now(What::Idle, "s")).is_err());
        assert_eq!(log.word(|_| true), None);
        log.begin().unwrap();
        log.append(&Event::now(What::Prompt, "s")).unwrap();
        OpenOptions::new()
            .append(true)
            .open(log.path())
            .unwrap()
            .write_all(b"{\"at\":12,\"wh\n\xff\n")
            .unwrap();
        log.append(&Event::now(What::Idle, "s")).unwrap();
        let what: Vec<What> = log.read().iter().map(|event| event.what).collect();
        assert_eq!(what, [What::Prompt, What::Idle]);
        log.begin().unwrap();
        assert_eq!(log.read(), []);
    }

    #[test]
    fn it_stays_small_and_remembers_the_session() {
        let (folder, log) = log();
        log.begin().unwrap();
        let mut start = Event::now(What::SessionStart, "own");
        start.submit_key = Some("F12".to_owned());
        log.append(&start).unwrap();
        for number in 0..2000 {
            let mut prompt = Event::now(What::Prompt, "own");
            prompt.text = Some(format!("{number:016x}-5"));
            log.append(&prompt).unwrap();
            log.append(&Event::now(What::Prompt, "inner")).unwrap();
        }
        let size: u64 = fs::read_dir(folder.path().join("agent"))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size < 3 * MOST_BYTES, "{size}");
        let word = log.word(|_| true).unwrap();
        assert_eq!(
            (word.session(), word.submit_key()),
            (Some("own"), Some("F12"))
        );
        let last = word.last().unwrap();
        assert_eq!(last.text.as_deref(), Some("00000000000007cf-5"));
    }
}
