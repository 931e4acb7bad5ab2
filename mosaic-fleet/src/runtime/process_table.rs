//! The processes of a host as `ps` prints them, for hosts without a `/proc` of ours. Pure.

use super::process::{Program, base_name, is_wanted};

/// What `ps` is asked for.
pub(crate) const PS: [&str; 11] = [
    "ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "tpgid=", "-oargs=",
];

/// The processes of a host at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProcessTable(Vec<Entry>);

#[derive(Debug, Clone)]
struct Entry {
    pid: u32,
    parent: u32,
    group: i64,
    /// The group in its terminal's foreground.
    foreground: i64,
    words: Vec<String>,
}

impl Entry {
    fn name(&self) -> &str {
        self.words.first().map_or("", |word| base_name(word))
    }
}

impl ProcessTable {
    /// Reads what [`PS`] printed. Nothing where that is no such table.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let entries = text.lines().filter_map(|line| {
            let mut fields = line.split_whitespace();
            let mut number = || fields.next()?.parse::<i64>().ok();
            let (pid, parent, group, foreground) = (number()?, number()?, number()?, number()?);
            Some(Entry {
                pid: u32::try_from(pid).ok()?,
                parent: u32::try_from(parent).ok()?,
                group,
                foreground,
                words: fields.map(str::to_owned).collect(),
            })
        });
        let entries: Vec<Entry> = entries.collect();
        (!entries.is_empty()).then_some(ProcessTable(entries))
    }

    /// As [`foreground`](super::process::foreground).
    pub(crate) fn foreground(&self, root: u32, names: &[String]) -> Program {
        let Some(first) = self.find(root) else {
            return Program::Unknown;
        };
        let mut front = String::new();
        let mut tree = vec![root];
        let mut at = 0;
        while let Some(pid) = tree.get(at).copied() {
            at += 1;
            for entry in &self.0 {
                if entry.parent == pid && !tree.contains(&entry.pid) {
                    tree.push(entry.pid);
                }
                let in_front = first.foreground <= 0 || entry.group == first.foreground;
                if entry.pid == pid && in_front {
                    if let Some(found) = is_wanted(entry.name(), &entry.words, names) {
                        return Program::Expected(found);
                    }
                    entry.name().clone_into(&mut front);
                }
            }
        }
        Program::Other(if front.is_empty() {
            first.name().to_owned()
        } else {
            front
        })
    }

    /// The process that leads the foreground of the terminal of `root`, and its name.
    pub(crate) fn leader_in_front(&self, root: u32) -> Option<(u32, String)> {
        let leader = u32::try_from(self.find(root)?.foreground).ok()?;
        Some((leader, self.find(leader)?.name().to_owned()))
    }

    fn find(&self, pid: u32) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.pid == pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const PRINTED: &str = "
      1       0       1      -1 /sbin/init
    100       1     100     120 -bash
    120     100     120     120 node /usr/bin/codex --yes
    121     120     120     120 /opt/codex/bin/codex --yes
    130     121     130     120 sh -c sleep 5 # claude
    200       1     200     200 zsh
    300       1     300     301 sh
    301     300     301     301 claude
    ";

    #[test]
    fn a_program_is_found_below_its_wrappers_and_in_front_only() {
        let table = ProcessTable::read(PRINTED).unwrap();
        let found = |root: u32, name: &str| table.foreground(root, &names(&[name]));
        assert_eq!(found(100, "codex"), Program::Expected("codex".to_owned()));
        // What it started itself is not in front.
        assert_eq!(found(100, "claude"), Program::Other("codex".to_owned()));
        // A shell where an agent is expected.
        assert_eq!(found(200, "claude"), Program::Other("zsh".to_owned()));
        assert_eq!(found(300, "claude"), Program::Expected("claude".to_owned()));
        assert_eq!(found(999, "claude"), Program::Unknown);
        assert_eq!(table.leader_in_front(100), Some((120, "node".to_owned())));
    }

    #[test]
    fn what_is_no_table_is_none() {
        for text in ["", "ps: unknown option -- A\n", "PID USER COMMAND\n"] {
            assert!(ProcessTable::read(text).is_none(), "{text:?}");
        }
    }
}
