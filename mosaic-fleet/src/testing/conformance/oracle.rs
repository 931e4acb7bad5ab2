//! How the behaviours send, and how they learn what was really taken.

use std::time::{Duration, Instant};

use super::{AGENTS, Harness};
use crate::agent::AgentName;
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::message::{EvidenceKind, Message, Receipt, ReceiptId, Verdict};
use crate::options::SendOptions;
use crate::transport::DynTransport;

/// How often a log outside this process is looked at; it has no event to wait for.
const GLANCE: Duration = Duration::from_millis(10);

pub(super) fn name(name: &str) -> AgentName {
    AgentName::new(name).unwrap()
}

pub(super) fn agents() -> [AgentName; 4] {
    AGENTS.map(name)
}

/// A word that no other text of this process has, short enough never to be wrapped.
pub(super) fn mark(purpose: &str) -> String {
    let id = ReceiptId::generate();
    let tail = &id.as_str()[id.as_str().len() - 10..];
    format!("{purpose}-{tail}")
}

/// Sends with all of the suite's patience and, as long as the agent is only not ready *yet*
/// (nothing was typed then), again.
pub(super) async fn send<H: Harness>(
    h: &H,
    to: &AgentName,
    message: impl Into<Message>,
    options: SendOptions,
) -> Result<Receipt> {
    let patience = h.quirks().patience;
    send_on(h.transport(), patience, to.clone(), message.into(), options).await
}

/// As [`send`], owning all it needs, so that it can be spawned.
pub(super) async fn send_on(
    transport: DynTransport,
    patience: Duration,
    to: AgentName,
    message: Message,
    options: SendOptions,
) -> Result<Receipt> {
    let options = options.with_timeout(patience);
    let deadline = Instant::now() + patience;
    loop {
        let result = transport.send(&to, message.clone(), options.clone()).await;
        match result {
            Err(error) if is_passing(&error) && Instant::now() < deadline => {
                tokio::time::sleep(GLANCE).await;
            }
            result => return result,
        }
    }
}

/// Nothing was typed, for a reason that passes by itself.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.refusal(),
        Some(Refusal::Busy | Refusal::NotReady | Refusal::Locked)
    )
}

/// Sends a plain text and demands a verdict worth what the transport claims.
pub(super) async fn deliver<H: Harness>(h: &H, to: &AgentName, text: &str) {
    let _ = receipt_of(h, to, text).await;
}

/// As [`deliver`], with the receipt.
pub(super) async fn receipt_of<H: Harness>(h: &H, to: &AgentName, text: &str) -> Receipt {
    let receipt = send(h, to, text, SendOptions::new())
        .await
        .unwrap_or_else(|error| panic!("a plain text must be taken: {error}"));
    demand_verdict(&h.transport(), &receipt);
    receipt
}

pub(super) fn demand_verdict(transport: &DynTransport, receipt: &Receipt) {
    let claims = transport.capabilities();
    let (verdict, kind) = (receipt.verdict, receipt.evidence.kind);
    assert!(
        kind <= claims.confirm,
        "{kind:?} is better evidence than the claimed {:?}",
        claims.confirm
    );
    let good = match verdict {
        Verdict::Submitted => kind > EvidenceKind::Stored,
        Verdict::Queued => claims.queue && kind > EvidenceKind::Stored,
        Verdict::Accepted => kind >= EvidenceKind::Stored,
        Verdict::Unconfirmed => claims.confirm == EvidenceKind::None,
    };
    assert!(
        good,
        "{verdict} with evidence {:?} is not worth the claimed {:?}",
        receipt.evidence, claims.confirm
    );
}

/// Waits until `ready` says so of what the agent took, and returns that.
pub(super) async fn taken_when<H: Harness>(
    h: &H,
    agent: &AgentName,
    what: &str,
    ready: impl Fn(&[String]) -> bool + Send,
) -> Vec<String> {
    let deadline = Instant::now() + h.quirks().patience;
    loop {
        let taken = h.taken(agent).await;
        if ready(&taken) {
            return taken;
        }
        assert!(
            Instant::now() < deadline,
            "{agent} never took {what}; it took {}",
            brief(&taken)
        );
        tokio::time::sleep(GLANCE).await;
    }
}

/// All that the agent took up to now. One more text is sent and waited for: whatever was on its way
/// stands before it.
pub(super) async fn settled<H: Harness>(h: &H, agent: &AgentName) -> Vec<String> {
    let fence = mark("fence");
    deliver(h, agent, &fence).await;
    let is_fence = |text: &String| *text == fence;
    let mut taken = taken_when(h, agent, "the closing text", |taken| {
        taken.iter().any(is_fence)
    })
    .await;
    assert_eq!(
        taken.pop().as_deref(),
        Some(fence.as_str()),
        "the text sent last is taken last, and once"
    );
    taken
}

/// Demands that the agent took exactly `expected`, in that order, each once.
pub(super) async fn took<H: Harness>(
    h: &H,
    agent: &AgentName,
    expected: &[impl AsRef<str> + Sync],
) {
    let taken = settled(h, agent).await;
    let pairs = taken.iter().zip(expected);
    for (index, (got, wanted)) in pairs.enumerate() {
        demand_same(&format!("text {index} of {agent}"), got, wanted.as_ref());
    }
    assert_eq!(
        taken.len(),
        expected.len(),
        "{agent} took {} instead of {} texts: {}",
        taken.len(),
        expected.len(),
        brief(&taken)
    );
}

/// Demands equality, and shows only where it ends.
pub(super) fn demand_same(what: &str, got: &str, wanted: &str) {
    if got == wanted {
        return;
    }
    let pairs = got.chars().zip(wanted.chars());
    let common = pairs.take_while(|(got, wanted)| got == wanted).count();
    let around = |text: &str| -> String {
        text.chars()
            .skip(common.saturating_sub(20))
            .take(60)
            .collect()
    };
    panic!(
        "{what}: {} bytes instead of {}, different from character {common} on: {:?} instead of {:?}",
        got.len(),
        wanted.len(),
        around(got),
        around(wanted)
    );
}

/// Texts for a failure's message, cut.
pub(super) fn brief(texts: &[String]) -> String {
    let cut: Vec<String> = texts
        .iter()
        .map(|text| text.chars().take(80).collect())
        .collect();
    format!("{cut:?}")
}

/// The kind of the error that `result` must be.
pub(super) fn kind_of<T: std::fmt::Debug>(what: &str, result: Result<T>) -> ErrorKind {
    match result {
        Ok(answer) => panic!("{what} must fail, and answered {answer:?}"),
        Err(error) => error.kind(),
    }
}

/// The refusal that `result` must be.
pub(super) fn refusal_of<T: std::fmt::Debug>(what: &str, result: Result<T>) -> Refusal {
    match result {
        Ok(answer) => panic!("{what} must be refused, and was {answer:?}"),
        Err(error) => error
            .refusal()
            .unwrap_or_else(|| panic!("{what} must be refused, and failed: {error}")),
    }
}

/// Ends a behaviour as not applicable unless the transport claims `$claim`.
macro_rules! needs {
    ($h:expr, $($claim:ident),+) => {
        $(if !$h.transport().capabilities().$claim {
            return $crate::testing::conformance::Outcome::not_applicable(
                concat!(stringify!($claim), " is not claimed"),
            );
        })+
    };
}
pub(super) use needs;
