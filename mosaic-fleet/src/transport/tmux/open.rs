//! A pane opened for looking and typing: a connection of its own on the pane's session, because
//! only that one hears the pane's output.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Inner;
use super::command::{CommandList, command};
use super::control::{Control, Events};
use super::ear::{Ear, Heard};
use super::error::TmuxError;
use super::programs::Programs;
use super::protocol::Told;
use super::screen::{Capture, Look, look};
use super::target::{PaneTarget, Row, list_panes_of, pane_of, rows};
use crate::agent::AgentName;
use crate::error::{Error, Result};
use crate::events::Word;
use crate::runtime::process::Program;
use crate::runtime::{Explanation, Manifest, Reading, read, read_expecting};

/// An open pane.
#[derive(Debug)]
pub(super) struct OpenPane {
    pub(super) control: Arc<Control>,
    pub(super) capture: Capture,
    pub(super) row: Row,
    pub(super) manifest: Arc<Manifest>,
    /// Hears the program itself, where it was given a log.
    pub(super) ear: Option<Ear>,
    /// The programs that run there, and what was in front when they were asked about.
    programs: Mutex<(Programs, Option<String>)>,
    /// What was heard before this piece of output was not heard from this pane.
    opened: u64,
}

impl OpenPane {
    /// Opens an agent's pane by the agent's whole name.
    pub(super) async fn agent(inner: &Inner, name: &AgentName, deadline: Instant) -> Result<Self> {
        match Self::go_to(inner, name, deadline).await {
            Ok((control, capture, rows)) => {
                let found = pane_of(&rows, name.as_str())
                    .cloned()
                    .ok_or_else(|| TmuxError::NoSession(name.to_string()).into())
                    .and_then(|row| Ok((inner.manifest_of(Some(name), &row.runtime)?, row)));
                Self::assembled(inner, control, capture, found).await
            }
            Err(TmuxError::NoSession(_)) => Err(inner.unknown_agent(name, deadline).await),
            Err(error) => Err(error.into()),
        }
    }

    /// A connection on the agent's session: one that is at hand, or a new one.
    async fn go_to(
        inner: &Inner,
        name: &AgentName,
        deadline: Instant,
    ) -> Result<(Arc<Control>, Capture, Vec<Row>), TmuxError> {
        let Some((control, capture)) = inner.take_idle() else {
            return Self::attach(inner, &format!("={name}:"), deadline).await;
        };
        let session = format!("={name}");
        let lists = [
            CommandList::new([command!["switch-client", "-E", "-t", session]]),
            CommandList::new([list_panes_of(&format!("={name}:"))]),
        ];
        let blocks = control.request(&lists, deadline).await?;
        match blocks.as_slice() {
            [moved, listed] if moved.ok => Ok((control, capture, rows(&listed.body))),
            [moved, ..] if moved.text().contains("can't find") => {
                inner.keep(control, capture);
                Err(TmuxError::NoSession(name.to_string()))
            }
            [moved, ..] => Err(TmuxError::Protocol(moved.text())),
            [] => Err(TmuxError::Protocol("no answer".to_owned())),
        }
    }

    /// Ends the connection.
    pub(super) async fn close(self) {
        self.control.close().await;
    }

    /// Opens any pane of the server. `runtime` overrides what the pane says of itself.
    pub(super) async fn target(
        inner: &Inner,
        target: &PaneTarget,
        runtime: Option<&str>,
        deadline: Instant,
    ) -> Result<Self> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let all = inner.server.panes(None, limit).await?;
        let missing = || {
            let known = all.iter().map(|row| row.identity.session.as_str());
            Error::agent_not_found(&target.to_string(), known)
        };
        let found = target.pick(&all).ok_or_else(missing)?;
        let session = format!("{}:", found.identity.session_id);
        let (control, capture, rows) = Self::attach(inner, &session, deadline).await?;
        let found = rows
            .into_iter()
            .find(|row| row.identity == found.identity)
            .ok_or_else(missing);
        let found = match found {
            Ok(row) => {
                let runtime = match runtime {
                    Some(runtime) => runtime.to_owned(),
                    None => inner.guess_runtime(&row, deadline).await,
                };
                let manifest = inner.server.config.catalog.get(&runtime);
                manifest.map(|manifest| (manifest, row))
            }
            Err(error) => Err(error),
        };
        Self::assembled(inner, control, capture, found).await
    }

    /// Puts a pane together; where that fails the connection is ended in good order.
    async fn assembled(
        inner: &Inner,
        control: Arc<Control>,
        capture: Capture,
        found: Result<(Arc<Manifest>, Row)>,
    ) -> Result<Self> {
        match found {
            Ok((manifest, row)) => Ok(OpenPane {
                opened: control.events().output,
                control,
                capture,
                programs: Mutex::new((Programs::unasked(&inner.server), None)),
                ear: Ear::to(&inner.server, &row.agent, &manifest),
                row,
                manifest,
            }),
            Err(error) => {
                control.close().await;
                Err(error)
            }
        }
    }

    async fn attach(
        inner: &Inner,
        target: &str,
        deadline: Instant,
    ) -> Result<(Arc<Control>, Capture, Vec<Row>), TmuxError> {
        let control = Control::attach(&inner.server, target, true, deadline).await?;
        let lists = [
            CommandList::new([command!["display-message", "-p", "#{version}"]]),
            CommandList::new([list_panes_of(target)]),
        ];
        let blocks = control.request(&lists, deadline).await?;
        let [version, listed] = blocks.as_slice() else {
            return Err(TmuxError::Protocol("no list of panes".to_owned()));
        };
        let capture = Capture::for_version(&version.text());
        Ok((Arc::new(control), capture, rows(&listed.body)))
    }

    /// What the pane shows now, with `history` lines above.
    pub(super) async fn look(&self, history: usize, deadline: Instant) -> Result<Look, TmuxError> {
        let control = &self.control;
        let identity = &self.row.identity;
        let look = look(control, self.capture, identity, history, deadline).await?;
        self.notice(&look, deadline).await;
        Ok(look)
    }

    /// Asks another host about its processes, unless the same is in front as before.
    async fn notice(&self, look: &Look, deadline: Instant) {
        let server = self.control.server();
        let known = || {
            let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
            programs.1.as_ref() == Some(&look.front)
        };
        if server.config.remote.is_none() || known() {
            return;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let programs = Programs::of(server, left).await;
        *self.programs.lock().unwrap_or_else(PoisonError::into_inner) =
            (programs, Some(look.front.clone()));
    }

    /// The programs of its host.
    pub(super) fn programs(&self) -> Programs {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        programs.0.clone()
    }

    /// What the manifest sees in it.
    pub(super) fn read(&self, look: &Look) -> Reading {
        let programs = self.programs();
        read_pane(&self.manifest, &self.row, look, &self.heard(), &programs).0
    }

    /// What the program says of itself.
    pub(super) fn heard(&self) -> Heard {
        let mine = |told: &Told| self.row.identity.pane_id == format!("%{}", told.pane);
        let told = self.control.events().told;
        let told = told.filter(|(when, told)| *when > self.opened && mine(told));
        Heard {
            word: self.word(),
            terminal: told.map(|(_, told)| told.state),
        }
    }

    /// What the program itself has told.
    pub(super) fn word(&self) -> Option<Word> {
        self.ear.as_ref().map(Ear::word)
    }

    /// Waits until something has happened since `seen`, or until `deadline`. True if it has.
    pub(super) async fn changed(&self, seen: Events, deadline: Instant) -> bool {
        let told = async {
            match &self.ear {
                Some(ear) => ear.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.control.changed(seen, deadline) => changed,
            () = told => true,
        }
    }

    /// The same, where the composer is expected to hold a text behind a prompt.
    pub(super) fn read_expecting(&self, look: &Look, prompt: &str, expected: &str) -> Reading {
        let reading = read_expecting(&self.manifest, &look.screen, prompt, expected);
        let programs = self.programs();
        with_more(&self.manifest, &self.row, &self.heard(), &programs, reading).0
    }

    /// The program has ended, whether its terminal has noticed yet or not.
    pub(super) fn has_ended(&self, look: &Look) -> bool {
        look.dead
            || self.programs().has_ended(&self.row.identity)
            || matches!(self.program(), Program::Other(_))
    }

    /// What the manifest sees in the pane, and why.
    pub(super) async fn explain(&self, deadline: Instant) -> Result<Explanation, TmuxError> {
        let look = self.look(0, deadline).await?;
        let reading = self.read(&look);
        let program = match self.program() {
            Program::Expected(name) => name,
            Program::Other(name) => format!("{name}, not {}", self.manifest.processes.join(" or ")),
            Program::Unknown => "any".to_owned(),
        };
        Ok(Explanation {
            runtime: self.manifest.name.clone(),
            state: reading.state,
            composer: reading.composer.map(|composer| composer.text),
            question: reading.question.map(|question| question.text),
            program,
            seen: reading.seen,
            screen: look.screen.rows,
            title: look.screen.title,
        })
    }

    /// Which program runs in the pane's foreground.
    pub(super) fn program(&self) -> Program {
        if self.manifest.processes.is_empty() {
            return Program::Unknown;
        }
        self.foreground(&self.manifest.processes)
    }

    /// Which of `names` runs in the pane's foreground, or what else.
    pub(super) fn foreground(&self, names: &[String]) -> Program {
        let programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let front = programs.1.as_deref().unwrap_or_default();
        programs.0.foreground(&self.row.identity, front, names)
    }
}

/// What a manifest sees in a pane: its screen and, where that tells more, who has the terminal and
/// what the program itself has told. The program's word, where it decides, stands beside it.
pub(super) fn read_pane(
    manifest: &Manifest,
    row: &Row,
    look: &Look,
    heard: &Heard,
    programs: &Programs,
) -> (Reading, Option<String>) {
    with_more(manifest, row, heard, programs, read(manifest, &look.screen))
}

fn with_more(
    manifest: &Manifest,
    row: &Row,
    heard: &Heard,
    programs: &Programs,
    mut reading: Reading,
) -> (Reading, Option<String>) {
    if manifest.yields_terminal
        && reading.question.is_none()
        && programs.command_in_front(&row.identity, &manifest.paste.bracketed_processes)
    {
        reading.work_seen("a command has the terminal");
    }
    let decided = heard.weigh(&mut reading);
    (reading, decided)
}

impl Inner {
    /// `AgentNotFound` with the nearest agent suggested; `Unavailable` if that cannot be asked.
    pub(super) async fn unknown_agent(&self, name: &AgentName, deadline: Instant) -> Error {
        let limit = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(100));
        match self.server.panes(None, limit).await {
            Ok(rows) => {
                let known = rows.iter().map(|row| row.identity.session.as_str());
                Error::agent_not_found(name.as_str(), known.filter(|name| !name.starts_with('_')))
                    .with_hint("`mosaic-fleet status` lists the agents; `start` starts one")
            }
            Err(error) => error.into(),
        }
    }

    /// The manifest of an agent: what the caller said, else what the pane says, else the default.
    pub(super) fn manifest_of(
        &self,
        name: Option<&AgentName>,
        said: &str,
    ) -> Result<Arc<Manifest>> {
        let config = &self.server.config;
        let runtime = name
            .and_then(|name| config.runtimes.get(name))
            .map(String::as_str)
            .or(Some(said).filter(|said| !said.is_empty()))
            .unwrap_or(&config.default_runtime);
        config.catalog.get(runtime)
    }

    /// The runtime of a pane that says nothing: the one whose program runs in it, else a shell.
    async fn guess_runtime(&self, row: &Row, deadline: Instant) -> String {
        if !row.runtime.is_empty() {
            return row.runtime.clone();
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let programs = Programs::of(&self.server, left).await;
        let runs = |manifest: &&Manifest| {
            !manifest.processes.is_empty()
                && matches!(
                    programs.foreground(&row.identity, "", &manifest.processes),
                    Program::Expected(_)
                )
        };
        let found = self.server.config.catalog.iter().find(runs);
        found
            .map_or("shell", |manifest| manifest.name.as_str())
            .to_owned()
    }
}
