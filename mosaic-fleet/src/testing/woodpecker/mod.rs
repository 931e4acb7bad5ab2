//! A Woodpecker of a test's own, on the loopback: it answers, pages, filters and streams as the real
//! one does, with the habits that mislead, and can be stopped, be away and lie on request.

mod pipeline;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, extract::Request};
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::broadcast;

pub use pipeline::FakePipeline;

use super::loopback::Loopback;

/// The one token that the server knows.
pub const TOKEN: &str = "dummy-woodpecker-token-7f3a";

/// The repository's number.
const REPO: u64 = 7;

/// What a page holds at most.
const PAGE: usize = 50;

/// A running server with one repository. It ends when it is dropped.
#[derive(Debug)]
pub struct WoodpeckerServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    loopback: Option<Loopback>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<Known>,
    events: broadcast::Sender<Event>,
}

#[derive(Debug, Default)]
struct Known {
    repo: String,
    pipelines: BTreeMap<u64, FakePipeline>,
    asked: Vec<String>,
    faults: Vec<Fault>,
    version_2: bool,
    no_stream: bool,
    streams: usize,
    next_id: u64,
}

#[derive(Debug, Clone)]
enum Event {
    Frame(String),
    /// All streams end.
    End,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// This status, with a plain text.
    Status(u16),
    /// `404` with the page of a proxy whose server is down.
    Proxy,
    /// A redirect to the same address with `https`.
    Elsewhere,
    /// No answer at all.
    Silence,
}

impl WoodpeckerServer {
    /// A server that knows this repository (`owner/name`).
    ///
    /// # Errors
    /// When there is no port for it.
    pub fn start(repo: &str) -> io::Result<Self> {
        let (events, _) = broadcast::channel(1024);
        let state = Mutex::new(Known {
            repo: repo.to_owned(),
            next_id: 1000,
            ..Known::default()
        });
        let shared = Arc::new(Shared { state, events });
        let loopback = Loopback::serve(router(shared.clone()))?;
        Ok(WoodpeckerServer {
            shared,
            address: loopback.address(),
            loopback: Some(loopback),
        })
    }

    /// The server goes away, with all connections.
    pub fn stop(&mut self) {
        self.loopback = None;
    }

    /// It comes back at the same address, and knows what it knew.
    ///
    /// # Errors
    /// When its port was taken meanwhile.
    pub fn start_again(&mut self) -> io::Result<()> {
        self.stop();
        self.loopback = Some(Loopback::serve_at(
            self.address,
            router(self.shared.clone()),
        )?);
        Ok(())
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes or changes a pipeline, and tells the streams.
    pub fn set(&self, pipeline: FakePipeline) {
        let (number, status) = (pipeline.number, pipeline.status.clone());
        self.put(pipeline);
        self.tell(number, &status);
    }

    /// Makes or changes a pipeline, and tells nobody.
    pub fn put(&self, mut pipeline: FakePipeline) {
        let mut known = self.known();
        if pipeline.id == 0 {
            let same = known.pipelines.get(&pipeline.number).map(|old| old.id);
            pipeline.id = same.unwrap_or_else(|| {
                known.next_id += 1;
                known.next_id
            });
        }
        if let Some(parent) = known.pipelines.get(&pipeline.parent) {
            pipeline.parent_id = parent.id;
        }
        known.pipelines.insert(pipeline.number, pipeline);
    }

    /// Takes a pipeline away.
    pub fn remove(&self, number: u64) {
        self.known().pipelines.remove(&number);
    }

    /// Tells the streams of a status, whether it is so or not.
    pub fn tell(&self, number: u64, status: &str) {
        let frame = json!({
            "repo": {"id": REPO, "full_name": self.known().repo},
            "pipeline": {"number": number, "status": status, "changed_files": ["a.rs"]},
        });
        // Nobody listens: the event is lost, as in the real one.
        let _ = self.shared.events.send(Event::Frame(frame.to_string()));
    }

    /// Ends all streams that are open.
    pub fn end_streams(&self) {
        let _ = self.shared.events.send(Event::End);
    }

    /// How many streams were opened up to now.
    pub fn streams(&self) -> usize {
        self.known().streams
    }

    /// From now on there is no stream, as behind some proxies; or there is one again.
    pub fn refuse_streams(&self, refuse: bool) {
        self.known().no_stream = refuse;
    }

    /// It answers as Woodpecker 2 does: other names of fields, and filters are ignored.
    pub fn be_version_2(&self) {
        self.known().version_2 = true;
    }

    /// The next requests go wrong, one after the other. Streams are not among them.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.known().faults.extend(faults);
    }

    /// What was asked for up to now, path and query.
    pub fn asked(&self) -> Vec<String> {
        self.known().asked.clone()
    }

    /// How often something was asked for whose path ends so.
    pub fn count(&self, end: &str) -> usize {
        let known = self.known();
        let path = |asked: &&String| asked.split('?').next().unwrap_or_default().ends_with(end);
        known.asked.iter().filter(path).count()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known()
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let pipelines = "/api/repos/{id}/pipelines";
    Router::new()
        .route("/api/user", get(user))
        .route("/api/repos/lookup/{owner}/{name}", get(lookup))
        .route(pipelines, get(list))
        .route(&format!("{pipelines}/{{number}}"), get(one))
        .layer(from_fn_with_state(shared.clone(), watched))
        .route("/api/stream/events", get(events))
        .with_state(shared)
}

/// Writes down what was asked for, and lets it go wrong.
async fn watched(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let fault = {
        let mut known = shared.known();
        let asked = request.uri().path_and_query().map(ToString::to_string);
        known.asked.push(asked.unwrap_or_default());
        match known.faults.is_empty() {
            true => None,
            false => Some(known.faults.remove(0)),
        }
    };
    match fault {
        None => next.run(request).await,
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Proxy) => (
            StatusCode::NOT_FOUND,
            "<html><h1>404 page not found</h1></html>",
        )
            .into_response(),
        Some(Fault::Elsewhere) => {
            let there = [(header::LOCATION, "https://127.0.0.1:9/api/user")];
            (StatusCode::MOVED_PERMANENTLY, there).into_response()
        }
        Some(Fault::Status(code)) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (code, "no\n").into_response()
        }
    }
}

fn is_known(headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION);
    token.is_some_and(|token| token.as_bytes() == format!("Bearer {TOKEN}").as_bytes())
}

async fn user(headers: HeaderMap) -> Response {
    match is_known(&headers) {
        true => Json(json!({"id": 1, "login": "maria"})).into_response(),
        false => (StatusCode::UNAUTHORIZED, "User not authorized").into_response(),
    }
}

async fn lookup(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let known = shared.known();
    let is = known.repo.eq_ignore_ascii_case(&format!("{owner}/{name}"));
    match (is, is_known(&headers)) {
        (true, true) => {
            Json(json!({"id": REPO, "full_name": known.repo, "active": true})).into_response()
        }
        (_, false) => StatusCode::UNAUTHORIZED.into_response(),
        (false, true) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if id != REPO || !is_known(&headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let known = shared.known();
    let number = |key: &str| query.get(key).and_then(|value| value.parse::<usize>().ok());
    let size = number("perPage")
        .filter(|size| (1..=PAGE).contains(size))
        .unwrap_or(PAGE);
    let page = number("page").unwrap_or(1).max(1);
    let is = |key: &str, value: &str| {
        let wanted = query.get(key).filter(|_| !known.version_2);
        wanted.is_none_or(|wanted| wanted == value)
    };
    let newest_first = known.pipelines.values().rev();
    let found: Vec<Value> = newest_first
        .filter(|one| is("branch", &one.branch) && is("status", &one.status))
        .skip((page - 1) * size)
        .take(size)
        .map(|one| one.json(known.version_2, false))
        .collect();
    Json(found).into_response()
}

async fn one(
    State(shared): State<Arc<Shared>>,
    Path((id, number)): Path<(u64, u64)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let known = shared.known();
    let one = known.pipelines.get(&number);
    match one.filter(|_| id == REPO && is_known(&headers)) {
        Some(one) => Json(one.json(known.version_2, true)).into_response(),
        None => (StatusCode::NOT_FOUND, format!("not found: {}", uri.path())).into_response(),
    }
}

/// No replay; and whoever is not known gets the events of public repositories, of which there are
/// none.
async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    {
        let mut known = shared.known();
        known.asked.push("/api/stream/events".to_owned());
        if known.no_stream {
            return StatusCode::NOT_FOUND.into_response();
        }
        known.streams += 1;
    }
    let receiver = shared.events.subscribe();
    let heard = is_known(&headers);
    let first = Some(": ping\n\n".to_owned());
    let frames = stream::unfold((first, receiver), move |(first, mut receiver)| async move {
        if let Some(first) = first {
            return Some((Ok::<_, io::Error>(first), (None, receiver)));
        }
        loop {
            match receiver.recv().await {
                Ok(Event::Frame(data)) if heard => {
                    return Some((Ok(format!("data: {data}\n\n")), (None, receiver)));
                }
                Ok(Event::Frame(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Ok(Event::End) | Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(frames)).into_response()
}
