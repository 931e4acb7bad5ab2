//! Hearing an agent's own program while its pane is open, and weighing what it tells against the
//! screen: the program's word first, the screen second.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::TmuxError;
use super::protocol::ToldState;
use super::server::Server;
use crate::agent::AgentState;
use crate::events::{EventLog, Watch, What, Word};
use crate::runtime::{Manifest, Question, Reading};

/// A program draws its question a little after it told of it.
const NOT_DRAWN_YET: Duration = Duration::from_secs(3);

/// The end of a turn can be lost: one that was told of and that no screen shows is over after this.
const UNSEEN: Duration = Duration::from_secs(60);

/// The log of one agent, open for hearing.
#[derive(Debug)]
pub(super) struct Ear {
    log: EventLog,
    watch: Watch,
    manifest: Arc<Manifest>,
}

/// Where the agent `name` of this server tells what it does.
///
/// # Errors
/// Where there can be no such log: on another host it would be that host's.
pub(super) fn log_of(server: &Server, name: &str) -> Result<EventLog, TmuxError> {
    if server.config.remote.is_some() {
        return Err(TmuxError::Protocol("no log of another host".to_owned()));
    }
    let folder = server.private_folder()?;
    Ok(EventLog::at(folder.join("events").join(name).join("log")))
}

impl Ear {
    /// For an agent that was given a log at its start.
    pub(super) fn to(server: &Server, name: &str, manifest: &Arc<Manifest>) -> Option<Self> {
        let log = log_of(server, name)
            .ok()
            .filter(|log| log.path().exists())?;
        let watch = Watch::of(log.path());
        Some(Ear {
            log,
            watch,
            manifest: Arc::clone(manifest),
        })
    }

    /// What the program has told by now.
    pub(super) fn word(&self) -> Word {
        let word = self.log.word(|name| is_of(&self.manifest, name));
        word.unwrap_or_default()
    }

    /// Returns when it has told something more. Cancel safe.
    pub(super) async fn changed(&self) {
        self.watch.changed().await;
    }
}

/// Whether hooks of this name are those of the manifest's program: another program that the agent
/// runs inherits its log.
fn is_of(manifest: &Manifest, name: &str) -> bool {
    manifest.name == name || manifest.processes.iter().any(|process| process == name)
}

/// What an agent's program says of itself, by its hooks and to its terminal.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) word: Option<Word>,
    pub(super) terminal: Option<ToldState>,
}

impl Heard {
    /// What the hooks of the agent `name` told.
    pub(super) fn by_hooks(server: &Server, name: &str, manifest: &Manifest) -> Self {
        let log = log_of(server, name).ok().filter(|_| !name.is_empty());
        Heard {
            word: log.and_then(|log| log.word(|name| is_of(manifest, name))),
            terminal: None,
        }
    }

    /// Lets it into a reading of the screen, and says what decided where it did.
    pub(super) fn weigh(&self, reading: &mut Reading) -> Option<String> {
        let now = SystemTime::now();
        let by_hook = self
            .word
            .as_ref()
            .and_then(|word| weigh(reading, word, now));
        by_hook.map(|said| format!("hook: {said}")).or_else(|| {
            let said = weigh_terminal(reading, self.terminal?)?;
            Some(format!("terminal: {said}"))
        })
    }
}

/// As [`weigh`], what the program told its terminal.
fn weigh_terminal(reading: &mut Reading, told: ToldState) -> Option<&'static str> {
    match (told, reading.state) {
        (ToldState::Working, AgentState::Idle | AgentState::Working | AgentState::Unknown) => {
            reading.state = AgentState::Working;
            reading.busy = true;
            Some("its turn is running")
        }
        (ToldState::Blocked, AgentState::Unknown) => {
            reading.state = AgentState::Waiting;
            reading.question = Some(asked(None));
            Some("it asks")
        }
        (ToldState::Idle, AgentState::Unknown) => {
            reading.state = AgentState::Idle;
            Some("no turn is running")
        }
        _ => None,
    }
}

/// Lets the program's word into a reading of its screen. Returns what it said where that decides.
///
/// A screen that shows a question or a turn is believed: a person may have begun it, and a program
/// does not tell of everything. A turn that was cut short ends without a word.
fn weigh(reading: &mut Reading, word: &Word, now: SystemTime) -> Option<&'static str> {
    word.session()?;
    let last = word.last()?;
    let age = now.duration_since(last.time()).unwrap_or_default();
    let readable = reading.composer.is_some();
    let (said, state) = match last.what {
        What::Waiting => ("it asks", AgentState::Waiting),
        What::Prompt | What::Working => ("its turn is running", AgentState::Working),
        What::Idle | What::SessionStart => ("no turn is running", AgentState::Idle),
        What::SessionEnd => return None,
    };
    let believed = match (state, reading.state) {
        (told, shown) if told == shown => true,
        (AgentState::Waiting, _) => !readable || age < NOT_DRAWN_YET,
        (AgentState::Working, AgentState::Idle) => !reading.cut_short && age < UNSEEN,
        (_, AgentState::Unknown) => true,
        _ => false,
    };
    if !believed {
        return None;
    }
    reading.state = state;
    reading.busy |= state == AgentState::Working;
    if state == AgentState::Waiting && reading.question.is_none() {
        reading.question = Some(asked(last.question.clone()));
    }
    Some(said)
}

fn asked(question: Option<String>) -> Question {
    Question {
        waiting_for: "permission".to_owned(),
        text: question.unwrap_or_else(|| "a question".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Event;
    use crate::runtime::{Composer, Reading};

    fn reading(state: AgentState, drawn: bool) -> Reading {
        Reading {
            state,
            question: None,
            composer: drawn.then(Composer::default),
            busy: state == AgentState::Working,
            queued: false,
            cut_short: false,
            seen: Vec::new(),
        }
    }

    fn weighed(told: What, reading: &mut Reading, later: u64) -> AgentState {
        let event = Event::now(told, "s");
        let now = event.time() + Duration::from_secs(later);
        weigh(reading, &Word::of(vec![event]), now);
        reading.state
    }

    #[test]
    fn the_word_comes_first_and_an_old_question_that_is_not_drawn_is_answered() {
        use AgentState::{Idle, Unknown, Waiting, Working};
        for (told, shown, drawn, later, state) in [
            (What::Working, Idle, true, 30, Working),
            (What::Working, Idle, true, 61, Idle),
            (What::Prompt, Unknown, false, 60, Working),
            (What::Idle, Working, true, 0, Working),
            (What::Idle, Unknown, false, 60, Idle),
            (What::Waiting, Idle, true, 0, Waiting),
            (What::Waiting, Idle, true, 60, Idle),
            (What::Waiting, Unknown, false, 60, Waiting),
            (What::SessionEnd, Unknown, false, 0, Unknown),
        ] {
            let mut reading = reading(shown, drawn);
            assert_eq!(
                weighed(told, &mut reading, later),
                state,
                "{told:?} {shown:?}"
            );
        }
        let mut interrupted = reading(Idle, true);
        interrupted.cut_short = true;
        assert_eq!(weighed(What::Working, &mut interrupted, 30), Idle);
    }
}
