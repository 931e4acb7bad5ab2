//! The conformance suite over ssh: one connection a call, and one that stays.

use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::DynTransport;
use mosaic_fleet::testing::scripted_agent::Script;
use mosaic_fleet::testing::terminals::Terminals;
use mosaic_fleet::testing::tmux::TmuxFixture;

use super::sshd::Sshd;

/// The agents of another host, and the way to it.
struct Far<const CONNECTED: bool> {
    sshd: Sshd,
    transport: DynTransport,
}

#[async_trait]
impl<const CONNECTED: bool> Terminals for Far<CONNECTED> {
    async fn start() -> Self {
        let sshd = Sshd::new();
        let (script, transport): (_, DynTransport) = if CONNECTED {
            (Script::new(), Arc::new(sshd.connected()))
        } else {
            (Script::boxed(), Arc::new(sshd.one_shot()))
        };
        sshd.fixture.start_for_conformance(script).await.unwrap();
        Far { sshd, transport }
    }

    fn fixture(&self) -> &TmuxFixture {
        &self.sshd.fixture
    }

    fn transport(&self) -> DynTransport {
        Arc::clone(&self.transport)
    }

    async fn break_backend(&self) {
        self.sshd.stop();
    }
}

mod boxed_one_shot {
    type Boxed = super::Far<false>;
    mosaic_fleet::transport_conformance_tests!(Boxed);
}

mod line_connected {
    type Lines = super::Far<true>;
    mosaic_fleet::transport_conformance_tests!(Lines);
}
