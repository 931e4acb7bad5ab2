//! The conformance suite on tmux: both styles of composer, both ways in.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{AGENTS, Harness, Quirks};
use mosaic_fleet::testing::scripted_agent::{Entry, Script};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, DynTransport};

/// The text that keeps an agent at work until it is interrupted.
const WORK: &str = "work until you are stopped";

struct Tmux {
    fixture: TmuxFixture,
    transport: DynTransport,
}

impl Tmux {
    async fn start(script: Script, connected: bool) -> Self {
        let mut script = script;
        // As real programs do; nothing could draw a megabyte otherwise.
        script.collapse_over_chars = 2000;
        script.endless_turn = Some(WORK.to_owned());
        script.reset_command = Some("/clear".to_owned());
        let fixture = super::fixture();
        for name in AGENTS {
            fixture.start(name, &script).await.unwrap();
        }
        for name in AGENTS {
            fixture.ready(name).await.unwrap();
        }
        let transport: DynTransport = if connected {
            Arc::new(fixture.connected())
        } else {
            Arc::new(fixture.one_shot())
        };
        Tmux { fixture, transport }
    }

    fn ended(&self, agent: &AgentName) -> bool {
        let panes = ["list-panes", "-a", "-F", "#{session_name} #{pane_dead}"];
        let panes = self.fixture.tmux_text(&panes).unwrap();
        panes.lines().any(|line| line == format!("{agent} 1"))
    }
}

macro_rules! harness {
    ($harness:ident, $script:expr, $connected:expr) => {
        struct $harness(Tmux);

        #[async_trait]
        impl Harness for $harness {
            async fn start() -> Self {
                $harness(Tmux::start($script, $connected).await)
            }
            fn transport(&self) -> DynTransport {
                Arc::clone(&self.0.transport)
            }
            async fn taken(&self, agent: &AgentName) -> Vec<String> {
                let mut taken = self.0.fixture.took(agent.as_str()).unwrap();
                taken.retain(|text| text != WORK);
                taken
            }
            async fn kill_agent(&self, agent: &AgentName) {
                let log = self.0.fixture.log(agent.as_str()).unwrap();
                let pid = log.iter().find_map(|entry| match entry {
                    Entry::Started { pid, .. } => Some(pid.to_string()),
                    _ => None,
                });
                let mut kill = std::process::Command::new("kill");
                assert!(kill.arg("-9").arg(pid.unwrap()).status().unwrap().success());
                while !self.0.ended(agent) {
                    tokio::task::yield_now().await;
                }
            }
            async fn make_busy(&self, agent: &AgentName) -> bool {
                let target = format!("={agent}:");
                let tmux = |words: &[&str]| self.0.fixture.tmux_text(words).unwrap();
                tmux(&["send-keys", "-t", &target, "-l", WORK]);
                tmux(&["send-keys", "-t", &target, "Enter"]);
                let working = |entry: &Entry| matches!(entry, Entry::Took { text, .. } if text == WORK);
                self.0.fixture.logged(agent.as_str(), working).await.unwrap();
                true
            }
            async fn finish_turn(&self, agent: &AgentName) {
                let target = format!("={agent}:");
                let escape = ["send-keys", "-t", &target, "Escape"];
                self.0.fixture.tmux_text(&escape).unwrap();
            }
            async fn break_backend(&self) {
                self.0.fixture.tmux(&["kill-server"]).unwrap();
            }
            fn quirks(&self) -> Quirks {
                Quirks::new()
            }
            fn normalised(&self, text: &str, changes: &[String]) -> String {
                changes.iter().fold(text.to_owned(), |text, change| match change.as_str() {
                    "crlf" => text.replace("\r\n", "\n").replace('\r', "\n"),
                    "trimmed" => text.trim_end().to_owned(),
                    "control" => text
                        .chars()
                        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                        .collect(),
                    other => panic!("unknown change {other:?}"),
                })
            }
        }
    };
}

harness!(Boxed, Script::boxed(), false);
harness!(Lines, Script::new(), true);

mod boxed_one_shot {
    use super::Boxed;
    mosaic_fleet::transport_conformance_tests!(Boxed);
}

mod line_connected {
    use super::Lines;
    mosaic_fleet::transport_conformance_tests!(Lines);
}
