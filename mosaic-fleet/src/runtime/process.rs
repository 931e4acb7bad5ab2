//! Which program runs in a terminal: the process tree under its first process.
//!
//! A runtime's name proves nothing by itself: agents are started by wrappers that stay as parents.
//! So the expected program is sought among all descendants, in the terminal's foreground.

use crate::agent::ExitStatus;

/// What runs under a terminal's first process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// The expected program, by the name that matched.
    Expected(String),
    /// Something else is in the foreground.
    Other(String),
    /// This host cannot tell.
    Unknown,
}

/// Looks for one of `names` under `root`, in the foreground of its terminal.
pub(crate) fn foreground(root: u32, names: &[String]) -> Program {
    host::foreground(root, names)
}

/// A process id in the shape that system calls take.
pub(crate) fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    let pid = i32::try_from(pid).ok()?;
    rustix::process::Pid::from_raw(pid)
}

/// Whether a process exists. One that has ended and was not waited for counts as gone where this
/// host can tell.
pub(crate) fn is_alive(pid: u32) -> bool {
    let exists = pid_of(pid).is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok());
    exists && !host::is_zombie(pid)
}

/// A process and all that descends from it, itself first. Only itself where this host cannot tell.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let mut at = 0;
    while let Some(pid) = all.get(at).copied() {
        let new = host::children(pid);
        all.extend(new.into_iter().filter(|pid| *pid != root));
        at += 1;
    }
    all
}

/// How a child of `parent` ended that its parent has not waited for yet. tmux can miss a child's end
/// until its next child ends, and knows no code till then. `None` where this host cannot tell.
pub(crate) fn exit_not_waited_for(pid: u32, parent: u32) -> Option<ExitStatus> {
    let status = host::exit_not_waited_for(pid, parent)?;
    let signal = status & 0x7f;
    Some(match signal {
        0 => ExitStatus::new(Some((status >> 8) & 0xff), None),
        signal => ExitStatus::new(None, Some(signal)),
    })
}

/// Whether something else than a prompt's own program has the terminal: neither its first process
/// nor one of `prompts` leads the foreground. False where this host cannot tell.
pub(crate) fn command_in_front(root: u32, prompts: &[String]) -> bool {
    host::leader_in_front(root).is_some_and(|leader| is_command(root, &leader, prompts))
}

/// Whether the leader of a terminal's foreground is a command, started from a prompt.
pub(crate) fn is_command(root: u32, (leader, name): &(u32, String), prompts: &[String]) -> bool {
    *leader != root && is_wanted(name, &[], prompts).is_none()
}

/// The end of a process, as an event where the host has one.
#[derive(Debug)]
pub(crate) struct End {
    #[cfg(target_os = "linux")]
    handle: Option<tokio::io::unix::AsyncFd<rustix::fd::OwnedFd>>,
    told: bool,
}

/// How long to go without an event where the host has none for the end of a process, and between
/// the end of a process and its terminal's notice of it.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);
const SETTLE: std::time::Duration = std::time::Duration::from_millis(20);

impl End {
    /// Watches the process `pid`.
    #[cfg(target_os = "linux")]
    #[expect(
        deprecated,
        reason = "`AsyncFd::register` is unsafe for types that may close early; an OwnedFd cannot"
    )]
    pub(crate) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let flags = rustix::process::PidfdFlags::NONBLOCK;
        let handle = pid
            .and_then(|pid| rustix::process::pidfd_open(pid, flags).ok())
            .and_then(|handle| tokio::io::unix::AsyncFd::new(handle).ok());
        End {
            told: handle.is_none(),
            handle,
        }
    }

    /// Watches the process `pid`.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_pid: u32) -> Self {
        End { told: true }
    }

    /// A process of another host, which nothing here tells of.
    pub(crate) fn elsewhere() -> Self {
        End {
            #[cfg(target_os = "linux")]
            handle: None,
            told: true,
        }
    }

    /// Returns when the process has ended, the first time; after that, and where the host cannot
    /// tell, after a short while. Cancel safe.
    pub(crate) async fn wait(&mut self) {
        #[cfg(target_os = "linux")]
        if let (false, Some(handle)) = (self.told, &self.handle) {
            let _ = handle.readable().await;
            self.told = true;
            return;
        }
        #[cfg(target_os = "linux")]
        let pause = if self.handle.is_some() {
            SETTLE
        } else {
            LOOK_AGAIN
        };
        #[cfg(not(target_os = "linux"))]
        let pause = LOOK_AGAIN;
        tokio::time::sleep(pause).await;
    }
}

pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a process of these names is one of `wanted`. The kernel cuts `comm` at 15 bytes.
pub(super) fn is_wanted(comm: &str, words: &[String], wanted: &[String]) -> Option<String> {
    let mut candidates = vec![comm];
    candidates.extend(words.iter().take(2).map(|word| base_name(word)));
    wanted.iter().find_map(|wanted| {
        let cut = wanted.get(..15).unwrap_or(wanted);
        let stem = |word: &str| {
            word.trim_start_matches('-')
                .split('.')
                .next()
                .unwrap_or(word)
                == wanted
        };
        candidates
            .iter()
            .any(|candidate| candidate == wanted || *candidate == cut || stem(candidate))
            .then(|| wanted.clone())
    })
}

#[cfg(target_os = "linux")]
mod host {
    use super::{Program, is_wanted};
    use std::fs;

    struct Stat {
        comm: String,
        state: char,
        parent: u32,
        group: i32,
        foreground: i32,
        /// As `waitpid` would tell it; 0 while it runs.
        exit: i32,
    }

    fn stat(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = text.rsplit_once(')')?;
        let comm = head.split_once('(')?.1.to_owned();
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let foreground = fields.nth(2)?.parse().ok()?;
        let exit = fields.last()?.parse().ok()?;
        Some(Stat {
            comm,
            state,
            parent,
            group,
            foreground,
            exit,
        })
    }

    pub(super) fn exit_not_waited_for(pid: u32, parent: u32) -> Option<i32> {
        let stat = stat(pid)?;
        (stat.state == 'Z' && stat.parent == parent).then_some(stat.exit)
    }

    pub(super) fn is_zombie(pid: u32) -> bool {
        stat(pid).is_some_and(|stat| stat.state == 'Z')
    }

    /// The process that leads the foreground of the terminal of `root`, and its name.
    pub(super) fn leader_in_front(root: u32) -> Option<(u32, String)> {
        let leader = u32::try_from(stat(root)?.foreground).ok()?;
        Some((leader, stat(leader)?.comm))
    }

    pub(super) fn children(pid: u32) -> Vec<u32> {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return Vec::new();
        };
        tasks
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|text| {
                text.split_ascii_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .collect::<Vec<u32>>()
            })
            .collect()
    }

    fn words(pid: u32) -> Vec<String> {
        let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        bytes
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .filter(|word| !word.is_empty())
            .collect()
    }

    pub(super) fn foreground(root: u32, names: &[String]) -> Program {
        let Some(root_stat) = stat(root) else {
            return Program::Unknown;
        };
        let foreground = root_stat.foreground;
        let mut front = String::new();
        let mut pending = vec![root];
        let mut visited = 0;
        while let Some(pid) = pending.pop() {
            visited += 1;
            if visited > 4096 {
                break;
            }
            if let Some(stat) = stat(pid)
                && (stat.group == foreground || foreground <= 0)
            {
                // Mostly the first name is the one, and the words of a process are dear to read.
                let first = names.get(..1).unwrap_or_default();
                let found = is_wanted(&stat.comm, &[], first)
                    .or_else(|| is_wanted(&stat.comm, &words(pid), names));
                if let Some(found) = found {
                    return Program::Expected(found);
                }
                front.clone_from(&stat.comm);
            }
            pending.extend(children(pid));
        }
        Program::Other(if front.is_empty() {
            root_stat.comm
        } else {
            front
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod host {
    use super::Program;
    use crate::runtime::process_table::{PS, ProcessTable};
    use std::process::Command;

    pub(super) fn is_zombie(_pid: u32) -> bool {
        false
    }

    pub(super) fn children(_pid: u32) -> Vec<u32> {
        Vec::new()
    }

    pub(super) fn exit_not_waited_for(_pid: u32, _parent: u32) -> Option<i32> {
        None
    }

    /// The process that leads the foreground of the terminal of `root`, and its name.
    pub(super) fn leader_in_front(root: u32) -> Option<(u32, String)> {
        let ps = |field: &str, pid: &str| {
            let output = Command::new("ps")
                .args(["-o", field, "-p", pid])
                .output()
                .ok()?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let leader = ps("tpgid=", &root.to_string())?;
        let comm = ps("comm=", &leader)?;
        Some((leader.parse().ok()?, super::base_name(&comm).to_owned()))
    }

    /// One `ps` for the whole tree: this host has no /proc.
    pub(super) fn foreground(root: u32, names: &[String]) -> Program {
        let [program, arguments @ ..] = PS;
        let Ok(output) = Command::new(program).args(arguments).output() else {
            return Program::Unknown;
        };
        ProcessTable::read(&String::from_utf8_lossy(&output.stdout))
            .map_or(Program::Unknown, |table| table.foreground(root, names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_script_is_known_by_its_own_name() {
        let words = names(&["node", "/usr/lib/node_modules/gemini.js"]);
        assert_eq!(
            is_wanted("node", &words, &names(&["gemini"])),
            Some("gemini".to_owned())
        );
        assert_eq!(
            is_wanted("bash", &names(&["-bash"]), &names(&["bash"])),
            Some("bash".to_owned())
        );
        assert_eq!(
            is_wanted("vim", &names(&["vim", "claude.md.txt"]), &names(&["pi"])),
            None
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernels_cut_names_match() {
        let long = names(&["a-very-long-program-name"]);
        assert_eq!(
            is_wanted("a-very-long-pro", &[], &long),
            Some(long[0].clone())
        );
    }

    #[test]
    fn a_process_that_is_gone_is_unknown_or_other() {
        assert!(!matches!(
            foreground(u32::MAX, &names(&["claude"])),
            Program::Expected(_)
        ));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_end_of_a_child_is_known_before_its_parent_waits() {
        let sh = |script: &str| {
            let mut sh = std::process::Command::new("sh");
            sh.args(["-c", script]).spawn().unwrap()
        };
        let us = std::process::id();
        for (script, exit) in [
            ("exit 3", ExitStatus::new(Some(3), None)),
            ("kill -9 $$", ExitStatus::new(None, Some(9))),
        ] {
            let mut child = sh(script);
            let end =
                rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
            rustix::process::waitid(
                rustix::process::WaitId::Pid(pid_of(child.id()).unwrap()),
                end,
            )
            .unwrap();
            assert_eq!(exit_not_waited_for(child.id(), us), Some(exit));
            assert_eq!(exit_not_waited_for(child.id(), 1), None);
            child.wait().unwrap();
            assert_eq!(exit_not_waited_for(child.id(), us), None);
        }
        assert_eq!(exit_not_waited_for(us, 1), None);
    }
}
