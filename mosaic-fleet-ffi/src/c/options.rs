//! What calls can be asked, as C writes it: structs with their size first, in which zero is the
//! default.

use std::ffi::c_char;
use std::time::Duration;

use mosaic_fleet::message::Sender;
use mosaic_fleet::options::Cursor;
use mosaic_fleet::{Error, ResetMode, ResetOptions, SendOptions, TailOptions};

use super::code::{Numbered, mf_reset_mode};
use super::guard::Outcome;
use super::structs::Sized_;
use super::text;

/// How a fleet is opened. All zero but `struct_size`: as the command does it, from this process's
/// environment.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_fleet_options {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// The roster's file; NULL: the one in the fleet's home.
    pub roster: *const c_char,
    /// The roster itself, as YAML, instead of a file; or NULL.
    pub roster_text: *const c_char,
    /// The transport's instance (the tmux socket), instead of the environment's and the roster's; or
    /// NULL.
    pub instance: *const c_char,
    /// Variables as `KEY=VALUE`, up to a NULL, as `environ` has them. NULL: this process's own, read
    /// during the call.
    pub environment: *const *const c_char,
    /// Yes: a connection is made for each call, as a command does, instead of being kept.
    pub one_shot: u32,
    /// Zero.
    pub reserved: u32,
}

/// Options of a send.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_send_options {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Who sends, as `host:session`, which puts a preamble before the text; NULL: no preamble.
    pub from: *const c_char,
    /// Calling again with the same key returns the first receipt and types nothing; or NULL.
    pub idempotency_key: *const c_char,
    /// The deadline of the whole call in milliseconds; 0: thirty seconds.
    pub timeout_ms: u64,
    /// How long the agent may take to become ready for the text, in milliseconds; 0: a few seconds.
    pub wait_ms: u64,
    /// How often the submit key may be repeated; 0: as usual, negative: never.
    pub key_repeats: i32,
    /// Yes: take the text although its first character makes the program run a command.
    pub allow_command: u32,
    /// Yes: drop control characters instead of refusing the text.
    pub strip_control: u32,
    /// Yes, without `from`: find out who sends, by the terminal that this process runs in.
    pub preamble: u32,
}

/// Options of a reset.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_reset_options {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// The first prompt afterwards; NULL: the roster's, empty: none.
    pub kickstart: *const c_char,
    /// The deadline of the whole call in milliseconds; 0: thirty seconds.
    pub timeout_ms: u64,
    /// Which reset.
    pub mode: mf_reset_mode,
    /// Yes: reset a busy agent, or one whose conversation the roster protects, as well.
    pub force: u32,
}

/// Options of a status or a list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_status_options {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Yes: read no screens. Idle and working are not told apart then, at a fraction of the cost.
    pub quick: u32,
    /// Zero.
    pub reserved: u32,
}

/// Options of a tail.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_tail_options {
    /// `sizeof` this struct.
    pub struct_size: usize,
    /// Only what came after this place of an earlier answer; or NULL.
    pub cursor: *const c_char,
    /// The most lines; 0: eighty.
    pub lines: u64,
    /// With a cursor: wait so long for something new, in milliseconds; 0: do not wait.
    pub wait_ms: u64,
    /// The deadline for reaching the backend in milliseconds; 0: thirty seconds.
    pub timeout_ms: u64,
    /// Yes: keep colours and attributes as escape sequences.
    pub escapes: u32,
    /// Zero.
    pub reserved: u32,
}

macro_rules! sized {
    ($($type:ident: $last:ident),* $(,)?) => {$(
        // SAFETY: numbers and pointers, the size first.
        unsafe impl Sized_ for $type {
            const NAME: &'static str = stringify!($type);
            // Version 1.0: up to the end. A later version leaves this where it is.
            const SHORTEST: usize = std::mem::offset_of!($type, $last) + 4;
        }
    )*};
}

sized! {
    mf_fleet_options: one_shot,
    mf_send_options: preamble,
    mf_reset_options: force,
    mf_status_options: quick,
    mf_tail_options: escapes,
}

/// A duration of milliseconds, where one was given.
fn span(milliseconds: u64) -> Option<Duration> {
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// A value by its number.
pub(super) fn by_number<T: Numbered>(number: u32) -> Outcome<T> {
    let found = T::from_number(number);
    found.ok_or_else(|| Error::invalid_argument(format!("no {} {number}", T::NAME)).into())
}

impl mf_send_options {
    /// Who sends, where it was said.
    ///
    /// # Safety
    /// The pointers are as `ABI.md` says.
    pub(super) unsafe fn sender(&self) -> Outcome<Option<Sender>> {
        // SAFETY: the caller's promise.
        let from = unsafe { text::optional(self.from, "from") }?;
        Ok(from.map(Sender::parse).transpose()?)
    }

    /// What the core is asked.
    ///
    /// # Safety
    /// As [`sender`](Self::sender).
    pub(super) unsafe fn read(&self) -> Outcome<SendOptions> {
        let mut options = SendOptions::new()
            .with_allow_command(self.allow_command != 0)
            .with_strip_control(self.strip_control != 0);
        options.timeout = span(self.timeout_ms).unwrap_or(options.timeout);
        options.wait = span(self.wait_ms);
        // SAFETY: the caller's promise.
        let key = unsafe { text::optional(self.idempotency_key, "idempotency_key") }?;
        options.idempotency_key = key.map(str::to_owned);
        Ok(match self.key_repeats {
            0 => options,
            repeats => options.with_key_repeats(u32::try_from(repeats).unwrap_or(0)),
        })
    }
}

impl mf_reset_options {
    /// What the core is asked.
    pub(super) fn read(&self) -> Outcome<ResetOptions> {
        let mut options = ResetOptions::new().with_force(self.force != 0);
        options.timeout = span(self.timeout_ms).unwrap_or(options.timeout);
        if self.mode != 0 {
            options = options.with_mode(by_number::<ResetMode>(self.mode)?);
        }
        Ok(options)
    }
}

impl mf_tail_options {
    /// What the core is asked.
    ///
    /// # Safety
    /// The pointers are as `ABI.md` says.
    pub(super) unsafe fn read(&self) -> Outcome<TailOptions> {
        let mut options = TailOptions::new().with_escapes(self.escapes != 0);
        options.timeout = span(self.timeout_ms).unwrap_or(options.timeout);
        options.wait = span(self.wait_ms);
        if self.lines > 0 {
            options.lines = usize::try_from(self.lines).unwrap_or(usize::MAX);
        }
        // SAFETY: the caller's promise.
        let cursor = unsafe { text::optional(self.cursor, "cursor") }?;
        options.cursor = cursor.map(Cursor::parse).transpose()?;
        Ok(options)
    }
}
