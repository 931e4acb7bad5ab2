//! One real program in a terminal of its own, talking to a fake model: a private tmux server, a
//! throw-away home, and everything reaped at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::transport::tmux::{Timing, TmuxTransport};
use mosaic_fleet::{
    AgentName, AgentState, Message, Receipt, ResetOptions, ResetReport, Result, SendOptions,
    StatusOptions, Transport, TransportExt,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::model::Model;
use crate::program::{Launch, Program};

/// How long a program may take for a step on a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A program that was started, and all that is around it.
pub(crate) struct Stage {
    pub(crate) program: Program,
    pub(crate) fixture: TmuxFixture,
    pub(crate) model: Model,
    pub(crate) transport: TmuxTransport,
    work: PathBuf,
    home: PathBuf,
}

impl Stage {
    /// Starts the program, which may not be ready yet.
    pub(crate) async fn start(program: Program, launch: Launch) -> Self {
        Self::start_with(program, launch, json!({})).await
    }

    /// The same, with changes to its manifest.
    pub(crate) async fn start_with(program: Program, launch: Launch, changes: Value) -> Self {
        Self::set_up(program, launch, changes, |_, _| {}).await
    }

    /// The same, in a home that `set_up` has changed.
    pub(crate) async fn set_up(
        program: Program,
        launch: Launch,
        changes: Value,
        set_up: impl Fn(Program, &Path),
    ) -> Self {
        let model = Model::start().await;
        let mut fixture = TmuxFixture::new("unused").unwrap();
        fixture.config.timing = Timing::DEFAULT;
        fixture.config.size = (200, 50);
        let changes = [(program.name().to_owned(), changes)].into();
        fixture.config.catalog = fixture.config.catalog.with_overrides(&changes).unwrap();
        let home = fixture.folder().join("home");
        let work = fixture.folder().to_path_buf();
        let variables = program.settle(&home, &work, &model.url());
        set_up(program, &home);
        let command = program.command(launch, &variables);
        fixture
            .start_command("coder0", program.name(), &command)
            .await
            .unwrap();
        let transport = fixture.connected();
        Stage {
            program,
            fixture,
            model,
            transport,
            work,
            home,
        }
    }

    /// Starts the program and waits until it is idle.
    pub(crate) async fn ready(program: Program, launch: Launch) -> Self {
        let stage = Self::start(program, launch).await;
        stage.idle().await;
        stage
    }

    pub(crate) fn agent() -> AgentName {
        AgentName::new("coder0").unwrap()
    }

    /// A file in the program's folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// The log that the program's hooks write.
    pub(crate) fn event_log(&self) -> PathBuf {
        let show = ["show-environment", "-t", "=coder0", "MOSAIC_AGENT_EVENTS"];
        let shown = self.fixture.tmux_text(&show).unwrap();
        PathBuf::from(shown.trim().strip_prefix("MOSAIC_AGENT_EVENTS=").unwrap())
    }

    pub(crate) async fn send(&self, text: &str) -> Result<Receipt> {
        self.send_with(text, SendOptions::new().with_timeout(LIMIT))
            .await
    }

    pub(crate) async fn send_with(&self, text: &str, options: SendOptions) -> Result<Receipt> {
        let message = Message::new(text);
        self.transport.send(&Self::agent(), message, options).await
    }

    pub(crate) async fn reset(&self) -> Result<ResetReport> {
        let options = ResetOptions::new().with_timeout(LIMIT);
        self.transport.reset(&Self::agent(), options).await
    }

    /// Waits until the agent is idle.
    pub(crate) async fn idle(&self) {
        self.state(AgentState::Idle).await;
    }

    /// Waits until the agent is in `state`.
    pub(crate) async fn state(&self, state: AgentState) {
        let agent = Self::agent();
        let states = [state];
        let waiting = self.transport.wait_until(&agent, &states, LIMIT);
        if let Err(error) = waiting.await {
            let status = self.transport.status(&agent, StatusOptions::default());
            let status = status.await;
            self.fail(&format!("never {state:?}: {error}; {status:?}"));
        }
    }

    /// Waits until the model was told `text` in the last conversation.
    pub(crate) async fn told(&self, text: &str) {
        let told = |texts: &[String]| texts.iter().any(|told| told.trim() == text.trim());
        if !self.model.was_told(told).await {
            self.fail(&format!("the model was never told {:?}", short(text)));
        }
    }

    /// What the terminal shows, with its cursor and title.
    pub(crate) fn screen(&self) -> String {
        let show = ["capture-pane", "-p", "-t", "=coder0:"];
        let state = "#{pane_title} cursor #{cursor_x},#{cursor_y} alternate #{alternate_on} \
                     dead #{pane_dead} #{pane_current_command}";
        let fields = ["display-message", "-p", "-t", "=coder0:", state];
        let read = |words: &[&str]| self.fixture.tmux_text(words).unwrap_or_default();
        format!("{}\n[{}]", read(&show), read(&fields))
    }

    /// Presses keys as a person does.
    pub(crate) fn press(&self, keys: &[&str]) {
        let mut words = vec!["send-keys", "-t", "=coder0:"];
        words.extend(keys);
        self.fixture.tmux_text(&words).unwrap();
    }

    /// Waits until the screen has `words`.
    pub(crate) async fn shows(&self, words: &str) {
        self.until(&format!("{words:?} on the screen"), || {
            self.screen().contains(words)
        })
        .await;
    }

    /// Waits until `wanted` holds, which no event tells.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn() -> bool) {
        let waiting = async {
            while !wanted() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(LIMIT, waiting).await.is_err() {
            self.fail(&format!("never {what}"));
        }
    }

    /// Ends the test, and says what the terminal showed and what the model was told.
    pub(crate) fn fail(&self, why: &str) -> ! {
        let (count, others) = self.model.asked();
        let last = self.model.last();
        let last: Vec<_> = last.iter().map(|text| short(text)).collect();
        panic!(
            "{}: {why}\n--- screen\n{}\n--- {count} conversations, others {others:?}, the last:\n{}",
            self.program.name(),
            self.screen(),
            last.join("\n")
        );
    }
}

/// The beginning and the end of a text.
pub(crate) fn short(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= 120 {
        return format!("{text:?}");
    }
    let head: String = chars[..60].iter().collect();
    let tail: String = chars[chars.len() - 40..].iter().collect();
    format!("{head:?} …{} chars… {tail:?}", chars.len())
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.fixture.tmux(&["kill-server"]);
        // Codex leaves a server of its own behind, one a home.
        end_all_with(&format!("HOME={}", self.home.display()));
    }
}

/// Ends the processes whose environment has the line `variable`: those of one throw-away home.
fn end_all_with(variable: &str) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let has = |path: &Path| {
            let environment = fs::read(path.join("environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|line| line == variable.as_bytes())
        };
        let pid = entry.file_name().to_string_lossy().parse().ok();
        if let Some(pid) = pid.and_then(Pid::from_raw)
            && has(&entry.path())
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
