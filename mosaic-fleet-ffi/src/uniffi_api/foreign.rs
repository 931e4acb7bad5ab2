//! A transport that is written in the other language.
//!
//! It is told of a call and answers through a [`Reply`], from whatever thread or event loop it lives
//! on. It is not an `async` method: uniffi's Python runs those on one event loop for the whole
//! process, and loses them when that loop is another one or has ended.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use mosaic_fleet::wire::{Foreign, error_from_value};
use mosaic_fleet::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::sync::oneshot;

use super::CallbackError;

/// The code of a transport: each operation by name, as [`mosaic_fleet::wire::Foreign`] says.
#[uniffi::export(rust, foreign)]
pub trait ForeignTransport: fmt::Debug + Send + Sync {
    /// Begins an operation, whose answer goes to `reply` when there is one. Called on a thread of
    /// this library: hand it over and return.
    ///
    /// # Errors
    /// When it cannot be begun; the operation fails with `plugin` then.
    fn begin(
        &self,
        id: u64,
        operation: String,
        arguments: String,
        reply: Arc<Reply>,
    ) -> Result<(), CallbackError>;

    /// Nobody waits for the answer to call `id` any more: it is to be given up, if it can be.
    ///
    /// # Errors
    /// None that anything is done about.
    fn cancel(&self, id: u64) -> Result<(), CallbackError>;
}

/// Takes the answer to one call. The first one counts; a reply that is let go without any is an error
/// of kind `plugin`.
#[derive(uniffi::Object)]
pub struct Reply {
    caller: Mutex<Option<oneshot::Sender<Result<Value>>>>,
}

#[uniffi::export]
impl Reply {
    /// The operation's answer, as JSON.
    pub fn answer(&self, document: String) {
        let answer = serde_json::from_str(&document)
            .map_err(|error| plugin("the transport's answer is no JSON").with_source(error));
        self.give(answer);
    }

    /// The operation failed: an error as JSON, of which `code` and `message` are enough. One with
    /// a code that is none is of kind `plugin`.
    pub fn fail(&self, document: String) {
        let failure = match serde_json::from_str(&document) {
            Ok(document) => error_from_value(&document),
            Err(_) => plugin(document),
        };
        self.give(Err(failure));
    }
}

impl Reply {
    fn give(&self, answer: Result<Value>) {
        let mut caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = caller.take() {
            // Nobody may be waiting any more.
            let _ = caller.send(answer);
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

fn plugin(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Plugin, message)
}

/// The other language's code as the core calls it.
#[derive(Debug)]
pub(super) struct Bridge {
    code: Arc<dyn ForeignTransport>,
    calls: AtomicU64,
}

impl Bridge {
    pub(super) fn new(code: Arc<dyn ForeignTransport>) -> Self {
        Bridge {
            code,
            calls: AtomicU64::new(0),
        }
    }
}

/// A call that has no answer yet.
struct Pending<'a> {
    code: &'a dyn ForeignTransport,
    id: u64,
    answered: bool,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.answered {
            let _ = self.code.cancel(self.id);
        }
    }
}

#[async_trait]
impl Foreign for Bridge {
    async fn call(&self, operation: &str, arguments: Value) -> Result<Value> {
        let id = self.calls.fetch_add(1, Ordering::Relaxed);
        let (caller, answer) = oneshot::channel();
        let reply = Arc::new(Reply {
            caller: Mutex::new(Some(caller)),
        });
        let arguments = arguments.to_string();
        let begun = self.code.begin(id, operation.to_owned(), arguments, reply);
        begun.map_err(|error| plugin(error.to_string()))?;
        let mut pending = Pending {
            code: &*self.code,
            id,
            answered: false,
        };
        let answer = answer.await;
        pending.answered = true;
        answer.unwrap_or_else(|_| Err(plugin("the transport let go of the call without an answer")))
    }
}
