//! Which tmux server is meant, and how ours is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::remote::Destination;
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::runtime::Catalog;

/// The scheme under which a roster names this transport.
pub const DEFAULT_SCHEME: &str = "tmux";

/// The socket name of a fleet that says nothing about it.
pub const DEFAULT_SOCKET: &str = "mosaic-factory";

/// A tmux server's socket. There is no default: the user's own server is never meant by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Socket {
    /// A name in tmux's own folder (`tmux -L`).
    Name(String),
    /// A path (`tmux -S`).
    Path(PathBuf),
}

impl Socket {
    /// Checks a socket name.
    ///
    /// # Errors
    /// `InvalidArgument` unless it is made of letters, digits, `_`, `-` and `.`, and does not start
    /// with `.` or `-`.
    pub fn name(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let fits = !name.is_empty()
            && name.len() <= 80
            && !name.starts_with(['.', '-'])
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if fits {
            Ok(Socket::Name(name))
        } else {
            Err(Error::invalid_argument(format!(
                "bad socket name {name:?}: use letters, digits, '_', '-' and '.'"
            )))
        }
    }

    /// Reads a socket as a person writes it: a path if it has a `/`, else a name.
    ///
    /// # Errors
    /// As [`Socket::name`].
    pub fn parse(text: &str) -> Result<Self> {
        if text.contains('/') {
            Ok(Socket::Path(PathBuf::from(text)))
        } else {
            Socket::name(text)
        }
    }

    /// As [`arguments`](Socket::arguments), for another host's shell.
    pub(super) fn words(&self) -> [String; 2] {
        match self {
            Socket::Name(name) => ["-L".to_owned(), name.clone()],
            Socket::Path(path) => ["-S".to_owned(), path.display().to_string()],
        }
    }

    /// The flag and value that select it.
    pub(super) fn arguments(&self) -> [std::ffi::OsString; 2] {
        match self {
            Socket::Name(name) => ["-L".into(), name.into()],
            Socket::Path(path) => ["-S".into(), path.into()],
        }
    }

    /// A short name for folders and messages.
    pub fn label(&self) -> String {
        match self {
            Socket::Name(name) => name.clone(),
            Socket::Path(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

/// How long the steps of a send may take. Every one is bounded by the send's own deadline as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// For the agent to become ready for a text: composer drawn and empty.
    pub settle: Duration,
    /// From the paste to the text in the composer.
    pub echo: Duration,
    /// Without any sign, from the submit key to its repetition.
    pub repeat: Duration,
    /// From the last submit key to the proof.
    pub proof: Duration,
    /// How long a lease on a pane lasts without being renewed. Whole seconds.
    pub lease: Duration,
}

impl Timing {
    /// For real programs on a loaded machine.
    pub const DEFAULT: Timing = Timing {
        settle: Duration::from_secs(3),
        echo: Duration::from_secs(10),
        repeat: Duration::from_millis(1500),
        proof: Duration::from_secs(10),
        lease: Duration::from_secs(10),
    };

    /// These limits.
    pub const fn new(
        settle: Duration,
        echo: Duration,
        repeat: Duration,
        proof: Duration,
        lease: Duration,
    ) -> Self {
        Timing {
            settle,
            echo,
            repeat,
            proof,
            lease,
        }
    }
}

/// The roster's `tmux:` block.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TmuxBlock {
    /// Name of the fleet's own socket. Default: mosaic-factory.
    pub socket_name: Option<String>,
    /// Path of the fleet's own socket, instead of a name.
    pub socket_path: Option<PathBuf>,
    /// The session that keeps the server alive. Default: _holder.
    pub holder_session: Option<String>,
    /// Size of the agents' terminals, WIDTHxHEIGHT. Default: 200x50.
    pub size: Option<String>,
    /// Lines of history kept for each agent. Default: 20000.
    pub history_limit: Option<u32>,
    /// A tmux configuration file of yours, read after the fleet's own.
    pub include: Option<PathBuf>,
}

/// Which server a [`TmuxTransport`](super::TmuxTransport) talks to, and what it knows of the agents.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TmuxConfig {
    /// The server's socket.
    pub socket: Socket,
    /// The session that keeps the server alive.
    pub holder: String,
    /// Columns and rows of the agents' terminals.
    pub size: (u16, u16),
    /// Lines of history kept for each agent.
    pub history_limit: u32,
    /// A configuration file of the user's, read after ours.
    pub include: Option<PathBuf>,
    /// The tmux program.
    pub program: PathBuf,
    /// The host that the server is on, where it is not this one. Its tmux is used, by its PATH.
    pub remote: Option<Destination>,
    /// The environment of the caller. Only what an agent may see is handed on.
    pub environment: BTreeMap<String, String>,
    /// The manifests.
    pub catalog: Catalog,
    /// Each agent's runtime.
    pub runtimes: BTreeMap<AgentName, String>,
    /// The runtime of an agent that is not in `runtimes` and does not say itself.
    pub default_runtime: String,
    /// The name of the agents' host in preambles.
    pub host: String,
    /// How long the steps of a send may take.
    pub timing: Timing,
}

impl TmuxConfig {
    /// The server on `socket`, everything else as by default. `environment` is the caller's; this
    /// library never reads the process's own.
    ///
    /// # Errors
    /// `Unexpected` if a shipped manifest is broken.
    pub fn new(socket: Socket, environment: BTreeMap<String, String>) -> Result<Self> {
        Ok(TmuxConfig {
            socket,
            holder: "_holder".to_owned(),
            size: (200, 50),
            history_limit: 20_000,
            include: None,
            program: PathBuf::from("tmux"),
            remote: None,
            environment,
            catalog: Catalog::shipped()?,
            runtimes: BTreeMap::new(),
            default_runtime: "shell".to_owned(),
            host: short_host_name(),
            timing: Timing::DEFAULT,
        })
    }

    /// The same server on another host.
    #[must_use]
    pub fn on(mut self, destination: Destination) -> Self {
        destination.short_host().clone_into(&mut self.host);
        self.remote = Some(destination);
        self
    }

    /// The server in errors, and the instance of its transport: `SOCKET`, or `HOST/SOCKET`.
    pub(super) fn label(&self) -> String {
        match &self.remote {
            Some(remote) => format!("{remote}/{}", self.socket.label()),
            None => self.socket.label(),
        }
    }

    /// Reads the roster's block. `socket` overrides the block's.
    ///
    /// # Errors
    /// `ConfigInvalid` that names the field.
    pub fn from_block(
        block: &Value,
        socket: Option<&str>,
        environment: BTreeMap<String, String>,
    ) -> Result<Self> {
        let block = if block.is_null() {
            TmuxBlock::default()
        } else {
            serde_json::from_value(block.clone())
                .map_err(|error| Error::config_invalid(format!("tmux: {error}")))?
        };
        let named = |field: &str, error: Error| {
            Error::config_invalid(format!("tmux.{field}: {}", error.message()))
        };
        let socket = match (socket, &block.socket_path, &block.socket_name) {
            (Some(socket), _, _) => Socket::parse(socket)?,
            (None, Some(_), Some(_)) => {
                return Err(Error::config_invalid(
                    "tmux: give either socket_name or socket_path, not both",
                ));
            }
            (None, Some(path), None) => Socket::Path(path.clone()),
            (None, None, Some(name)) => {
                Socket::name(name).map_err(|error| named("socket_name", error))?
            }
            (None, None, None) => Socket::name(DEFAULT_SOCKET)?,
        };
        let mut config = TmuxConfig::new(socket, environment)?;
        if let Some(holder) = block.holder_session {
            AgentName::reserved(&holder).map_err(|error| named("holder_session", error))?;
            config.holder = holder;
        }
        if let Some(size) = block.size {
            config.size = parse_size(&size)?;
        }
        if let Some(limit) = block.history_limit {
            config.history_limit = limit;
        }
        config.include = block.include;
        Ok(config)
    }
}

fn parse_size(text: &str) -> Result<(u16, u16)> {
    text.split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|(width, height)| (20..=1000).contains(width) && (5..=1000).contains(height))
        .ok_or_else(|| {
            Error::config_invalid(format!(
                "tmux.size: {text:?} is not WIDTHxHEIGHT between 20x5 and 1000x1000, as in 200x50"
            ))
        })
}

/// Whether a name is this host's own, with its domain or without.
pub(crate) fn is_this_host(name: &str) -> bool {
    name == short_host_name() || rustix::system::uname().nodename().to_bytes() == name.as_bytes()
}

/// This host's name without its domain, as preambles have it.
pub fn short_host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or("localhost").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_block_is_the_default_fleet() {
        let config = TmuxConfig::from_block(&Value::Null, None, BTreeMap::new()).unwrap();
        assert_eq!(config.socket, Socket::Name("mosaic-factory".to_owned()));
        assert_eq!(
            (config.holder.as_str(), config.size),
            ("_holder", (200, 50))
        );
    }

    #[test]
    fn the_callers_socket_wins() {
        let block = json!({"socket_name": "a"});
        let config = TmuxConfig::from_block(&block, Some("/run/x"), BTreeMap::new()).unwrap();
        assert_eq!(config.socket, Socket::Path("/run/x".into()));
    }

    #[test]
    fn a_bad_block_names_the_field() {
        for (block, expected) in [
            (json!({"socket": "a"}), "socket"),
            (json!({"socket_name": "a/b"}), "socket_name"),
            (json!({"socket_name": "a", "socket_path": "/b"}), "not both"),
            (json!({"size": "big"}), "tmux.size"),
            (json!({"holder_session": "a b"}), "holder_session"),
            (json!({"history_limit": -1}), "tmux"),
        ] {
            let error = TmuxConfig::from_block(&block, None, BTreeMap::new()).unwrap_err();
            assert!(error.message().contains(expected), "{block}: {error}");
        }
    }
}
