//! Fleets, and calls that need none.

use std::sync::Arc;

use mosaic_fleet::registry::Factory;
use mosaic_fleet::{Error, Registry, Result, wire};
use napi::Env;
use napi::bindgen_prelude::{Either, PromiseRaw, within_runtime_if_available};
use napi_derive::napi;
use serde_json::Value;

use crate::answer::{Cancellation, News, NewsFunction, arguments, begin, envelope, variables};
use crate::foreign::{Transport, thrown};
use crate::stream::Stream;

/// The transports that a fleet is opened with.
#[napi]
#[derive(Debug)]
pub struct Opening {
    registry: Registry,
}

#[napi]
impl Opening {
    /// Knows the transports of this build, if `builtin`, or none.
    #[napi(constructor)]
    pub fn new(builtin: bool) -> Self {
        let registry = if builtin {
            Registry::builtin()
        } else {
            Registry::new()
        };
        Opening { registry }
    }

    /// Has the roster's `transport: SCHEME` mean this one.
    ///
    /// # Errors
    /// With an error's envelope as the message.
    #[napi]
    pub fn add(&mut self, scheme: String, transport: &Transport) -> napi::Result<()> {
        let transport = transport.inner();
        let factory: Factory = Arc::new(move |_, _| Ok(Arc::clone(&transport)));
        self.registry.register(&scheme, factory).map_err(thrown)
    }

    /// Opens a fleet that has no files to read.
    ///
    /// # Errors
    /// With an error's envelope as the message.
    #[napi]
    pub fn open_now(&self, options: String) -> napi::Result<Fleet> {
        let registry = self.registry.clone();
        let opened = within_runtime_if_available(|| {
            arguments(&options).and_then(|options| wire::open(options, registry))
        });
        opened.map(|inner| Fleet { inner }).map_err(thrown)
    }

    /// Opens the fleet, or answers an envelope. Files are read on another thread.
    #[napi(ts_return_type = "Promise<Fleet | string>")]
    pub fn open<'env>(
        &self,
        env: &'env Env,
        options: String,
    ) -> napi::Result<PromiseRaw<'env, Either<Fleet, String>>> {
        let registry = self.registry.clone();
        env.spawn_future(async move {
            let opened = tokio::task::spawn_blocking(move || {
                arguments(&options).and_then(|options| wire::open(options, registry))
            });
            Ok(match opened.await {
                Ok(Ok(inner)) => Either::A(Fleet { inner }),
                Ok(Err(error)) => Either::B(envelope(Err(error))),
                Err(died) => Either::B(envelope(Err(defect(&died)))),
            })
        })
    }
}

/// A fleet that is open.
#[napi]
#[derive(Debug)]
pub struct Fleet {
    inner: mosaic_fleet::Fleet,
}

#[napi]
impl Fleet {
    /// Calls an operation by name; answers an envelope, or nothing when it was given up.
    #[napi(ts_return_type = "Promise<string | null>")]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        operation: String,
        text: String,
        #[napi(ts_arg_type = "((news: string) => void) | null")] news: Option<NewsFunction>,
        cancellation: Option<&Cancellation>,
    ) -> napi::Result<PromiseRaw<'env, Option<String>>> {
        let fleet = self.inner.clone();
        begin(env, cancellation, async move {
            let mut news = News::new(news);
            let answer = match arguments(&text) {
                Ok(asked) => {
                    let mut tell = |told: Value| news.tell(&told);
                    wire::call(&fleet, &operation, asked, &mut tell).await
                }
                Err(error) => Err(error),
            };
            news.envelope(answer)
        })
    }

    /// What an agent shows, piece by piece.
    ///
    /// # Errors
    /// With an error's envelope as the message.
    #[napi]
    pub fn follow(&self, text: String) -> napi::Result<Stream> {
        self.stream(&text, wire::Stream::follow)
    }

    /// How agents are, and each change.
    ///
    /// # Errors
    /// With an error's envelope as the message.
    #[napi]
    pub fn watch(&self, text: String) -> napi::Result<Stream> {
        self.stream(&text, wire::Stream::watch)
    }

    fn stream(
        &self,
        text: &str,
        open: fn(&mosaic_fleet::Fleet, Value) -> Result<wire::Stream>,
    ) -> napi::Result<Stream> {
        let opened = within_runtime_if_available(|| {
            arguments(text).and_then(|asked| open(&self.inner, asked))
        });
        opened.map(Stream::new).map_err(thrown)
    }
}

/// Calls an operation that needs no fleet, with the caller's variables.
#[napi(ts_return_type = "Promise<string | null>")]
pub fn call_free<'env>(
    env: &'env Env,
    operation: String,
    text: String,
    environment: String,
    #[napi(ts_arg_type = "((news: string) => void) | null")] news: Option<NewsFunction>,
    cancellation: Option<&Cancellation>,
) -> napi::Result<PromiseRaw<'env, Option<String>>> {
    begin(env, cancellation, async move {
        let mut news = News::new(news);
        let read = arguments(&text).and_then(|asked| Ok((asked, variables(&environment)?)));
        let answer = match read {
            Ok((asked, variables)) => {
                let mut tell = |told: Value| news.tell(&told);
                wire::call_free(&variables, &operation, asked, &mut tell).await
            }
            Err(error) => Err(error),
        };
        news.envelope(answer)
    })
}

fn defect(cause: &dyn std::fmt::Display) -> Error {
    Error::new(mosaic_fleet::ErrorKind::Unexpected, cause.to_string())
}
