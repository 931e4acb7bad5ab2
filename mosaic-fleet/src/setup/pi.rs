//! pi: the submit key in `keybindings.json`, and an extension of ours.

use serde_json::{Value, json};

use super::json::{edited, key, wrong};
use super::{Before, Part};
use crate::error::{Error, Result};

pub(super) const PARTS: &[Part] = &[
    Part {
        name: "keybindings.json",
        plan: keybindings,
        ours: false,
    },
    Part {
        name: "extensions/mosaic-fleet.ts",
        plan: extension,
        ours: true,
    },
];

/// What submits, as pi names it, and as it did before.
const SUBMIT: &str = "tui.input.submit";
const OLD_SUBMIT: &str = "submit";

/// The submit key, and the one that pi has without any configuration.
const KEY: &str = "f12";
const USUAL: &str = "enter";

const EXTENSION: &str = include_str!("../runtimes/pi-extension.ts");
/// What stands in the extension for the binary's path.
const PLACE: &str = "\"@BINARY@\"";

/// The first line tells that the file is ours.
fn marker() -> &'static str {
    EXTENSION.lines().next().unwrap_or_default()
}

fn keybindings(before: &Before<'_>) -> Result<Option<String>> {
    edited(before, |top| {
        // An old name counts where the new one is not there.
        let action = match top.contains_key(OLD_SUBMIT) && !top.contains_key(SUBMIT) {
            true => OLD_SUBMIT,
            false => SUBMIT,
        };
        let keys = match top.get(action) {
            None => Some(vec![USUAL.to_owned()]),
            Some(keys) => keys_of(keys),
        };
        if before.uninstall {
            let Some(mut keys) = keys.filter(|keys| keys.iter().any(|bound| key(bound) == KEY))
            else {
                return Ok(());
            };
            keys.retain(|bound| key(bound) != KEY);
            if keys == [USUAL] {
                top.shift_remove(action);
            } else {
                top[action] = json!(keys);
            }
            return Ok(());
        }
        let Some(mut keys) = keys else {
            return Err(wrong(before.path, action, "is no key and no list of keys"));
        };
        for (other, bound) in top.iter().filter(|(other, _)| *other != action) {
            let bound = keys_of(bound).unwrap_or_default();
            if bound.iter().any(|bound| key(bound) == KEY) {
                return Err(wrong(before.path, other, "has the key f12").with_hint(format!(
                    "give that another key: messages are submitted with {KEY}; nothing was written"
                )));
            }
        }
        if !keys.iter().any(|bound| key(bound) == KEY) {
            keys.push(KEY.to_owned());
            top.insert(action.to_owned(), json!(keys));
        }
        Ok(())
    })
}

/// One key, or a list of them.
fn keys_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(key) => Some(vec![key.clone()]),
        Value::Array(keys) => {
            let keys = keys.iter().map(|key| key.as_str().map(str::to_owned));
            keys.collect()
        }
        _ => None,
    }
}

fn extension(before: &Before<'_>) -> Result<Option<String>> {
    let ours = |text: &&str| text.lines().next() == Some(marker());
    match (before.text, before.uninstall) {
        (Some(text), true) if ours(&text) => Ok(None),
        (text, true) => Ok(text.map(str::to_owned)),
        (Some(text), false) if !ours(&text) => Err(Error::config_invalid(format!(
            "{} is not ours: its first line is not ours",
            before.path.display()
        ))
        .with_hint("move that file away, then run this again; nothing was written")),
        (_, false) => {
            let binary = json!(before.binary).to_string();
            Ok(Some(EXTENSION.replace(PLACE, &binary)))
        }
    }
}
