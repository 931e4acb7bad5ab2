//! The unit that holds the server: its process becomes the server or, where one runs that it did
//! not start, watches that one and touches nothing of it.

use std::process::Command;
use std::time::Duration;

use super::plain::STEP;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::process::{End, is_alive};
use crate::transport::tmux::TmuxTransport;

/// How long the server may take to answer after its start.
const START: Duration = Duration::from_secs(20);

/// What the holder's process has to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Hold {
    /// Become the server.
    Serve(Command),
    /// Nothing: the server of another, this process, has ended by now.
    Watched(u32),
}

/// Says what the holder's process has to do; returns only when there is something. `foreign` is
/// called when a server of another is found, which is then watched to its end.
pub(crate) async fn hold(transport: &TmuxTransport, foreign: impl FnOnce(u32)) -> Result<Hold> {
    let Some(server) = transport.server_state(STEP).await? else {
        let mut server = transport.serving()?;
        raise_limits();
        server.stdin(std::process::Stdio::null());
        return Ok(Hold::Serve(server));
    };
    foreign(server.pid);
    let mut end = End::of(server.pid);
    while is_alive(server.pid) {
        end.wait().await;
    }
    Ok(Hold::Watched(server.pid))
}

/// Waits until the server answers, and makes the holder's session on it. One of another is left as
/// it is. `main` is the unit's process.
pub(crate) async fn ready(transport: &TmuxTransport, main: Option<u32>) -> Result<()> {
    let limit = tokio::time::Instant::now() + START;
    loop {
        let found = match transport.server_state(STEP).await {
            // Who started it is told by its configuration, which it may not have read yet.
            Ok(Some(server)) if main.is_some_and(|main| main != server.pid) => return Ok(()),
            Ok(Some(_)) => transport.hold_server(STEP).await,
            Ok(None) => Err(Error::unavailable("the server does not answer")),
            Err(error) => Err(error),
        };
        match found {
            Ok(()) => return Ok(()),
            // The unit's process finds the same, and its code is the one that counts.
            Err(error)
                if error.kind() == ErrorKind::Unsupported
                    && main.is_none_or(|main| !is_alive(main)) =>
            {
                return Err(error);
            }
            Err(error) if tokio::time::Instant::now() > limit => return Err(error),
            // A socket that is not there yet tells nobody when it is.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// At the limit of open files every new client would hang without a word.
fn raise_limits() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let found = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: found.maximum,
        maximum: found.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
