//! From what a program hands its hooks to an event of ours. Pure.

use serde_json::Value;

use super::{Event, What};

/// The most characters of a question that are kept.
const QUESTION_CHARS: usize = 200;

/// What a hook of `runtime` was told, if it is of interest. `submit_key` is the private key that
/// was bound when the hook was set up.
///
/// Claude Code has a form of its own; every other program's extension writes ours: `event` (a word
/// of [`What`], or pi's name for it), `session_id`, `text`, `queued`, `reason`, `question`.
pub fn told_by(runtime: &str, submit_key: Option<&str>, told: &Value) -> Option<Event> {
    let word = |key: &str| told.get(key).and_then(Value::as_str);
    let session = word("session_id").unwrap_or_default();
    let (what, text, question, reason) = if runtime == "claude" {
        let what = claude(word("hook_event_name")?)?;
        let reason = word("source").or(word("reason"));
        (what, word("prompt"), tool(told), reason)
    } else {
        let question = word("question").map(str::to_owned);
        (
            ours(word("event")?)?,
            word("text"),
            question,
            word("reason"),
        )
    };
    // The summary of a conversation goes on with it: nothing begins.
    if what == What::SessionStart && reason == Some("compact") {
        return None;
    }
    let event = Event::now(what, cut(session, 80));
    let event = match text.filter(|_| what == What::Prompt) {
        Some(text) => event.with_text(text),
        None => event,
    };
    Some(Event {
        runtime: cut(runtime, 40),
        queued: told.get("queued").and_then(Value::as_bool).unwrap_or(false),
        reason: reason.map(|reason| cut(reason, 40)),
        question: question
            .filter(|_| what == What::Waiting)
            .map(|text| cut(&text, QUESTION_CHARS)),
        submit_key: submit_key.map(|key| cut(key, 40)),
        ..event
    })
}

fn claude(event: &str) -> Option<What> {
    Some(match event {
        "UserPromptSubmit" => What::Prompt,
        "PreToolUse" | "PostToolUse" => What::Working,
        "PermissionRequest" => What::Waiting,
        "Stop" => What::Idle,
        "SessionStart" => What::SessionStart,
        "SessionEnd" => What::SessionEnd,
        _ => return None,
    })
}

fn ours(event: &str) -> Option<What> {
    Some(match event {
        "prompt" | "input" => What::Prompt,
        "working" | "agent_start" | "ui_prompt_end" => What::Working,
        "idle" | "agent_settled" => What::Idle,
        "waiting" | "ui_prompt_start" => What::Waiting,
        "session_start" => What::SessionStart,
        "session_end" | "session_shutdown" => What::SessionEnd,
        _ => return None,
    })
}

/// The tool that Claude Code asks about, and what it would do.
fn tool(told: &Value) -> Option<String> {
    let name = told.get("tool_name")?.as_str()?;
    let input = told.get("tool_input").and_then(Value::as_object);
    let of = |key: &str| input?.get(key)?.as_str();
    let what = ["command", "file_path", "url", "pattern"]
        .into_iter()
        .find_map(of);
    Some(what.map_or_else(|| name.to_owned(), |what| format!("{name}: {what}")))
}

/// The first line of a text, at most so many characters of it.
fn cut(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claude_told(told: Value) -> Option<Event> {
        told_by("claude", Some("C-x C-y"), &told)
    }

    #[test]
    fn claude_code_tells_prompts_questions_and_sessions() {
        let prompt = claude_told(json!({
            "hook_event_name": "UserPromptSubmit", "session_id": "s", "prompt": "two\nlines"
        }))
        .unwrap();
        assert_eq!(
            (prompt.what, prompt.text),
            (
                What::Prompt,
                Event::now(What::Prompt, "s").with_text("twolines").text
            )
        );
        assert_eq!(prompt.submit_key.as_deref(), Some("C-x C-y"));
        let asked = claude_told(json!({
            "hook_event_name": "PermissionRequest", "session_id": "s", "tool_name": "Bash",
            "tool_input": {"command": "touch /tmp/x\nrm -r y"}
        }))
        .unwrap();
        assert_eq!(asked.question.as_deref(), Some("Bash: touch /tmp/x"));
        let cleared = claude_told(json!({
            "hook_event_name": "SessionStart", "session_id": "t", "source": "clear"
        }))
        .unwrap();
        assert_eq!(
            (cleared.what, cleared.reason.as_deref()),
            (What::SessionStart, Some("clear"))
        );
    }

    #[test]
    fn what_is_of_no_interest_or_no_event_is_nothing() {
        for told in [
            json!({"hook_event_name": "SessionStart", "source": "compact"}),
            json!({"hook_event_name": "Notification"}),
            json!({"event": "input"}),
            json!([1, 2]),
            json!(null),
        ] {
            assert_eq!(claude_told(told), None);
        }
    }

    #[test]
    fn an_extension_tells_in_our_form() {
        let told = told_by(
            "pi",
            None,
            &json!({"event": "input", "session_id": "s", "text": "hi", "queued": true}),
        )
        .unwrap();
        assert!(told.queued);
        assert_eq!(
            (told.what, told.text),
            (
                What::Prompt,
                Event::now(What::Prompt, "s").with_text("hi").text
            )
        );
    }
}
