//! One control client at a time comes or goes: a lock file that all our processes on a host share.
//!
//! A tmux server ends with a segmentation fault when a notification is due while a control client
//! is half-way through introducing itself: it writes to a client that has no state yet
//! (`control_write` in tmux 3.3a, seen and read there; control-notify.c asks only for the flag).
//! What we cause ourselves, clients that come and go, sessions made and closed, copy mode left, is
//! therefore done behind this gate. What a person causes in those microseconds is beyond us.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::time::{Instant, sleep};

use super::error::TmuxError;

/// How long the gate is waited for. Whoever is in it needs a few milliseconds, and a hundred agents
/// may come at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lock file tells nobody when it is free, and a thread that waited for it could not be called
/// back: it is asked again after this long.
const ASK_AGAIN: Duration = Duration::from_millis(1);

/// And after so long when it stays taken: a hundred that ask all the time leave whoever is in it no
/// processor.
const ASK_LATER: Duration = Duration::from_millis(10);

/// The gate of one server.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    path: PathBuf,
    creates: bool,
}

/// Being in the gate; left when dropped, also by a process that dies.
#[derive(Debug)]
pub(super) struct Passage {
    _file: Option<File>,
}

impl Gate {
    /// The gate whose lock file is `path`, made if it is not there and `creates`.
    pub(super) fn new(path: PathBuf, creates: bool) -> Self {
        Gate { path, creates }
    }

    /// Waits for the gate, half a minute at most. Cancel safe.
    ///
    /// Where no server was ever started there is no gate, and nothing is left behind by asking.
    pub(super) async fn enter(&self) -> Result<Passage, TmuxError> {
        self.wait().await.map_err(|source| match source.kind() {
            // Many others came first: another try may do better.
            io::ErrorKind::WouldBlock => TmuxError::Slow(PATIENCE),
            _ => TmuxError::File {
                path: self.path.display().to_string(),
                source,
            },
        })
    }

    async fn wait(&self) -> io::Result<Passage> {
        let opened = OpenOptions::new()
            .create(self.creates)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Passage { _file: None });
            }
            opened => opened?,
        };
        match lock(&file, Instant::now() + PATIENCE).await? {
            true => Ok(Passage { _file: Some(file) }),
            false => Err(rustix::io::Errno::WOULDBLOCK.into()),
        }
    }
}

/// Locks a file until it is closed. False when another one has it until `limit`. Cancel safe.
pub(super) async fn lock(file: &File, limit: Instant) -> io::Result<bool> {
    let mut pause = ASK_AGAIN;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => {
                if Instant::now() >= limit {
                    return Ok(false);
                }
                sleep(pause).await;
                pause = (pause * 2).min(ASK_LATER);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
