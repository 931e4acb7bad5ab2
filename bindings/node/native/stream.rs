//! Following and watching: JavaScript asks for the next, until there is none.

use std::sync::Arc;

use mosaic_fleet::wire;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use serde_json::Value;

use crate::answer::{begin, envelope};

/// A stream that owns what it needs of its fleet.
#[napi]
#[derive(Debug)]
pub struct Stream {
    inner: Arc<wire::Stream>,
}

impl Stream {
    pub(crate) fn new(inner: wire::Stream) -> Self {
        Stream {
            inner: Arc::new(inner),
        }
    }
}

#[napi]
impl Stream {
    /// The envelope of the next; of `null` when there is none any more.
    #[napi(ts_return_type = "Promise<string>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Option<String>>> {
        let inner = Arc::clone(&self.inner);
        begin(env, None, async move {
            envelope(inner.next().await.map(|next| next.unwrap_or(Value::Null)))
        })
    }

    /// Ends it: who waits for the next hears that there is none.
    #[napi]
    pub fn close(&self) {
        self.inner.close();
    }
}
