//! The tmux transport against a real tmux and scripted agents.

mod answer;
mod composers;
mod conformance;
mod delivery;
mod events;
mod gate;
mod keys;
mod server;
mod shell;
mod soak;

use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, Error, Message, Receipt, Refusal, Result, SendOptions, Transport};

pub(crate) fn fixture() -> TmuxFixture {
    TmuxFixture::new(env!("CARGO_BIN_EXE_scripted-agent")).unwrap()
}

pub(crate) fn name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

/// A script with some vices.
pub(crate) fn agent_with(vices: impl FnOnce(&mut Script)) -> Script {
    let mut script = Script::new();
    vices(&mut script);
    script
}

/// A fixture with one ready agent, `coder0`.
pub(crate) async fn with_agent(script: &Script) -> TmuxFixture {
    let fixture = fixture();
    fixture.start("coder0", script).await.unwrap();
    fixture.ready("coder0").await.unwrap();
    fixture
}

pub(crate) async fn send(fixture: &TmuxFixture, text: &str) -> Result<Receipt> {
    let transport = fixture.one_shot();
    let message = Message::new(text);
    transport
        .send(&name("coder0"), message, SendOptions::new())
        .await
}

/// What `coder0` shows.
pub(crate) fn composer(fixture: &TmuxFixture) -> String {
    fixture
        .tmux_text(&["capture-pane", "-p", "-t", "=coder0:"])
        .unwrap()
}

pub(crate) fn refusal(error: &Error) -> Refusal {
    error
        .refusal()
        .unwrap_or_else(|| panic!("not a refusal: {error}"))
}
