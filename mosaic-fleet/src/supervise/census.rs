//! Who lives on the server, whose it is, and which other servers there are: to see whether something
//! changed, never to touch it.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Servers of this user besides, each by process and time of its start. They are seen from
    /// outside: nothing is asked of them. Nothing where this host does not tell.
    pub others: Option<BTreeSet<String>>,
}

/// The tmux servers of this user but `ours`, as the kernel has them. Nothing where it cannot tell.
pub(super) fn other_servers(ours: u32) -> Option<BTreeSet<String>> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let own = rustix::process::getuid().as_raw();
    let server = |entry: std::fs::DirEntry| {
        use std::os::unix::fs::MetadataExt;
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let user = entry.metadata().ok()?.uid();
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let is_server = head.ends_with("(tmux: server");
        let started = rest.split_ascii_whitespace().nth(19)?;
        (pid != ours && user == own && is_server).then(|| format!("{pid} since {started}"))
    };
    Some(entries.flatten().filter_map(server).collect())
}
