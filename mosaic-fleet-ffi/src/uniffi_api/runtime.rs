//! The threads that all calls of this face run on.
//!
//! A call is a task of its own, not a future that the caller's event loop polls: reading a screen or
//! a roster takes a caller's loop no time, and a connection that is kept is served between calls.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mosaic_fleet::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};

use super::FleetError;

/// Enough to wait for programs and sockets, which is all that is done.
const THREADS: usize = 2;

/// How long [`end`] waits for what is under way on the threads.
const LAST_WAIT: Duration = Duration::from_secs(2);

enum State {
    NotBegun,
    Runs(Runtime),
    Ended,
}

static RUNTIME: Mutex<State> = Mutex::new(State::NotBegun);

/// The runtime, begun if this is the first call.
pub(super) fn handle() -> Result<Handle> {
    let mut state = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    match &*state {
        State::Runs(runtime) => Ok(runtime.handle().clone()),
        State::Ended => Err(ended()),
        State::NotBegun => {
            let runtime = Builder::new_multi_thread()
                .worker_threads(THREADS)
                .thread_name("mosaic-fleet")
                .enable_all()
                .build()
                .map_err(|error| {
                    Error::unavailable("the library's threads cannot be started").with_source(error)
                })?;
            let handle = runtime.handle().clone();
            *state = State::Runs(runtime);
            Ok(handle)
        }
    }
}

/// Ends the library's threads; what is under way is dropped, and later calls fail with `closed`.
///
/// For a language that cannot be called from threads once it ends: call it before. Calling it again
/// does nothing.
#[uniffi::export]
pub fn end() {
    let ended = {
        let mut state = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *state, State::Ended)
    };
    if let State::Runs(runtime) = ended {
        // Not from one of its own threads, which would wait for itself.
        if Handle::try_current().is_ok() {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(LAST_WAIT);
        }
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Closed, "the library has ended")
}

/// A task that ends when nobody waits for it any more.
struct Abandoned<T>(JoinHandle<T>);

impl<T> Drop for Abandoned<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `call` on the runtime. Dropping this drops `call`.
pub(super) async fn run<T: Send + 'static>(
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T, FleetError> {
    let mut task = Abandoned(handle()?.spawn(call));
    let answer = (&mut task.0).await;
    Ok(answer.unwrap_or_else(|error| Err(broken(error)))?)
}

/// Runs `call` and waits for it in this thread.
pub(super) fn run_here<T>(call: impl Future<Output = Result<T>>) -> Result<T, FleetError> {
    if Handle::try_current().is_ok() {
        let error = Error::invalid_argument(
            "this call waits, and one of the library's own threads may not",
        )
        .with_hint("make it from a thread of your own, or from the event loop");
        return Err(error.into());
    }
    Ok(handle()?.block_on(call)?)
}

fn broken(error: JoinError) -> Error {
    if error.is_cancelled() {
        return ended();
    }
    let panic = error.into_panic();
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    Error::new(ErrorKind::Unexpected, words.unwrap_or("the call panicked"))
        .with_hint("this is a defect of mosaic-fleet: please report it")
}
