//! Who lives on the server, whose it is, and which other servers there are: to see whether something
//! changed, never to touch it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is there at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// The server's process.
    pub server: u32,
    /// It is the holder's.
    pub owned: bool,
    /// What was seen of that.
    pub owner: String,
    /// The first process of every terminal, by its terminal.
    pub programs: BTreeMap<String, u32>,
    /// Servers of this user besides, each by its socket. They are seen from outside: nothing is
    /// asked of them. Nothing where this host does not tell.
    pub others: Option<BTreeSet<String>>,
}

/// What listens in the folders of tmux's sockets besides `ours`, as the kernel has it: each by its
/// path and the number of its socket, which another server on the same path does not have. Nothing
/// where this host does not tell.
pub(super) fn other_servers(ours: &Path, folders: &[PathBuf]) -> Option<BTreeSet<String>> {
    let table = std::fs::read_to_string("/proc/net/unix").ok()?;
    Some(listening(&table, ours, folders))
}

fn listening(table: &str, ours: &Path, folders: &[PathBuf]) -> BTreeSet<String> {
    const LISTENS: u32 = 0x10000;
    let server = |line: &str| {
        // Num RefCount Protocol Flags Type St Inode Path
        let mut fields = line.split_ascii_whitespace();
        let flags = u32::from_str_radix(fields.nth(3)?, 16).ok()?;
        let socket = fields.nth(2)?;
        let path = Path::new(line.split_once(&format!(" {socket} "))?.1);
        let there = folders.iter().any(|folder| path.parent() == Some(folder));
        (flags & LISTENS != 0 && there && path != ours)
            .then(|| format!("{} ({socket})", path.display()))
    };
    table.lines().filter_map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_beside_ours_are_seen_and_their_clients_are_not() {
        let table = "Num       RefCount Protocol Flags    Type St Inode Path\n\
             0: 2 0 00010000 0001 01 11 /tmp/tmux-0/default\n\
             0: 3 0 00000000 0001 03 12 /tmp/tmux-0/default\n\
             0: 2 0 00010000 0001 01 13 /tmp/tmux-0/mosaic-factory\n\
             0: 2 0 00010000 0001 01 14 /tmp/tmux-0/my own\n\
             0: 2 0 00010000 0001 01 15 /run/other\n\
             0: 2 0 00010000 0001 01 16\n";
        let folders = [PathBuf::from("/tmp/tmux-0")];
        let seen = listening(table, Path::new("/tmp/tmux-0/mosaic-factory"), &folders);
        let seen: Vec<_> = seen.iter().map(String::as_str).collect();
        assert_eq!(
            seen,
            ["/tmp/tmux-0/default (11)", "/tmp/tmux-0/my own (14)"]
        );
    }
}
