//! Edits of a roster's text that leave every other byte alone: comments, order and quoting stay.
//!
//! An edit is a few splices at places the tree knows. Its result is read again, and is returned
//! only when it says what was meant; a text that is written too unusually is refused, not damaged.

use serde_json::Value as Json;

use super::document::{Document, Splice, blanks, is_blank, unsafe_edit, with_agents};
use super::load::AGENT_FIELDS;
use super::schema::AgentSpec;
use super::tree::{Entry, Node, Value};
use crate::agent::AgentName;
use crate::error::{Error, Result};

/// Adds `agent` at the end of the roster in `text`, in the style of the agent before it.
///
/// # Errors
/// - `InvalidArgument` when the roster has an agent of that name.
/// - `ConfigInvalid` when the text is no roster, or is written so that it cannot be edited safely.
pub fn add_agent(text: &str, agent: &AgentSpec) -> Result<String> {
    let document = Document::read(text)?;
    if document.names().any(|name| name == agent.name.as_str()) {
        return Err(Error::invalid_argument("it is in the roster already").with_agent(&agent.name));
    }
    let spec = serde_json::to_value(agent).map_err(|error| {
        Error::invalid_argument("this agent cannot be written").with_source(error)
    })?;
    let mut expected = document.root.to_json();
    with_agents(&mut expected, |agents| agents.push(spec.clone()));
    document.finish(document.addition(&spec)?, expected)
}

/// Takes the agent `name` out of the roster in `text`, with the comments on its own lines. Comments
/// between agents stay.
///
/// # Errors
/// - `AgentNotFound`, with the nearest name suggested.
/// - `ConfigInvalid` when the text is no roster, or is written so that it cannot be edited safely.
pub fn remove_agent(text: &str, name: &AgentName) -> Result<String> {
    let document = Document::read(text)?;
    let Some(index) = document.names().position(|other| other == name.as_str()) else {
        return Err(Error::agent_not_found(name.as_str(), document.names()));
    };
    let mut expected = document.root.to_json();
    with_agents(&mut expected, |agents| {
        agents.remove(index);
    });
    document.finish(document.removal(index)?, expected)
}

impl Document<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.agents()
            .iter()
            .map(|agent| agent.entry("name").and_then(|name| name.value.as_written()))
            .map(Option::unwrap_or_default)
    }

    fn addition(&self, spec: &Json) -> Result<Vec<Splice>> {
        let flow = flow(spec, self.root.flow);
        let Some(entry) = self.root.entry("agents") else {
            return Ok(vec![self.new_entry(&flow)]);
        };
        let list = &entry.value;
        let (Some(last), true) = (list.items().last(), matches!(list.value, Value::List(_))) else {
            return self.first_item(entry, &flow);
        };
        if list.flow {
            return self.flow_item(list, last, flow);
        }
        let column = self.dash(last).ok_or_else(unsafe_edit)?;
        let dash = format!("{}- ", " ".repeat(column));
        let item = match last.flow {
            true => format!("{dash}{flow}"),
            false => block(spec)
                .lines()
                .enumerate()
                .map(|(index, line)| match index {
                    0 => format!("{dash}{line}"),
                    _ => format!("{}  {line}", " ".repeat(column)),
                })
                .collect::<Vec<_>>()
                .join(self.line_break),
        };
        Ok(vec![self.new_line(self.line_after(last.bytes.end), &item)])
    }

    /// An `agents` of its own, behind everything else.
    fn new_entry(&self, flow: &str) -> Splice {
        if self.root.flow {
            let comma = if self.root.entries().is_empty() {
                ""
            } else {
                ", "
            };
            let end = self.last_content(&self.root);
            return (end..end, format!("{comma}\"agents\": [{flow}]"));
        }
        let end = self.line_after(self.root.bytes.end);
        self.new_line(end, &format!("agents:{}  - {flow}", self.line_break))
    }

    /// The first item of a list that is there and empty.
    fn first_item(&self, entry: &Entry, flow: &str) -> Result<Vec<Splice>> {
        let written = entry.value.bytes.clone();
        let empty_list = entry.value.flow && entry.value.items().is_empty();
        if !(entry.value.is_null() || empty_list) {
            return Err(unsafe_edit());
        }
        if self.root.flow {
            return Ok(vec![(written, format!("[{flow}]"))]);
        }
        let item = self.new_line(self.line_after(written.end), &format!("  - {flow}"));
        let blank = self.text[..written.start].ends_with(' ');
        let from = written.start - usize::from(blank && !written.is_empty());
        Ok(vec![(from..written.end, String::new()), item])
    }

    /// One more item in brackets: on a line of its own if the one before it is.
    fn flow_item(&self, list: &Node, last: &Node, item: String) -> Result<Vec<Splice>> {
        let end = last.bytes.end;
        let Some(indent) = self.own_line(last).filter(|_| last.at.line > list.at.line) else {
            return Ok(vec![(end..end, format!(", {item}"))]);
        };
        let rest = &self.text[end..];
        let comma = self.comma(end..list.bytes.end);
        let line = rest.find('\n').map_or(self.text.len(), |at| end + at + 1);
        if comma.is_some_and(|comma| comma >= line) || line >= list.bytes.end {
            return Ok(vec![(end..end, format!(", {item}"))]);
        }
        let new = format!("{indent}{item}{}", if comma.is_some() { "," } else { "" });
        let mut splices = vec![self.new_line(line, &new)];
        if comma.is_none() {
            splices.push((end..end, ",".to_owned()));
        }
        Ok(splices)
    }

    fn removal(&self, index: usize) -> Result<Vec<Splice>> {
        let agents = self.agents();
        let (Some(entry), Some(item)) = (self.root.entry("agents"), agents.get(index)) else {
            return Err(unsafe_edit());
        };
        if !entry.value.flow {
            self.dash(item).ok_or_else(unsafe_edit)?;
            let dash = self.text[..item.bytes.start].rfind('-').unwrap_or_default();
            let start = self.line_of(dash);
            return Ok(vec![(
                start..self.line_after(item.bytes.end),
                String::new(),
            )]);
        }
        let end = agents
            .get(index + 1)
            .map_or(entry.value.bytes.end, |next| next.bytes.start);
        let mut splices = Vec::new();
        let comma = match self.comma(item.bytes.end..end) {
            Some(comma) => Some(comma),
            None if index > 0 => self.comma(agents[index - 1].bytes.end..item.bytes.start),
            None => None,
        };
        let mut gone = item.bytes.clone();
        match comma {
            Some(comma) if self.text[gone.end..].starts_with(',') => {
                gone.end = comma + 1;
                if self.own_line(item).is_none() {
                    gone.end += blanks(&self.text[gone.end..]);
                }
            }
            Some(comma) if self.text.get(comma + 1..gone.start).is_some_and(is_blank) => {
                gone.start = comma;
            }
            Some(comma) => splices.push((comma..comma + 1, String::new())),
            None => {}
        }
        let line = self.line_of(gone.start);
        let rest = gone.end + blanks(&self.text[gone.end..]);
        if is_blank(&self.text[line..gone.start])
            && self.text[rest..].starts_with(['\r', '\n', '#'])
        {
            gone = line..self.line_after(gone.end);
        }
        splices.push((gone, String::new()));
        Ok(splices)
    }
}

fn fields(spec: &Json) -> impl Iterator<Item = (&'static str, &Json)> {
    AGENT_FIELDS
        .iter()
        .filter_map(|field| spec.get(field).map(|value| (*field, value)))
}

/// `{ name: a, runtime: pi }`, or with everything in quotes for a roster that is JSON.
fn flow(spec: &Json, json: bool) -> String {
    let fields: Vec<String> = fields(spec)
        .map(|(field, value)| match json {
            true => format!("\"{field}\": {value}"),
            false => format!("{field}: {}", inline(value)),
        })
        .collect();
    format!("{{ {} }}", fields.join(", "))
}

/// The same with a line for each field.
fn block(spec: &Json) -> String {
    let fields: Vec<String> = fields(spec)
        .map(|(field, value)| format!("{field}: {}", inline(value)))
        .collect();
    fields.join("\n")
}

/// A value in one line of YAML; texts without quotes where nobody could misread them.
pub(super) fn inline(value: &Json) -> String {
    match value {
        Json::String(text) if is_plain(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{key}: {}", inline(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b' ');
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(inner)
        && !text.ends_with(' ')
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str())
}
