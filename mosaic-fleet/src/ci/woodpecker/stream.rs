//! Woodpecker's event stream, as hints: no replay, no order, and no word when the token is not
//! accepted, so whoever listens checks that before and asks for the facts after.

use std::error::Error as StdError;
use std::io;

use futures::StreamExt;
use reqwest::header::CONTENT_TYPE;
use sse_stream::SseByteStream;

use super::wire;
use crate::ci::{Hint, Hints, Phase, Status};
use crate::error::{Error, Result};
use crate::http::Http;

/// The longest line that is read, in bytes: one event with every changed file's name.
const LONGEST: usize = 8 << 20;

/// Hints about the repository with this number; `None` where there is no such stream.
pub(super) async fn open(http: &Http, repo: u64) -> Result<Option<Hints>> {
    let response = http.stream(&["api", "stream", "events"]).await?;
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE);
    let is_stream = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    match status {
        200..=299 if is_stream => {}
        // An older server, or a proxy that lets no stream through.
        200..=299 | 404..=406 => return Ok(None),
        _ => {
            let words = format!("{} answered {status} to the stream of events", http.host());
            return Err(Error::unavailable(words));
        }
    }
    let host = http.host();
    let mut line = 0;
    let bytes = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(|error| io::Error::other(error.without_url()))?;
        line = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => piece.len() - at,
            None => line + piece.len(),
        };
        match line > LONGEST {
            true => Err(io::Error::other("an event is too long")),
            false => Ok(piece),
        }
    });
    let events = SseByteStream::new(bytes);
    let hints = events.filter_map(move |event| {
        let hint = match event {
            Ok(event) => event.data.and_then(|data| hint(&data, repo)).map(Ok),
            Err(error) => Some(Err(broken(&host, error))),
        };
        std::future::ready(hint)
    });
    Ok(Some(hints.boxed()))
}

/// What an event says of this repository; nothing if it is about something else.
fn hint(data: &str, repo: u64) -> Option<Hint> {
    let event: wire::Event = serde_json::from_str(data).ok()?;
    let ended = Status::new(&event.pipeline.status).phase() == Phase::Ended;
    (event.repo.id == repo).then(|| Hint::new(event.pipeline.number, ended))
}

fn broken(host: &str, error: impl StdError + Send + Sync + 'static) -> Error {
    Error::unavailable(format!("{host}: the stream of events broke")).with_source(error)
}
