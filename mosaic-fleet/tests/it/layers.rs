//! The standard layers: hung transports are given up, and traces never hold a text.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mosaic_fleet::layer::{self, GRACE};
use mosaic_fleet::testing::mock::MockTransport;
use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet::{
    AgentName, AgentState, AgentStatus, Capabilities, Error, ErrorKind, ListOptions, Message,
    Receipt, ResetMode, ResetOptions, ResetReport, Result, Retry, SendOptions, Stage,
    StatusOptions, Tail, TailOptions, Transport, TransportInfo,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Claims everything and answers nothing, ever.
#[derive(Debug)]
struct Hung;

#[async_trait]
impl Transport for Hung {
    fn info(&self) -> TransportInfo {
        TransportInfo::new("hung", "one")
    }
    fn capabilities(&self) -> Capabilities {
        MemoryTransport::new().capabilities()
    }
    async fn send(&self, _: &AgentName, _: Message, _: SendOptions) -> Result<Receipt> {
        std::future::pending().await
    }
    async fn reset(&self, _: &AgentName, _: ResetOptions) -> Result<ResetReport> {
        std::future::pending().await
    }
    async fn status(&self, _: &AgentName, _: StatusOptions) -> Result<AgentStatus> {
        std::future::pending().await
    }
    async fn tail(&self, _: &AgentName, _: TailOptions) -> Result<Tail> {
        std::future::pending().await
    }
    async fn list(&self, _: ListOptions) -> Result<Vec<AgentStatus>> {
        std::future::pending().await
    }
}

static CODER: LazyLock<AgentName> = LazyLock::new(|| AgentName::new("coder0").unwrap());

#[tokio::test(start_paused = true)]
async fn a_hung_send_is_delivery_unknown_after_timeout_and_grace() {
    let transport = layer::standard(Arc::new(Hung));
    let began = tokio::time::Instant::now();
    let timeout = Duration::from_secs(3);
    let options = SendOptions::new().with_timeout(timeout);
    let error = transport.send(&CODER, "hello".into(), options).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "send coder0 via hung:one: the transport did not answer in time"
    );
    assert_eq!(error.kind(), ErrorKind::DeliveryUnknown);
    assert_eq!(error.stage(), Some(Stage::KeyPressed));
    assert_eq!(error.retry(), Retry::Never);
    let took = began.elapsed();
    let tick = Duration::from_millis(5);
    assert!(took >= timeout + GRACE && took < timeout + GRACE + tick);

    let options = ResetOptions::new().with_mode(ResetMode::New);
    let error = transport.reset(&CODER, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeliveryUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_hung_question_is_a_timeout_that_may_be_repeated() {
    let transport = layer::standard(Arc::new(Hung));
    let wait = StatusOptions::new().with_wait(AgentState::Idle, Duration::MAX);
    let timeout = wait.with_timeout(Duration::from_secs(1));
    let forever = transport.status(&CODER, timeout);
    let day = Duration::from_secs(86_400);
    assert!(
        tokio::time::timeout(day, forever).await.is_err(),
        "as asked"
    );

    let status = transport.status(&CODER, StatusOptions::new()).await;
    let tail = transport.tail(&CODER, TailOptions::new()).await;
    let list = transport.list(ListOptions::new()).await;
    for error in [status.unwrap_err(), tail.unwrap_err(), list.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert_eq!(error.retry(), Retry::Safe);
    }
}

#[tokio::test]
async fn errors_gain_context_and_keep_their_own() {
    let mut mock = MockTransport::new();
    mock.expect_info()
        .returning(|| TransportInfo::new("mock", "one"));
    mock.expect_capabilities()
        .returning(|| Capabilities::NONE.with_send(true).with_list(true));
    mock.expect_send()
        .returning(|_, _, _| Err(Error::unavailable("gone").with_operation("paste")));
    mock.expect_list()
        .returning(|_| Err(Error::unavailable("gone")));
    let transport = layer::standard(Arc::new(mock));
    let send = transport.send(&CODER, "hello".into(), SendOptions::new());
    assert_eq!(
        send.await.unwrap_err().to_string(),
        "paste coder0 via mock:one: gone"
    );
    let list = transport.list(ListOptions::new()).await.unwrap_err();
    assert_eq!(list.to_string(), "list via mock:one: gone");
    let status = transport.status(&CODER, StatusOptions::new()).await;
    assert_eq!(
        status.unwrap_err().to_string(),
        "status coder0 via mock:one: status is not supported"
    );
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

impl Visit for Recorder {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        text.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mosaic_fleet")
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn a_trace_tells_verdict_and_code_and_never_a_text() {
    let recorder = Recorder::default();
    let guard = tracing::subscriber::set_default(recorder.clone());
    let options = MemoryOptions::new().with_agents([CODER.clone()]);
    let memory = MemoryTransport::with_options(options);
    let transport = layer::standard(Arc::new(memory.clone()));
    let message = || Message::new("the secret plan");
    let sent = transport.send(&CODER, message(), SendOptions::new());
    assert!(sent.await.is_ok());
    memory.set_state(&CODER, AgentState::Waiting).unwrap();
    let refused = transport.send(&CODER, message(), SendOptions::new());
    assert!(refused.await.is_err());
    let tail = transport.tail(&CODER, TailOptions::new()).await.unwrap();
    assert_eq!(tail.lines, ["> the secret plan"]);
    drop(guard);

    let text = recorder.0.lock().unwrap().clone();
    for said in [
        "operation=\"send\"",
        "agent=\"coder0\"",
        "transport=memory:local",
        "verdict=\"submitted\"",
        "code=\"refused\"",
        "reason=\"dialog\"",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("secret"), "{text}");
}
