//! Asking within a time limit, and again while an outage may pass by.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::wait::News;
use crate::error::{Error, Result, Retry};

/// The longest that one question may take.
const LIMIT: Duration = Duration::from_secs(60);

/// The longest that it may take when the time is over: one look always comes before.
const LAST_LIMIT: Duration = Duration::from_secs(5);

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);

/// An answer, if it comes within what is left of `timeout` on a clock that began at `begin`.
pub(super) async fn in_time<T>(
    begin: Instant,
    whole: Duration,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    let left = whole.saturating_sub(begin.elapsed());
    match timeout(left.clamp(LAST_LIMIT, LIMIT), answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Error::unavailable("no answer in time")),
    }
}

/// An answer, asked for again while that may help: as long as `outage` at most, and not beyond
/// `whole`.
///
/// # Errors
///
/// The last one. Its [`Retry`] tells whether that was an outage.
pub(super) async fn ridden_out<T, F>(
    begin: Instant,
    whole: Duration,
    outage: Duration,
    news: &mut (dyn FnMut(News) + Send),
    mut ask: impl FnMut() -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let first = begin.elapsed();
    let mut troubled = false;
    loop {
        let error = match in_time(begin, whole, ask()).await {
            Ok(answer) => {
                if troubled {
                    news(News::Back);
                }
                return Ok(answer);
            }
            Err(error) => error,
        };
        let pause = match error.retry() {
            Retry::Safe => PAUSE,
            Retry::After(pause) => pause.max(PAUSE),
            Retry::Never => return Err(error),
        };
        let now = begin.elapsed();
        if now >= whole || now.saturating_add(pause) > first.saturating_add(outage) {
            return Err(error);
        }
        if !troubled {
            troubled = true;
            news(News::Trouble(error.to_string()));
        }
        sleep(pause).await;
    }
}
