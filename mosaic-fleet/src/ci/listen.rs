//! Listening to a service's hints for as long as somebody waits: connects, and connects again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures::stream::{self, Stream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use crate::ci::{Ci, Hint, Hints};
use crate::forge::RepoName;

/// What a listener hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The service is listened to from now on; what it said before is lost.
    Connected,
    /// It says that something happened.
    Hint(Hint),
}

enum Listener {
    Off(ExponentialBackoff),
    On(Hints),
}

/// Between two connections, about: the first and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .without_max_times()
        .with_jitter()
        .build()
}

/// All that is heard. Ends where the service has no hints to give.
pub(crate) fn listen<'a>(ci: &'a dyn Ci, repo: &'a RepoName) -> impl Stream<Item = Heard> + 'a {
    stream::unfold(Listener::Off(pauses()), move |mut listener| async move {
        loop {
            listener = match listener {
                Listener::On(mut hints) => match hints.next().await {
                    Some(Ok(hint)) => return Some((Heard::Hint(hint), Listener::On(hints))),
                    broken => {
                        tracing::debug!(?broken, "the stream of events ended");
                        Listener::Off(pauses_after_one().await)
                    }
                },
                Listener::Off(mut waits) => match ci.hints(repo).await {
                    Ok(Some(hints)) => return Some((Heard::Connected, Listener::On(hints))),
                    Ok(None) => return None,
                    Err(error) => {
                        tracing::debug!(%error, "no stream of events");
                        sleep(waits.next().unwrap_or(PAUSES.1)).await;
                        Listener::Off(waits)
                    }
                },
            };
        }
    })
}

/// The next that is heard; for ever nothing where the service has no hints to give. May be dropped
/// and called again: a connection that is being made goes on.
pub(crate) async fn next<S: Stream<Item = Heard> + Unpin>(heard: &mut stream::Fuse<S>) -> Heard {
    match heard.next().await {
        Some(heard) => heard,
        None => std::future::pending().await,
    }
}

/// A stream that breaks at once each time is no reason to hurry.
async fn pauses_after_one() -> ExponentialBackoff {
    let mut waits = pauses();
    sleep(waits.next().unwrap_or(PAUSES.0)).await;
    waits
}

/// Sleeps until a time of a clock that began at `begin`; for ever if that is never.
pub(crate) async fn until(begin: Instant, wake: Duration) {
    match begin.checked_add(wake) {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
