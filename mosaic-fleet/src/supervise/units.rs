//! The texts of the units: pure, so that what will be written can be shown first.
//!
//! Why they are as they are was measured (`BindsTo` prevents recovery, an ordering after
//! `default.target` is a cycle, the default `OOMPolicy` ends the whole fleet with one agent).

use std::path::{Path, PathBuf};

use super::keeping::UnitProgram;
use crate::agent::AgentName;
use crate::roster::AgentSpec;

/// The unit of the server that has the agents' terminals.
pub(super) const HOLDER: &str = "mosaic-tmux-holder.service";

/// The units of the agents, one instance each.
pub(super) const TEMPLATE: &str = "mosaic-agent@.service";

/// The drop-in with an agent's limits, in the folder of its unit's drop-ins.
pub(super) const LIMITS: &str = "50-mosaic-limits.conf";

/// The first line of every file that is ours, up to where words may change.
const OURS: &str = "# Written by `mosaic-fleet install-systemd`";

/// Not started again: usage, no tmux, configuration.
const FINAL: &str = "64 69 78";

/// The unit of an agent.
pub(super) fn unit_of(agent: &AgentName) -> String {
    format!("mosaic-agent@{agent}.service")
}

/// The agent of a unit.
pub(super) fn agent_of(unit: &str) -> Option<&str> {
    unit.strip_prefix("mosaic-agent@")?.strip_suffix(".service")
}

/// Whether a file is one that we wrote.
pub(super) fn is_ours(text: &str) -> bool {
    text.starts_with(OURS)
}

/// The socket of the fleet that a unit of ours was written for.
pub(super) fn fleet_of(text: &str) -> Option<PathBuf> {
    let line = |line: &str| line.strip_prefix("Socket=").map(PathBuf::from);
    text.lines().find_map(line).filter(|_| is_ours(text))
}

/// The roster that a unit of ours reads.
pub(super) fn roster_of(text: &str) -> Option<PathBuf> {
    let line = |line: &str| line.strip_prefix("Roster=").map(PathBuf::from);
    text.lines().find_map(line).filter(|_| is_ours(text))
}

/// A variable of a unit of ours, as it was written.
pub(super) fn variable_of(text: &str, name: &str) -> Option<String> {
    let before = format!("Environment=\"{name}=");
    let value = text.lines().find_map(|line| {
        let value = line.strip_prefix(&before)?.strip_suffix('"')?;
        Some(
            value
                .replace("%%", "%")
                .replace("\\\"", "\"")
                .replace("\\\\", "\\"),
        )
    });
    value.filter(|_| is_ours(text))
}

/// What the units of one fleet are written from.
#[derive(Debug)]
pub(super) struct Units<'a> {
    pub(super) program: &'a UnitProgram,
    /// As `--socket` takes it.
    pub(super) socket: &'a str,
    pub(super) socket_path: &'a Path,
    /// What the programs shall find besides what the manager gives them.
    pub(super) environment: Vec<(String, String)>,
}

impl Units<'_> {
    /// The unit of the server.
    pub(super) fn holder(&self) -> String {
        let (variables, fleet) = (self.variables(), self.fleet());
        let run = self.command(&["holder", "run"]);
        let ready = self.command(&["holder", "ready"]);
        format!(
            "{OURS}; changes are lost when it runs again.\n\
             # Put your own into a drop-in: systemctl --user edit {HOLDER}\n\
             [Unit]\n\
             Description=Mosaic fleet: the tmux server that has the agents' terminals\n\
             StartLimitIntervalSec=60\n\
             StartLimitBurst=30\n\
             \n\
             [Service]\n\
             Type=exec\n\
             {variables}\
             ExecStart={run}\n\
             ExecStartPost={ready}\n\
             Restart=always\n\
             RestartSec=200ms\n\
             RestartPreventExitStatus={FINAL}\n\
             # One agent without memory shall not end the others.\n\
             OOMPolicy=continue\n\
             KillMode=mixed\n\
             TimeoutStartSec=30\n\
             TimeoutStopSec=15\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n\
             {fleet}"
        )
    }

    /// The unit of every agent.
    pub(super) fn template(&self) -> String {
        let (variables, fleet) = (self.variables(), self.fleet());
        let run = self.command(&["agent", "run", "--unit", "%n", "%i"]);
        let clear = self.command(&["agent", "run", "--unit", "%n", "--clear", "%i"]);
        format!(
            "{OURS}; changes are lost when it runs again.\n\
             # Put your own into a drop-in: systemctl --user edit mosaic-agent@NAME.service\n\
             [Unit]\n\
             Description=Mosaic fleet agent %i\n\
             # Not Requires or BindsTo: a holder that fails once would keep the agents down for good.\n\
             Wants={HOLDER}\n\
             After={HOLDER}\n\
             PartOf={HOLDER}\n\
             StartLimitIntervalSec=60\n\
             StartLimitBurst=40\n\
             \n\
             [Service]\n\
             Type=notify\n\
             NotifyAccess=main\n\
             {variables}\
             ExecStart={run}\n\
             ExecStopPost=-{clear}\n\
             # The agent's programs move here by themselves, so that none outlives its agent.\n\
             Delegate=yes\n\
             KillMode=mixed\n\
             Restart=on-failure\n\
             RestartSec=500ms\n\
             RestartPreventExitStatus={FINAL}\n\
             TimeoutStartSec=60\n\
             TimeoutStopSec=30\n\
             \n\
             [Install]\n\
             WantedBy=default.target\n\
             {fleet}"
        )
    }

    fn variables(&self) -> String {
        let path = [("PATH".to_owned(), self.program.path.clone())];
        let all = path.iter().chain(&self.environment);
        all.map(|(key, value)| format!("Environment={}\n", quoted(&format!("{key}={value}"))))
            .collect()
    }

    /// Which fleet these units are of; the manager skips the section.
    fn fleet(&self) -> String {
        let roster = self.program.reads.display();
        format!(
            "\n[X-Mosaic]\nSocket={}\nRoster={roster}\n",
            self.socket_path.display()
        )
    }

    fn command(&self, words: &[&str]) -> String {
        let binary = self.program.binary.display().to_string();
        // In the program's own path the manager expands no variable.
        let mut all = vec![match is_plain(&binary) {
            true => binary,
            false => quoted(&binary),
        }];
        if let Some(roster) = &self.program.roster {
            let roster = roster.display().to_string();
            all.extend(["--roster".to_owned(), quoted_word(&roster)]);
        }
        all.extend(["--socket".to_owned(), quoted_word(self.socket)]);
        all.extend(words.iter().map(|word| (*word).to_owned()));
        all.join(" ")
    }
}

/// An agent's limits as a drop-in, if it has any.
pub(super) fn limits(agent: &AgentSpec) -> Option<String> {
    let lines = [
        agent
            .memory_max
            .as_ref()
            .map(|max| format!("MemoryMax={}\n", max.replace('%', "%%"))),
        agent.tasks_max.map(|max| format!("TasksMax={max}\n")),
        agent
            .cpu_quota
            .as_ref()
            .map(|quota| format!("CPUQuota={}\n", quota.replace('%', "%%"))),
    ];
    let lines: String = lines.into_iter().flatten().collect();
    let text =
        format!("{OURS}; the roster says it, and changes are lost here.\n[Service]\n{lines}");
    Some(text).filter(|_| !lines.is_empty())
}

/// A value in the manager's quotes, with nothing in it that it would expand.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%"))
}

fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.,:+@".contains(c);
    word.chars().all(plain) && !word.is_empty()
}

/// A word of a command line, in quotes where it needs them.
fn quoted_word(word: &str) -> String {
    match is_plain(word) {
        true => word.to_owned(),
        false => quoted(&word.replace('$', "$$")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(environment: &[(&str, &str)]) -> (String, String) {
        let program = UnitProgram::new("/opt/my fleet/mosaic-fleet", "/usr/bin:/home/a/100%/bin");
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let units = Units {
            program: &program,
            socket: "mosaic-factory",
            socket_path: Path::new("/tmp/tmux-1000/mosaic-factory"),
            environment: environment.iter().map(own).collect(),
        };
        (units.holder(), units.template())
    }

    #[test]
    fn the_units_are_these() {
        let (holder, template) = shown(&[("LANG", "C.UTF-8")]);
        insta::assert_snapshot!("holder", holder);
        insta::assert_snapshot!("template", template);
    }

    #[test]
    fn no_unit_orders_itself_after_the_target_that_wants_it() {
        let (holder, template) = shown(&[]);
        for text in [&holder, &template] {
            assert!(!text.contains("After=default.target"), "{text}");
            assert!(!text.contains("\nBindsTo"), "{text}");
        }
        assert!(holder.contains("\nOOMPolicy=continue\n"));
        assert!(template.contains("\nRestartPreventExitStatus=64 69 78\n"));
    }

    #[test]
    fn a_unit_says_whose_it_is_and_on_which_path() {
        let (holder, template) = shown(&[("MOSAIC_HOME", "/a \"b\"\\c")]);
        for text in [&holder, &template] {
            let socket = Path::new("/tmp/tmux-1000/mosaic-factory");
            assert_eq!(fleet_of(text).as_deref(), Some(socket));
            assert_eq!(
                variable_of(text, "PATH").unwrap(),
                "/usr/bin:/home/a/100%/bin"
            );
            assert_eq!(variable_of(text, "MOSAIC_HOME").unwrap(), "/a \"b\"\\c");
        }
        assert_eq!(fleet_of("[Unit]\nSocket=/x\n"), None);
    }

    #[test]
    fn limits_are_a_drop_in_or_nothing() {
        let mut agent = AgentSpec::new(AgentName::new("coder0").unwrap());
        assert_eq!(limits(&agent), None);
        agent.memory_max = Some("50%".to_owned());
        agent.tasks_max = Some(64);
        agent.cpu_quota = Some("150%".to_owned());
        let text = limits(&agent).unwrap();
        assert!(is_ours(&text));
        assert!(
            text.ends_with("[Service]\nMemoryMax=50%%\nTasksMax=64\nCPUQuota=150%%\n"),
            "{text}"
        );
    }

    #[test]
    fn units_and_agents_name_each_other() {
        let name = AgentName::new("agent-10").unwrap();
        assert_eq!(agent_of(&unit_of(&name)), Some("agent-10"));
        assert_eq!(agent_of(HOLDER), None);
    }
}
