//! A program's configuration in JSON: what is in it stays, in its order. No files here.

use std::path::Path;

use serde_json::{Map, Value};

use super::Before;
use crate::error::{Error, Result};

/// The contents of a file after `edit`. The text stays as it is if nothing changes; a file without
/// anything left in it goes.
///
/// # Errors
///
/// `ConfigInvalid` with the path and place, as `edit` does.
pub(super) fn edited(
    before: &Before<'_>,
    edit: impl FnOnce(&mut Map<String, Value>) -> Result<()>,
) -> Result<Option<String>> {
    let old = match before.text.filter(|text| !text.trim().is_empty()) {
        Some(text) => parsed(before.path, text)?,
        None => Map::new(),
    };
    let mut new = old.clone();
    edit(&mut new)?;
    if new == old {
        return Ok(before.text.map(str::to_owned));
    }
    if new.is_empty() {
        return Ok(None);
    }
    let text = serde_json::to_string_pretty(&new)
        .map_err(|error| wrong(before.path, "", "cannot be written").with_source(error))?;
    Ok(Some(text + "\n"))
}

fn parsed(path: &Path, text: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(wrong(path, "", "is not an object")),
        Err(error) => {
            let place = format!("{}:{}", error.line(), error.column());
            let what = format!("{}:{place}: not valid JSON: {error}", path.display());
            Err(Error::config_invalid(what)
                .with_hint("mend the file, then run this again; nothing was written")
                .with_source(error))
        }
    }
}

/// `what` is wrong at `place` (`hooks.Stop[0]`) of a file.
pub(super) fn wrong(path: &Path, place: &str, what: &str) -> Error {
    let place = match place {
        "" => "the file",
        place => place,
    };
    Error::config_invalid(format!("{}: {place} {what}", path.display()))
        .with_hint("mend the file, then run this again; nothing was written")
}

/// The object at `place`.
pub(super) fn object<'a>(
    path: &Path,
    place: &str,
    value: &'a mut Value,
) -> Result<&'a mut Map<String, Value>> {
    let map = value.as_object_mut();
    map.ok_or_else(|| wrong(path, place, "is not an object"))
}

/// The list at `place`.
pub(super) fn list<'a>(
    path: &Path,
    place: &str,
    value: &'a mut Value,
) -> Result<&'a mut Vec<Value>> {
    let list = value.as_array_mut();
    list.ok_or_else(|| wrong(path, place, "is not a list"))
}

/// Takes `key` out of `map` once there is nothing in it.
pub(super) fn drop_if_empty(map: &mut Map<String, Value>, key: &str) {
    let empty = match map.get(key) {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(list)) => list.is_empty(),
        _ => false,
    };
    if empty {
        map.shift_remove(key);
    }
}

/// A key as both programs spell it, whatever its case and blanks.
pub(super) fn key(written: &str) -> String {
    let words: Vec<&str> = written.split_whitespace().collect();
    words.join(" ").to_lowercase().replace("control+", "ctrl+")
}
