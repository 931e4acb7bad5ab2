//! Which programs run in panes: by the kernel's own word on this host, by one `ps` on another. The
//! processes of this host say nothing of another one's.

use std::sync::Arc;
use std::time::Duration;

use super::server::Server;
use super::target::Identity;
use crate::runtime::process::{self, End, Program};
use crate::runtime::process_table::{PS, ProcessTable};

/// Shells, as the name of what is in front where a host has no `ps` of that kind.
const SHELLS: [&str; 8] = ["sh", "bash", "zsh", "fish", "dash", "ksh", "csh", "tcsh"];

/// Whom to ask about a pane's processes.
#[derive(Debug, Clone)]
pub(super) enum Programs {
    Here,
    /// Another host's, at the moment when it was asked; nothing where it has no such table.
    There(Option<Arc<ProcessTable>>),
}

impl Programs {
    /// Before they are asked about.
    pub(super) fn unasked(server: &Server) -> Self {
        match server.config.remote {
            None => Programs::Here,
            Some(_) => Programs::There(None),
        }
    }

    /// Those of the server's host, as they are now.
    pub(super) async fn of(server: &Server, limit: Duration) -> Self {
        if server.config.remote.is_none() {
            return Programs::Here;
        }
        let printed = server.run_there(&PS, limit).await;
        // A host that has no `ps`, or one that knows no such options, is judged by tmux's own word.
        let table = printed
            .ok()
            .map(|text| String::from_utf8_lossy(&text).into_owned());
        Programs::There(
            table
                .and_then(|text| ProcessTable::read(&text))
                .map(Arc::new),
        )
    }

    /// Looks for one of `names` in the foreground of a pane; `front` is what tmux says is there.
    pub(super) fn foreground(&self, pane: &Identity, front: &str, names: &[String]) -> Program {
        match self {
            Programs::Here => process::foreground(pane.pane_pid, names),
            Programs::There(Some(table)) => table.foreground(pane.pane_pid, names),
            Programs::There(None) => {
                let front = front.trim_start_matches('-');
                if names.iter().any(|name| name == front) {
                    Program::Expected(front.to_owned())
                } else if SHELLS.contains(&front) {
                    Program::Other(front.to_owned())
                } else {
                    Program::Unknown
                }
            }
        }
    }

    /// Whether something else than a prompt's own program has the pane's terminal.
    pub(super) fn command_in_front(&self, pane: &Identity, prompts: &[String]) -> bool {
        match self {
            Programs::Here => process::command_in_front(pane.pane_pid, prompts),
            Programs::There(table) => {
                let leader = table
                    .as_ref()
                    .and_then(|table| table.leader_in_front(pane.pane_pid));
                leader.is_some_and(|leader| process::is_command(pane.pane_pid, &leader, prompts))
            }
        }
    }

    /// Whether the pane's first process has ended, where that is known before tmux tells it.
    pub(super) fn has_ended(&self, pane: &Identity) -> bool {
        match self {
            Programs::Here => !process::is_alive(pane.pane_pid),
            Programs::There(_) => false,
        }
    }

    /// Watches the pane's first process.
    pub(super) fn end_of(&self, pane: &Identity) -> End {
        match self {
            Programs::Here => End::of(pane.pane_pid),
            Programs::There(_) => End::elsewhere(),
        }
    }
}
