//! The conformance suite end to end: our transport, a real Synapse, the real gateway as a process,
//! real terminals.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mosaic_fleet::DynTransport;
use mosaic_fleet::testing::conformance::{AGENTS, Quirks};
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::terminals::Terminals;
use mosaic_fleet::testing::tmux::TmuxFixture;

use super::stage::{Server, Stage, fixture};
use super::synapse::shared;

/// The agents of a host, and the gateway before them.
struct Afar {
    stage: Stage,
    transport: DynTransport,
}

#[async_trait]
impl Terminals for Afar {
    async fn start() -> Self {
        let fixture = fixture();
        fixture
            .start_for_conformance(Script::boxed())
            .await
            .unwrap();
        let mut stage = Stage::around(Server::Shared(shared()), fixture, &AGENTS);
        stage.start_gateway();
        let transport: DynTransport = Arc::new(stage.transport(&stage.operator));
        Afar { stage, transport }
    }

    fn fixture(&self) -> &TmuxFixture {
        &self.stage.fixture
    }

    fn transport(&self) -> DynTransport {
        Arc::clone(&self.transport)
    }

    async fn break_backend(&self) {
        self.stage.door.close();
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
}

mosaic_fleet::transport_conformance_tests!(Afar);
