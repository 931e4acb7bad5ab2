//! A transport that JavaScript wrote: one function that is called by name.

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::wire::{self, ForeignTransport};
use mosaic_fleet::{DynTransport, Error, ErrorKind, Result};
use napi::Status;
use napi::bindgen_prelude::{FnArgs, Promise};
use napi::threadsafe_function::ThreadsafeFunction;
use napi_derive::napi;
use serde_json::Value;

use crate::answer::arguments;

/// `(operation, arguments) => Promise<envelope>`. Weak: an open transport keeps no process alive.
pub(crate) type CallFunction = ThreadsafeFunction<
    FnArgs<(String, String)>,
    Promise<String>,
    FnArgs<(String, String)>,
    Status,
    false,
    true,
>;

/// The function, as the core calls it.
pub(crate) struct Caller(pub(crate) CallFunction);

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JavaScript object")
    }
}

#[async_trait]
impl wire::Foreign for Caller {
    async fn call(&self, operation: &str, arguments: Value) -> Result<Value> {
        let asked = (operation.to_owned(), arguments.to_string());
        let begun = self.0.call_async_catch(asked.into()).await;
        let promise =
            begun.map_err(|error| Error::new(ErrorKind::Plugin, error.reason.as_str()))?;
        // The package's own function catches all that a transport may throw. What is left is a promise
        // that JavaScript has collected, since nobody can answer it any more: the deadline ends it.
        let Ok(text) = promise.await else {
            return pending().await;
        };
        opened(&text)
    }
}

/// What is in an envelope that JavaScript made.
fn opened(text: &str) -> Result<Value> {
    let mut envelope = arguments(text)?;
    match envelope.get("error") {
        Some(error) => Err(wire::error_from_value(error)),
        None => Ok(envelope.get_mut("ok").map(Value::take).unwrap_or_default()),
    }
}

/// A transport that a fleet can be opened with.
#[napi]
#[derive(Debug)]
pub struct Transport {
    inner: DynTransport,
}

#[napi]
impl Transport {
    /// One that JavaScript wrote. `info` is `{scheme, instance, capabilities}`.
    ///
    /// # Errors
    /// With an error's JSON as the reason.
    #[napi(factory)]
    pub fn foreign(info: String, call: CallFunction) -> napi::Result<Self> {
        let made = arguments(&info)
            .and_then(|info| ForeignTransport::new(info, Arc::new(Caller(call))))
            .map_err(thrown)?;
        Ok(Transport::new(Arc::new(made)))
    }

    pub(crate) fn new(inner: DynTransport) -> Self {
        Transport { inner }
    }

    pub(crate) fn inner(&self) -> DynTransport {
        Arc::clone(&self.inner)
    }
}

/// An error of a call that JavaScript waits for: the envelope is the message.
pub(crate) fn thrown(error: Error) -> napi::Error {
    napi::Error::from_reason(crate::answer::envelope(Err(error)))
}
