//! What an agent's keeper and the service manager wrote into the journal about it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::units::unit_of;
use crate::agent::AgentName;

/// One line of an agent's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// When it was written.
    pub at: Option<Timestamp>,
    /// What happened, where our keeper wrote it: `started`, `adopted`, `kickstart`, `ended`,
    /// `stopped`, `failed`.
    pub event: Option<String>,
    /// The exit code, where it says one.
    pub exit_code: Option<i32>,
    /// What was written.
    pub message: String,
}

impl LogEntry {
    /// Reads one line of the journal's JSON. Nothing where it is none.
    pub fn parse(line: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let at = text("__REALTIME_TIMESTAMP")?.parse().ok()?;
        Some(LogEntry {
            at: Timestamp::from_microsecond(at).ok(),
            event: text("MOSAIC_EVENT").map(str::to_owned),
            exit_code: text("MOSAIC_EXIT_CODE").and_then(|code| code.parse().ok()),
            // What is no text is given as a list of bytes.
            message: text("MESSAGE").unwrap_or("(not text)").to_owned(),
        })
    }
}

/// The command that prints an agent's log, a JSON object a line: at most `lines`, and with `follow`
/// what comes after.
pub(super) fn command(agent: &AgentName, lines: usize, follow: bool) -> Vec<String> {
    let unit = unit_of(agent);
    let mut words: Vec<String> = ["journalctl", "--no-pager", "--quiet", "--output=json"]
        .map(str::to_owned)
        .to_vec();
    // root's services write into the system's journal.
    if rustix::process::getuid().is_root() {
        words.push(format!("--user-unit={unit}"));
    } else {
        words.extend(["--user".to_owned(), format!("--unit={unit}")]);
    }
    words.push(format!("--lines={lines}"));
    if follow {
        words.push("--follow".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_journal_is_read() {
        let line = r#"{"__REALTIME_TIMESTAMP":"1764000000000000","MESSAGE":"its program failed","MOSAIC_EVENT":"ended","MOSAIC_EXIT_CODE":"3"}"#;
        let entry = LogEntry::parse(line).unwrap();
        assert_eq!(entry.event.as_deref(), Some("ended"));
        assert_eq!(entry.exit_code, Some(3));
        assert_eq!(entry.at.unwrap().as_second(), 1_764_000_000);
        let bytes = r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":[27,1]}"#;
        assert_eq!(LogEntry::parse(bytes).unwrap().message, "(not text)");
        assert_eq!(LogEntry::parse("-- no entries --"), None);
    }
}
