//! One field at a time: the value that is wanted, or a problem at its place.

use super::known::Known;
use super::problem::{Position, Problem, suggestion};
use super::schema::{CommandLine, Environment, Kickstart, Persona};
use super::tree::{Entry, Value};
use crate::agent::AgentName;

/// What has been found wrong so far, and what may be named.
pub(super) struct Reader<'a> {
    pub(super) problems: Vec<Problem>,
    pub(super) known: &'a Known<'a>,
    /// Those that are known and those of the roster itself.
    pub(super) runtimes: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    pub(super) fn problem(&mut self, at: Position, message: impl Into<String>) {
        self.problems.push(Problem::new(at, message));
    }

    pub(super) fn wrong_type(&mut self, entry: &Entry, wanted: &str) {
        let found = entry.value.kind();
        self.problem(
            entry.value.at,
            format!("`{}` takes {wanted}, not {found}", entry.key),
        );
    }

    pub(super) fn unknown_field<'k>(
        &mut self,
        entry: &Entry,
        place: &str,
        fields: impl IntoIterator<Item = &'k str> + Clone,
    ) {
        let near = suggestion(&entry.key, fields);
        self.problem(
            entry.at,
            format!("unknown field `{}`{place}{near}", entry.key),
        );
    }

    /// The entries of a mapping that may be left empty.
    pub(super) fn map(&mut self, entry: &'a Entry) -> &'a [Entry] {
        if !matches!(entry.value.value, Value::Map(_)) && !entry.value.is_null() {
            self.wrong_type(entry, "a mapping");
        }
        entry.value.entries()
    }

    pub(super) fn text(&mut self, entry: &Entry) -> Option<String> {
        if entry.value.is_null() {
            return None;
        }
        match entry.value.as_text() {
            Some(text) if text.contains('\0') => {
                self.problem(entry.value.at, format!("`{}` holds a NUL", entry.key));
                None
            }
            Some(text) => Some(text.to_owned()),
            None => {
                let quotes = match entry.value.value {
                    Value::Scalar(..) => "text (put it in quotes)",
                    _ => "text",
                };
                self.wrong_type(entry, quotes);
                None
            }
        }
    }

    pub(super) fn truth(&mut self, entry: &Entry) -> bool {
        let truth = entry.value.as_bool();
        if truth.is_none() && !entry.value.is_null() {
            self.wrong_type(entry, "true or false");
        }
        truth.unwrap_or_default()
    }

    pub(super) fn name(&mut self, entry: &Entry) -> Option<AgentName> {
        let Some(written) = entry.value.as_written() else {
            self.wrong_type(entry, "text");
            return None;
        };
        match AgentName::new(written) {
            Ok(name) => Some(name),
            Err(error) => {
                self.problem(entry.value.at, error.message());
                None
            }
        }
    }

    pub(super) fn runtime(&mut self, entry: &Entry) -> Option<String> {
        let empty = entry.value.is_null() || entry.value.as_text().is_some_and(str::is_empty);
        if empty {
            self.problem(
                entry.value.at,
                "`runtime` is empty: name one, or leave the field out",
            );
            return None;
        }
        let runtime = self.text(entry)?;
        if self.runtimes.contains(&runtime.as_str()) {
            return Some(runtime);
        }
        let near = suggestion(&runtime, self.runtimes.iter().copied());
        self.problem(entry.value.at, format!("unknown runtime `{runtime}`{near}"));
        None
    }

    pub(super) fn persona(&mut self, entry: &Entry) -> Persona {
        if entry.value.is_null() {
            return Persona::No;
        }
        match (entry.value.as_bool(), entry.value.as_written()) {
            (Some(true), _) | (_, Some("true")) => Persona::Yes,
            (Some(false), _) | (_, Some("false")) => Persona::No,
            (_, Some("semi")) => Persona::Semi,
            _ => {
                let key = &entry.key;
                self.problem(entry.value.at, format!("`{key}` is true, semi or false"));
                Persona::No
            }
        }
    }

    pub(super) fn kickstart(&mut self, entry: &'a Entry) -> Option<Kickstart> {
        if !matches!(entry.value.value, Value::Map(_)) {
            return self.text(entry).map(Kickstart::Text);
        }
        let (mut path, before) = (None, self.problems.len());
        for field in entry.value.entries() {
            if field.key == "file" {
                path = self.text(field).filter(|path| !path.is_empty());
            } else {
                self.unknown_field(field, " in `kickstart_template`", ["file"]);
            }
        }
        if path.is_none() && self.problems.len() == before {
            self.problem(
                entry.value.at,
                "`kickstart_template` needs a `file`, or text",
            );
        }
        path.map(|file| Kickstart::File { file })
    }

    pub(super) fn directory(&mut self, entry: &Entry) -> Option<String> {
        let path = self.text(entry)?;
        if path.starts_with('/') || path == "~" || path.starts_with("~/") {
            return Some(path);
        }
        let key = &entry.key;
        self.problem(
            entry.value.at,
            format!("`{key}` begins with `/` or `~/`; variables are not expanded"),
        );
        None
    }

    pub(super) fn command(&mut self, entry: &Entry) -> Option<CommandLine> {
        let command = match &entry.value.value {
            Value::List(items) => {
                let argv: Vec<String> = items
                    .iter()
                    .filter_map(|item| item.as_written().map(str::to_owned))
                    .collect();
                if argv.len() != items.len() {
                    self.wrong_type(entry, "a list of texts");
                    return None;
                }
                let program = argv.first().cloned();
                program.map(|program| (program, CommandLine::Argv(argv)))
            }
            _ if entry.value.is_null() => return None,
            Value::Map(_) => {
                self.wrong_type(entry, "text or a list");
                return None;
            }
            Value::Scalar(..) => {
                let line = self.text(entry)?;
                Some((line.clone(), CommandLine::Shell(line)))
            }
        };
        match command {
            Some((program, command)) if !program.trim().is_empty() => Some(command),
            _ => {
                let key = &entry.key;
                self.problem(entry.value.at, format!("`{key}` names no program"));
                None
            }
        }
    }

    pub(super) fn environment(&mut self, entry: &'a Entry) -> Environment {
        let mut env = Environment::default();
        for variable in self.map(entry) {
            let name = &variable.key;
            if !is_variable(name) {
                self.problem(
                    variable.at,
                    format!("bad variable name `{name}`: letters, digits and `_`, no digit first"),
                );
            }
            match &variable.value.value {
                Value::Scalar(text, _) if text.contains('\0') => {
                    self.problem(variable.value.at, format!("`{name}` holds a NUL"));
                }
                Value::Scalar(..) => {
                    let value = variable.value.as_written().unwrap_or_default();
                    env.insert(name.clone(), value.to_owned());
                }
                _ => self.wrong_type(variable, "text"),
            }
        }
        env
    }

    pub(super) fn host(&mut self, entry: &Entry) -> Option<String> {
        let host = self.text(entry)?;
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if host.is_empty() || host.starts_with('-') || host.contains(odd) {
            let key = &entry.key;
            self.problem(entry.value.at, format!("`{key}` is no name of a host"));
            return None;
        }
        Some(host)
    }

    pub(super) fn memory(&mut self, entry: &Entry) -> Option<String> {
        let fits = |text: &str| {
            let share = text.strip_suffix('%');
            let number = text.strip_suffix(['K', 'M', 'G', 'T']).unwrap_or(text);
            share.is_some_and(|share| is_number(share) && share.len() <= 2) || is_number(number)
        };
        self.limit(entry, "bytes as in 800M or 2G, or a share as in 25%", fits)
    }

    pub(super) fn tasks(&mut self, entry: &Entry) -> Option<u32> {
        let fits = |text: &str| is_number(text) && text.parse::<u32>().is_ok();
        self.limit(entry, "a number of processes, 1 or more", fits)
            .and_then(|text| text.parse().ok())
    }

    pub(super) fn quota(&mut self, entry: &Entry) -> Option<String> {
        let fits = |text: &str| text.strip_suffix('%').is_some_and(is_number);
        let what = "a share of one processor, as in 50% or 200%";
        self.limit(entry, what, fits)
    }

    fn limit(&mut self, entry: &Entry, what: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        if entry.value.is_null() {
            return None;
        }
        let written = entry.value.as_written().filter(|written| fits(written));
        if written.is_none() {
            let key = &entry.key;
            self.problem(entry.value.at, format!("`{key}` is {what}"));
        }
        written.map(str::to_owned)
    }
}

/// A whole number from 1, without leading zeros.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| ('1'..='9').contains(&c)) && text.chars().all(|c| c.is_ascii_digit())
}

fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
