"""What a fleet answers, and what a transport of your own does.

Every answer is frozen, and one that was read has its whole document in ``raw``: what a newer library
says more is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Optional

from ._document import Document, called
from .errors import FleetError

__all__ = [
    "AgentReport",
    "AgentStatus",
    "AnswerReport",
    "Change",
    "Check",
    "CutoverPlan",
    "CutoverStep",
    "Document",
    "Evidence",
    "EvidenceKind",
    "ExitStatus",
    "Explanation",
    "FleetStatus",
    "Holder",
    "Leftover",
    "Leftovers",
    "Outcome",
    "Profile",
    "Proof",
    "Receipt",
    "ResetOutcome",
    "ResetReport",
    "Runtime",
    "Seen",
    "Sent",
    "State",
    "Tail",
    "Trouble",
    "Unsent",
    "Verdict",
    "Verified",
]

#: How an agent is.
State = Literal[
    "starting", "idle", "working", "queued", "waiting", "dead", "stopped", "unknown"
]

#: What became of a text that was not refused.
Verdict = Literal["submitted", "queued", "accepted", "unconfirmed"]

#: What kind of proof a verdict stands on.
EvidenceKind = Literal["none", "stored", "screen", "transcript", "hook", "protocol"]


@dataclass(frozen=True, kw_only=True)
class Evidence(Document):
    """The proof of a verdict."""

    kind: EvidenceKind
    detail: str


@dataclass(frozen=True, kw_only=True)
class Receipt(Document):
    """The answer to a send: what is known, and from what."""

    verdict: Verdict
    evidence: Optional[Evidence] = None
    #: What :meth:`Fleet.outcome` is asked about.
    id: str = ""
    agent: str = ""
    transport: str = ""
    #: What was changed in the text before it was sent.
    normalised: tuple[str, ...] = ()
    #: How often the submit key was pressed.
    attempts: int = 0
    elapsed: timedelta = called("elapsed_ms", timedelta())
    sent_at: Optional[datetime] = None


@dataclass(frozen=True, kw_only=True)
class Unsent(Document):
    """An agent that a message to several did not go to."""

    agent: str
    error: FleetError


@dataclass(frozen=True, kw_only=True)
class Sent(Document):
    """What became of a message to several agents."""

    receipts: tuple[Receipt, ...]
    errors: tuple[Unsent, ...]


@dataclass(frozen=True, kw_only=True)
class ExitStatus(Document):
    """How a program ended; both are ``None`` where the host could not tell."""

    code: Optional[int] = None
    signal: Optional[int] = None


@dataclass(frozen=True, kw_only=True)
class AgentStatus(Document):
    """How one agent is."""

    name: str
    state: State
    transport: str = ""
    runtime: Optional[str] = None
    host: Optional[str] = None
    #: ``permission`` or ``question``, when it waits.
    waiting_for: Optional[str] = None
    question: Optional[str] = None
    since: Optional[datetime] = None
    #: What the state was read from.
    evidence: str = ""
    exit_status: Optional[ExitStatus] = None


@dataclass(frozen=True, kw_only=True)
class AgentReport(AgentStatus):
    """One agent of a fleet: what the roster and the transport say of it."""

    agent_class: Optional[str] = called("class")
    #: One that runs besides the roster is never touched.
    in_roster: bool
    #: What an environment file overrides.
    overridden: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Holder(Document):
    """What owns the agents' home."""

    state: Literal["up", "down", "foreign"]
    pid: Optional[int]
    supervisor: str


@dataclass(frozen=True, kw_only=True)
class Trouble(Document):
    """An error, and what it keeps from being known."""

    scope: str
    error: FleetError


@dataclass(frozen=True, kw_only=True)
class FleetStatus(Document):
    """The fleet at one moment. One part that cannot be asked hides nobody else."""

    generated_at: Optional[datetime]
    holder: Optional[Holder]
    agents: tuple[AgentReport, ...]
    errors: tuple[Trouble, ...]


@dataclass(frozen=True, kw_only=True)
class Tail(Document):
    """What an agent shows."""

    lines: tuple[str, ...]
    #: Where to go on: the ``cursor`` of the next call.
    next: Optional[str] = None
    #: History was lost between the cursor and the first line.
    gap: bool = False


@dataclass(frozen=True, kw_only=True)
class ResetReport(Document):
    """How a conversation was ended."""

    command: str = ""
    evidence: Optional[Evidence] = None
    agent: str = ""
    transport: str = ""
    elapsed: timedelta = called("elapsed_ms", timedelta())


@dataclass(frozen=True, kw_only=True)
class ResetOutcome(Document):
    """What came of a reset, and of the first prompt after it."""

    agent: str
    report: Optional[ResetReport]
    kickstart: Optional[Receipt]
    kickstart_error: Optional[FleetError]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AnswerReport(Document):
    """How a question was answered."""

    question: str = ""
    answer: str = ""
    evidence: Optional[Evidence] = None
    agent: str = ""
    transport: str = ""
    elapsed: timedelta = called("elapsed_ms", timedelta())


@dataclass(frozen=True, kw_only=True)
class Outcome(Document):
    """What became of one agent that was to be started or stopped."""

    agent: str
    what: str
    state: Optional[State]
    question: Optional[str]
    kickstart: Optional[Receipt]
    error: Optional[FleetError]


@dataclass(frozen=True, kw_only=True)
class Change(Document):
    """How an agent is now; or, once, why it cannot be watched."""

    agent: str
    status: Optional[AgentStatus] = None
    error: Optional[FleetError] = None


@dataclass(frozen=True, kw_only=True)
class Proof(Document):
    """One promise, tried."""

    name: str
    ok: bool
    seen: str


@dataclass(frozen=True, kw_only=True)
class Verified(Document):
    """All promises, tried."""

    ok: bool
    checks: tuple[Proof, ...]


@dataclass(frozen=True, kw_only=True)
class Check(Document):
    """One thing that the doctor looked at."""

    name: str
    finding: Literal["ok", "warning", "failure"]
    seen: str
    #: What would mend it.
    fix: Optional[str]


@dataclass(frozen=True, kw_only=True)
class Leftover(Document):
    """A thing of an older fleet that is still there."""

    kind: str
    name: str
    path: Optional[str]
    what: str
    warning: Optional[str]
    replaced_by: str
    next: Optional[str]


@dataclass(frozen=True, kw_only=True)
class Leftovers(Document):
    """What is left of an older fleet."""

    leftovers: tuple[Leftover, ...]
    errors: tuple[Trouble, ...]


@dataclass(frozen=True, kw_only=True)
class CutoverStep(Document):
    """One agent, and what a cutover would do with it."""

    agent: str
    what: str
    state: State
    since: Optional[datetime]
    question: Optional[str]


@dataclass(frozen=True, kw_only=True)
class CutoverPlan(Document):
    """Who runs, and what is to be done."""

    steps: tuple[CutoverStep, ...]
    holder: Holder
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Seen(Document):
    """One thing that was looked for on a screen."""

    what: str
    pattern: str
    found: Optional[str]


@dataclass(frozen=True, kw_only=True)
class Explanation(Document):
    """What is seen on an agent's screen, and why."""

    runtime: str
    state: State
    composer: Optional[str]
    question: Optional[str]
    program: str
    seen: tuple[Seen, ...]
    screen: tuple[str, ...]
    title: str


@dataclass(frozen=True, kw_only=True)
class Profile(Document):
    """A roster to start from."""

    name: str
    aliases: tuple[str, ...]
    description: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Runtime(Document):
    """A program that agents can be."""

    name: str
    description: Optional[str]
