//! Behaviours: what is claimed works, what is not claimed is refused before anything happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::oracle::{deliver, kind_of, mark, name, needs, send, settled, took};
use super::{Harness, Outcome};
use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, ErrorKind, Result};
use crate::layer;
use crate::message::{EvidenceKind, Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, Cursor, ListOptions, ResetMode, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
use crate::transport::{DynTransport, Transport, TransportInfo};

/// The same key returns the first receipt and types nothing; with another text it is
/// `InvalidArgument`; for another agent it is another send. Not claimed: `Unsupported`.
pub async fn idempotency_key_repeats_nothing<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let (agent, other, text) = (name("agent"), name("agent-1"), mark("once"));
    let options = SendOptions::new().with_idempotency_key(mark("key"));
    if !h.transport().capabilities().idempotent {
        let checked = layer::standard(h.transport());
        let result = checked.send(&agent, text.into(), options).await;
        assert_eq!(kind_of("a key", result), ErrorKind::Unsupported);
        let nothing: [&str; 0] = [];
        took(h, &agent, &nothing).await;
        return Outcome::Checked;
    }
    let first = send(h, &agent, text.as_str(), options.clone())
        .await
        .unwrap();
    let (second, third) = tokio::join!(
        send(h, &agent, text.as_str(), options.clone()),
        send(h, &agent, text.as_str(), options.clone()),
    );
    for again in [second, third] {
        assert_eq!(again.expect("the first receipt").id, first.id);
    }
    let result = send(h, &agent, "another text", options.clone()).await;
    assert_eq!(kind_of("another text", result), ErrorKind::InvalidArgument);
    let elsewhere = send(h, &other, text.as_str(), options).await.unwrap();
    assert_ne!(elsewhere.id, first.id);
    took(h, &agent, &[&text]).await;
    took(h, &other, &[&text]).await;

    let (text, options) = (mark("at-once"), SendOptions::new());
    let options = options.with_idempotency_key(mark("key"));
    let (left, right) = tokio::join!(
        send(h, &agent, text.as_str(), options.clone()),
        send(h, &agent, text.as_str(), options.clone()),
    );
    assert!(left.is_ok() || right.is_ok(), "one of them delivers");
    let taken = settled(h, &agent).await;
    let times = taken.iter().filter(|taken| **taken == text).count();
    assert_eq!(times, 1, "two calls with one key at once");
    Outcome::Checked
}

/// After a claimed reset the agent remembers nothing from before, and the text sent next arrives.
pub async fn reset_forgets_and_next_send_arrives<H: Harness>(h: &H) -> Outcome {
    needs!(h, send);
    let (agent, transport) = (name("agent"), h.transport());
    let claims = transport.capabilities();
    let modes = [
        (ResetMode::Clear, claims.reset_clear),
        (ResetMode::New, claims.reset_new),
    ];
    for (mode, _) in modes.into_iter().filter(|(_, claimed)| *claimed) {
        let (before, after) = (mark("before"), mark("after"));
        deliver(h, &agent, &before).await;
        settled(h, &agent).await;
        // The agent may still be at work on what it was told.
        let options = ResetOptions::new().with_force(true);
        let options = options.with_mode(mode).with_timeout(h.quirks().patience);
        let report = transport.reset(&agent, options).await;
        let report = report.unwrap_or_else(|error| panic!("a claimed reset: {error}"));
        assert_eq!(report.agent, agent);
        assert_eq!(report.transport, transport.info().to_string());
        assert!(report.evidence.kind > EvidenceKind::None, "{report:?}");
        deliver(h, &agent, &after).await;
        let taken = settled(h, &agent).await;
        assert_eq!(taken.last(), Some(&after), "lost after {}", mode.as_str());
        let times = taken.iter().filter(|taken| **taken == after).count();
        assert_eq!(times, 1, "twice after {}", mode.as_str());
        if let Some(remembered) = h.remembered(&agent).await {
            assert!(!remembered.contains(&before), "it remembers {before}");
            assert!(remembered.contains(&after), "it forgot {after}");
        }
    }
    if claims.reset_clear || claims.reset_new {
        Outcome::Checked
    } else {
        Outcome::not_applicable("no reset is claimed")
    }
}

/// Behind the standard layers, whatever the transport does not claim is `Unsupported`; and were any
/// claim taken back, its operation would be too, without the transport being asked.
pub async fn unclaimed_is_unsupported<H: Harness>(h: &H) -> Outcome {
    let claims = h.transport().capabilities();
    for (claim, is_claimed, without) in claims_and_their_absence(claims) {
        if !is_claimed {
            let checked = layer::standard(h.transport());
            demand_unsupported(&checked, claim).await;
        }
        let asked = Arc::new(AtomicUsize::new(0));
        let reduced = layer::standard(Arc::new(Reduced {
            inner: h.transport(),
            claims: without,
            asked: Arc::clone(&asked),
        }));
        demand_unsupported(&reduced, claim).await;
        let asked = asked.load(Ordering::SeqCst);
        assert_eq!(asked, 0, "{claim}: the transport was asked all the same");
    }
    Outcome::Checked
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Send,
    Idempotent,
    ResetClear,
    ResetNew,
    Answer,
    Status,
    Tail,
    TailCursor,
    List,
    Events,
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

fn claims_and_their_absence(claims: Capabilities) -> [(Claim, bool, Capabilities); 10] {
    [
        (Claim::Send, claims.send, claims.with_send(false)),
        (
            Claim::Idempotent,
            claims.idempotent,
            claims.with_idempotent(false),
        ),
        (
            Claim::ResetClear,
            claims.reset_clear,
            claims.with_reset_clear(false),
        ),
        (
            Claim::ResetNew,
            claims.reset_new,
            claims.with_reset_new(false),
        ),
        (Claim::Answer, claims.answer, claims.with_answer(false)),
        (Claim::Status, claims.status, claims.with_status(false)),
        (Claim::Tail, claims.tail, claims.with_tail(false)),
        (
            Claim::TailCursor,
            claims.tail_cursor,
            claims.with_tail_cursor(false),
        ),
        (Claim::List, claims.list, claims.with_list(false)),
        (Claim::Events, claims.events, claims.with_events(false)),
    ]
}

/// Asks for exactly what `claim` is about.
async fn demand_unsupported(transport: &DynTransport, claim: Claim) {
    let agent = name("agent");
    let send = |options| transport.send(&agent, "unclaimed".into(), options);
    let reset = |mode| transport.reset(&agent, ResetOptions::new().with_mode(mode));
    let second = std::time::Duration::from_secs(1);
    let kind = match claim {
        Claim::Send => kind_of("send", send(SendOptions::new()).await),
        Claim::Idempotent => {
            let options = SendOptions::new().with_idempotency_key("key");
            kind_of("a key", send(options).await)
        }
        Claim::ResetClear => kind_of("clear", reset(ResetMode::Clear).await),
        Claim::ResetNew => kind_of("new", reset(ResetMode::New).await),
        Claim::Answer => {
            let options = AnswerOptions::new();
            let result = transport.answer(&agent, Answer::Deny, options).await;
            kind_of("an answer", result)
        }
        Claim::Status => {
            let options = StatusOptions::new();
            kind_of("status", transport.status(&agent, options).await)
        }
        Claim::Tail => kind_of("tail", transport.tail(&agent, TailOptions::new()).await),
        Claim::TailCursor => {
            let options = TailOptions::new().with_cursor(Cursor::parse("c").unwrap());
            kind_of("a cursor", transport.tail(&agent, options).await)
        }
        Claim::List => kind_of("list", transport.list(ListOptions::new()).await),
        Claim::Events => {
            let options = StatusOptions::new().with_wait(AgentState::Idle, second);
            kind_of("a wait", transport.status(&agent, options).await)
        }
    };
    assert_eq!(kind, ErrorKind::Unsupported, "{claim}");
}

/// A transport that claims less than it can, and must not be asked for anything.
#[derive(Debug)]
struct Reduced {
    inner: DynTransport,
    claims: Capabilities,
    asked: Arc<AtomicUsize>,
}

impl Reduced {
    fn asked<T>(&self) -> Result<T> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Err(Error::new(ErrorKind::Unexpected, "asked for the unclaimed"))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for Reduced {
    fn info(&self) -> TransportInfo {
        self.inner.info()
    }
    fn capabilities(&self) -> Capabilities {
        self.claims
    }
    async fn send(&self, _: &AgentName, _: Message, _: SendOptions) -> Result<Receipt> {
        self.asked()
    }
    async fn reset(&self, _: &AgentName, _: ResetOptions) -> Result<ResetReport> {
        self.asked()
    }
    async fn status(&self, _: &AgentName, _: StatusOptions) -> Result<AgentStatus> {
        self.asked()
    }
    async fn tail(&self, _: &AgentName, _: TailOptions) -> Result<Tail> {
        self.asked()
    }
    async fn list(&self, _: ListOptions) -> Result<Vec<AgentStatus>> {
        self.asked()
    }
    async fn outcome(&self, _: &ReceiptId) -> Result<Receipt> {
        self.asked()
    }
    async fn answer(&self, _: &AgentName, _: Answer, _: AnswerOptions) -> Result<AnswerReport> {
        self.asked()
    }
    async fn close(&self) -> Result<()> {
        self.asked()
    }
}
