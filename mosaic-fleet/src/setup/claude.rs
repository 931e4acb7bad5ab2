//! Claude Code: hooks in `settings.json`, the submit key in `keybindings.json`.

use serde_json::{Map, Value, json};

use super::json::{drop_if_empty, edited, key, list, object, wrong};
use super::{BINARY, Before, Part, shell_word};
use crate::error::Result;

pub(super) const PARTS: &[Part] = &[
    Part {
        name: "keybindings.json",
        plan: keybindings,
        ours: false,
    },
    Part {
        name: "settings.json",
        plan: settings,
        ours: false,
    },
];

/// The events that we are told of.
const EVENTS: [&str; 6] = [
    "SessionStart",
    "SessionEnd",
    "UserPromptSubmit",
    "PermissionRequest",
    "PostToolUse",
    "Stop",
];

/// What follows the binary's name in a hook of ours.
const WORDS: &str = " hook claude --submit-key";

/// How long Claude Code waits for a hook, in seconds.
const TIMEOUT: u64 = 5;

/// The submit key as tmux spells it.
const TMUX_KEY: &str = "C-x C-y";

/// The submit key as Claude Code spells it, and what it does.
const KEY: &str = "ctrl+x ctrl+y";
const SUBMIT: &str = "chat:submit";

fn settings(before: &Before<'_>) -> Result<Option<String>> {
    edited(before, |top| {
        if before.uninstall {
            remove_hooks(top);
            return Ok(());
        }
        let command = format!("{}{WORDS} '{TMUX_KEY}'", shell_word(before.binary));
        let hooks = top.entry("hooks").or_insert_with(|| json!({}));
        let hooks = object(before.path, "hooks", hooks)?;
        for event in EVENTS {
            let groups = hooks.entry(event).or_insert_with(|| json!([]));
            add_hook(before, event, groups, &command)?;
        }
        Ok(())
    })
}

/// One hook of ours in the event's groups: the first that is there takes the command, others go.
fn add_hook(before: &Before<'_>, event: &str, groups: &mut Value, command: &str) -> Result<()> {
    let place = format!("hooks.{event}");
    let groups = list(before.path, &place, groups)?;
    let mut found = false;
    for (at, group) in groups.iter_mut().enumerate() {
        let place = format!("{place}[{at}]");
        let group = object(before.path, &place, group)?;
        let place = format!("{place}.hooks");
        let Some(handlers) = group.get_mut("hooks") else {
            return Err(wrong(before.path, &place, "is missing"));
        };
        let handlers = list(before.path, &place, handlers)?;
        for (at, handler) in handlers.iter_mut().enumerate() {
            object(before.path, &format!("{place}[{at}]"), handler)?;
        }
        handlers.retain_mut(|handler| {
            if !is_ours(handler) {
                return true;
            }
            handler["command"] = json!(command);
            !std::mem::replace(&mut found, true)
        });
    }
    if !found {
        groups.push(json!({
            "hooks": [{ "type": "command", "command": command, "timeout": TIMEOUT }]
        }));
    }
    Ok(())
}

/// Takes our hooks out of all events, older ones' too, and what became empty by that. What has
/// another shape has nothing of ours in it.
fn remove_hooks(top: &mut Map<String, Value>) {
    let Some(Value::Object(hooks)) = top.get_mut("hooks") else {
        return;
    };
    let events: Vec<String> = hooks.keys().cloned().collect();
    for event in events {
        let Some(Value::Array(groups)) = hooks.get_mut(&event) else {
            continue;
        };
        let all = groups.len();
        groups.retain_mut(|group| {
            let Some(Value::Array(handlers)) = group.get_mut("hooks") else {
                return true;
            };
            let all = handlers.len();
            handlers.retain(|handler| !is_ours(handler));
            handlers.len() == all || !handlers.is_empty()
        });
        if groups.len() < all {
            drop_if_empty(hooks, &event);
        }
    }
    drop_if_empty(top, "hooks");
}

/// A hook that runs `…/mosaic-fleet hook claude --submit-key …` and nothing else.
fn is_ours(handler: &Value) -> bool {
    let command = handler.get("command").and_then(Value::as_str);
    let Some((program, rest)) = command.and_then(|command| command.split_once(WORDS)) else {
        return false;
    };
    let path = match program.strip_prefix('\'') {
        Some(_) => program.trim_matches('\'').replace("'\\''", "'"),
        None => program.to_owned(),
    };
    let one_word =
        shell_word(&path) == program || !program.contains([' ', ';', '&', '|', '\n', '\'']);
    let named = path.rsplit('/').next() == Some(BINARY);
    one_word && named && !rest.contains([';', '&', '|', '\n', '<', '>'])
}

fn keybindings(before: &Before<'_>) -> Result<Option<String>> {
    edited(before, |top| {
        if before.uninstall {
            remove_key(top);
            return Ok(());
        }
        let blocks = top.entry("bindings").or_insert_with(|| json!([]));
        let blocks = list(before.path, "bindings", blocks)?;
        let mut chat = None;
        for (at, block) in blocks.iter_mut().enumerate() {
            let place = format!("bindings[{at}]");
            let block = object(before.path, &place, block)?;
            let context = block.get("context").and_then(Value::as_str);
            let Some(context) = context.map(str::to_owned) else {
                return Err(wrong(before.path, &place, "has no context"));
            };
            let place = format!("{place}.bindings");
            let mut none = json!({});
            let bindings = block.get_mut("bindings").unwrap_or(&mut none);
            let bindings = object(before.path, &place, bindings)?;
            if !["Chat", "Global"].contains(&context.as_str()) {
                continue;
            }
            match bindings.iter().find(|(bound, _)| key(bound) == KEY) {
                Some((_, action)) if action == SUBMIT && context == "Chat" => return Ok(()),
                Some((bound, action)) => {
                    let what = format!("has {bound:?} as {action}, which must be {SUBMIT:?}");
                    return Err(wrong(before.path, &place, &what).with_hint(format!(
                        "give that another key: messages are submitted with {KEY}; nothing was written"
                    )));
                }
                None if context == "Chat" => chat = chat.or(Some(at)),
                None => {}
            }
        }
        match chat {
            Some(at) => blocks[at]["bindings"][KEY] = json!(SUBMIT),
            None => blocks.push(json!({ "context": "Chat", "bindings": { KEY: SUBMIT } })),
        }
        Ok(())
    })
}

fn remove_key(top: &mut Map<String, Value>) {
    let Some(Value::Array(blocks)) = top.get_mut("bindings") else {
        return;
    };
    blocks.retain_mut(|block| {
        let chat = block
            .get("context")
            .is_some_and(|context| context == "Chat");
        let Some(Value::Object(bindings)) = block.get_mut("bindings").filter(|_| chat) else {
            return true;
        };
        let ours = bindings.get(KEY).is_some_and(|action| action == SUBMIT);
        if ours {
            bindings.shift_remove(KEY);
        }
        !(ours && bindings.is_empty())
    });
    drop_if_empty(top, "bindings");
}
