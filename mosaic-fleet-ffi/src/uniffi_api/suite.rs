//! The conformance suite over a harness that is written in the other language.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{self, BEHAVIOURS, Harness, Quirks};
use mosaic_fleet::wire::Foreign;
use mosaic_fleet::{AgentName, DynTransport, Error, layer};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::foreign::Bridge;
use super::{Carrier, FleetError, ForeignTransport, runtime};

tokio::task_local! {
    /// What the harness of this task is made of: [`Harness::start`] is given nothing.
    static BACKEND: (DynTransport, Arc<Bridge>);
}

/// The other language's backend: what the core asks it is an operation with JSON.
struct Backend {
    transport: DynTransport,
    code: Arc<Bridge>,
}

impl Backend {
    async fn ask(&self, operation: &str, agent: Option<&AgentName>) -> Value {
        let arguments = json!({ "agent": agent });
        match self.code.call(operation, arguments).await {
            Ok(answer) => answer,
            Err(error) => broken(operation, &error),
        }
    }

    async fn read<T: DeserializeOwned>(&self, operation: &str, agent: &AgentName) -> T {
        let answer = self.ask(operation, Some(agent)).await;
        serde_json::from_value(answer).unwrap_or_else(|error| broken(operation, &error))
    }
}

#[allow(
    clippy::panic,
    reason = "a behaviour fails by panicking, as any test does"
)]
fn broken(operation: &str, error: &dyn Display) -> ! {
    panic!("the harness's {operation}: {error}")
}

#[async_trait]
impl Harness for Backend {
    async fn start() -> Self {
        let (transport, code) = BACKEND.with(Clone::clone);
        Backend { transport, code }
    }

    fn transport(&self) -> DynTransport {
        self.transport.clone()
    }

    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.read("taken", agent).await
    }

    async fn kill_agent(&self, agent: &AgentName) {
        self.ask("kill_agent", Some(agent)).await;
    }

    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.read("make_busy", agent).await
    }

    async fn finish_turn(&self, agent: &AgentName) {
        self.ask("finish_turn", Some(agent)).await;
    }

    async fn ask(&self, agent: &AgentName) -> bool {
        self.read("ask", agent).await
    }

    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        self.read("answers", agent).await
    }

    async fn remembered(&self, agent: &AgentName) -> Option<Vec<String>> {
        self.read("remembered", agent).await
    }

    async fn break_backend(&self) {
        Backend::ask(self, "break_backend", None).await;
    }

    fn quirks(&self) -> Quirks {
        Quirks::new().with_exact_text(true)
    }
}

/// The names of all behaviours.
pub(super) fn behaviours() -> Vec<String> {
    BEHAVIOURS.iter().map(|name| (*name).to_owned()).collect()
}

/// Runs a behaviour on a backend.
type Run = fn((DynTransport, Arc<Bridge>)) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! runs {
    ($($name:ident)*) => {
        BTreeMap::from([$((
            stringify!($name),
            (|backend| Box::pin(BACKEND.scope(
                backend,
                conformance::run::<Backend, _>(
                    stringify!($name),
                    |harness| Box::pin(conformance::$name(harness)),
                ),
            ))) as Run,
        )),*])
    };
}

/// Has a transport show one behaviour.
pub(super) async fn run(
    behaviour: &str,
    transport: &Carrier,
    backend: Arc<dyn ForeignTransport>,
) -> Result<(), FleetError> {
    let runs: BTreeMap<&str, Run> =
        mosaic_fleet::transport_conformance_tests! { @behaviours @then runs };
    let Some(run) = runs.get(behaviour).copied() else {
        return Err(Error::invalid_argument(format!("no such behaviour {behaviour:?}")).into());
    };
    let transport = layer::standard(transport.transport.clone());
    let bridge = Arc::new(Bridge::new(backend));
    runtime::run(async move {
        run((transport, bridge)).await;
        Ok(())
    })
    .await
}
