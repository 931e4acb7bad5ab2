//! A fake model on the loopback: writes down every conversation it is asked to continue, answers
//! with a word, can hold its answers back, and can ask for a shell command. What the wire looks
//! like is `wire.rs`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wire::{self, Answer};

/// How long a program may take to ask the model something.
const LIMIT: Duration = Duration::from_secs(60);

/// A running fake model. It ends when it is dropped.
pub(crate) struct Model {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    state: Mutex<Asked>,
    /// How many conversations were asked for.
    count: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct Asked {
    /// The user's texts of every conversation, in order.
    conversations: Vec<Vec<String>>,
    /// The shell command that the next answer asks for.
    command: Option<String>,
    /// Addresses of requests that are no conversations.
    others: Vec<String>,
}

impl Model {
    /// Starts one on a free port.
    pub(crate) async fn start() -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            count: watch::Sender::new(0),
            held: watch::Sender::new(false),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let router = router.layer(axum::extract::DefaultBodyLimit::max(64 << 20));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Model {
            address,
            shared,
            server,
        }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on answers wait for [`Model::release`]: the agent stays busy.
    pub(crate) fn hold(&self) {
        self.shared.held.send_replace(true);
    }

    /// Answers what waits, and from now on at once.
    pub(crate) fn release(&self) {
        self.shared.held.send_replace(false);
    }

    /// Has the next answer ask for a shell command.
    pub(crate) fn ask_for(&self, command: &str) {
        self.shared.state.lock().unwrap().command = Some(command.to_owned());
    }

    /// The user's texts of the last conversation.
    pub(crate) fn last(&self) -> Vec<String> {
        let asked = self.shared.state.lock().unwrap();
        asked.conversations.last().cloned().unwrap_or_default()
    }

    /// The user's texts of all conversations.
    pub(crate) fn all(&self) -> Vec<Vec<String>> {
        self.shared.state.lock().unwrap().conversations.clone()
    }

    /// How many conversations were asked for, and the addresses of other requests.
    pub(crate) fn asked(&self) -> (usize, Vec<String>) {
        let asked = self.shared.state.lock().unwrap();
        (asked.conversations.len(), asked.others.clone())
    }

    /// Waits until the last conversation has texts that `wanted` accepts. False if that does not
    /// happen within a minute.
    pub(crate) async fn was_told(&self, wanted: impl Fn(&[String]) -> bool) -> bool {
        let mut count = self.shared.count.subscribe();
        let told = async {
            while !wanted(&self.last()) {
                if count.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, told).await.is_ok()
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(conversation) = wire::conversation(uri.path(), &body) else {
        let mut asked = shared.state.lock().unwrap();
        asked.others.push(uri.path().to_owned());
        drop(asked);
        return match wire::other(uri.path(), &body) {
            Some((kind, text)) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    };
    let (number, command) = {
        let mut asked = shared.state.lock().unwrap();
        asked.conversations.push(conversation);
        (asked.conversations.len(), asked.command.take())
    };
    shared.count.send_replace(number);
    let mut held = shared.held.subscribe();
    let _ = held.wait_for(|held| !held).await;
    let answer = Answer { number, command };
    let (kind, text) = wire::write(uri.path(), &body, &answer);
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
