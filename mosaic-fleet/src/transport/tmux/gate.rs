//! One control client at a time comes or goes: a lock file that all our processes on a host share.
//!
//! A tmux server ends with a segmentation fault when a notification is due while a control client
//! is half-way through introducing itself: it writes to a client that has no state yet
//! (`control_write` in tmux 3.3a, seen and read there; control-notify.c asks only for the flag), and
//! when such a client is killed half-way (`control_stop`). Both are mended upstream after 3.6
//! (github.com/tmux/tmux/pull/4980 and 5004).
//! Clients of ours therefore come and go behind this gate, and while one comes the server withholds
//! what else of ours would notify (`coming.rs`). What a person causes in those microseconds is beyond
//! us.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use super::error::TmuxError;
use super::server::Server;

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
pub(super) struct Gate(Place);

#[derive(Debug, Clone)]
enum Place {
    Here {
        path: PathBuf,
        creates: bool,
    },
    /// Beside the socket on another host.
    There(Server),
}

/// Being in the gate; left when dropped, also by a process that dies.
#[derive(Debug)]
pub(super) struct Passage {
    _file: Option<File>,
    /// Holds the lock on another host for as long as it runs and the link does, a minute at most: of a
    /// link that falls silent that host hears nothing.
    _holder: Option<Child>,
}

/// Locks the file beside a socket, says so, and holds it until nobody listens any more. Nothing is
/// locked where there is no such socket, or no `flock` (BusyBox's waits for ever): then a server is not older than its clients
/// expect, or the system is none that tmux 3.3a is the usual one of.
const HOLD: &str = "d=${TMUX_TMPDIR:-/tmp}; [ -d \"$d\" ] || d=/tmp; s=$1; \
    case $s in */*) ;; *) s=$d/tmux-$(id -u)/$s ;; esac; \
    [ -S \"$s\" ] && command -v flock >/dev/null || { echo in; exec cat; }; umask 077; \
    t=; command -v timeout >/dev/null && t=\"timeout 60\"; w=; flock --help 2>&1 | grep -q -- -w && w=\"-w 30\"; \
    exec flock $w \"$s.mosaic-gate\" $t sh -c \"echo in; exec cat\"";

impl Gate {
    /// The gate whose lock file is `path`, made if it is not there and `creates`.
    pub(super) fn new(path: PathBuf, creates: bool) -> Self {
        Gate(Place::Here { path, creates })
    }

    /// The gate of a server on another host.
    pub(super) fn there(server: Server) -> Self {
        Gate(Place::There(server))
    }

    /// Waits for the gate, half a minute at most. Cancel safe.
    ///
    /// Where no server was ever started there is no gate, and nothing is left behind by asking.
    pub(super) async fn enter(&self) -> Result<Passage, TmuxError> {
        let (path, creates) = match &self.0 {
            Place::Here { path, creates } => (path, *creates),
            Place::There(server) => return enter_there(server).await,
        };
        wait(path, creates)
            .await
            .map_err(|source| match source.kind() {
                // Many others came first: another try may do better.
                io::ErrorKind::WouldBlock => TmuxError::Slow(PATIENCE),
                _ => TmuxError::File {
                    path: path.display().to_string(),
                    source,
                },
            })
    }
}

async fn wait(path: &Path, creates: bool) -> io::Result<Passage> {
    let opened = OpenOptions::new()
        .create(creates)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Passage {
                _file: None,
                _holder: None,
            });
        }
        opened => opened?,
    };
    if creates && let Err(error) = given_to_the_owner(path, &file) {
        tracing::debug!(%error, "the gate is ours, and the server another's");
    }
    match lock(&file, Instant::now() + PATIENCE).await? {
        true => Ok(Passage {
            _file: Some(file),
            _holder: None,
        }),
        false => Err(rustix::io::Errno::WOULDBLOCK.into()),
    }
}

/// A gate that root makes beside a user's socket is that user's, or it would keep him out.
fn given_to_the_owner(path: &Path, gate: &File) -> io::Result<()> {
    let socket = path.with_extension("").metadata()?;
    if socket.uid() != gate.metadata()?.uid() {
        std::os::unix::fs::fchown(gate, Some(socket.uid()), Some(socket.gid()))?;
    }
    Ok(())
}

/// Enters by a process there that holds the lock. It ends, and lets go, with the link.
async fn enter_there(server: &Server) -> Result<Passage, TmuxError> {
    let label = server.config.socket.label();
    let mut process = server.there(&["sh", "-c", HOLD, "sh", &label])?;
    process
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut holder = process.spawn().map_err(|error| server.spawn_error(error))?;
    let missing = || TmuxError::Protocol("no pipe".to_owned());
    let mut said = BufReader::new(holder.stdout.take().ok_or_else(missing)?);
    let mut stderr = holder.stderr.take().ok_or_else(missing)?;
    let mut line = String::new();
    let heard = timeout(PATIENCE + PATIENCE / 6, async {
        // A shell's start files may print something first.
        while line.trim_end() != "in" {
            line.clear();
            if said.read_line(&mut line).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    })
    .await;
    if line.trim_end() == "in" {
        return Ok(Passage {
            _file: None,
            _holder: Some(holder),
        });
    }
    if heard.is_err() {
        return Err(server.silent(PATIENCE));
    }
    let mut words = String::new();
    let _ = timeout(SAYING, stderr.read_to_string(&mut words)).await;
    Err(match words.trim() {
        "" => server.silent(PATIENCE),
        words => server.error(words),
    })
}

/// How long the last words of a process may take.
const SAYING: Duration = Duration::from_secs(2);

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
