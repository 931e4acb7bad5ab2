//! The records behind an in-process transport: its agents, their inboxes, queues and output.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::SystemTime;

use crate::agent::{AgentName, AgentState};
use crate::error::{Error, ErrorKind, Refusal, Result};
use crate::message::{Evidence, Receipt, ReceiptId, Verdict};
use crate::options::Answer;

#[derive(Default)]
pub(super) struct House {
    pub(super) agents: BTreeMap<AgentName, Agent>,
    pub(super) receipts: HashMap<ReceiptId, Receipt>,
    pub(super) unreachable: bool,
    pub(super) closed: bool,
}

pub(super) struct Agent {
    pub(super) state: AgentState,
    pub(super) since: SystemTime,
    pub(super) draft: Option<String>,
    pub(super) inbox: Vec<String>,
    /// Where in `inbox` the present conversation begins.
    pub(super) conversation: usize,
    pub(super) queue: VecDeque<(ReceiptId, String)>,
    pub(super) keys: HashMap<String, (String, ReceiptId)>,
    pub(super) question: Option<Asked>,
    pub(super) answers: Vec<Answer>,
    pub(super) lines: VecDeque<String>,
    /// How many lines were dropped from the front of `lines`.
    pub(super) dropped: u64,
}

/// An open question.
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) choices: Vec<String>,
    /// How the agent was before it asked.
    pub(super) before: AgentState,
}

impl House {
    pub(super) fn open(&self) -> Result<()> {
        if self.closed {
            return Err(Error::new(ErrorKind::Closed, "the transport was closed"));
        }
        if self.unreachable {
            return Err(Error::unavailable("the agents cannot be reached"));
        }
        Ok(())
    }

    pub(super) fn agent(&mut self, name: &AgentName) -> Result<&mut Agent> {
        if !self.agents.contains_key(name) {
            let known = self.agents.keys().map(AgentName::as_str);
            return Err(Error::agent_not_found(name.as_str(), known));
        }
        self.agents
            .get_mut(name)
            .ok_or_else(|| Error::agent_not_found(name.as_str(), []))
    }

    pub(super) fn receipt(&self, id: &ReceiptId) -> Result<Receipt> {
        let receipt = self.receipts.get(id).cloned();
        receipt.ok_or_else(|| Error::invalid_argument(format!("no such receipt {id}")))
    }

    pub(super) fn conclude(&mut self, id: &ReceiptId, verdict: Verdict, evidence: Evidence) {
        if let Some(receipt) = self.receipts.get_mut(id) {
            receipt.verdict = verdict;
            receipt.evidence = evidence;
        }
    }
}

impl Agent {
    pub(super) fn new() -> Self {
        Agent {
            state: AgentState::Idle,
            since: SystemTime::now(),
            draft: None,
            inbox: Vec::new(),
            conversation: 0,
            queue: VecDeque::new(),
            keys: HashMap::new(),
            question: None,
            answers: Vec::new(),
            lines: VecDeque::new(),
            dropped: 0,
        }
    }

    pub(super) fn become_(&mut self, state: AgentState) {
        if state != AgentState::Waiting {
            self.question = None;
        }
        if self.state != state {
            self.state = state;
            self.since = SystemTime::now();
        }
    }

    pub(super) fn accepts_text(&self) -> Result<()> {
        let (refusal, message) = match self.state {
            AgentState::Dead => (Refusal::Dead, "the agent's program has ended"),
            AgentState::Stopped => (Refusal::Dead, "the agent is not running"),
            AgentState::Starting => (Refusal::NotReady, "the agent is not ready yet"),
            AgentState::Waiting => (Refusal::Dialog, "the agent asked a question"),
            _ if self.draft.is_some() => {
                (Refusal::Draft, "somebody's unsubmitted text is in the way")
            }
            _ => return Ok(()),
        };
        Err(Error::refused(refusal, message))
    }

    pub(super) fn take(&mut self, text: String, history: usize) {
        let mut marker = "> ";
        for line in text.split('\n') {
            self.print(format!("{marker}{line}"), history);
            marker = "  ";
        }
        self.inbox.push(text);
    }

    pub(super) fn print(&mut self, line: String, history: usize) {
        self.lines.push_back(line);
        while self.lines.len() > history {
            self.lines.pop_front();
            self.dropped += 1;
        }
    }
}
