//! The conformance suite end to end: our transport, a real Synapse, the real gateway as a process,
//! real terminals.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{AGENTS, Harness, Quirks};
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::tmux::TmuxFixture;
use mosaic_fleet::{AgentName, DynTransport};
use std::time::Duration;
use tokio::sync::Mutex;

use super::stage::{Server, Stage, fixture};
use super::synapse::shared;

struct Afar {
    stage: Mutex<Stage>,
    transport: DynTransport,
}

#[async_trait]
impl Harness for Afar {
    async fn start() -> Self {
        let fixture = fixture();
        fixture
            .start_for_conformance(Script::boxed())
            .await
            .unwrap();
        let mut stage = Stage::around(Server::Shared(shared()), fixture, &AGENTS);
        stage.start_gateway();
        let transport: DynTransport = Arc::new(stage.transport(&stage.operator));
        Afar {
            stage: Mutex::new(stage),
            transport,
        }
    }
    fn transport(&self) -> DynTransport {
        Arc::clone(&self.transport)
    }
    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.stage
            .lock()
            .await
            .fixture
            .taken(agent.as_str())
            .unwrap()
    }
    async fn kill_agent(&self, agent: &AgentName) {
        self.stage
            .lock()
            .await
            .fixture
            .kill_agent(agent.as_str())
            .await
            .unwrap();
    }
    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.stage
            .lock()
            .await
            .fixture
            .make_busy(agent.as_str())
            .await
            .unwrap();
        true
    }
    async fn finish_turn(&self, agent: &AgentName) {
        self.stage
            .lock()
            .await
            .fixture
            .interrupt(agent.as_str())
            .unwrap();
    }
    async fn break_backend(&self) {
        self.stage.lock().await.door.close();
    }
    fn quirks(&self) -> Quirks {
        Quirks::new()
            .with_patience(Duration::from_secs(40))
            .with_not_applicable([
                "delivers_100_kb",
                "delivers_1_mb",
                "answer_takes_the_choice_and_no_other",
            ])
    }
    fn normalised(&self, text: &str, changes: &[String]) -> String {
        TmuxFixture::normalised(text, changes)
    }
}

mosaic_fleet::transport_conformance_tests!(Afar);
