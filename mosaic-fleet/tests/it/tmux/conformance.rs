//! The conformance suite on tmux: both styles of composer, both ways in.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{AGENTS, Harness, Quirks};
use mosaic_fleet::testing::scripted_agent::{Entry, Script};
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, DynTransport};

/// The text that keeps an agent at work until it is interrupted.
const WORK: &str = "work until you are stopped";

/// The text that has an agent ask a question.
const ASK: &str = "ask me something";

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
        script.dialog_on_text = Some(ASK.to_owned());
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

    /// Types a text as a person does, and waits until it was taken once more.
    async fn person_types(&self, agent: &AgentName, text: &str) {
        let took = |log: &[Entry]| {
            let taken =
                |entry: &&Entry| matches!(entry, Entry::Took { text: took, .. } if took == text);
            log.iter().filter(taken).count()
        };
        let before = took(&self.fixture.log(agent.as_str()).unwrap());
        let target = format!("={agent}:");
        let tmux = |words: &[&str]| self.fixture.tmux_text(words).unwrap();
        tmux(&["send-keys", "-t", &target, "-l", text]);
        tmux(&["send-keys", "-t", &target, "Enter"]);
        while took(&self.fixture.log(agent.as_str()).unwrap()) == before {
            tokio::task::yield_now().await;
        }
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
                taken.retain(|text| text != WORK && text != ASK);
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
                self.0.person_types(agent, WORK).await;
                true
            }
            async fn ask(&self, agent: &AgentName) -> bool {
                self.0.person_types(agent, ASK).await;
                true
            }
            async fn answers(&self, agent: &AgentName) -> Vec<u8> {
                let log = self.0.fixture.log(agent.as_str()).unwrap().into_iter();
                let chosen = |entry| match entry {
                    Entry::DialogAnswered { choice, .. } => Some(choice),
                    _ => None,
                };
                log.filter_map(chosen).collect()
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
                changes
                    .iter()
                    .fold(text.to_owned(), |text, change| match change.as_str() {
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
