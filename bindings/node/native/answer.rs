//! What a call answers to JavaScript, and how a call there is begun and given up.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use mosaic_fleet::{Error, Result, wire};
use napi::Env;
use napi::Status;
use napi::bindgen_prelude::PromiseRaw;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use serde_json::{Value, json};
use tokio::sync::watch;

/// Takes progress, one JSON text at a time. Lives as long as its call, and keeps the process alive as
/// the call does.
pub(crate) type NewsFunction = ThreadsafeFunction<String, (), String, Status, false>;

/// The envelope of an answer.
pub(crate) fn envelope(answer: Result<Value>) -> String {
    match answer {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": wire::error_to_value(&error) }),
    }
    .to_string()
}

/// Reads the arguments of a call.
pub(crate) fn arguments(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| Error::invalid_argument("the arguments are no JSON").with_source(error))
}

/// Reads the caller's variables.
pub(crate) fn variables(text: &str) -> Result<BTreeMap<String, String>> {
    serde_json::from_str(text)
        .map_err(|error| Error::invalid_argument("bad environment").with_source(error))
}

/// Gives up a call that was begun with it.
#[napi]
#[derive(Debug)]
pub struct Cancellation {
    given_up: watch::Sender<bool>,
}

#[napi]
impl Cancellation {
    /// Nothing is given up yet.
    #[napi(constructor)]
    #[allow(
        clippy::new_without_default,
        reason = "JavaScript has constructors only"
    )]
    pub fn new() -> Self {
        Cancellation {
            given_up: watch::Sender::new(false),
        }
    }

    /// Gives the call up: nothing more of it is done.
    #[napi]
    pub fn cancel(&self) {
        self.given_up.send_replace(true);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<bool> {
        self.given_up.subscribe()
    }
}

/// Begins `call` and answers its envelope. One that is given up is dropped, and answers `null`.
pub(crate) fn begin<'env>(
    env: &'env Env,
    cancellation: Option<&Cancellation>,
    call: impl Future<Output = String> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, Option<String>>> {
    let given_up = cancellation.map(Cancellation::listen);
    env.spawn_future(async move {
        let Some(mut given_up) = given_up else {
            return Ok(Some(call.await));
        };
        tokio::select! {
            biased;
            Ok(_) = given_up.wait_for(|given_up| *given_up) => Ok(None),
            answer = call => Ok(Some(answer)),
        }
    })
}

/// Counts the news that were sent, so that JavaScript can tell when it has them all: the answer comes
/// on another way, and may overtake them.
pub(crate) struct News {
    function: Option<Arc<NewsFunction>>,
    sent: u32,
}

impl News {
    pub(crate) fn new(function: Option<NewsFunction>) -> Self {
        News {
            function: function.map(Arc::new),
            sent: 0,
        }
    }

    pub(crate) fn tell(&mut self, news: &Value) {
        if let Some(function) = &self.function {
            let mode = ThreadsafeFunctionCallMode::NonBlocking;
            if function.call(news.to_string(), mode) == Status::Ok {
                self.sent += 1;
            }
        }
    }

    /// The envelope, with the number of news that belong to it.
    pub(crate) fn envelope(&self, answer: Result<Value>) -> String {
        let mut text = envelope(answer);
        if self.sent > 0 {
            text.pop();
            text.push_str(&format!(",\"news\":{}}}", self.sent));
        }
        text
    }
}
