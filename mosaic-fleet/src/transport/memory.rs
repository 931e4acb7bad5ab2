//! The in-process transport: the executable specification of [`Transport`], and a double for tests.
//!
//! Its agents are records, not programs: an idle one takes a text at once, a working one holds it
//! until [`MemoryTransport::finish_turn`]. Nothing here survives the process.

mod asking;
mod house;
mod options;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::agent::{AgentName, AgentState, AgentStatus};
use crate::capability::Capabilities;
use crate::error::{Error, Refusal, Result};
use crate::message::{Evidence, EvidenceKind, Message, Receipt, ReceiptId, Verdict};
use crate::options::{
    Answer, AnswerOptions, AnswerReport, Cursor, ListOptions, ResetMode, ResetOptions, ResetReport,
    SendOptions, StatusOptions, Tail, TailOptions,
};
use crate::text;
use crate::transport::{Transport, TransportInfo};

use house::{Agent, House};
pub use options::MemoryOptions;

/// The host that preambles name, since an agent in this process is on no other.
const HOST: &str = "memory";

/// What an agent would run as a command if a text began with it.
const COMMAND_PREFIXES: &str = "/!";

/// Agents in this process. A handle: clones share the same agents.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosaic_fleet::Result<()> {
/// use mosaic_fleet::transport::memory::MemoryTransport;
/// use mosaic_fleet::{AgentName, AgentState, TransportExt, Verdict};
///
/// let fleet = MemoryTransport::new();
/// let coder = AgentName::new("coder0")?;
/// fleet.add_agent(coder.clone());
/// fleet.set_state(&coder, AgentState::Working)?;
///
/// let receipt = fleet.send_text(&coder, "then run the tests").await?;
/// assert_eq!(receipt.verdict, Verdict::Queued);
/// assert!(fleet.inbox(&coder).is_empty());
///
/// fleet.finish_turn(&coder)?;
/// assert_eq!(fleet.inbox(&coder), ["then run the tests"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemoryTransport {
    shared: Arc<Shared>,
}

struct Shared {
    options: MemoryOptions,
    /// Tells this value's cursors from those of any other.
    incarnation: ReceiptId,
    house: Mutex<House>,
    /// Counts changes; long polls wait for the next one.
    changes: watch::Sender<u64>,
}

impl MemoryTransport {
    /// `memory:local` without agents.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::new())
    }

    /// A transport as `options` say.
    pub fn with_options(options: MemoryOptions) -> Self {
        let agents = options.agents.clone();
        let transport = MemoryTransport {
            shared: Arc::new(Shared {
                options,
                incarnation: ReceiptId::generate(),
                house: Mutex::default(),
                changes: watch::Sender::new(0),
            }),
        };
        for agent in agents {
            transport.add_agent(agent);
        }
        transport
    }

    /// Adds an idle agent. Does nothing when there is one of that name.
    pub fn add_agent(&self, name: AgentName) {
        self.change(|house| {
            house.agents.entry(name).or_insert_with(Agent::new);
        });
    }

    /// Sets how an agent is. What it had queued stays queued until [`MemoryTransport::finish_turn`].
    ///
    /// # Errors
    /// `AgentNotFound`.
    pub fn set_state(&self, name: &AgentName, state: AgentState) -> Result<()> {
        self.change(|house| {
            house.agent(name)?.become_(state);
            Ok(())
        })
    }

    /// Puts somebody's unsubmitted text into an agent's composer, or takes it out.
    ///
    /// # Errors
    /// `AgentNotFound`.
    pub fn set_draft(&self, name: &AgentName, draft: Option<String>) -> Result<()> {
        self.change(|house| {
            house.agent(name)?.draft = draft;
            Ok(())
        })
    }

    /// With `false`, every operation answers `Unavailable` until it is `true` again.
    pub fn set_reachable(&self, reachable: bool) {
        self.change(|house| house.unreachable = !reachable);
    }

    /// Appends to an agent's output what its program says.
    ///
    /// # Errors
    /// `AgentNotFound`.
    pub fn say(&self, name: &AgentName, output: &str) -> Result<()> {
        let history = self.shared.options.history;
        self.change(|house| {
            let agent = house.agent(name)?;
            for line in output.lines() {
                agent.print(line.to_owned(), history);
            }
            Ok(())
        })
    }

    /// Ends an agent's turn: it takes what it had queued, in order, and is idle.
    ///
    /// # Errors
    /// `AgentNotFound`.
    pub fn finish_turn(&self, name: &AgentName) -> Result<()> {
        let history = self.shared.options.history;
        self.change(|house| {
            let agent = house.agent(name)?;
            let queue = std::mem::take(&mut agent.queue);
            let mut taken = Vec::with_capacity(queue.len());
            for (id, text) in queue {
                agent.take(text, history);
                taken.push(id);
            }
            agent.become_(AgentState::Idle);
            for id in taken {
                house.conclude(&id, Verdict::Submitted, taken_after_queue());
            }
            Ok(())
        })
    }

    /// Exactly what an agent took so far, in order, with preambles.
    pub fn inbox(&self, name: &AgentName) -> Vec<String> {
        let house = self.lock();
        let inbox = house.agents.get(name).map(|agent| agent.inbox.clone());
        inbox.unwrap_or_default()
    }

    /// What of its inbox an agent still remembers: everything since its last reset.
    pub fn conversation(&self, name: &AgentName) -> Vec<String> {
        let house = self.lock();
        let agent = house.agents.get(name);
        let since = agent.and_then(|agent| agent.inbox.get(agent.conversation..));
        since.map(<[String]>::to_vec).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, House> {
        let house = self.shared.house.lock();
        house.unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the house and wakes every long poll.
    fn change<T>(&self, edit: impl FnOnce(&mut House) -> T) -> T {
        let answer = edit(&mut self.lock());
        self.shared
            .changes
            .send_modify(|count| *count = count.wrapping_add(1));
        answer
    }

    /// Asks `look` now and after each change, until it says that its answer is worth giving or
    /// `wait` has passed.
    async fn poll<T: Send>(
        &self,
        wait: Duration,
        look: impl Fn(&mut House) -> Result<(T, bool)> + Send + Sync,
    ) -> Result<T> {
        let mut changes = self.shared.changes.subscribe();
        let began = Instant::now();
        loop {
            let (answer, worth_giving) = {
                let mut house = self.lock();
                house.open()?;
                look(&mut house)?
            };
            let left = wait.saturating_sub(began.elapsed());
            if worth_giving || left.is_zero() {
                return Ok(answer);
            }
            // A time-out, and a sender that is gone, are both answered by the last look above.
            if matches!(timeout(left, changes.changed()).await, Ok(Err(_))) {
                return Ok(answer);
            }
        }
    }

    fn explain(&self, error: Error, operation: &'static str, agent: Option<&AgentName>) -> Error {
        let error = error.with_operation(operation).with_transport(self.info());
        match agent {
            Some(agent) => error.with_agent(agent),
            None => error,
        }
    }

    fn deliver(&self, to: &AgentName, message: Message, options: &SendOptions) -> Result<Receipt> {
        let began = Instant::now();
        let mut receipt = Receipt::new(
            to.clone(),
            self.info().to_string(),
            Verdict::Submitted,
            Evidence::new(EvidenceKind::Protocol, "the agent took the text"),
        );
        receipt.attempts = 1;
        self.check_size(&message)?;
        let cleaned = text::clean(&message.body, options.strip_control)?;
        receipt.normalised = cleaned.changes.iter().map(ToString::to_string).collect();
        let mut message = message;
        message.body = cleaned.text;
        // Again, because a sender's label may come from outside as well.
        let text = text::clean(&message.rendered(HOST, to), false)?.text;
        if !options.allow_command
            && let Some(prefix) = text::command_prefix(&text, COMMAND_PREFIXES)
        {
            return Err(Error::refused(
                Refusal::UnsafeText,
                format!("the text begins with {prefix:?}, which is a command"),
            )
            .with_hint("begin with another character, or allow a command"));
        }

        let history = self.shared.options.history;
        let mut house = self.lock();
        house.open()?;
        let agent = house.agent(to)?;
        if let Some(key) = &options.idempotency_key
            && let Some((first_text, first)) = agent.keys.get(key)
        {
            if *first_text != text {
                return Err(Error::invalid_argument(
                    "this idempotency key was used with another text",
                ));
            }
            let first = first.clone();
            return house.receipt(&first);
        }
        agent.accepts_text()?;
        if let Some(key) = &options.idempotency_key {
            let kept = (text.clone(), receipt.id.clone());
            agent.keys.insert(key.clone(), kept);
        }
        if matches!(agent.state, AgentState::Working | AgentState::Queued) {
            receipt.verdict = Verdict::Queued;
            receipt.evidence = Evidence::new(EvidenceKind::Protocol, "the agent holds the text");
            agent.queue.push_back((receipt.id.clone(), text));
            agent.become_(AgentState::Queued);
        } else {
            agent.take(text, history);
        }
        receipt.elapsed = began.elapsed();
        house.receipts.insert(receipt.id.clone(), receipt.clone());
        Ok(receipt)
    }

    fn check_size(&self, message: &Message) -> Result<()> {
        let size = message.body.len() as u64;
        match self.shared.options.max_message_bytes {
            Some(limit) if size > limit => Err(Error::invalid_argument(format!(
                "the text has {size} bytes, and {limit} are the most"
            ))),
            _ => Ok(()),
        }
    }

    fn forget(&self, name: &AgentName, options: &ResetOptions) -> Result<ResetReport> {
        let began = Instant::now();
        let command = options.mode.unwrap_or(ResetMode::Clear).as_str();
        let history = self.shared.options.history;
        let mut house = self.lock();
        house.open()?;
        let agent = house.agent(name)?;
        agent.accepts_text()?;
        let busy = matches!(agent.state, AgentState::Working | AgentState::Queued);
        if busy && !options.force {
            return Err(Error::refused(Refusal::Busy, "the agent is at work")
                .with_hint("wait until it is idle, or force the reset"));
        }
        let discarded = std::mem::take(&mut agent.queue);
        agent.conversation = agent.inbox.len();
        agent.print(format!("({command})"), history);
        agent.become_(AgentState::Idle);
        for (id, _) in discarded {
            let evidence = Evidence::new(EvidenceKind::None, "a reset discarded the queue");
            house.conclude(&id, Verdict::Unconfirmed, evidence);
        }
        Ok(ResetReport::new(
            name.clone(),
            self.info().to_string(),
            command,
            Evidence::new(EvidenceKind::Protocol, "the conversation is empty"),
            began.elapsed(),
        ))
    }

    /// The place after `count` lines of an agent's output.
    fn cursor(&self, name: &AgentName, count: u64) -> Result<Cursor> {
        let incarnation = self.shared.incarnation.as_str();
        Cursor::parse(format!("memory:{incarnation}:{name}:{count}"))
    }

    /// How many lines came before `cursor`.
    fn place(&self, name: &AgentName, cursor: &Cursor, end: u64) -> Result<u64> {
        let text = cursor.as_str();
        let place = text.rsplit(':').next().and_then(|n| n.parse().ok());
        match place {
            Some(place) if place <= end && self.cursor(name, place)? == *cursor => Ok(place),
            _ => Err(Error::invalid_argument(
                "this cursor is of another transport or agent",
            )),
        }
    }

    fn read(
        &self,
        name: &AgentName,
        options: &TailOptions,
        house: &mut House,
    ) -> Result<(Tail, bool)> {
        let agent = house.agent(name)?;
        let end = agent.dropped + agent.lines.len() as u64;
        let (from, to) = match &options.cursor {
            None => {
                let most = options.lines.min(agent.lines.len()) as u64;
                (end - most, end)
            }
            Some(cursor) => {
                let from = self.place(name, cursor, end)?.max(agent.dropped);
                (
                    from,
                    end.min(from.saturating_add(options.lines.max(1) as u64)),
                )
            }
        };
        let gap = match &options.cursor {
            None => false,
            Some(cursor) => self.place(name, cursor, end)? < from,
        };
        let lines: Vec<String> = (from..to)
            .filter_map(|line| usize::try_from(line - agent.dropped).ok())
            .filter_map(|index| agent.lines.get(index).cloned())
            .collect();
        let news = gap || !lines.is_empty();
        Ok((Tail::new(lines, Some(self.cursor(name, to)?), gap), news))
    }

    fn describe(&self, name: &AgentName, agent: &Agent) -> AgentStatus {
        let mut status = AgentStatus::new(
            name.clone(),
            self.info().to_string(),
            agent.state,
            format!("record: {}", agent.state),
        );
        status.since = Some(agent.since);
        if agent.state == AgentState::Waiting {
            status.waiting_for = Some("question".to_owned());
            status.question = agent.question.as_ref().map(|asked| asked.text.clone());
        }
        status
    }
}

impl Default for MemoryTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransport")
            .field("instance", &self.shared.options.instance)
            .finish_non_exhaustive()
    }
}

fn taken_after_queue() -> Evidence {
    Evidence::new(
        EvidenceKind::Protocol,
        "the agent took the text after its turn",
    )
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Transport for MemoryTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo::new("memory", self.shared.options.instance.as_str())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
            .with_send(true)
            .with_queue(true)
            .with_confirm(EvidenceKind::Protocol)
            .with_idempotent(true)
            .with_max_message_bytes(self.shared.options.max_message_bytes)
            .with_reset_clear(true)
            .with_reset_new(true)
            .with_answer(true)
            .with_status(true)
            .with_tail(true)
            .with_tail_cursor(true)
            .with_list(true)
            .with_events(true)
    }

    /// # Cancel safety
    /// There is no await inside: a call that was polled has delivered all of the text.
    async fn send(
        &self,
        to: &AgentName,
        message: Message,
        options: SendOptions,
    ) -> Result<Receipt> {
        let receipt = self.deliver(to, message, &options);
        self.change(|_| ());
        receipt.map_err(|error| self.explain(error, "send", Some(to)))
    }

    async fn reset(&self, agent: &AgentName, options: ResetOptions) -> Result<ResetReport> {
        let report = self.forget(agent, &options);
        self.change(|_| ());
        report.map_err(|error| self.explain(error, "reset", Some(agent)))
    }

    async fn status(&self, agent: &AgentName, options: StatusOptions) -> Result<AgentStatus> {
        let wait = options.wait.unwrap_or_default();
        self.poll(wait, |house| {
            let status = self.describe(agent, house.agent(agent)?);
            let changed = options.changed_from != Some(status.state);
            Ok((status, changed))
        })
        .await
        .map_err(|error| self.explain(error, "status", Some(agent)))
    }

    async fn tail(&self, agent: &AgentName, options: TailOptions) -> Result<Tail> {
        let wait = match options.cursor {
            Some(_) => options.wait.unwrap_or_default(),
            None => Duration::ZERO,
        };
        self.poll(wait, |house| self.read(agent, &options, house))
            .await
            .map_err(|error| self.explain(error, "tail", Some(agent)))
    }

    async fn list(&self, _: ListOptions) -> Result<Vec<AgentStatus>> {
        let house = self.lock();
        house
            .open()
            .map_err(|error| self.explain(error, "list", None))?;
        let agents = house.agents.iter();
        Ok(agents
            .map(|(name, agent)| self.describe(name, agent))
            .collect())
    }

    async fn outcome(&self, receipt: &ReceiptId) -> Result<Receipt> {
        let house = self.lock();
        let found = house.open().and_then(|()| house.receipt(receipt));
        found.map_err(|error| self.explain(error, "outcome", None))
    }

    async fn answer(
        &self,
        agent: &AgentName,
        answer: Answer,
        options: AnswerOptions,
    ) -> Result<AnswerReport> {
        let report = self.settle(agent, answer, &options);
        self.change(|_| ());
        report.map_err(|error| self.explain(error, "answer", Some(agent)))
    }

    async fn close(&self) -> Result<()> {
        self.change(|house| house.closed = true);
        Ok(())
    }
}
