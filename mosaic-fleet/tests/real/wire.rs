//! What the fake model reads and writes: Anthropic Messages, OpenAI Responses, Gemini. Pure.

use serde_json::{Value, json};

const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";

/// What the model says.
pub(crate) struct Answer {
    /// Counts the answers, so that no two are the same.
    pub(crate) number: usize,
    /// A shell command to ask for, instead of a word.
    pub(crate) command: Option<String>,
}

/// The user's texts of a request that goes on with the agent's conversation; `None` for the small
/// requests that programs make besides it: titles, counts, warm-ups. Those bring no tools.
pub(crate) fn conversation(path: &str, body: &Value) -> Option<Vec<String>> {
    let has_tools = tools(body).next().is_some();
    if !has_tools {
        return None;
    }
    let texts = |messages: &Value, blocks: &str| {
        let of_user = items(messages).filter(|message| message["role"] == "user");
        of_user
            .flat_map(|message| match &message[blocks] {
                Value::String(text) => vec![text.clone()],
                blocks => items(blocks)
                    .filter_map(|block| block["text"].as_str().map(str::to_owned))
                    .collect(),
            })
            .collect()
    };
    if path.ends_with("/messages") {
        Some(texts(&body["messages"], "content"))
    } else if path.ends_with("/responses") {
        Some(texts(&body["input"], "content"))
    } else if path.contains("enerateContent") {
        Some(texts(&body["contents"], "parts"))
    } else {
        None
    }
}

/// The answer to a request that is no conversation.
pub(crate) fn other(path: &str, body: &Value) -> Option<(&'static str, String)> {
    let answer = Answer {
        number: 0,
        command: None,
    };
    if path.ends_with("/count_tokens") {
        Some((JSON, json!({"input_tokens": 10}).to_string()))
    } else if path.ends_with(":countTokens") {
        Some((JSON, json!({"totalTokens": 10}).to_string()))
    } else if path.ends_with("/models") {
        Some((JSON, json!({"data": [], "models": []}).to_string()))
    } else if path.ends_with("/messages")
        || path.ends_with("/responses")
        || path.contains("enerateContent")
    {
        Some(write(path, body, &answer))
    } else {
        None
    }
}

/// An answer as the request wants it: its type and its text.
pub(crate) fn write(path: &str, body: &Value, answer: &Answer) -> (&'static str, String) {
    if path.contains("enerateContent") {
        gemini(path, body, answer)
    } else if path.ends_with("/responses") {
        (EVENTS, responses(body, answer))
    } else {
        messages(body, answer)
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The tools of a request.
fn tools(body: &Value) -> impl Iterator<Item = &Value> {
    let declared = items(&body["tools"]).flat_map(|tool| items(&tool["functionDeclarations"]));
    items(&body["tools"])
        .filter(|tool| tool["functionDeclarations"].is_null())
        .chain(declared)
}

/// The request's shell tool and the arguments for `command`.
fn shell_call(body: &Value, command: &str) -> (String, Value) {
    let known = [
        "Bash",
        "bash",
        "exec_command",
        "shell_command",
        "shell",
        "run_shell_command",
    ];
    let names = tools(body).filter_map(|tool| tool["name"].as_str());
    let name = names.into_iter().find(|name| known.contains(name));
    let name = name.unwrap_or("Bash").to_owned();
    let arguments = match name.as_str() {
        "exec_command" => json!({"cmd": command, "justification": "to see the question",
            "sandbox_permissions": "require_escalated"}),
        "shell" => json!({"command": ["sh", "-c", command]}),
        _ => json!({"command": command, "description": "makes a file"}),
    };
    (name, arguments)
}

fn event(kind: &str, mut data: Value) -> String {
    data["type"] = json!(kind);
    format!("event: {kind}\ndata: {data}\n\n")
}

fn messages(body: &Value, answer: &Answer) -> (&'static str, String) {
    let text = format!("ok {}", answer.number);
    let (block, delta, stop) = match &answer.command {
        None => (
            json!({"type": "text", "text": ""}),
            json!({"type": "text_delta", "text": text}),
            "end_turn",
        ),
        Some(command) => {
            let (name, arguments) = shell_call(body, command);
            (
                json!({"type": "tool_use", "id": format!("toolu_{}", answer.number), "name": name,
                    "input": {}}),
                json!({"type": "input_json_delta", "partial_json": arguments.to_string()}),
                "tool_use",
            )
        }
    };
    let mut message = json!({
        "id": format!("msg_{}", answer.number), "type": "message", "role": "assistant",
        "model": body["model"], "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    });
    if body["stream"] != true {
        message["content"] = json!([{"type": "text", "text": text}]);
        message["stop_reason"] = json!(stop);
        return (JSON, message.to_string());
    }
    let text = [
        event("message_start", json!({"message": message})),
        event(
            "content_block_start",
            json!({"index": 0, "content_block": block}),
        ),
        event("content_block_delta", json!({"index": 0, "delta": delta})),
        event("content_block_stop", json!({"index": 0})),
        event(
            "message_delta",
            json!({"delta": {"stop_reason": stop, "stop_sequence": null},
                "usage": {"output_tokens": 2}}),
        ),
        event("message_stop", json!({})),
    ];
    (EVENTS, text.concat())
}

fn responses(body: &Value, answer: &Answer) -> String {
    let number = answer.number;
    let item = match &answer.command {
        None => json!({"type": "message", "id": format!("msg_{number}"), "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": format!("ok {number}"), "annotations": []}]}),
        Some(command) => {
            let (name, arguments) = shell_call(body, command);
            json!({"type": "function_call", "id": format!("fc_{number}"), "status": "completed",
                "call_id": format!("call_{number}"), "name": name,
                "arguments": arguments.to_string()})
        }
    };
    let id = format!("resp_{number}");
    let usage = json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0}});
    [
        event(
            "response.created",
            json!({"response": {"id": id, "status": "in_progress"}}),
        ),
        event(
            "response.output_item.added",
            json!({"output_index": 0, "item": item}),
        ),
        event(
            "response.output_item.done",
            json!({"output_index": 0, "item": item}),
        ),
        event(
            "response.completed",
            json!({"response": {"id": id, "status": "completed", "output": [item],
                "usage": usage}}),
        ),
    ]
    .concat()
}

fn gemini(path: &str, body: &Value, answer: &Answer) -> (&'static str, String) {
    let part = match &answer.command {
        None => json!({"text": format!("ok {}", answer.number)}),
        Some(command) => {
            let (name, args) = shell_call(body, command);
            json!({"functionCall": {"name": name, "args": args}})
        }
    };
    let response = json!({
        "candidates": [{"index": 0, "finishReason": "STOP",
            "content": {"role": "model", "parts": [part]}}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12},
    });
    if path.contains("streamGenerateContent") {
        (EVENTS, format!("data: {response}\n\n"))
    } else {
        (JSON, response.to_string())
    }
}
