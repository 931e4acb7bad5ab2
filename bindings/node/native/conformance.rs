//! The core's conformance suite on a transport that JavaScript wrote. In test builds only.
//!
//! A harness is one function there, called by name: `start` makes a backend and answers the
//! transport's description; the rest are the suite's questions and the transport's operations. The
//! suite starts a harness by its type, without arguments, so the function is the task's own.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use mosaic_fleet::testing::conformance::{self, BEHAVIOURS, Harness, Outcome, Quirks};
use mosaic_fleet::wire::{Foreign, ForeignTransport};
use mosaic_fleet::{AgentName, DynTransport, Error, Result, layer};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use serde_json::{Value, json};

use crate::answer::{begin, envelope};
use crate::foreign::{CallFunction, Caller};

tokio::task_local! {
    static FACTORY: Arc<Caller>;
}

struct JavaScript {
    caller: Arc<Caller>,
    transport: DynTransport,
}

impl JavaScript {
    async fn ask(&self, question: &str, arguments: Value) -> Value {
        told(question, self.caller.call(question, arguments).await)
    }

    async fn ask_of(&self, question: &str, agent: &AgentName) -> Value {
        self.ask(question, json!({ "agent": agent })).await
    }
}

/// An answer, or the end of the test.
#[allow(clippy::panic, reason = "a behaviour fails by panicking")]
fn told<T>(question: &str, answer: Result<T>) -> T {
    answer.unwrap_or_else(|error| panic!("the harness cannot {question}: {error}"))
}

fn texts(answer: &Value) -> Vec<String> {
    let texts = answer.as_array().into_iter().flatten();
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[async_trait]
impl Harness for JavaScript {
    async fn start() -> Self {
        let caller = FACTORY.get();
        let described = told("start", caller.call("start", json!({})).await);
        let foreign: Arc<dyn Foreign> = caller.clone();
        let transport = told("start", ForeignTransport::new(described, foreign));
        JavaScript {
            caller,
            // As a registry opens it.
            transport: layer::standard(Arc::new(transport)),
        }
    }

    fn transport(&self) -> DynTransport {
        Arc::clone(&self.transport)
    }

    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        texts(&self.ask_of("taken", agent).await)
    }

    async fn kill_agent(&self, agent: &AgentName) {
        self.ask_of("kill_agent", agent).await;
    }

    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.ask_of("make_busy", agent).await == Value::Bool(true)
    }

    async fn finish_turn(&self, agent: &AgentName) {
        self.ask_of("finish_turn", agent).await;
    }

    async fn ask(&self, agent: &AgentName) -> bool {
        self.ask_of("ask", agent).await == Value::Bool(true)
    }

    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        let answer = self.ask_of("answers", agent).await;
        let numbers = answer.as_array().into_iter().flatten();
        numbers
            .filter_map(|number| number.as_u64().and_then(|number| u8::try_from(number).ok()))
            .collect()
    }

    async fn remembered(&self, agent: &AgentName) -> Option<Vec<String>> {
        match self.ask_of("remembered", agent).await {
            Value::Null => None,
            answer => Some(texts(&answer)),
        }
    }

    async fn break_backend(&self) {
        self.ask("break_backend", json!({})).await;
    }

    fn quirks(&self) -> Quirks {
        Quirks::new().with_exact_text(true)
    }
}

type Behaviour = for<'a> fn(&'a JavaScript) -> BoxFuture<'a, Outcome>;

macro_rules! behaviours {
    ($($name:ident)*) => {
        fn behaviour(name: &str) -> Option<(&'static str, Behaviour)> {
            match name {
                $(stringify!($name) => Some((
                    stringify!($name),
                    |harness| Box::pin(conformance::$name(harness)),
                )),)*
                _ => None,
            }
        }
    };
}
mosaic_fleet::transport_conformance_tests! { @behaviours @then behaviours }

/// The names of the suite's behaviours.
#[napi]
pub fn conformance_behaviours() -> Vec<String> {
    BEHAVIOURS.iter().map(ToString::to_string).collect()
}

/// Runs one behaviour against a fresh harness; answers an envelope, whose error says what is wrong.
#[napi(ts_return_type = "Promise<string>")]
pub fn run_conformance<'env>(
    env: &'env Env,
    name: String,
    harness: CallFunction,
) -> napi::Result<PromiseRaw<'env, Option<String>>> {
    begin(env, None, async move {
        let Some((name, behaviour)) = behaviour(&name) else {
            let error = Error::invalid_argument(format!("no such behaviour {name:?}"));
            return envelope(Err(error));
        };
        let run = conformance::run::<JavaScript, _>(name, behaviour);
        let run = FACTORY.scope(Arc::new(Caller(harness)), run);
        let ended = AssertUnwindSafe(run).catch_unwind().await;
        envelope(match ended {
            Ok(()) => Ok(Value::Null),
            Err(panic) => Err(Error::new(
                mosaic_fleet::ErrorKind::Unexpected,
                words(panic.as_ref()),
            )),
        })
    })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(ToString::to_string);
    let written = || panic.downcast_ref::<String>().cloned();
    literal.or_else(written).unwrap_or_default()
}
