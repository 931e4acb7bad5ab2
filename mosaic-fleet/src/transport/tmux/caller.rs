//! A caller that may go away: what it asked for stops before anything is typed, and is tidied up
//! after.

use std::future::Future;

use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};

/// Whether somebody still waits for the answer.
#[derive(Debug, Clone)]
pub(super) struct Caller(watch::Receiver<()>);

impl Caller {
    /// Runs `work` in a task of its own, so that it can tidy up when its caller is dropped.
    pub(super) async fn serve<T, F>(work: impl FnOnce(Caller) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (_alive, presence) = watch::channel(());
        match tokio::spawn(work(Caller(presence))).await {
            Ok(result) => result,
            Err(error) => {
                Err(Error::new(ErrorKind::Unexpected, "the send broke off").with_source(error))
            }
        }
    }

    /// Nobody waits any more.
    pub(super) fn is_gone(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// Does `work` unless the caller goes away before it is done. For work that may be dropped.
    pub(super) async fn or_gone<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut presence = self.0.clone();
        tokio::select! {
            result = work => result,
            _ = presence.changed() => Err(gone()),
        }
    }
}

/// The answer that nobody hears.
pub(super) fn gone() -> Error {
    Error::new(ErrorKind::Closed, "the caller went away")
}
