//! Arguments as they come in: what is not known is refused, and durations have two forms.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::message::Sender;
use crate::text;

/// Reads an operation's arguments. `null` counts as none.
pub(super) fn read<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    let arguments = match arguments {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::Object(_) => arguments,
        other => {
            return Err(Error::invalid_argument(format!(
                "arguments are one JSON object, and this is {}",
                kind(&other)
            )));
        }
    };
    serde_json::from_value(arguments).map_err(|error| Error::invalid_argument(error.to_string()))
}

/// What a JSON value is, in a word.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A duration: seconds, or a text with units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a duration: seconds, or 30s, 5m, 1h30m")]
        enum Written {
            Seconds(f64),
            Text(String),
        }
        let bad = |text: String| {
            serde::de::Error::custom(format!(
                "{text} is no duration: write seconds, or 30s, 5m, 1h30m"
            ))
        };
        match Written::deserialize(deserializer)? {
            Written::Seconds(seconds) if (0.0..=text::LONGEST.as_secs_f64()).contains(&seconds) => {
                Ok(Span(Duration::from_secs_f64(seconds)))
            }
            Written::Seconds(seconds) => Err(bad(seconds.to_string())),
            Written::Text(text) => match text::duration(&text) {
                Ok(span) => Ok(Span(span)),
                Err(_) => Err(bad(format!("{text:?}"))),
            },
        }
    }
}

/// Overwrites `field` where a duration was given.
pub(super) fn set(field: &mut Duration, given: Option<Span>) {
    if let Some(Span(given)) = given {
        *field = given;
    }
}

/// Reads `host:session`.
pub(super) fn sender<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Sender>, D::Error> {
    let label = Option::<String>::deserialize(deserializer)?;
    let sender = label.as_deref().map(Sender::parse).transpose();
    sender.map_err(|error| serde::de::Error::custom(error.message()))
}

/// Tells a field that is `null` (`Some(None)`) from one that is not there (`None`).
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
