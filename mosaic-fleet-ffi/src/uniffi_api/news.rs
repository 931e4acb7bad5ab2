//! Who is told of what goes on before a call's answer.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::CallbackError;

/// Told of outcomes of starts and stops, and of changes of pipelines, each as it comes.
#[uniffi::export(rust, foreign)]
pub trait News: fmt::Debug + Send + Sync {
    /// One piece of news as JSON. Called on a thread of this library: hand it over and return.
    ///
    /// # Errors
    /// None that anything is done about: the call goes on.
    fn told(&self, news: String) -> Result<(), CallbackError>;
}

/// What passes news on, if anybody wants them.
pub(super) fn teller(news: Option<Arc<dyn News>>) -> impl FnMut(Value) + Send {
    move |piece| {
        if let Some(news) = &news {
            // It is the language's own layer that keeps what a user's function threw.
            let _ = news.told(piece.to_string());
        }
    }
}
