//! The conformance suite on tmux: both styles of composer, both ways in.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{Harness, Quirks};
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, DynTransport};

struct Tmux {
    fixture: TmuxFixture,
    transport: DynTransport,
}

impl Tmux {
    async fn start(script: Script, connected: bool) -> Self {
        let fixture = super::fixture();
        fixture.start_for_conformance(script).await.unwrap();
        let transport: DynTransport = if connected {
            Arc::new(fixture.connected())
        } else {
            Arc::new(fixture.one_shot())
        };
        Tmux { fixture, transport }
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
                self.0.fixture.taken(agent.as_str()).unwrap()
            }
            async fn kill_agent(&self, agent: &AgentName) {
                self.0.fixture.kill_agent(agent.as_str()).await.unwrap();
            }
            async fn make_busy(&self, agent: &AgentName) -> bool {
                self.0.fixture.make_busy(agent.as_str()).await.unwrap();
                true
            }
            async fn ask(&self, agent: &AgentName) -> bool {
                self.0.fixture.ask(agent.as_str()).await.unwrap();
                true
            }
            async fn answers(&self, agent: &AgentName) -> Vec<u8> {
                self.0.fixture.answers(agent.as_str()).unwrap()
            }
            async fn finish_turn(&self, agent: &AgentName) {
                self.0.fixture.interrupt(agent.as_str()).unwrap();
            }
            async fn break_backend(&self) {
                self.0.fixture.tmux(&["kill-server"]).unwrap();
            }
            fn quirks(&self) -> Quirks {
                Quirks::new()
            }
            fn normalised(&self, text: &str, changes: &[String]) -> String {
                TmuxFixture::normalised(text, changes)
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
