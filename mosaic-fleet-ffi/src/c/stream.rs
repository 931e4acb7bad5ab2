//! Streams of a fleet: what an agent shows and how agents change, asked for piece by piece.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use mosaic_fleet::wire::Stream;

use super::code::mf_code;
use super::error::mf_error;
use super::fleet::mf_fleet;
use super::guard::{guard, out, release};
use super::running::Running;
use super::table::{self, Handle};
use super::text;

/// A stream of JSON pieces. Holds its fleet open; freed by `mf_stream_free`.
pub struct mf_stream {
    _opaque: (),
}

struct Pieces {
    stream: Stream,
    running: Arc<Running>,
}

impl Handle for Pieces {
    type Opaque = mf_stream;
    const NAME: &'static str = "mf_stream";
}

/// What an agent shows from now on, each piece as `{lines, next, gap}`. `arguments` is JSON:
/// `{"agent": NAME}` and what the operation `tail` takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_follow(
    fleet: *const mf_fleet,
    arguments: *const c_char,
    stream: *mut *mut mf_stream,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let arguments = text::json(arguments, "arguments")?;
            let place = out(stream, "the stream")?;
            let stream = Stream::follow(running.fleet(), arguments)?;
            place.write(table::put(Arc::new(Pieces { stream, running }))?);
            Ok(())
        })
    }
}

/// How agents are, then each change, as `{agent, status}`; `{agent, error}` once for one that cannot
/// be watched. `arguments` is JSON, or NULL for all of the roster: `{"names": [NAME]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_fleet_watch(
    fleet: *const mf_fleet,
    arguments: *const c_char,
    stream: *mut *mut mf_stream,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let running = table::get::<Running>(fleet)?;
            let arguments = text::json(arguments, "arguments")?;
            let place = out(stream, "the stream")?;
            let stream = Stream::watch(running.fleet(), arguments)?;
            place.write(table::put(Arc::new(Pieces { stream, running }))?);
            Ok(())
        })
    }
}

/// Waits for the next piece. `*piece` is JSON and freed by `mf_string_free`; it is NULL when the
/// stream has ended or was closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_stream_next(
    stream: *const mf_stream,
    piece: *mut *mut c_char,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            let pieces = table::get::<Pieces>(stream)?;
            let piece = out(piece, "the piece")?;
            let next = pieces
                .running
                .block_on(async { Ok(pieces.stream.next().await?) })?;
            piece.write(next.map_or(ptr::null_mut(), |next| text::give_json(&next)));
            Ok(())
        })
    }
}

/// Ends a stream, also for a thread that waits in `mf_stream_next`. May be called from anywhere. The
/// handle still has to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_stream_close(
    stream: *const mf_stream,
    err: *mut *mut mf_error,
) -> mf_code {
    // SAFETY: the caller keeps the rules of ABI.md.
    unsafe {
        guard(err, || {
            table::get::<Pieces>(stream)?.stream.close();
            Ok(())
        })
    }
}

/// Frees a stream. Does nothing for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mf_stream_free(stream: *mut mf_stream) -> mf_code {
    release::<Pieces>(stream)
}
