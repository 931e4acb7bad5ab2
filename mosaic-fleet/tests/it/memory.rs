//! The in-process transport passes the whole suite, and what only it can do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mosaic_fleet::testing::conformance::{AGENTS, Harness, Quirks};
use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet::{
    AgentName, AgentState, Answer, DynTransport, ErrorKind, EvidenceKind, Refusal, ResetOptions,
    SendOptions, TailOptions, Transport, TransportExt, Verdict,
};

struct Memory(MemoryTransport);

#[async_trait]
impl Harness for Memory {
    async fn start() -> Self {
        let agents = AGENTS.map(|name| AgentName::new(name).unwrap());
        let options = MemoryOptions::new().with_agents(agents);
        Memory(MemoryTransport::with_options(options))
    }
    fn transport(&self) -> DynTransport {
        Arc::new(self.0.clone())
    }
    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.0.inbox(agent)
    }
    async fn kill_agent(&self, agent: &AgentName) {
        self.0.set_state(agent, AgentState::Dead).unwrap();
    }
    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.0.set_state(agent, AgentState::Working).unwrap();
        true
    }
    async fn finish_turn(&self, agent: &AgentName) {
        self.0.finish_turn(agent).unwrap();
    }
    async fn remembered(&self, agent: &AgentName) -> Option<Vec<String>> {
        Some(self.0.conversation(agent))
    }
    async fn ask(&self, agent: &AgentName) -> bool {
        let choices = ["Yes", "No"];
        self.0.ask(agent, "Do you want it?", &choices).unwrap();
        true
    }
    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        let answers = self.0.answers(agent).into_iter();
        let number = |answer| match answer {
            Answer::Choice(number) => number,
            _ => 2,
        };
        answers.map(number).collect()
    }
    async fn break_backend(&self) {
        self.0.set_reachable(false);
    }
    fn quirks(&self) -> Quirks {
        Quirks::new().with_exact_text(true)
    }
}

mosaic_fleet::transport_conformance_tests!(Memory);

mod limited {
    //! With a limit on bodies, the suite checks that what is too large is refused.

    use super::*;

    struct Limited(Memory);

    #[async_trait]
    impl Harness for Limited {
        async fn start() -> Self {
            let agents = AGENTS.map(|name| AgentName::new(name).unwrap());
            let options = MemoryOptions::new().with_agents(agents);
            let options = options.with_max_message_bytes(Some(50_000));
            Limited(Memory(MemoryTransport::with_options(options)))
        }
        fn transport(&self) -> DynTransport {
            self.0.transport()
        }
        async fn taken(&self, agent: &AgentName) -> Vec<String> {
            self.0.taken(agent).await
        }
        async fn kill_agent(&self, agent: &AgentName) {
            self.0.kill_agent(agent).await;
        }
        async fn make_busy(&self, _: &AgentName) -> bool {
            false
        }
        async fn finish_turn(&self, _: &AgentName) {}
        async fn break_backend(&self) {
            self.0.break_backend().await;
        }
        fn quirks(&self) -> Quirks {
            Quirks::new().with_not_applicable([
                "delivers_100_kb",
                "delivers_1_mb",
                "busy_agent_queues_or_refuses",
                "watch_tells_what_is_and_what_changes",
                "answer_takes_the_choice_and_no_other",
            ])
        }
    }

    mosaic_fleet::transport_conformance_tests!(Limited);
}

fn one_agent(options: MemoryOptions) -> (MemoryTransport, AgentName) {
    let coder = AgentName::new("coder0").unwrap();
    let options = options.with_agents([coder.clone()]);
    (MemoryTransport::with_options(options), coder)
}

#[tokio::test]
async fn each_state_that_takes_nothing_says_so() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    for (state, refusal) in [
        (AgentState::Starting, Refusal::NotReady),
        (AgentState::Waiting, Refusal::Dialog),
        (AgentState::Dead, Refusal::Dead),
        (AgentState::Stopped, Refusal::Dead),
    ] {
        memory.set_state(&coder, state).unwrap();
        let error = memory.send_text(&coder, "hello").await.unwrap_err();
        assert_eq!(error.refusal(), Some(refusal), "{state}");
    }
    memory.set_state(&coder, AgentState::Idle).unwrap();
    memory.set_draft(&coder, Some("half a".into())).unwrap();
    let error = memory.send_text(&coder, "hello").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "send coder0 via memory:local: somebody's unsubmitted text is in the way"
    );
    assert!(memory.inbox(&coder).is_empty());
}

#[tokio::test]
async fn a_refused_send_does_not_use_up_its_key() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    let options = SendOptions::new().with_idempotency_key("k");
    memory.set_state(&coder, AgentState::Waiting).unwrap();
    let refused = memory.send(&coder, "hello".into(), options.clone()).await;
    assert_eq!(refused.unwrap_err().refusal(), Some(Refusal::Dialog));
    memory.set_state(&coder, AgentState::Idle).unwrap();
    let receipt = memory.send(&coder, "hello".into(), options).await.unwrap();
    assert_eq!(receipt.verdict, Verdict::Submitted);
    assert_eq!(memory.inbox(&coder), ["hello"]);
}

#[tokio::test]
async fn a_forced_reset_of_a_busy_agent_tells_what_became_of_its_queue() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    memory.set_state(&coder, AgentState::Working).unwrap();
    let queued = memory.send_text(&coder, "later").await.unwrap();
    let refused = memory.reset(&coder, ResetOptions::new()).await.unwrap_err();
    assert_eq!(refused.refusal(), Some(Refusal::Busy));
    let forced = ResetOptions::new().with_force(true);
    memory.reset(&coder, forced).await.unwrap();
    let outcome = memory.outcome(&queued.id).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Unconfirmed);
    assert_eq!(outcome.evidence.kind, EvidenceKind::None);
    memory.finish_turn(&coder).unwrap();
    assert!(memory.inbox(&coder).is_empty());
}

#[tokio::test]
async fn a_short_history_is_a_gap_and_never_pretended() {
    let (memory, coder) = one_agent(MemoryOptions::new().with_history(3));
    let from = memory.tail(&coder, TailOptions::new()).await.unwrap();
    memory.say(&coder, "1\n2\n3\n4\n5").unwrap();
    let options = TailOptions::new().with_cursor(from.next.unwrap());
    let tail = memory.tail(&coder, options).await.unwrap();
    assert!(tail.gap);
    assert_eq!(tail.lines, ["3", "4", "5"]);
    memory.say(&coder, "6").unwrap();
    let options = TailOptions::new().with_cursor(tail.next.unwrap());
    let tail = memory.tail(&coder, options).await.unwrap();
    assert!(!tail.gap);
    assert_eq!(tail.lines, ["6"]);
}

#[tokio::test]
async fn a_burst_is_paged_forward_and_not_cut() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    let mut next = memory.tail(&coder, TailOptions::new()).await.unwrap().next;
    memory.say(&coder, "1\n2\n3\n4\n5").unwrap();
    let mut lines = Vec::new();
    for _ in 0..3 {
        let options = TailOptions::new().with_lines(2);
        let options = options.with_cursor(next.take().unwrap());
        let tail = memory.tail(&coder, options).await.unwrap();
        assert!(!tail.gap && tail.lines.len() <= 2);
        lines.extend(tail.lines);
        next = tail.next;
    }
    assert_eq!(lines, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_cursor_of_another_agent_or_value_is_refused() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    let other = AgentName::new("coder1").unwrap();
    memory.add_agent(other.clone());
    let (elsewhere, _) = one_agent(MemoryOptions::new());
    let cursor = memory.tail(&coder, TailOptions::new()).await.unwrap().next;
    let options = TailOptions::new().with_cursor(cursor.unwrap());
    for result in [
        memory.tail(&other, options.clone()).await,
        elsewhere.tail(&coder, options).await,
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

/// With the clock stopped, a poll that ended only at its deadline would be told by the clock.
#[tokio::test(start_paused = true)]
async fn long_polls_end_on_events() {
    let (memory, coder) = one_agent(MemoryOptions::new());
    let began = tokio::time::Instant::now();
    let cursor = memory.tail(&coder, TailOptions::new()).await.unwrap().next;
    let hour = Duration::from_secs(3600);
    let options = TailOptions::new().with_cursor(cursor.unwrap());
    let options = options.with_wait(hour);
    let (tail, idle, ()) = tokio::join!(
        memory.tail(&coder, options.clone()),
        memory.wait_until(&coder, &[AgentState::Dead], hour),
        async {
            tokio::task::yield_now().await;
            memory.say(&coder, "hello").unwrap();
            memory.set_state(&coder, AgentState::Dead).unwrap();
        }
    );
    assert_eq!(tail.unwrap().lines, ["hello"]);
    assert_eq!(idle.unwrap().state, AgentState::Dead);
    assert_eq!(began.elapsed(), Duration::ZERO);

    let cursor = memory.tail(&coder, TailOptions::new()).await.unwrap().next;
    let options = options.with_cursor(cursor.unwrap());
    let (tail, closed) = tokio::join!(memory.tail(&coder, options), memory.close());
    closed.unwrap();
    assert_eq!(tail.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(began.elapsed(), Duration::ZERO);
}
