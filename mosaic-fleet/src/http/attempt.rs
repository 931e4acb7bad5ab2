//! Trying again: when, how long, and what is said when it did not help.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep, timeout_at};

use super::Answer;
use crate::error::{Error, Result, Retry};

/// How long a server may take. All times are upper limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// To connect.
    pub(crate) connect: Duration,
    /// To answer one request to its end.
    pub(crate) request: Duration,
    /// Between two pieces of an answer or of a stream.
    pub(crate) silence: Duration,
    /// For one call with all its tries and the pauses between them.
    pub(crate) call: Duration,
    /// How often is tried.
    pub(crate) tries: usize,
    /// Before the second try, about; twice as long before each further one.
    pub(crate) pause: Duration,
}

impl Patience {
    pub(crate) const USUAL: Patience = Patience {
        connect: Duration::from_secs(10),
        request: Duration::from_secs(30),
        silence: Duration::from_secs(75),
        call: Duration::from_secs(90),
        tries: 5,
        pause: Duration::from_millis(250),
    };
}

/// The longest pause; a server that asks for more by `Retry-After` is not asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Asks until there is an answer that another try would not mend, or patience ends. The last answer
/// counts: whoever waited wants to know what is wrong now.
pub(super) async fn until_answered<F>(
    patience: Patience,
    host: &str,
    mut ask: impl FnMut() -> F,
) -> Result<Answer>
where
    F: Future<Output = Result<Answer, reqwest::Error>>,
{
    let deadline = Instant::now() + patience.call;
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(patience.pause)
        .with_max_delay(LONGEST_PAUSE)
        .with_max_times(patience.tries.saturating_sub(1))
        .with_jitter()
        .build();
    let mut last = None;
    loop {
        let (error, asked_for) = match timeout_at(deadline, ask()).await {
            Ok(Ok(answer)) if !passes_by(answer.status) => return Ok(answer),
            Ok(Ok(answer)) => (answer.refusal(host), pause_asked_for(&answer)),
            Ok(Err(error)) if error.is_builder() => return Err(broken(host, error)),
            Ok(Err(error)) => (broken(host, error), None),
            Err(_) => return Err(last.unwrap_or_else(|| silent(host))),
        };
        let Some(pause) = pauses.next() else {
            return Err(after(error, asked_for));
        };
        let pause = asked_for.unwrap_or(pause).max(pause);
        // Asking sooner than the server wants would only be refused again.
        if pause > LONGEST_PAUSE || Instant::now() + pause >= deadline {
            return Err(after(error, asked_for));
        }
        tracing::debug!(%error, ?pause, "asks again");
        last = Some(error);
        sleep(pause).await;
    }
}

/// The error, with the pause that the server asked for.
fn after(error: Error, asked_for: Option<Duration>) -> Error {
    match asked_for {
        Some(pause) => error.with_retry(Retry::After(pause)),
        None => error,
    }
}

fn silent(host: &str) -> Error {
    Error::unavailable(format!("{host}: no answer in time"))
}

/// What another try may mend.
fn passes_by(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// `Retry-After` in seconds; its other form, a date, is rare and not worth a clock.
fn pause_asked_for(answer: &Answer) -> Option<Duration> {
    answer.number("retry-after").map(Duration::from_secs)
}

fn broken(host: &str, error: reqwest::Error) -> Error {
    Error::unavailable(format!("{host}: {}", words(&error))).with_source(error.without_url())
}

/// What became of a request, for people.
pub(super) fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if error.is_redirect() {
        return "it redirects without end".to_owned();
    }
    if error.is_connect() {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        return format!("no connection ({cause})");
    }
    "the connection broke".to_owned()
}
