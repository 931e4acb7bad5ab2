//! The conformance suite bites: each broken transport fails the behaviours that are about its fault.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use mosaic_fleet::testing::conformance::{self, AGENTS, Harness, Quirks};
use mosaic_fleet::transport::memory::{MemoryOptions, MemoryTransport};
use mosaic_fleet::{
    AgentName, AgentState, AgentStatus, Answer, AnswerOptions, AnswerReport, Capabilities,
    DynTransport, ErrorKind, Evidence, EvidenceKind, ListOptions, Message, Receipt, ReceiptId,
    ResetOptions, ResetReport, Result, SendOptions, StatusOptions, Tail, TailOptions, Transport,
    TransportInfo, Verdict,
};

/// What is wrong with a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    GuessesStates,
    ListsInAnyOrder,
    TailsEverything,
    DropsTheTail,
    DeliversTwice,
    MatchesByPrefix,
    ListsNobodyWhenUnreachable,
    SaysSentAndSendsNothing,
    TypesBeforeItRefuses,
    StripsSilently,
    TypesPieces,
    MergesConcurrentSends,
    IgnoresKeys,
    ResetsNothing,
    RepeatsOutput,
    LosesOutput,
    NeverEndsAPoll,
    TakesAnyCursor,
    CountsTheDeadAsIdle,
    StaysOpen,
    OverstatesEvidence,
    QueuesAndForgets,
    RendersPreambleTwice,
    TakesTheFirstChoice,
    AnswersAnyQuestion,
}

#[derive(Debug, Clone)]
struct Broken {
    inner: MemoryTransport,
    fault: Fault,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn nearest(&self, to: &AgentName) -> AgentName {
        let longer = AGENTS
            .iter()
            .rev()
            .find(|name| name.starts_with(to.as_str()));
        longer.map_or_else(|| to.clone(), |name| AgentName::new(*name).unwrap())
    }

    fn claim(&self, to: &AgentName) -> Receipt {
        let evidence = Evidence::new(EvidenceKind::Protocol, "trust me");
        let info = self.info().to_string();
        Receipt::new(to.clone(), info, Verdict::Submitted, evidence)
    }

    async fn type_in_pieces(&self, to: &AgentName, text: &str) -> Result<Receipt> {
        let middle = text.len() / 2;
        let (head, tail) = (&text[..middle], &text[middle..]);
        let _ = self.inner.send(to, head.into(), SendOptions::new()).await?;
        tokio::time::sleep(Duration::from_millis(3)).await;
        self.inner.send(to, tail.into(), SendOptions::new()).await
    }
}

#[async_trait]
impl Transport for Broken {
    fn info(&self) -> TransportInfo {
        self.inner.info()
    }

    fn capabilities(&self) -> Capabilities {
        let claims = self.inner.capabilities();
        match self.fault {
            Fault::OverstatesEvidence => claims.with_confirm(EvidenceKind::Screen),
            _ => claims,
        }
    }

    async fn send(
        &self,
        to: &AgentName,
        mut message: Message,
        mut options: SendOptions,
    ) -> Result<Receipt> {
        match self.fault {
            Fault::DropsTheTail => {
                let most = message.body.floor_char_boundary(1022);
                message.body.truncate(most);
            }
            Fault::DeliversTwice => {
                let _ = self
                    .inner
                    .send(to, message.clone(), options.clone())
                    .await?;
            }
            Fault::MatchesByPrefix => {
                return self.inner.send(&self.nearest(to), message, options).await;
            }
            Fault::SaysSentAndSendsNothing => return Ok(self.claim(to)),
            Fault::TypesBeforeItRefuses => {
                let all = SendOptions::new().with_strip_control(true);
                let typed = all.with_allow_command(true);
                let _ = self.inner.send(to, message.clone(), typed).await;
            }
            Fault::StripsSilently => {
                options = options.with_strip_control(true);
                let mut receipt = self.inner.send(to, message, options).await?;
                receipt.normalised.clear();
                return Ok(receipt);
            }
            Fault::TypesPieces if message.body.contains('\n') => {
                return self.type_in_pieces(to, &message.body).await;
            }
            Fault::MergesConcurrentSends if message.body.contains("theirs-") => {
                message.body = format!("{0}{0}", message.body);
            }
            Fault::IgnoresKeys => options.idempotency_key = None,
            Fault::QueuesAndForgets => {
                let receipt = self.inner.send(to, message, options).await?;
                if receipt.verdict == Verdict::Queued {
                    let force = ResetOptions::new().with_force(true);
                    self.inner.reset(to, force).await?;
                }
                return Ok(receipt);
            }
            Fault::RendersPreambleTwice => {
                message.body = message.rendered("memory", to);
            }
            _ => {}
        }
        self.inner.send(to, message, options).await
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        if self.is(Fault::ResetsNothing) {
            let (info, proof) = (self.info().to_string(), EvidenceKind::Screen);
            let evidence = Evidence::new(proof, "trust me");
            let report = ResetReport::new(agent.clone(), info, "clear", evidence, Duration::ZERO);
            return Ok(report);
        }
        self.inner.reset(agent, options).await
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        if self.is(Fault::NeverEndsAPoll) && options.wait.is_some() {
            let status = self.inner.status(agent, StatusOptions::new()).await;
            tokio::time::sleep(options.wait.unwrap_or_default()).await;
            return status;
        }
        let mut status = self.inner.status(agent, options).await?;
        match self.fault {
            Fault::CountsTheDeadAsIdle => status.state = AgentState::Idle,
            Fault::GuessesStates => status.state = AgentState::Working,
            _ => {}
        }
        Ok(status)
    }

    async fn tail(&self, agent: &AgentName, mut options: TailOptions) -> Result<Tail> {
        let from_cursor = options.cursor.is_some();
        match self.fault {
            Fault::TakesAnyCursor | Fault::RepeatsOutput => options.cursor = None,
            Fault::TailsEverything => options.lines = usize::MAX,
            _ => {}
        }
        let mut tail = self.inner.tail(agent, options).await?;
        if self.is(Fault::LosesOutput) && from_cursor {
            tail.lines.retain(|line| !line.contains("m3-"));
        }
        Ok(tail)
    }

    async fn list(&self, options: ListOptions) -> Result<Vec<AgentStatus>> {
        match self.inner.list(options).await {
            Err(error)
                if self.is(Fault::ListsNobodyWhenUnreachable)
                    && error.kind() == ErrorKind::Unavailable =>
            {
                Ok(Vec::new())
            }
            Ok(mut list) if self.is(Fault::ListsInAnyOrder) => {
                list.reverse();
                Ok(list)
            }
            result => result,
        }
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        self.inner.outcome(receipt).await
    }

    async fn answer(
        &self,
        agent: &AgentName,
        mut answer: Answer,
        mut options: AnswerOptions,
    ) -> Result<AnswerReport> {
        match self.fault {
            Fault::TakesTheFirstChoice => answer = Answer::Choice(1),
            Fault::AnswersAnyQuestion => options.expect = None,
            _ => {}
        }
        self.inner.answer(agent, answer, options).await
    }

    async fn close(&self) -> Result<()> {
        if self.is(Fault::StaysOpen) {
            return Ok(());
        }
        self.inner.close().await
    }
}

struct BrokenHarness(Broken);

impl BrokenHarness {
    fn with(fault: Fault) -> Self {
        let agents = AGENTS.map(|name| AgentName::new(name).unwrap());
        let inner = MemoryTransport::with_options(MemoryOptions::new().with_agents(agents));
        BrokenHarness(Broken { inner, fault })
    }
}

#[async_trait]
impl Harness for BrokenHarness {
    async fn start() -> Self {
        unreachable!("made with its fault")
    }
    fn transport(&self) -> DynTransport {
        Arc::new(self.0.clone())
    }
    async fn taken(&self, agent: &AgentName) -> Vec<String> {
        self.0.inner.inbox(agent)
    }
    async fn kill_agent(&self, agent: &AgentName) {
        self.0.inner.set_state(agent, AgentState::Dead).unwrap();
    }
    async fn make_busy(&self, agent: &AgentName) -> bool {
        self.0.inner.set_state(agent, AgentState::Working).unwrap();
        true
    }
    async fn finish_turn(&self, agent: &AgentName) {
        self.0.inner.finish_turn(agent).unwrap();
    }
    async fn remembered(&self, agent: &AgentName) -> Option<Vec<String>> {
        Some(self.0.inner.conversation(agent))
    }
    async fn ask(&self, agent: &AgentName) -> bool {
        let choices = ["Yes", "No"];
        self.0
            .inner
            .ask(agent, "Do you want it?", &choices)
            .unwrap();
        true
    }
    async fn answers(&self, agent: &AgentName) -> Vec<u8> {
        let answers = self.0.inner.answers(agent).into_iter();
        let number = |answer| match answer {
            Answer::Choice(number) => number,
            _ => 2,
        };
        answers.map(number).collect()
    }
    async fn break_backend(&self) {
        self.0.inner.set_reachable(false);
    }
    fn quirks(&self) -> Quirks {
        match self.0.fault {
            Fault::Nothing => Quirks::new(),
            _ => Quirks::new().with_patience(Duration::from_millis(300)),
        }
    }
}

/// One test for each fault, with every behaviour that must notice it.
macro_rules! must_fail {
    ($($test:ident: $fault:ident => $($behaviour:ident),+;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                $(
                    let noticed = fails!($fault, $behaviour);
                    let behaviour = stringify!($behaviour);
                    assert!(noticed, "{behaviour} passes one that {}", stringify!($test));
                )+
            }
        )*

        /// Behaviours that have been seen to fail.
        const BITTEN: &[&str] = &[$($(stringify!($behaviour)),+),*];
    };
}

macro_rules! fails {
    ($fault:ident, $behaviour:ident) => {{
        let harness = BrokenHarness::with(Fault::$fault);
        let behaviour = AssertUnwindSafe(conformance::$behaviour(&harness));
        behaviour.catch_unwind().await.is_err()
    }};
}

macro_rules! intact_passes {
    ($($behaviour:ident)*) => {
        /// The same harness without a fault passes: it is the fault that is noticed above.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn nothing_is_noticed_where_nothing_is_wrong() {
            $(assert!(!fails!(Nothing, $behaviour), stringify!($behaviour));)*
        }
    };
}

mosaic_fleet::transport_conformance_tests! { @behaviours @then intact_passes }

#[test]
fn every_behaviour_has_been_seen_to_fail() {
    // About the layer and not about a transport: it bites when a check is taken out of the layer.
    const OF_THE_LAYER: &str = "unclaimed_is_unsupported";
    for behaviour in conformance::BEHAVIOURS {
        let bitten = BITTEN.contains(behaviour) || *behaviour == OF_THE_LAYER;
        assert!(bitten, "no fault makes {behaviour} fail");
    }
}

must_fail! {
    drops_the_tail: DropsTheTail => delivers_100_kb, delivers_1_mb;
    delivers_twice: DeliversTwice => delivers_exactly_once, delivers_multi_line, keeps_hostile_text,
        two_senders_at_once_both_arrive_whole, senders_to_all_agents_at_once,
        cancelled_send_is_all_or_nothing;
    matches_by_prefix: MatchesByPrefix => look_alike_names_get_only_their_own,
        unknown_agent_is_not_found, delivers_exactly_once, senders_to_all_agents_at_once;
    lists_nobody_when_unreachable: ListsNobodyWhenUnreachable => unreachable_backend_is_unavailable;
    says_sent_and_sends_nothing: SaysSentAndSendsNothing => delivers_exactly_once,
        tail_shows_what_was_said, dead_agent_refuses_and_the_rest_live, unknown_agent_is_not_found,
        busy_agent_queues_or_refuses, unreachable_backend_is_unavailable, refuses_empty_text;
    guesses_states: GuessesStates => status_of_idle, watch_tells_what_is_and_what_changes;
    takes_the_first_choice: TakesTheFirstChoice => answer_takes_the_choice_and_no_other;
    answers_any_question: AnswersAnyQuestion => answer_takes_the_choice_and_no_other;
    lists_in_any_order: ListsInAnyOrder => list_has_every_agent_once_sorted;
    tails_everything: TailsEverything => tail_limits_lines;
    types_before_it_refuses: TypesBeforeItRefuses => refuses_commands, refuses_control_characters;
    strips_silently: StripsSilently => refuses_control_characters, line_ends_become_lf;
    types_pieces: TypesPieces => delivers_multi_line, cancelled_send_is_all_or_nothing,
        two_senders_at_once_both_arrive_whole;
    merges_concurrent_sends: MergesConcurrentSends => two_senders_at_once_both_arrive_whole;
    ignores_keys: IgnoresKeys => idempotency_key_repeats_nothing;
    resets_nothing: ResetsNothing => reset_forgets_and_next_send_arrives;
    repeats_output: RepeatsOutput => tail_cursor_continues_without_loss_or_repeat;
    loses_output: LosesOutput => tail_cursor_continues_without_loss_or_repeat;
    never_ends_a_poll: NeverEndsAPoll => status_wait_ends_on_change;
    takes_any_cursor: TakesAnyCursor => foreign_cursor_is_invalid_argument;
    counts_the_dead_as_idle: CountsTheDeadAsIdle => dead_agent_is_told_by_status_and_list;
    stays_open: StaysOpen => close_then_closed;
    overstates_evidence: OverstatesEvidence => delivers_exactly_once, receipt_is_complete;
    queues_and_forgets: QueuesAndForgets => busy_agent_queues_or_refuses;
    renders_preamble_twice: RendersPreambleTwice => preamble_is_rendered_once;
}
