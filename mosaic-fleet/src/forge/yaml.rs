//! Reading YAML that may hold secrets: what is wrong is told with its place and never with a word
//! of the text. What the text should say is for [`tea`](super::tea) and [`forges`](super::forges).

use serde::de::DeserializeOwned;
use serde_saphyr::{Error as YamlError, options::DuplicateKeyPolicy};

use crate::error::{Error, Result};

/// How much aliases may copy in all.
const MOST_COPIES: usize = 10_000;

/// Reads the one document of a text; `None` if there is nothing but comments.
///
/// # Errors
///
/// `ConfigInvalid` with the file, the line and the column.
pub(super) fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<Option<T>> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: DuplicateKeyPolicy::Error,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_COPIES },
    };
    // The error itself is not kept as the cause: it quotes what it could not read.
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = match error.location() {
            Some(at) if at.line() > 0 => format!("{file}:{}:{}", at.line(), at.column()),
            _ => file.to_owned(),
        };
        Error::config_invalid(format!("{place}: {}", what(&error)))
    })
}

fn what(error: &YamlError) -> &'static str {
    match error {
        YamlError::DuplicateMappingKey { .. } => "this key stands here twice",
        YamlError::MultipleDocuments { .. } => "a second document begins here",
        YamlError::UnknownAnchor { .. } => "there is no such anchor",
        YamlError::Budget { .. } | YamlError::AliasReplayLimitExceeded { .. } => {
            "this is too much, or nested too deeply"
        }
        YamlError::AliasError { error, .. } => what(error),
        YamlError::SerdeInvalidType { .. }
        | YamlError::SerdeInvalidValue { .. }
        | YamlError::Unexpected { .. }
        | YamlError::InvalidScalar { .. } => "something else is expected here",
        _ => "not readable as YAML",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    type Texts = BTreeMap<String, String>;

    #[test]
    fn nothing_is_nothing() {
        for text in ["", "\n", "# only a word\n", "---\n", "null\n", "---\n...\n"] {
            assert!(read::<Texts>(text, "f").unwrap().is_none(), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place() {
        for (text, told) in [
            ("a: hunter2\nb: 'hunter2\n", "not readable as YAML"),
            ("a: b\na: hunter2\n", "f:2:1: this key stands here twice"),
            ("a: b\n---\na: hunter2\n", "a second document begins here"),
            ("a: *hunter2\n", "f:1:4: there is no such anchor"),
            (
                "a:\n  - hunter2\n",
                "f:2:3: something else is expected here",
            ),
            ("hunter2\n", "f:1:1: something else is expected here"),
            ("a: hunter2\n\thunter2: b\n", "not readable as YAML"),
            ("a: \"hunter2\n", "not readable as YAML"),
        ] {
            let error = read::<Texts>(text, "f").unwrap_err();
            assert!(error.message().contains(told), "{text:?}: {error}");
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
        }
    }
}
