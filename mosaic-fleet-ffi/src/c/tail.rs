//! Pieces of output, as C holds them.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use mosaic_fleet::Tail;
use serde_json::json;

use super::code::mf_code;
use super::error::mf_error;
use super::guard::{Outcome, read, release};
use super::status::beyond;
use super::table::{self, Handle};
use super::text::{give, owned, pointer};

/// A piece of an agent's output. Freed by `mf_tail_free`.
pub struct mf_tail {
    _opaque: (),
}

/// A piece of output and its texts.
pub(super) struct Piece {
    lines: Vec<CString>,
    next: Option<CString>,
    gap: bool,
    json: String,
}

impl Handle for Piece {
    type Opaque = mf_tail;
    const NAME: &'static str = "mf_tail";
}

impl Piece {
    /// A handle of a piece.
    pub(super) fn handle(tail: &Tail) -> Outcome<*mut mf_tail> {
        table::put(Arc::new(Piece {
            lines: tail.lines.iter().map(|line| owned(line)).collect(),
            next: tail.next.as_ref().map(|next| owned(next.as_str())),
            gap: tail.gap,
            json: json!(tail).to_string(),
        }))
    }
}

/// How many lines there are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_count(
    tail: *const mf_tail,
    count: *mut usize,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Piece, _>(tail, count, err, |piece| Ok(piece.lines.len())) }
}

/// A line, oldest first. Valid until the tail is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_line(
    tail: *const mf_tail,
    index: usize,
    line: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        read::<Piece, _>(tail, line, err, |piece| {
            let line = piece.lines.get(index);
            let line = line.ok_or_else(|| beyond(index, piece.lines.len(), "lines"))?;
            Ok(line.as_ptr())
        })
    }
}

/// The cursor that the next call goes on from, or NULL. Valid until the tail is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_next(
    tail: *const mf_tail,
    next: *mut *const c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Piece, _>(tail, next, err, |piece| Ok(pointer(piece.next.as_ref()))) }
}

/// 1: output between the cursor and the first line was lost, or cannot be told to be complete.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_gap(
    tail: *const mf_tail,
    gap: *mut u32,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Piece, _>(tail, gap, err, |piece| Ok(u32::from(piece.gap))) }
}

/// The whole answer as JSON: `{lines, next, gap}`. `*json` is freed by `mf_string_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_json(
    tail: *const mf_tail,
    json: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe { read::<Piece, _>(tail, json, err, |piece| Ok(give(&piece.json))) }
}

/// Frees a tail. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_tail_free(tail: *mut mf_tail) -> mf_code {
    release::<Piece>(tail)
}
