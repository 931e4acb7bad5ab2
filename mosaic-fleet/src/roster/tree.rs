//! A YAML or JSON text as a tree that knows where each node stands. No roster word lives here.
//!
//! It is built on the event parser below serde-saphyr, because serde would stop at the first
//! problem and forget where things are. Aliases and merge keys (`<<`) are followed, with a limit.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value as Json;
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::problem::{Position, Problem};

/// How deep lists and mappings may be nested.
const DEEPEST: usize = 64;

/// How many nodes aliases may copy in all.
const MOST_COPIES: usize = 100_000;

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Position,
    /// From the first to behind the last byte of its content; empty when nothing is written.
    pub(super) bytes: Range<usize>,
    /// Written in brackets.
    pub(super) flow: bool,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text, and whether it was written without quotes.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Position,
    pub(super) bytes: Range<usize>,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(text, true) => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The text, unless YAML reads the scalar as something else.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) if matches!(self.to_json(), Json::String(_)) => Some(text),
            _ => None,
        }
    }

    /// The scalar as it is written: for values that are text whatever they look like.
    pub(super) fn as_written(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// What kind of value it is, for messages. Never its content.
    pub(super) fn kind(&self) -> &'static str {
        match self.to_json_shallow() {
            Json::Null => "nothing",
            Json::Bool(_) => "a truth value",
            Json::Number(_) => "a number",
            Json::String(_) => "text",
            Json::Array(_) => "a list",
            Json::Object(_) => "a mapping",
        }
    }

    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(text, plain) => scalar(text, *plain, self),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    fn to_json_shallow(&self) -> Json {
        match &self.value {
            Value::Scalar(..) => self.to_json(),
            Value::List(_) => Json::Array(Vec::new()),
            Value::Map(_) => Json::Object(serde_json::Map::new()),
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(..) => 0,
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.size()).sum(),
        }
    }

    fn height(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(..) => 0,
            Value::List(items) => items.iter().map(Node::height).max().unwrap_or(0),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| entry.value.height())
                .max()
                .unwrap_or(0),
        }
    }
}

/// A scalar by the rules of YAML 1.2's core schema.
fn scalar(text: &str, plain: bool, node: &Node) -> Json {
    if !plain {
        return Json::from(text);
    }
    if node.is_null() {
        return Json::Null;
    }
    if let Some(truth) = node.as_bool() {
        return Json::from(truth);
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix)
            .and_then(|digits| i64::from_str_radix(digits, radix).ok())
    };
    if let Some(number) = text
        .parse::<i64>()
        .ok()
        .or_else(|| radix("0x", 16))
        .or_else(|| radix("0o", 8))
    {
        return Json::from(number);
    }
    let numeric = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => Json::from(number),
        _ => Json::from(text),
    }
}

/// Reads one document.
///
/// Returns `None` when the text is empty or broken; what is wrong is added to `problems`. A tree
/// that is returned beside problems is good enough to look for more.
pub(super) fn read(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        copies: 0,
        depth: 0,
        problems,
    };
    match reader.document() {
        Ok(node) => node,
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

struct Reader<'t, 'p> {
    parser: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    copies: usize,
    depth: usize,
    problems: &'p mut Vec<Problem>,
}

fn position(span: &Span) -> Position {
    Position::new(span.start.line(), span.start.col() + 1)
}

fn bytes(span: &Span) -> Range<usize> {
    span.byte_range().unwrap_or_default()
}

impl<'t> Reader<'t, '_> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Problem> {
        self.parser.next_event().transpose().map_err(|error| {
            let mark = error.marker();
            Problem::new(
                Position::new(mark.line(), mark.col() + 1),
                format!("not readable as YAML: {}", error.info()),
            )
        })
    }

    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Problem::new(
                        position(&span),
                        "a second document begins here; a roster is one document",
                    ));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, &span)?),
            }
        }
        Ok(root)
    }

    fn child(&mut self) -> Result<Option<Node>, Problem> {
        match self.next()? {
            None | Some((Event::SequenceEnd | Event::MappingEnd, _)) => Ok(None),
            Some((event, span)) => self.node(event, &span).map(Some),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node, Problem> {
        let at = position(span);
        if self.depth == DEEPEST {
            return Err(Problem::new(at, "nested too deeply"));
        }
        self.depth += 1;
        let node = self.node_at(event, span, at)?;
        self.depth -= 1;
        Ok(node)
    }

    fn node_at(&mut self, event: Event<'t>, span: &Span, at: Position) -> Result<Node, Problem> {
        let mut node = Node {
            at,
            bytes: bytes(span),
            flow: false,
            value: Value::Scalar(String::new(), true),
        };
        let anchor = match event {
            Event::Alias(id) => return self.copy(id, node),
            Event::Scalar(text, style, anchor, tag) => {
                let quoted = self.text_tag(tag.as_deref(), at);
                let plain = style == ScalarStyle::Plain && !quoted;
                node.value = Value::Scalar(text.into_owned(), plain);
                anchor
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.text_tag(tag.as_deref(), at);
                node.flow = style == StructureStyle::Flow;
                node.value = Value::List(self.items(&mut node.bytes)?);
                anchor
            }
            Event::MappingStart(style, anchor, tag) => {
                self.text_tag(tag.as_deref(), at);
                node.flow = style == StructureStyle::Flow;
                node.value = Value::Map(self.entries(&mut node.bytes)?);
                anchor
            }
            _ => 0,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Whether the tag says `!!str`; any other tag is a problem.
    fn text_tag(&mut self, tag: Option<&Tag>, at: Position) -> bool {
        match tag {
            None => false,
            Some(tag) if tag.is_yaml_core_schema_tag("str") => true,
            Some(_) => {
                self.problems
                    .push(Problem::new(at, "tags are not used in a roster"));
                false
            }
        }
    }

    fn copy(&mut self, id: usize, alias: Node) -> Result<Node, Problem> {
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Problem::new(alias.at, "this alias contains itself"));
        };
        self.copies += anchored.size();
        if self.copies > MOST_COPIES || self.depth + anchored.height() > DEEPEST {
            return Err(Problem::new(alias.at, "aliases expand to too much"));
        }
        Ok(Node {
            value: anchored.value.clone(),
            flow: true,
            ..alias
        })
    }

    fn items(&mut self, range: &mut Range<usize>) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Some((Event::SequenceEnd, span)) => {
                    close(range, &bytes(&span));
                    return Ok(items);
                }
                None => return Ok(items),
                Some((event, span)) => {
                    let item = self.node(event, &span)?;
                    range.end = range.end.max(item.bytes.end);
                    items.push(item);
                }
            }
        }
    }

    fn entries(&mut self, range: &mut Range<usize>) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Position> = HashMap::new();
        let mut merged = Vec::new();
        loop {
            let key = match self.next()? {
                Some((Event::MappingEnd, span)) => {
                    close(range, &bytes(&span));
                    break;
                }
                None => break,
                Some((event, span)) => self.node(event, &span)?,
            };
            let Some(value) = self.child()? else { break };
            range.end = range.end.max(value.bytes.end).max(key.bytes.end);
            let Value::Scalar(text, plain) = key.value else {
                self.problems
                    .push(Problem::new(key.at, "a key must be text"));
                continue;
            };
            if plain && text == "<<" {
                merged.push(value);
                continue;
            }
            if let Some(first) = seen.get(&text) {
                self.problems.push(Problem::new(
                    key.at,
                    format!("duplicate key `{text}`, first at {first}"),
                ));
                continue;
            }
            seen.insert(text.clone(), key.at);
            entries.push(Entry {
                key: text,
                at: key.at,
                bytes: key.bytes,
                value,
            });
        }
        if !merged.is_empty() {
            self.merge(&mut entries, merged);
        }
        Ok(entries)
    }

    /// Adds what `<<` brings and the mapping does not say itself; earlier sources win.
    fn merge(&mut self, entries: &mut Vec<Entry>, sources: Vec<Node>) {
        let mut have: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let maps = sources.into_iter().flat_map(|source| match source.value {
            Value::List(items) => items,
            _ => vec![source],
        });
        for map in maps {
            let Value::Map(more) = map.value else {
                self.problems.push(Problem::new(
                    map.at,
                    "`<<` takes a mapping or a list of them",
                ));
                continue;
            };
            entries.extend(
                more.into_iter()
                    .filter(|entry| have.insert(entry.key.clone())),
            );
        }
    }
}

/// Ends a bracketed collection at its bracket; a block ends with its last content.
fn close(range: &mut Range<usize>, end: &Range<usize>) {
    if !end.is_empty() {
        range.end = end.end;
    }
}
