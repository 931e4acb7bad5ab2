//! A gateway that is dropped in the middle, at each of its steps, and another one on the same journal:
//! every text is taken once, or told as not known; each has one answer.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use super::super::super::protocol::kind;
use super::super::super::tests::stage::Stage;
use crate::agent::{AgentName, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{ErrorKind, Result};
use crate::message::{Message, Receipt, ReceiptId};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, ListOptions, ResetOptions, ResetReport, SendOptions,
    StatusOptions, Tail, TailOptions,
};
use crate::testing::homeserver::{Event, Fault};
use crate::transport::memory::MemoryTransport;
use crate::transport::{Transport, TransportInfo};

const TEXTS: [&str; 3] = ["one", "two", "three"];

/// Puts the texts, the second one twice. How many events they are.
fn put_all(stage: &Stage) -> usize {
    for (at, text) in TEXTS.iter().enumerate() {
        stage.put("coder0", &format!("id-{at}"), text);
    }
    stage.put("coder0", "id-1", TEXTS[1]);
    TEXTS.len() + 1
}

/// The events that acks answer, in the order of the acks: each once.
fn answered(acks: &[Event]) -> Vec<&str> {
    let answered: Vec<&str> = acks
        .iter()
        .map(|ack| ack.content["m.relates_to"]["event_id"].as_str().unwrap())
        .collect();
    let mut once = answered.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), answered.len(), "each has one answer");
    answered
}

/// Drops a gateway at its request `at`, before that is done or after, and lets another one end it.
/// False where everything was done before there were so many requests.
async fn dropped_at(at: usize, fault: Fault, has_run_before: bool) -> bool {
    let what = format!("request {at}, {fault:?}, {has_run_before}");
    let stage = Stage::new().await;
    if has_run_before {
        drop(stage.run_gateway().await);
    }
    let count = put_all(&stage);
    stage.server.fail_after(at, "", 1000, fault);
    let local = Arc::new(stage.local.clone());
    let running = stage.spawn_gateway(local, oneshot::channel().0).await;
    let acks = |event: &&Event| event.kind == kind::ACK;
    let ended = stage
        .server
        .until(|world| world.stalled > 0 || world.events.iter().filter(acks).count() == count);
    ended.await.unwrap();
    let was_cut = stage.server.with(|world| world.stalled > 0);
    drop(running);
    stage.server.mend();
    let _running = stage.run_gateway().await;
    let acks = stage.acked("coder0", count).await;
    assert_eq!(stage.taken("coder0"), TEXTS, "{what}");
    assert_eq!(answered(&acks).len(), count, "{what}");
    assert!(
        acks.iter().all(|ack| ack.content["state"] == "submitted"),
        "{what}: {acks:?}"
    );
    was_cut
}

#[tokio::test]
async fn dropped_at_any_request_all_is_done_once() {
    for (has_run_before, fault) in [
        (false, Fault::Held),
        (true, Fault::Silence),
        (true, Fault::Held),
    ] {
        let mut at = 0;
        while dropped_at(at, fault.clone(), has_run_before).await {
            at += 1;
        }
        assert!(at > 8, "{at}");
    }
}

/// Where a local transport stops for ever, or breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Before,
    After,
    Broken,
}

/// Agents whose send of a text stops, until it is not to be any more.
#[derive(Debug)]
pub(super) struct Stopping {
    agents: MemoryTransport,
    keyed: bool,
    at: Option<(&'static str, Stop)>,
    pub(super) stopped: watch::Sender<bool>,
}

impl Stopping {
    pub(super) fn of(stage: &Stage, keyed: bool, at: Option<(&'static str, Stop)>) -> Arc<Self> {
        Arc::new(Stopping {
            agents: stage.local.clone(),
            keyed,
            at,
            stopped: watch::Sender::new(false),
        })
    }

    async fn stop(&self, body: &str, when: Stop) {
        assert_ne!(
            self.at,
            Some((body, Stop::Broken)),
            "it breaks, as it is to"
        );
        if self.at == Some((body, when)) {
            self.stopped.send_replace(true);
            let mut stopped = self.stopped.subscribe();
            stopped.wait_for(|stopped| !*stopped).await.unwrap();
        }
    }
}

#[async_trait]
impl Transport for Stopping {
    fn info(&self) -> TransportInfo {
        self.agents.info()
    }
    fn capabilities(&self) -> Capabilities {
        self.agents.capabilities().with_idempotent(self.keyed)
    }
    async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        assert_eq!(options.idempotency_key.is_some(), self.keyed);
        let body = message.body.clone();
        self.stop(&body, Stop::Before).await;
        let sent = self.agents.send(to, message, options).await;
        self.stop(&body, Stop::After).await;
        sent
    }
    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        self.stop("(reset)", Stop::Before).await;
        let done = self.agents.reset(agent, options).await;
        self.stop("(reset)", Stop::After).await;
        done
    }
    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        self.agents.status(agent, options).await
    }
    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        self.agents.tail(agent, options).await
    }
    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        self.agents.list(options).await
    }
    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        self.agents.outcome(receipt).await
    }
    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        self.agents.answer(agent, answer, options).await
    }
    async fn close(&self) -> Result<()> {
        self.agents.close().await
    }
}

/// Drops a gateway whose local transport is in the middle of `body`, and has another one go on.
async fn stopped_in(stage: &Stage, keyed: bool, body: &'static str, stop: Stop) {
    let local = |at| Stopping::of(stage, keyed, at);
    let stops = local(Some((body, stop)));
    let mut stopped = stops.stopped.subscribe();
    let running = stage.run_gateway_before(stops).await;
    stopped.wait_for(|stopped| *stopped).await.unwrap();
    drop(running);
    let _running = stage.run_gateway_before(local(None)).await;
    let events = stage
        .server
        .events(&stage.room("coder0"), kind::MESSAGE)
        .len();
    let resets = stage
        .server
        .events(&stage.room("coder0"), kind::RESET)
        .len();
    stage.acked("coder0", events + resets).await;
}

#[tokio::test]
async fn dropped_within_a_delivery_it_is_done_once_or_not_known() {
    for keyed in [true, false] {
        for stop in [Stop::Before, Stop::After] {
            for text in TEXTS {
                let what = format!("{keyed}, {stop:?}, {text}");
                let stage = Stage::new().await;
                let count = put_all(&stage);
                stopped_in(&stage, keyed, text, stop).await;
                let acks = stage.acks("coder0");
                assert_eq!(answered(&acks).len(), count, "{what}");
                let told: Vec<&Value> = acks.iter().map(|ack| &ack.content["state"]).collect();
                let unknown = acks.iter().filter(|ack| {
                    ack.content["error"]["code"] == ErrorKind::DeliveryUnknown.as_str()
                });
                // The one that came twice is told twice.
                let wanted = match (keyed, text == TEXTS[1]) {
                    (true, _) => 0,
                    (false, false) => 1,
                    (false, true) => 2,
                };
                assert_eq!(unknown.count(), wanted, "{what}: {told:?}");
                let submitted = told.iter().filter(|state| **state == "submitted");
                assert_eq!(submitted.count(), count - wanted, "{what}: {told:?}");
                let mut left: Vec<&str> = TEXTS.to_vec();
                if !keyed && stop == Stop::Before {
                    left.retain(|one| *one != text);
                }
                assert_eq!(stage.taken("coder0"), left, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_reset_that_may_have_been_done_is_not_done_again() {
    for stop in [Stop::Before, Stop::After] {
        let stage = Stage::new().await;
        stage.put("coder0", "id-0", "before");
        let room = stage.room("coder0");
        let reset = serde_json::json!({"v": 1, "id": "id-1", "expires_at": u64::MAX / 4});
        stage
            .server
            .put(&stage.operator.user, &room, kind::RESET, reset);
        stopped_in(&stage, true, "(reset)", stop).await;
        let acks = stage.acks("coder0");
        assert_eq!(answered(&acks).len(), 2);
        let reset = acks.iter().find(|ack| ack.content["id"] == "id-1");
        let reset = &reset.unwrap().content;
        assert_eq!(reset["error"]["code"], ErrorKind::DeliveryUnknown.as_str());
        let coder = AgentName::new("coder0").unwrap();
        let remembered = stage.local.conversation(&coder).len();
        assert_eq!(remembered, if stop == Stop::Before { 1 } else { 0 });
    }
}

#[tokio::test]
async fn a_text_that_breaks_the_transport_is_not_known_and_the_others_are_delivered() {
    let stage = Stage::new().await;
    let count = put_all(&stage);
    let breaks = Stopping::of(&stage, true, Some(("two", Stop::Broken)));
    let _running = stage.run_gateway_before(breaks).await;
    let acks = stage.acked("coder0", count).await;
    let unknown =
        |ack: &&Event| ack.content["error"]["code"] == ErrorKind::DeliveryUnknown.as_str();
    assert_eq!(acks.iter().filter(unknown).count(), 2, "{acks:?}");
    assert_eq!(answered(&acks).len(), count);
    assert_eq!(stage.taken("coder0"), ["one", "three"]);
}
