//! The text of `forges.yaml`, read strictly: everything that is wrong is told at once, each thing with
//! its place, and no value is shown.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::{CiServer, Forges, LaneRules, Owner, TokenSource, VERSION};
use crate::error::{Error, Result, nearest};
use crate::forge::yaml;
use crate::http;

/// How many further problems a hint lists.
const LISTED: usize = 20;

/// The longest unknown word that is shown. Tokens are longer.
const SHOWN: usize = 20;

/// What stands at a place.
enum Value {
    Nothing,
    Text(String),
    Number(u64),
    List(Vec<Node>),
    Map(Vec<(Spanned<String>, Node)>),
    Other,
}

struct Node {
    at: Location,
    value: Value,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node {
            at: spanned.referenced,
            value: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(u64::try_from(number).map_or(Value::Other, Value::Number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i128<E>(self, _: i128) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Value, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Value::Other)
    }
}

pub(super) fn read(text: &str, file: &str) -> Result<Forges> {
    let mut forges = Forges {
        file: file.to_owned(),
        ..Forges::default()
    };
    let Some(root) = yaml::read::<Node>(text, file)? else {
        return Ok(forges);
    };
    let mut reader = Reader::default();
    reader.root(root, &mut forges);
    match reader.error(file) {
        Some(error) => Err(error),
        None => Ok(forges),
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<(Location, String)>,
}

impl Reader {
    fn problem(&mut self, at: Location, what: impl Into<String>) {
        self.problems.push((at, what.into()));
    }

    /// The entries of a mapping; nothing is an empty one.
    fn map(&mut self, node: Node, what: &str) -> Vec<(Spanned<String>, Node)> {
        match node.value {
            Value::Map(entries) => entries,
            Value::Nothing => Vec::new(),
            _ => {
                self.problem(node.at, format!("{what} must be a mapping"));
                Vec::new()
            }
        }
    }

    /// Text that is not empty.
    fn text(&mut self, node: &Node, field: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(_) => {
                self.problem(node.at, format!("`{field}` must be text: put it in quotes"));
                None
            }
            _ => {
                self.problem(node.at, format!("`{field}` must be text"));
                None
            }
        }
    }

    fn unknown(&mut self, key: &Spanned<String>, known: &[&str]) {
        let word = &key.value;
        let near = nearest(word, known.iter().copied());
        let advice = match near {
            Some(near) => format!(", did you mean `{near}`?"),
            None => format!("; known: {}", known.join(", ")),
        };
        let shown = match near.is_some() || is_shown(word) {
            true => format!("unknown field `{word}`"),
            false => "unknown field".to_owned(),
        };
        self.problem(key.referenced, shown + &advice);
    }

    fn root(&mut self, root: Node, forges: &mut Forges) {
        let at = root.at;
        let mut versioned = false;
        for (key, node) in self.map(root, "the file") {
            match key.value.as_str() {
                "version" => {
                    versioned = true;
                    if !matches!(node.value, Value::Number(version) if version == u64::from(VERSION))
                    {
                        self.problem(node.at, format!("`version` must be {VERSION}"));
                    }
                }
                "owners" => self.owners(node, &mut forges.owners),
                "ci" => self.servers(node, &mut forges.ci),
                "lane" => forges.lane = self.lane(node),
                "token" => self.secret(&key),
                _ => self.unknown(&key, &["version", "owners", "ci", "lane"]),
            }
        }
        if !versioned {
            self.problem(
                at,
                format!("`version` is missing: write `version: {VERSION}`"),
            );
        }
    }

    fn owners(&mut self, node: Node, owners: &mut BTreeMap<String, Owner>) {
        for (name, node) in self.map(node, "`owners`") {
            let mut owner = Owner::default();
            for (key, node) in self.map(node, "an owner") {
                match key.value.as_str() {
                    "login" => owner.login = self.text(&node, "login"),
                    "ci" => owner.ci = self.text(&node, "ci"),
                    "lane" => owner.lane = self.lane(node),
                    "token" => self.secret(&key),
                    _ => self.unknown(&key, &["login", "ci", "lane"]),
                }
            }
            let same = |other: &String| other.eq_ignore_ascii_case(&name.value);
            if owners.keys().any(same) {
                let again = "this owner stands here twice: names are equal in any case of letters";
                self.problem(name.referenced, again);
            }
            owners.insert(name.value, owner);
        }
    }

    fn servers(&mut self, node: Node, servers: &mut BTreeMap<String, CiServer>) {
        for (name, node) in self.map(node, "`ci`") {
            let at = name.referenced;
            let (mut server, mut sources) = (None, Vec::new());
            let before = self.problems.len();
            for (key, node) in self.map(node, "a CI server") {
                match key.value.as_str() {
                    "server" => server = self.server(&node),
                    "token_env" => sources.extend(self.variable(&node)),
                    "token_file" => sources.extend(self.file(&node)),
                    "token" => self.secret(&key),
                    _ => self.unknown(&key, &["server", "token_env", "token_file"]),
                }
            }
            let token = sources.pop();
            if !sources.is_empty() {
                self.problem(at, "only one of `token_env` and `token_file` may be there");
            }
            match (server, token) {
                (Some(server), Some(token)) => {
                    let name = name.value;
                    servers.insert(
                        name.clone(),
                        CiServer {
                            name,
                            server,
                            token,
                        },
                    );
                }
                // A field that is wrong is not missing.
                _ if self.problems.len() > before => {}
                (None, _) => self.problem(at, "`server` is missing: write its address"),
                (_, None) => self.problem(
                    at,
                    "its token is missing: write `token_env: VARIABLE` or `token_file: PATH`",
                ),
            }
        }
    }

    fn server(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node, "server")?;
        match http::server(&text) {
            Ok(url) => Some(url.into()),
            Err(_) => {
                self.problem(node.at, "`server` is no address: write it with https://");
                None
            }
        }
    }

    fn variable(&mut self, node: &Node) -> Option<TokenSource> {
        let name = self.text(node, "token_env")?;
        let word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        // In capitals, so that a token that was put here is not taken for a name and shown.
        if name.bytes().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(TokenSource::Variable(name));
        }
        let what = "`token_env` must name a variable, in capitals; it is not the token itself";
        self.problem(node.at, what);
        None
    }

    fn file(&mut self, node: &Node) -> Option<TokenSource> {
        let path = self.text(node, "token_file")?;
        if path.starts_with('/') || path.starts_with("~/") {
            return Some(TokenSource::File(path));
        }
        let what = "`token_file` must begin with `/` or `~/`; it is not the token itself";
        self.problem(node.at, what);
        None
    }

    fn secret(&mut self, key: &Spanned<String>) {
        self.problem(
            key.referenced,
            "no token may be in this file: use `token_env: VARIABLE` or `token_file: PATH` of a CI \
             server, and `tea login add` for a forge's",
        );
    }

    fn lane(&mut self, node: Node) -> LaneRules {
        let mut rules = LaneRules::default();
        for (key, node) in self.map(node, "`lane`") {
            match key.value.as_str() {
                "keywords" => rules.keywords = self.keywords(node),
                "branch_digits" => match node.value {
                    Value::Number(digits @ 1..=18) => rules.branch_digits = Some(digits as usize),
                    _ => self.problem(node.at, "`branch_digits` must be a number from 1 to 18"),
                },
                _ => self.unknown(&key, &["keywords", "branch_digits"]),
            }
        }
        rules
    }

    /// Gitea takes words of letters only.
    fn keywords(&mut self, node: Node) -> Option<Vec<String>> {
        let Value::List(items) = node.value else {
            self.problem(node.at, "`keywords` must be a list of words");
            return None;
        };
        let mut words = Vec::new();
        for item in items {
            match item.value {
                Value::Text(word) if !word.is_empty() && word.chars().all(char::is_alphabetic) => {
                    words.push(word.to_lowercase());
                }
                _ => self.problem(item.at, "a keyword must be one word of letters"),
            }
        }
        Some(words)
    }

    fn error(mut self, file: &str) -> Option<Error> {
        self.problems
            .sort_by_key(|(at, _)| (at.line(), at.column()));
        let told = |(at, what): &(Location, String)| {
            format!("{file}:{}:{}: {what}", at.line(), at.column())
        };
        let (first, more) = self.problems.split_first()?;
        let error = Error::config_invalid(told(first));
        if more.is_empty() {
            return Some(error);
        }
        let lines: Vec<_> = more.iter().take(LISTED).map(told).collect();
        Some(error.with_hint(format!("mend these too:\n{}", lines.join("\n"))))
    }
}

/// Whether a word that should not be there may be repeated: not if it could be a secret.
fn is_shown(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-';
    word.len() <= SHOWN && word.bytes().all(plain)
}
