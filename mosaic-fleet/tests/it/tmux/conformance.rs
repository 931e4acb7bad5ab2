//! The conformance suite on tmux: both styles of composer, both ways in.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::DynTransport;
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::terminals::Terminals;
use mosaic_fleet::testing::tmux::TmuxFixture;

/// The agents of this host, reached from it.
struct Here<const CONNECTED: bool> {
    fixture: TmuxFixture,
    transport: DynTransport,
}

#[async_trait]
impl<const CONNECTED: bool> Terminals for Here<CONNECTED> {
    async fn start() -> Self {
        let fixture = super::fixture();
        let (script, transport): (_, DynTransport) = if CONNECTED {
            (Script::new(), Arc::new(fixture.connected()))
        } else {
            (Script::boxed(), Arc::new(fixture.one_shot()))
        };
        fixture.start_for_conformance(script).await.unwrap();
        Here { fixture, transport }
    }

    fn fixture(&self) -> &TmuxFixture {
        &self.fixture
    }

    fn transport(&self) -> DynTransport {
        Arc::clone(&self.transport)
    }

    async fn break_backend(&self) {
        self.fixture.tmux(&["kill-server"]).unwrap();
    }
}

mod boxed_one_shot {
    type Boxed = super::Here<false>;
    mosaic_fleet::transport_conformance_tests!(Boxed);
}

mod line_connected {
    type Lines = super::Here<true>;
    mosaic_fleet::transport_conformance_tests!(Lines);
}
