//! The rosters we ship as examples, and any roster as a rehearsal with harmless programs.
//!
//! A profile is never a default: a fleet is what its own roster says.

use serde_json::{Value as Json, json};

use super::document::{Document, Splice};
use super::edit::inline;
use super::schema::CommandLine;
use super::tree::{Entry, Node, Value};
use crate::error::{Error, Result};

/// A roster that we ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it is, in one line.
    pub description: &'static str,
    /// The roster.
    pub text: &'static str,
    /// Which login and CI instance belong to which owner, for a `forges.yaml` to begin with.
    pub forges: Option<&'static str>,
}

/// The rosters that we ship; the first is what a new fleet begins with.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "minimal",
        aliases: &[],
        description: "one orchestrator, one implementer, one reviewer",
        text: include_str!("../profiles/minimal.yaml"),
        forges: None,
    },
    Profile {
        name: "usc-software-factory",
        aliases: &["usc"],
        description: "a software factory of 13 agents: planning, six coders, tests, reviews, a final reviewer, a scribe",
        text: include_str!("../profiles/usc-software-factory.yaml"),
        forges: Some(include_str!("../profiles/usc-software-factory.forges.yaml")),
    },
    Profile {
        name: "demo",
        aliases: &[],
        description: "three harmless programs, to see a fleet at work without any model",
        text: include_str!("../profiles/demo.yaml"),
        forges: None,
    },
];

/// The text of the profile of that name or alias.
pub fn profile(name: &str) -> Option<&'static str> {
    PROFILES
        .iter()
        .find(|profile| profile.name == name || profile.aliases.contains(&name))
        .map(|profile| profile.text)
}

/// The roster in `text` with `runtime` and `command` for every agent, in `defaults` and wherever an
/// agent says otherwise; all else, comments too, as it was.
///
/// # Errors
/// `ConfigInvalid` when the text is no roster, or is written so that it cannot be edited safely.
pub fn rehearsal(text: &str, runtime: &str, command: &CommandLine) -> Result<String> {
    let command = serde_json::to_value(command).map_err(|error| {
        Error::invalid_argument("this command cannot be written").with_source(error)
    })?;
    let new = [("runtime", json!(runtime)), ("command", command)];
    let document = Document::read(text)?;
    let mut splices = Vec::new();
    let mut expected = document.root.to_json();
    for (index, agent) in document.agents().iter().enumerate() {
        for (field, value) in &new {
            if let Some(entry) = agent.entry(field) {
                splices.push(document.set(entry, value));
                expected["agents"][index][field] = value.clone();
            }
        }
    }
    if expected["defaults"].is_null() {
        expected["defaults"] = json!({});
    }
    for (field, value) in &new {
        if let Some(defaults) = expected["defaults"].as_object_mut() {
            defaults.insert((*field).to_owned(), value.clone());
        }
    }
    splices.extend(document.set_defaults(&new));
    document.finish(splices, expected)
}

type Field<'a> = (&'a str, Json);

impl Document<'_> {
    fn written(&self, value: &Json) -> String {
        if self.root.flow {
            value.to_string()
        } else {
            inline(value)
        }
    }

    fn fields(&self, fields: &[&Field<'_>]) -> String {
        let quote = if self.root.flow { "\"" } else { "" };
        let fields: Vec<String> = fields
            .iter()
            .map(|(field, value)| format!("{quote}{field}{quote}: {}", self.written(value)))
            .collect();
        fields.join(", ")
    }

    /// Another value for a field, in the place of the one that is written.
    fn set(&self, entry: &Entry, value: &Json) -> Splice {
        self.replace(entry, &self.written(value))
    }

    fn replace(&self, entry: &Entry, new: &str) -> Splice {
        let old = &entry.value.bytes;
        if !old.is_empty() && entry.value.at.line == entry.at.line {
            return (old.clone(), new.to_owned());
        }
        let colon = self.text[entry.bytes.end..].find(':').unwrap_or_default();
        let from = entry.bytes.end + colon + 1;
        let end = self.text[..old.end].trim_end().len().max(from);
        (from..end, format!(" {new}"))
    }

    fn set_defaults(&self, new: &[Field<'_>]) -> Vec<Splice> {
        let all: Vec<&Field<'_>> = new.iter().collect();
        let Some(entry) = self.root.entry("defaults") else {
            return self.new_defaults(&self.fields(&all)).into_iter().collect();
        };
        let Some(first) = entry.value.entries().first() else {
            let braces = format!("{{ {} }}", self.fields(&all));
            return vec![self.replace(entry, &braces)];
        };
        let (there, missing): (Vec<_>, Vec<_>) = new
            .iter()
            .partition(|(field, _)| entry.value.entry(field).is_some());
        let mut splices: Vec<Splice> = there
            .iter()
            .filter_map(|(field, value)| Some(self.set(entry.value.entry(field)?, value)))
            .collect();
        if !missing.is_empty() {
            splices.push(self.more_defaults(&entry.value, first, &missing));
        }
        splices
    }

    /// `defaults` of its own, behind the first line of content.
    fn new_defaults(&self, fields: &str) -> Option<Splice> {
        let first = self.root.entries().first()?;
        if self.root.flow {
            let at = first.bytes.start;
            return Some((at..at, format!("\"defaults\": {{ {fields} }}, ")));
        }
        let at = self.line_of(first.bytes.start);
        let line = format!("defaults: {{ {fields} }}");
        let last_of_first = match first.value.value {
            Value::Scalar(..) => self.text[first.value.bytes.end..].find('\n'),
            _ => None,
        };
        let at = last_of_first.map_or(at, |end| first.value.bytes.end + end + 1);
        Some(self.new_line(at, &line))
    }

    fn more_defaults(&self, defaults: &Node, first: &Entry, missing: &[&Field<'_>]) -> Splice {
        let at = first.bytes.start;
        let fields = self.fields(missing);
        if defaults.flow {
            return (at..at, format!("{fields}, "));
        }
        let indent = self.text[self.line_of(at)..at].to_owned();
        let lines: String = missing
            .iter()
            .map(|field| format!("{}{}{indent}", self.fields(&[*field]), self.line_break))
            .collect();
        (at..at, lines)
    }
}
