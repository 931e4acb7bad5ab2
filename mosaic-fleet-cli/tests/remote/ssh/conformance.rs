//! The conformance suite over ssh: one connection a call, and one that stays.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{Harness, Quirks};
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, DynTransport};
use tokio::sync::Mutex;

use super::sshd::Sshd;

/// Agents on a host, and the way to it.
struct Far {
    sshd: Mutex<Sshd>,
    transport: DynTransport,
}

impl Far {
    async fn start(script: Script, connected: bool) -> Self {
        let sshd = Sshd::new();
        sshd.fixture.start_for_conformance(script).await.unwrap();
        let transport: DynTransport = if connected {
            Arc::new(sshd.connected())
        } else {
            Arc::new(sshd.one_shot())
        };
        Far {
            sshd: Mutex::new(sshd),
            transport,
        }
    }
}

macro_rules! harness {
    ($harness:ident, $script:expr, $connected:expr) => {
        struct $harness(Far);

        #[async_trait]
        impl Harness for $harness {
            async fn start() -> Self {
                $harness(Far::start($script, $connected).await)
            }
            fn transport(&self) -> DynTransport {
                Arc::clone(&self.0.transport)
            }
            async fn taken(&self, agent: &AgentName) -> Vec<String> {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .taken(agent.as_str())
                    .unwrap()
            }
            async fn kill_agent(&self, agent: &AgentName) {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .kill_agent(agent.as_str())
                    .await
                    .unwrap();
            }
            async fn make_busy(&self, agent: &AgentName) -> bool {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .make_busy(agent.as_str())
                    .await
                    .unwrap();
                true
            }
            async fn ask(&self, agent: &AgentName) -> bool {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .ask(agent.as_str())
                    .await
                    .unwrap();
                true
            }
            async fn answers(&self, agent: &AgentName) -> Vec<u8> {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .answers(agent.as_str())
                    .unwrap()
            }
            async fn finish_turn(&self, agent: &AgentName) {
                self.0
                    .sshd
                    .lock()
                    .await
                    .fixture
                    .interrupt(agent.as_str())
                    .unwrap();
            }
            async fn break_backend(&self) {
                self.0.sshd.lock().await.stop();
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
