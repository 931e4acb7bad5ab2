//! The only maker of tmux targets: names are resolved once to ids, exactly, and addressed by them.

use std::time::{Duration, SystemTime};

use super::command::{Command, CommandList, command};
use super::control::Control;
use super::error::TmuxError;
use crate::agent::{AgentName, ExitStatus};
use crate::error::{Error, Result as PublicResult};
use tokio::time::Instant;

/// A pane of one server generation: what a name meant when it was resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The server's process id and start time: its generation.
    pub(super) server: u32,
    pub(super) started: u64,
    pub(super) session_id: String,
    pub(super) pane_id: String,
    pub(super) pane_pid: u32,
    pub(super) session: String,
}

impl Identity {
    /// `$S:.%P`: tmux checks that this pane is in this session, at the moment of use.
    pub(super) fn target(&self) -> String {
        format!("{}:.{}", self.session_id, self.pane_id)
    }

    /// A format that holds while this is still the same pane with the same live program.
    pub(super) fn still_alive(&self) -> Vec<String> {
        vec![
            format!("#{{==:#{{pid}},{}}}", self.server),
            format!("#{{==:#{{start_time}},{}}}", self.started),
            format!("#{{==:#{{pane_id}},{}}}", self.pane_id),
            format!("#{{==:#{{pane_pid}},{}}}", self.pane_pid),
            "#{==:#{pane_dead},0}".to_owned(),
        ]
    }
}

/// One pane as `list-panes` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) identity: Identity,
    pub(super) window_index: u32,
    pub(super) pane_index: u32,
    pub(super) dead: bool,
    pub(super) exit: ExitStatus,
    pub(super) ended: Option<SystemTime>,
    pub(super) activity: Option<SystemTime>,
    pub(super) created: Option<SystemTime>,
    /// The agent that we started in this pane.
    pub(super) agent: String,
    pub(super) runtime: String,
}

/// The fields of a [`Row`], in order.
const FIELDS: [&str; 16] = [
    "session_name",
    "session_id",
    "pane_id",
    "pid",
    "start_time",
    "pane_pid",
    "window_index",
    "pane_index",
    "pane_dead",
    "pane_dead_status",
    "pane_dead_signal",
    "pane_dead_time",
    "window_activity",
    "session_created",
    "@mosaic_agent",
    "@mosaic_runtime",
];

/// The format of a [`Row`].
pub(super) fn row_format() -> String {
    let fields: Vec<String> = FIELDS.iter().map(|field| format!("#{{{field}}}")).collect();
    fields.join("\t")
}

/// Lists every pane of the server, or those that pass `filter` (a format).
pub(super) fn list_panes(filter: Option<&str>) -> Command {
    let command = command!["list-panes", "-a", "-F", row_format()];
    match filter {
        Some(filter) => command.word("-f").word(filter),
        None => command,
    }
}

/// Lists the panes of one session (`=name:` or `$id:`), whatever number of others there are.
pub(super) fn list_panes_of(session: &str) -> Command {
    command!["list-panes", "-s", "-t", session, "-F", row_format()]
}

/// Reads what [`list_panes`] printed.
pub(super) fn rows(output: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(output);
    text.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [
        session,
        session_id,
        pane_id,
        server,
        started,
        pane_pid,
        window_index,
        pane_index,
        dead,
        status,
        signal,
        ended,
        activity,
        created,
        agent,
        runtime,
    ] = fields.as_slice()
    else {
        return None;
    };
    let time = |text: &str| {
        let seconds: u64 = text.parse().ok().filter(|seconds| *seconds > 0)?;
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    };
    Some(Row {
        identity: Identity {
            server: server.parse().ok()?,
            started: started.parse().ok()?,
            session_id: (*session_id).to_owned(),
            pane_id: (*pane_id).to_owned(),
            pane_pid: pane_pid.parse().unwrap_or(0),
            session: (*session).to_owned(),
        },
        window_index: window_index.parse().unwrap_or(0),
        pane_index: pane_index.parse().unwrap_or(0),
        dead: *dead == "1",
        exit: ExitStatus::new(status.parse().ok(), signal.parse().ok()),
        ended: time(ended),
        activity: time(activity),
        created: time(created),
        agent: (*agent).to_owned(),
        runtime: (*runtime).to_owned(),
    })
}

/// The pane that an agent lives in: the one we started it in, else its session's first.
pub(super) fn pane_of<'a>(rows: impl IntoIterator<Item = &'a Row>, name: &str) -> Option<&'a Row> {
    let mut first = None;
    for row in rows {
        if row.identity.session == name {
            if row.agent == name {
                return Some(row);
            }
            first = first.or(Some(row));
        }
    }
    first
}

/// Finds an agent on a connection.
pub(super) async fn find(
    control: &Control,
    name: &AgentName,
    deadline: Instant,
) -> Result<Row, TmuxError> {
    let list = CommandList::new([list_panes_of(&format!("={name}:"))]);
    let blocks = control.request(&[list], deadline).await?;
    let rows: Vec<Row> = blocks.iter().flat_map(|block| rows(&block.body)).collect();
    pane_of(&rows, name.as_str())
        .cloned()
        .ok_or_else(|| TmuxError::NoSession(name.to_string()))
}

/// A pane as a person names it: `NAME`, `=NAME`, `NAME:W.P`, `=NAME:W.P` or `%P`. Always exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaneTarget {
    /// A session by its whole name, and a window and a pane of it by their numbers.
    Session {
        /// The whole name.
        name: String,
        /// Window and pane number; without them the session's first pane.
        at: Option<(u32, u32)>,
    },
    /// A pane by its id, as `%5`.
    Pane(u32),
}

impl PaneTarget {
    /// Reads a target.
    ///
    /// # Errors
    /// `InvalidArgument` with the forms that are known.
    pub fn parse(text: &str) -> PublicResult<Self> {
        let bad = || {
            Error::invalid_argument(format!(
                "bad target {text:?}: write NAME, =NAME, NAME:WINDOW.PANE or %PANE"
            ))
        };
        if let Some(number) = text.strip_prefix('%') {
            return number.parse().map(PaneTarget::Pane).map_err(|_| bad());
        }
        let text = text.strip_prefix('=').unwrap_or(text);
        let (name, place) = match text.split_once(':') {
            Some((name, place)) => (name, (!place.is_empty()).then_some(place)),
            None => (text, None),
        };
        let spoils = |c: char| c.is_control() || c == '\t' || c == '#';
        if name.is_empty() || name.contains(spoils) {
            return Err(bad());
        }
        let at = match place {
            None => None,
            Some(place) => {
                let (window, pane) = place.split_once('.').unwrap_or((place, "0"));
                Some((
                    window.parse().map_err(|_| bad())?,
                    pane.parse().map_err(|_| bad())?,
                ))
            }
        };
        Ok(PaneTarget::Session {
            name: name.to_owned(),
            at,
        })
    }

    /// The pane that is meant, among all.
    pub(super) fn pick<'a>(&self, rows: &'a [Row]) -> Option<&'a Row> {
        match self {
            PaneTarget::Pane(number) => {
                let id = format!("%{number}");
                rows.iter().find(|row| row.identity.pane_id == id)
            }
            PaneTarget::Session { name, at } => rows
                .iter()
                .filter(|row| row.identity.session == *name)
                .find(|row| at.is_none_or(|at| at == (row.window_index, row.pane_index))),
        }
    }
}

impl std::fmt::Display for PaneTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PaneTarget::Pane(number) => write!(f, "%{number}"),
            PaneTarget::Session { name, at: None } => f.write_str(name),
            PaneTarget::Session {
                name,
                at: Some((window, pane)),
            } => write!(f, "{name}:{window}.{pane}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample(session: &str, pane: u32, agent: &str) -> Row {
        row(&format!(
            "{session}\t$1\t%{pane}\t10\t20\t30\t0\t{pane}\t0\t\t\t\t5\t5\t{agent}\tshell"
        ))
        .unwrap()
    }

    #[test]
    fn names_are_matched_whole() {
        let rows = [
            sample("agent-10", 1, ""),
            sample("agent-1", 2, ""),
            sample("agent", 3, ""),
        ];
        assert_eq!(pane_of(&rows, "agent-1").unwrap().identity.pane_id, "%2");
        assert_eq!(pane_of(&rows, "age"), None);
        let target = PaneTarget::parse("=agent").unwrap();
        assert_eq!(target.pick(&rows).unwrap().identity.pane_id, "%3");
    }

    #[test]
    fn the_pane_we_started_wins_over_a_split() {
        let rows = [sample("a", 1, ""), sample("a", 2, "a")];
        assert_eq!(pane_of(&rows, "a").unwrap().identity.pane_id, "%2");
    }

    #[test]
    fn targets_as_people_write_them() {
        let session = |name: &str, at| PaneTarget::Session {
            name: name.to_owned(),
            at,
        };
        for (text, target) in [
            ("a", session("a", None)),
            ("=a", session("a", None)),
            ("=a:", session("a", None)),
            ("a:1.2", session("a", Some((1, 2)))),
            ("%7", PaneTarget::Pane(7)),
        ] {
            assert_eq!(PaneTarget::parse(text).unwrap(), target);
        }
        for bad in [
            "", "=", ":", "=:", "%", "%x", "a:b", "a:1.x", "#(x)", "a\tb",
        ] {
            assert!(PaneTarget::parse(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_output_panics_the_reader(output in proptest::collection::vec(any::<u8>(), 0..200)) {
            rows(&output);
        }
    }
}
