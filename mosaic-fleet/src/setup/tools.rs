//! Our drop-ins for the scripts of the bash version, in the fleet's home: the names stand in many
//! agents' prompts. What was there is kept, and given back. Which script goes where is one table.

use std::path::Path;

use super::{FileChange, FileText, binary_word, shell_word};
use crate::error::Result;

/// A script, and its place in the fleet's home.
pub(super) struct Tool {
    pub(super) path: &'static str,
    /// What it does.
    pub(super) what: &'static str,
    /// The command that does the same.
    pub(super) command: &'static str,
    text: &'static str,
}

macro_rules! tools {
    ($($folder:literal / $name:literal $what:literal $command:literal),* $(,)?) => {
        &[$(Tool {
            path: concat!("tools/", $folder, "/", $name),
            what: $what,
            command: concat!("mosaic-fleet ", $command),
            text: include_str!(concat!("../shims/", $name)),
        }),*]
    };
}

/// Every script of ours.
pub(super) const TOOLS: &[Tool] = tools![
    "tmux" / "agent-send.sh" "sends a text to an agent, with who sends it" "agent send",
    "tmux" / "send-message.sh" "types a text into a terminal" "pane send",
    "fleet" / "start-agent-session.sh" "starts an agent" "start",
    "git" / "lane-brief.sh" "tells the open work of a repository" "lane brief",
    "woodpecker" / "ci-wait.sh" "waits for pipelines" "ci wait",
    "woodpecker" / "ci-queue-wait.sh" "waits until no pipeline is in the way" "ci guard",
];

/// What the second line of a script of ours begins with; its sum follows.
const MARK: &str = "# mosaic-fleet tool ";

/// What stands in a script for its sum and for the binary's path.
const SUM_PLACE: &str = "@SUM@";
const BINARY_PLACE: &str = "@BINARY@";

/// Everybody may run a script of ours, and only its owner may change it.
const MODE: u32 = 0o755;

/// What is in the place of a script of ours now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolFiles {
    /// The file.
    pub file: FileText,
    /// Its owner may run it.
    pub executable: bool,
    /// The backups beside it, the newest first.
    pub backups: Vec<FileText>,
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Somebody's who is not us.
    Theirs,
    /// Ours, by whatever version of us.
    Ours,
    /// Ours, and somebody changed it.
    OursChanged,
}

/// What has to change so that the scripts are there and call `binary`, or are gone and what was
/// there before is back. Pure; nothing if all is as it should be.
///
/// `current` is what [`read_tools`](super::read_tools) found; `binary` is the absolute path of
/// `mosaic-fleet`.
///
/// # Errors
///
/// `InvalidArgument` if `binary` is not a path that a script can name.
pub fn tool_changes(
    current: &[ToolFiles],
    binary: &Path,
    uninstall: bool,
) -> Result<Vec<FileChange>> {
    let binary = binary_word(binary)?;
    let all = TOOLS.iter().zip(current);
    Ok(all
        .filter_map(|(tool, files)| match uninstall {
            true => taken_out(files),
            false => put_in(&rendered(tool.text, binary), files),
        })
        .collect())
}

fn put_in(text: &str, files: &ToolFiles) -> Option<FileChange> {
    let before = &files.file.text;
    if before.as_deref() == Some(text) && files.executable {
        return None;
    }
    Some(FileChange {
        path: files.file.path.clone(),
        before: before.clone(),
        after: Some(text.to_owned()),
        ours: before
            .as_deref()
            .is_none_or(|old| owner(old) == Owner::Ours),
        mode: Some(MODE),
        restores: None,
    })
}

fn taken_out(files: &ToolFiles) -> Option<FileChange> {
    let before = files.file.text.as_deref()?;
    let owner_now = owner(before);
    if owner_now == Owner::Theirs {
        return None;
    }
    // One of ours that somebody had changed stays beside it.
    let is_theirs = |kept: &&FileText| {
        let text = kept.text.as_deref();
        text.is_some_and(|text| owner(text) == Owner::Theirs)
    };
    let kept = files.backups.iter().find(is_theirs);
    Some(FileChange {
        path: files.file.path.clone(),
        before: Some(before.to_owned()),
        after: kept.and_then(|kept| kept.text.clone()),
        ours: owner_now == Owner::Ours,
        mode: Some(MODE),
        restores: kept.map(|kept| kept.path.clone()),
    })
}

fn rendered(template: &str, binary: &str) -> String {
    let text = template.replace(BINARY_PLACE, &shell_word(binary));
    let sum = sum(&text);
    text.replacen(SUM_PLACE, &sum, 1)
}

fn owner(text: &str) -> Owner {
    let line = text.lines().nth(1).and_then(|line| line.strip_prefix(MARK));
    let Some(found) = line.and_then(|rest| rest.split_whitespace().next()) else {
        return Owner::Theirs;
    };
    match sum(&text.replacen(found, SUM_PLACE, 1)) == found {
        true => Owner::Ours,
        false => Owner::OursChanged,
    }
}

/// Whether a script is one that we wrote, whoever changed it since.
pub(super) fn is_ours(text: &str) -> bool {
    owner(text) != Owner::Theirs
}

/// FNV-1a, 64 bits: tells a change of a person's, and is no defence against anybody.
fn sum(text: &str) -> String {
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{sum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_of_ours_is_known_and_so_is_a_change_of_it() {
        for tool in TOOLS {
            assert!(tool.text.starts_with("#!/bin/sh\n"), "{}", tool.path);
            let text = rendered(tool.text, "/it's/mosaic-fleet");
            assert!(
                text.contains(r"fleet='/it'\''s/mosaic-fleet'"),
                "{}",
                tool.path
            );
            assert!(!text.contains("@SUM@") && !text.contains("@BINARY@"));
            assert_eq!(owner(&text), Owner::Ours, "{}", tool.path);
            assert_eq!(owner(&format!("{text}# mine\n")), Owner::OursChanged);
        }
        for theirs in [
            "",
            "#!/bin/sh\n",
            "# mosaic-fleet tool x\n",
            "a\nb\n# mosaic-fleet tool x\n",
        ] {
            assert_eq!(owner(theirs), Owner::Theirs, "{theirs:?}");
        }
    }

    fn file(path: &str, text: Option<&str>) -> FileText {
        FileText {
            path: path.into(),
            text: text.map(str::to_owned),
        }
    }

    fn here(text: Option<&str>, backups: Vec<FileText>) -> Vec<ToolFiles> {
        let nothing = |_| ToolFiles {
            file: file("/none", None),
            executable: false,
            backups: Vec::new(),
        };
        let mut all: Vec<_> = TOOLS.iter().map(nothing).collect();
        all[0] = ToolFiles {
            file: file("/tool", text),
            executable: true,
            backups,
        };
        all
    }

    #[test]
    fn the_newest_that_is_not_ours_is_put_back() {
        let binary = Path::new("/opt/mosaic-fleet");
        let ours = rendered(TOOLS[0].text, "/opt/mosaic-fleet");
        let changed = format!("{ours}# mine\n");
        let backups = vec![
            file("/tool.3", Some(&changed)),
            file("/tool.2", Some("newer\n")),
            file("/tool.1", Some("older\n")),
        ];
        let of = |text, backups| tool_changes(&here(text, backups), binary, true).unwrap();
        for (text, unchanged) in [(&ours, true), (&changed, false)] {
            let planned = of(Some(text), backups.clone());
            assert_eq!(planned.len(), 1);
            assert_eq!(planned[0].restores, Some("/tool.2".into()));
            assert_eq!(planned[0].after.as_deref(), Some("newer\n"));
            assert_eq!(planned[0].ours, unchanged);
        }
        assert_eq!(of(Some(&ours), Vec::new())[0].after, None);
        assert_eq!(of(Some("theirs\n"), backups.clone()), []);
        assert_eq!(of(None, backups), []);
        let bad = Path::new("/opt/other");
        assert!(tool_changes(&here(None, Vec::new()), bad, false).is_err());
    }
}
