//! Streams of a fleet for callers that cannot hold a borrow: asked for one piece after the other.

use std::fmt;

use futures::StreamExt;
use futures::stream::BoxStream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

use super::arguments::read;
use super::asked::Tailing;
use super::{document, error_to_value};
use crate::agent::AgentName;
use crate::error::Result;
use crate::fleet::Fleet;

/// What an agent shows, or how agents change, piece by piece. Owns its fleet.
pub struct Stream {
    pieces: Mutex<BoxStream<'static, Result<Value>>>,
    closed: watch::Sender<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watching {
    #[serde(default)]
    names: Vec<AgentName>,
}

impl Stream {
    /// What an agent shows from now on, each piece as `tail` answers it. `arguments` are those of
    /// `tail`.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn follow(fleet: &Fleet, arguments: Value) -> Result<Self> {
        let asked: Tailing = read(arguments)?;
        let pieces = fleet.follow(&asked.agent, asked.options()?);
        Ok(Self::of(pieces.map(|piece| document(&piece?)).boxed()))
    }

    /// How agents are, then each change: `{agent, status}`, or `{agent, error}` once for one that
    /// cannot be watched. `arguments`: `names`, all of the roster without.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn watch(fleet: &Fleet, arguments: Value) -> Result<Self> {
        let asked: Watching = read(arguments)?;
        let pieces = fleet.watch(&asked.names).map(|(agent, status)| {
            Ok(match status {
                Ok(status) => json!({ "agent": agent, "status": document(&status)? }),
                Err(error) => json!({ "agent": agent, "error": error_to_value(&error) }),
            })
        });
        Ok(Self::of(pieces.boxed()))
    }

    fn of(pieces: BoxStream<'static, Result<Value>>) -> Self {
        Stream {
            pieces: Mutex::new(pieces),
            closed: watch::Sender::new(false),
        }
    }

    /// The next piece; nothing when the stream has ended or was closed. Callers at the same time get
    /// one piece each.
    ///
    /// # Errors
    /// As the operation; the stream has ended then.
    ///
    /// # Cancel safety
    /// A dropped call loses no piece.
    pub async fn next(&self) -> Result<Option<Value>> {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            biased;
            // The sender is ours: waiting for it ends in no other way.
            _ = closed.wait_for(|closed| *closed) => {
                self.let_go();
                Ok(None)
            }
            piece = async { self.pieces.lock().await.next().await } => piece.transpose(),
        }
    }

    /// Ends the stream, also for a call of [`Stream::next`] that waits.
    pub fn close(&self) {
        self.closed.send_replace(true);
        self.let_go();
    }

    /// Drops what is under way, and the fleet with it. Where somebody waits for a piece, that caller
    /// does it.
    fn let_go(&self) {
        if let Ok(mut pieces) = self.pieces.try_lock() {
            *pieces = futures::stream::empty().boxed();
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("closed", &*self.closed.borrow())
            .finish_non_exhaustive()
    }
}
