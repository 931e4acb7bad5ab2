//! The library as JSON: operations called by name, with one object of arguments and one answer.
//!
//! The bindings are thin because of this room, and they agree because of it: what Node, Python and
//! C's `mf_call` take and give are the documents here, which are those of `--json`. It has no logic
//! of its own. [`ForeignTransport`] is the same door seen from the other side: a transport written
//! in another language gets an operation's name and its arguments, and answers in JSON.
//!
//! Names are snake_case. A duration is a number of seconds or a text (`"30s"`, `"1h30m"`). What an
//! operation does not know is `InvalidArgument`, never ignored.

mod answers;
mod arguments;
mod asked;
mod fleet;
mod foreign;
mod memory;
#[cfg(feature = "ci")]
mod services;
mod skills;
mod stream;
mod texts;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result, nearest};
use crate::fleet::Fleet;
use crate::registry::Registry;

pub use answers::{error_from_value, error_to_value};
pub use foreign::{Foreign, ForeignTransport, register};
pub use memory::{memory, open_memory};
pub use skills::skills;
pub use stream::Stream;

/// Who is told of what goes on before an operation's answer: outcomes of starts and stops, changes
/// of pipelines.
pub type News<'a> = &'a mut (dyn FnMut(Value) + Send);

/// The operations of a fleet, as [`call`] knows them.
pub const FLEET_OPERATIONS: &[&str] = fleet::OPERATIONS;

/// The operations that need no fleet, as [`call_free`] knows them.
pub const FREE_OPERATIONS: &[&str] = &[
    "ci_guard",
    "ci_status",
    "ci_wait",
    "lane_brief",
    "profiles",
    "roster_add",
    "roster_parse",
    "roster_remove",
    "roster_schema",
    "runtimes",
    "skills_enumerate",
    "skills_force_names",
    "skills_pi_args",
];

/// Opens a fleet. Reads files; talks to no backend.
///
/// `arguments`: `roster` (a path), `roster_text` (YAML, instead of a file), `transport` (a scheme of
/// `registry`: a fleet without a roster, over that transport), `instance` (the tmux socket),
/// `environment` (an object of variables; none is read from the process), `lasting` (connections are
/// kept; `true` unless said).
///
/// ```
/// use mosaic_fleet::{Registry, wire};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosaic_fleet::Result<()> {
/// let memory = wire::open_memory(json!({ "agents": ["coder0"] }))?;
/// let mut registry = Registry::new();
/// let scheme = wire::register(&mut registry, std::sync::Arc::new(memory))?;
/// let fleet = wire::open(json!({ "transport": scheme }), registry)?;
///
/// let arguments = json!({ "agent": "coder0", "text": "run the tests", "timeout": "10s" });
/// let receipt = wire::call(&fleet, "send", arguments, &mut |_| ()).await?;
/// assert_eq!(receipt["verdict"], "submitted");
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`Fleet::open`]; `InvalidArgument` for arguments that are not those.
pub fn open(arguments: Value, registry: Registry) -> Result<Fleet> {
    fleet::open(arguments, registry).map_err(|error| error.with_operation("open"))
}

/// Calls an operation of a fleet by its name.
///
/// # Errors
/// `InvalidArgument` for an operation or an argument that is not known; otherwise as the method of
/// [`Fleet`] of that name.
///
/// # Cancel safety
/// As the method.
pub async fn call(
    fleet: &Fleet,
    operation: &str,
    arguments: Value,
    news: News<'_>,
) -> Result<Value> {
    let called = fleet::call(fleet, operation, arguments, news).await;
    called.map_err(|error| named(error, operation))
}

/// Calls an operation that needs no fleet. `environment` is the caller's; the forge's login, the CI
/// instance, the skills and the folders are found by it.
///
/// # Errors
/// As [`call`]. `Unsupported` for lanes and CI in a build without the feature `ci`.
///
/// # Cancel safety
/// Dropping it leaves nothing behind.
pub async fn call_free(
    environment: &BTreeMap<String, String>,
    operation: &str,
    arguments: Value,
    news: News<'_>,
) -> Result<Value> {
    let called = match operation {
        "lane_brief" | "ci_wait" | "ci_status" | "ci_guard" => {
            #[cfg(feature = "ci")]
            let called = services::call(environment, operation, arguments, news).await;
            #[cfg(not(feature = "ci"))]
            let called = {
                let _ = (environment, arguments, news);
                Err(Error::unsupported(operation))
            };
            called
        }
        _ if operation.starts_with("skills_") => skills(environment, operation, arguments),
        _ => texts::call(operation, arguments),
    };
    called.map_err(|error| named(error, operation))
}

fn named(error: Error, operation: &str) -> Error {
    match error.operation() {
        None => error.with_operation(operation.to_owned()),
        Some(_) => error,
    }
}

fn unknown_operation(operation: &str, known: &[&str]) -> Error {
    let near = nearest(operation, known.iter().copied());
    let near = near.map(|near| format!(" (did you mean {near}?)"));
    let near = near.unwrap_or_default();
    Error::invalid_argument(format!("no such operation {operation:?}{near}"))
        .with_hint(format!("one of: {}", known.join(", ")))
}

/// An answer as JSON.
fn document(answer: &impl Serialize) -> Result<Value> {
    serde_json::to_value(answer).map_err(|error| {
        Error::new(
            ErrorKind::Unexpected,
            "the answer cannot be written as JSON",
        )
        .with_source(error)
    })
}

/// `{version, …}`: the form of a document that stands by itself.
fn versioned(answer: &impl Serialize) -> Result<Value> {
    let mut whole = serde_json::Map::new();
    whole.insert("version".to_owned(), 1.into());
    if let Value::Object(answer) = document(answer)? {
        whole.extend(answer);
    }
    Ok(Value::Object(whole))
}

#[cfg(test)]
mod tests;
