//! The thin loop between a player and the terminal of this process.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::{stdin, stdout};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::log::Writer;
use super::player::Player;
use super::script::Script;
use super::tell::{Teller, terminal_words};

/// Without a signal handler (`unsafe`) a changed size is only seen when something else happens, or
/// this often.
const SIZE_MS: u64 = 500;

/// Raw mode, until it is dropped. Type-ahead is kept, as real programs keep it.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> io::Result<Self> {
        let Ok(before) = tcgetattr(stdin()) else {
            return Ok(Raw(None));
        };
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw)?;
        Ok(Raw(Some(before)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // Nothing can be done about a terminal that is gone.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// Plays a script on the terminal of this process until it ends; returns its exit code.
///
/// # Errors
/// The log cannot be opened or written, or the terminal cannot be read or written.
pub fn run(script: &Script) -> io::Result<i32> {
    let named = script.name.clone();
    let name = named
        .or_else(|| std::env::var("MOSAIC_AGENT_NAME").ok())
        .unwrap_or_else(|| "agent".to_owned());
    let mut log = Writer::open(script.log.as_deref())?;
    let _raw = Raw::enter()?;
    let start = Instant::now();
    let now = || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut size = window();
    let mut player = Player::new(script.clone(), name, size.0, size.1, now());
    let mut teller = Teller::new(script.tells);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let entries = player.take_log();
        teller.tell(&entries);
        log.write(&entries)?;
        write_all(stdout(), player.take_output().as_bytes())?;
        if script.tells_terminal {
            write_all(stdout(), terminal_words(&entries).as_bytes())?;
        }
        if let Some(code) = player.exit_code() {
            return Ok(code);
        }
        let wait = player
            .next_due()
            .map_or(SIZE_MS, |due| due.saturating_sub(now()).min(SIZE_MS));
        let ready = readable(wait)?;
        if window() != size {
            size = window();
            player.resize(size.0, size.1, now());
        }
        if !ready {
            player.tick(now());
            continue;
        }
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) | Err(Errno::IO) => player.hang_up(),
            Ok(length) => player.input(&buffer[..length], now()),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Columns and rows.
fn window() -> (usize, usize) {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        }
        _ => (80, 24),
    }
}

fn readable(wait_ms: u64) -> io::Result<bool> {
    let wait = Timespec {
        tv_sec: i64::try_from(wait_ms / 1000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(wait_ms % 1000).unwrap_or(0) * 1_000_000,
    };
    match poll(&mut [PollFd::new(&stdin(), PollFlags::IN)], Some(&wait)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn write_all(to: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(to, bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
