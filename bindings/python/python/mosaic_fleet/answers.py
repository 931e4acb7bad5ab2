"""What a fleet answers, and what a transport of your own does.

Every answer is frozen, and one that was read has its whole document in ``raw``: what a newer library
says more is there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime, timedelta
from typing import (
    Any,
    Callable,
    Literal,
    Mapping,
    Optional,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

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

D = TypeVar("D", bound="Document")


def called(name: str, default: Any = MISSING) -> Any:
    """A field that has another name in the document."""
    return field(default=default, metadata={"called": name})


def _time(text: str) -> datetime:
    """An RFC 3339 time, with microseconds at most."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace("Z", "+00:00"))
    return datetime.fromisoformat(text)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """What turns a document's value into a field's."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Union and type(None) in parts:
        (some,) = (part for part in parts if part is not type(None))
        inner = _reader(some)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        inner = _reader(parts[0])
        return lambda values: tuple(inner(value) for value in values)
    if hint is datetime:
        return _time
    if hint is timedelta:
        return lambda milliseconds: timedelta(milliseconds=milliseconds)
    if hint is FleetError:
        return FleetError.of
    if isinstance(hint, type) and issubclass(hint, Document):
        return hint.read
    return lambda value: value


def _written(value: Any) -> Any:
    """A field's value as a document has it."""
    if isinstance(value, Document):
        return value.document()
    if isinstance(value, FleetError):
        return value.document()
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value / timedelta(milliseconds=1))
    return value


#: A field: its name, its name in the document, whether it may be missing there, and what reads it.
_Read = tuple[str, str, bool, Callable[[Any], Any]]

_fields_read: dict[type, tuple[_Read, ...]] = {}


def _readers(kind: type[Document]) -> tuple[_Read, ...]:
    """What reads the fields of an answer; found out once."""
    readers = _fields_read.get(kind)
    if readers is None:
        hints = get_type_hints(kind, vars(sys.modules[kind.__module__]))
        readers = tuple(
            (
                known.name,
                known.metadata.get("called", known.name),
                known.default is not MISSING or known.default_factory is not MISSING,
                _reader(hints[known.name]),
            )
            for known in fields(kind)
            if known.name != "raw"
        )
        _fields_read[kind] = readers
    return readers


@dataclass(frozen=True, kw_only=True)
class Document:
    """An answer. Its fields are those that this package knows; ``raw`` is all of it."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls: Type[D], raw: Mapping[str, Any]) -> D:
        """The answer in ``raw``; fields that are not known are left there."""
        known = {
            name: read(raw[called])
            for name, called, optional, read in _readers(cls)
            if called in raw or not optional
        }
        return cls(raw=raw, **known)

    def document(self) -> dict[str, Any]:
        """The answer as a document, without what was left as it is by default."""
        fresh = {
            known.metadata.get("called", known.name): (getattr(self, known.name), known.default)
            for known in fields(self)
            if known.name != "raw"
        }
        return {
            name: _written(value) for name, (value, default) in fresh.items() if value != default
        }


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
