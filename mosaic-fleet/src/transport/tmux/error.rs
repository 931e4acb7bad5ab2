//! What can go wrong between us and tmux, and the one conversion to the public error.

use std::io;

use crate::error::{Error, ErrorKind, Retry};

/// A failure below the transport.
#[derive(Debug, thiserror::Error)]
pub(super) enum TmuxError {
    #[error("tmux is not installed")]
    NotInstalled(#[source] io::Error),
    #[error("cannot run tmux")]
    Spawn(#[source] io::Error),
    #[error("no tmux server on {socket}")]
    NoServer { socket: String },
    #[error("nobody is on the tmux server on {socket}")]
    Deserted { socket: String },
    #[error("the tmux server on {socket} does not let us in")]
    Denied { socket: String },
    #[error("the connection to the tmux server ended")]
    Lost,
    #[error("{host} cannot be reached: {words}")]
    Unreached { host: String, words: String },
    #[error("{host} did not answer within {limit:?}")]
    Silent {
        host: String,
        limit: std::time::Duration,
    },
    #[error("{}", if *changed { format!("the key of {host} is another one than before") } else { format!("the key of {host} is not known") })]
    HostKey { host: String, changed: bool },
    #[error("{host} does not let us in")]
    NotAdmitted { host: String },
    #[error("tmux is not installed on {host}")]
    NoTmuxThere { host: String },
    #[error("tmux did not answer within {0:?}")]
    Slow(std::time::Duration),
    #[error("no such session: {0}")]
    NoSession(String),
    #[error("tmux: {0}")]
    Refused(String),
    #[error("tmux answered in an unexpected way: {0}")]
    Protocol(String),
    #[error("cannot write {path}: {source}")]
    File {
        path: String,
        #[source]
        source: io::Error,
    },
}

impl TmuxError {
    /// Reads what the `tmux` client said on its way out.
    pub(super) fn from_words(words: &str, socket: &str) -> Self {
        let words = words.trim();
        let socket = socket.to_owned();
        let nobody_there = [
            "no server running",
            "No such file or directory",
            "Connection refused",
        ];
        if nobody_there.iter().any(|phrase| words.contains(phrase)) {
            TmuxError::NoServer { socket }
        } else if words.contains("Permission denied")
            || words.contains("unsafe permissions")
            || words.contains("access not allowed")
        {
            TmuxError::Denied { socket }
        } else if words.contains("can't find session") {
            let name = words.rsplit(": ").next().unwrap_or(words);
            TmuxError::NoSession(
                name.trim_start_matches('=')
                    .trim_end_matches(':')
                    .to_owned(),
            )
        } else if words.contains("server exited") || words.contains("lost server") {
            TmuxError::Lost
        } else {
            TmuxError::Refused(words.to_owned())
        }
    }
}

impl From<TmuxError> for Error {
    fn from(error: TmuxError) -> Error {
        let message = error.to_string();
        match &error {
            TmuxError::NotInstalled(_) => Error::new(ErrorKind::Unsupported, message)
                .with_hint("install tmux 3.2 or later (Debian: apt-get install tmux; macOS: brew install tmux)"),
            TmuxError::NoServer { .. } => Error::unavailable(message).with_hint(
                "start the fleet (mosaic-fleet start), or name the right socket (--socket, MOSAIC_TMUX_SOCKET)",
            ),
            TmuxError::NoTmuxThere { .. } => Error::new(ErrorKind::Unsupported, message)
                .with_hint("install tmux 3.2 or later there, where a login without a terminal finds it on its PATH"),
            TmuxError::Unreached { host, .. } | TmuxError::Silent { host, .. } => {
                Error::unavailable(message).with_hint(format!(
                    "see that `ssh -o BatchMode=yes {host} true` works"
                ))
            }
            TmuxError::HostKey { host, changed: false } => {
                Error::new(ErrorKind::PermissionDenied, message).with_hint(format!(
                    "compare the key and accept it by hand once: ssh {host}"
                ))
            }
            TmuxError::HostKey { .. } => Error::new(ErrorKind::PermissionDenied, message).with_hint(
                "somebody may stand between: find out why it changed before you accept it (ssh-keygen -R removes the old one)",
            ),
            TmuxError::NotAdmitted { host } => {
                Error::new(ErrorKind::Unauthenticated, message).with_hint(format!(
                    "nobody is asked for a password here: see that `ssh -o BatchMode=yes {host} true` works (ssh-agent, authorized_keys)"
                ))
            }
            TmuxError::Denied { .. } => Error::new(ErrorKind::PermissionDenied, message)
                .with_hint("use a socket of your own user"),
            TmuxError::Slow(_) => Error::new(ErrorKind::Timeout, message).with_retry(Retry::Safe),
            TmuxError::Lost | TmuxError::Spawn(_) | TmuxError::Deserted { .. } => Error::unavailable(message),
            TmuxError::NoSession(_) => Error::new(ErrorKind::AgentNotFound, message),
            TmuxError::Refused(_) | TmuxError::Protocol(_) => {
                Error::new(ErrorKind::Unexpected, message)
            }
            TmuxError::File { .. } => Error::config_invalid(message),
        }
        .with_source(error)
    }
}
