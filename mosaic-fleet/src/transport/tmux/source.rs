//! Who the caller is, when it runs in a tmux pane itself: found on the pane's own server, which
//! need not be the one that is sent to.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::command::{CommandList, command};
use super::config::{Socket, TmuxConfig, short_host_name};
use super::server::Server;
use crate::message::Sender;

/// How long that may take; a sender without a name is better than a send that hangs.
const LIMIT: Duration = Duration::from_secs(3);

/// `HOST:SESSION` of the pane that `environment` (`TMUX`, `TMUX_PANE`) tells of, `HOST:?` outside
/// of tmux or where its server does not answer.
pub(crate) async fn sender_of_pane(environment: &BTreeMap<String, String>) -> Sender {
    let session = session_of_pane(environment).await;
    let host = short_host_name();
    session
        .and_then(|session| Sender::new(&host, session).ok())
        .unwrap_or_else(|| Sender::unknown_on(&host))
}

async fn session_of_pane(environment: &BTreeMap<String, String>) -> Option<String> {
    let socket = environment.get("TMUX")?.split(',').next()?;
    let pane = environment.get("TMUX_PANE")?;
    let number = pane.strip_prefix('%')?;
    if socket.is_empty() || number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let socket = Socket::Path(PathBuf::from(socket));
    let server = Server::new(TmuxConfig::new(socket, environment.clone()).ok()?);
    let format = "#{pane_id} #{session_name}";
    let list = CommandList::new([command!["display-message", "-p", "-t", pane, format]]);
    let output = server.run(&list, LIMIT).await.ok()?;
    let text = String::from_utf8_lossy(&output).trim_end().to_owned();
    let (found, session) = text.split_once(' ')?;
    (found == pane).then(|| session.to_owned())
}
