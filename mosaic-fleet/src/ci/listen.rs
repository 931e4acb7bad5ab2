//! Listening to a service's hints for as long as somebody waits: connects, and connects again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::stream::{self, Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use crate::ci::{Ci, Hint, Hints};
use crate::forge::RepoName;

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The service is listened to from now on; what it said before is lost.
    Connected,
    /// It says that something happened.
    Hint(Hint),
}

/// Between two looks at the same thing, whatever is hinted at.
pub(super) const GAP: Duration = Duration::from_secs(1);

/// Between two connections, about: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A connection that lasted so long was a good one: the next pause is a short one again.
const GOOD: Duration = Duration::from_secs(30);

struct Listener {
    pauses: ExponentialBackoff,
    hints: Option<(Hints, Instant)>,
    was_connected: bool,
}

impl Listener {
    fn new() -> Self {
        Listener {
            pauses: pauses(),
            hints: None,
            was_connected: false,
        }
    }

    /// A stream that breaks at once each time is no reason to hurry.
    async fn pause(&mut self) {
        if let Some((_, since)) = self.hints.take()
            && since.elapsed() >= GOOD
        {
            self.pauses = pauses();
        }
        sleep(self.pauses.next().unwrap_or(PAUSES.1)).await;
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .without_max_times()
        .with_jitter()
        .build()
}

/// All that is heard. Ends where the service has no hints to give; one that had some is asked again.
pub(super) fn listen<'a>(ci: &'a dyn Ci, repo: &'a RepoName) -> impl Stream<Item = Heard> + 'a {
    stream::unfold(Listener::new(), move |mut listener| async move {
        loop {
            if let Some((hints, _)) = &mut listener.hints {
                match hints.next().await {
                    Some(Ok(hint)) => return Some((Heard::Hint(hint), listener)),
                    ended => tracing::debug!(?ended, "the stream of events ended"),
                }
                listener.pause().await;
            }
            match ci.hints(repo).await {
                Ok(Some(hints)) => {
                    listener.hints = Some((hints, Instant::now()));
                    listener.was_connected = true;
                    return Some((Heard::Connected, listener));
                }
                Ok(None) if !listener.was_connected => return None,
                no => {
                    let error = no.err();
                    tracing::debug!(?error, "no stream of events");
                    listener.pause().await;
                }
            }
        }
    })
}

/// The next that is heard; for ever nothing where the service has no hints to give. May be dropped
/// and called again: a connection that is being made goes on.
pub(super) async fn next<S: Stream<Item = Heard> + Unpin>(heard: &mut stream::Fuse<S>) -> Heard {
    match heard.next().await {
        Some(heard) => heard,
        None => std::future::pending().await,
    }
}

/// Sleeps until a time of a clock that began at `begin`; for ever if that is never.
pub(super) async fn until(begin: Instant, wake: Duration) {
    match begin.checked_add(wake) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
