//! What a program that was set up for it tells its hooks, made from what it logs.

use super::log::Entry;
use crate::events::{EVENTS_VARIABLE, Event, EventLog, What};

/// Tells of itself in the log that the environment names, if it is to.
#[derive(Debug)]
pub(super) struct Teller {
    log: Option<EventLog>,
    sessions: u32,
}

impl Teller {
    pub(super) fn new(tells: bool) -> Self {
        let path = std::env::var_os(EVENTS_VARIABLE).filter(|_| tells);
        Teller {
            log: path.map(EventLog::at),
            sessions: 1,
        }
    }

    pub(super) fn tell(&mut self, entries: &[Entry]) {
        for entry in entries {
            for event in self.events(entry) {
                // As with a real hook, a log that cannot be written stops nobody.
                let _ = self.log.as_ref().map(|log| log.append(&event));
            }
        }
    }

    fn events(&mut self, entry: &Entry) -> Vec<Event> {
        let session = |number: u32| format!("session-{number}");
        let now = |what| Event::now(what, session(self.sessions));
        let begun = |number, reason: &str| Event {
            reason: Some(reason.to_owned()),
            submit_key: Some("F12".to_owned()),
            ..Event::now(What::SessionStart, session(number))
        };
        match entry {
            Entry::Ready => vec![begun(self.sessions, "startup")],
            Entry::Took { text, queued, .. } => {
                let mut prompt = now(What::Prompt).with_text(text);
                prompt.queued = *queued;
                vec![prompt]
            }
            Entry::Began { .. } => vec![now(What::Working)],
            Entry::TurnEnded { .. } => vec![now(What::Idle)],
            Entry::DialogOpened { .. } => vec![now(What::Waiting)],
            Entry::Reset { .. } => {
                self.sessions += 1;
                let ended = Event::now(What::SessionEnd, session(self.sessions - 1));
                vec![ended, begun(self.sessions, "clear")]
            }
            Entry::Exited { .. } => vec![now(What::SessionEnd)],
            _ => Vec::new(),
        }
    }
}

/// What is told to the terminal about these entries.
pub(super) fn terminal_words(entries: &[Entry]) -> String {
    let state = |entry: &Entry| match entry {
        Entry::Began { .. } => Some("working"),
        Entry::TurnEnded { .. } => Some("idle"),
        Entry::DialogOpened { .. } => Some("blocked"),
        _ => None,
    };
    let states = entries.iter().filter_map(state);
    states
        .map(|state| format!("\x1b]7501;state={state}:app=scripted\x1b\\"))
        .collect()
}
