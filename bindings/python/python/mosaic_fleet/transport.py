"""Transports: one that you write, and the one in memory for tests."""

from __future__ import annotations

import abc
import asyncio
import dataclasses
import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Iterable, Literal, Mapping, Optional, Union

from . import _native as native
from ._wire import arguments, now
from .answers import AgentStatus, AnswerReport, EvidenceKind, Receipt, ResetReport, State, Tail
from .errors import FleetError, InvalidArgument, Unsupported

__all__ = [
    "AnswerOptions",
    "Capabilities",
    "ListOptions",
    "MemoryTransport",
    "Message",
    "ResetOptions",
    "SendOptions",
    "Sender",
    "StatusOptions",
    "TailOptions",
    "Transport",
]

_log = logging.getLogger("mosaic_fleet")


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a transport claims to be able to do. What it does not claim is never asked of it."""

    send: bool = False
    #: A busy agent holds a text for after its turn.
    queue: bool = False
    #: The best proof that a send can have.
    confirm: EvidenceKind = "none"
    #: An idempotency key is kept.
    idempotent: bool = False
    max_message_bytes: Optional[int] = None
    reset_clear: bool = False
    reset_new: bool = False
    answer: bool = False
    status: bool = False
    tail: bool = False
    #: A tail goes on from the ``next`` of an earlier one.
    tail_cursor: bool = False
    list: bool = False
    #: ``wait`` is a long poll that ends on a change.
    events: bool = False


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who sends a message: a host's short name and a session there."""

    host: str
    session: str


@dataclass(frozen=True, kw_only=True)
class Message:
    """A text for an agent. Its line ends are line feeds, and it has no control characters but tabs."""

    text: str
    #: Whom the line before the text names, which is the transport's to write.
    sender: Optional[Sender]

    def rendered(self, host: str, agent: str) -> str:
        """The text with its preamble, for an agent on ``host``."""
        if self.sender is None:
            return self.text
        sender = f"{self.sender.host}:{self.sender.session}"
        return f"[{sender} -> {host}:{agent}] {self.text}"


@dataclass(frozen=True, kw_only=True)
class SendOptions:
    """How a text is to be sent."""

    timeout: timedelta
    #: How long a send may wait for an agent that is busy or has a question open.
    wait: Optional[timedelta]
    key_repeats: int
    allow_command: bool
    idempotency_key: Optional[str]


@dataclass(frozen=True, kw_only=True)
class ResetOptions:
    """How a conversation is to be ended."""

    timeout: timedelta
    mode: Optional[Literal["clear", "new"]]
    #: Also while it is at work.
    force: bool


@dataclass(frozen=True, kw_only=True)
class StatusOptions:
    """How an agent is to be looked at."""

    timeout: timedelta
    #: With ``wait``: the answer is due when the state is another one than this.
    changed_from: Optional[State]
    wait: Optional[timedelta]


@dataclass(frozen=True, kw_only=True)
class TailOptions:
    """What of an agent's output is to be shown."""

    timeout: timedelta
    lines: int
    cursor: Optional[str]
    #: The answer is due when there is something new.
    wait: Optional[timedelta]
    #: With the terminal's colours.
    escapes: bool


@dataclass(frozen=True, kw_only=True)
class ListOptions:
    """How all agents are to be looked at."""

    timeout: timedelta
    #: Also look whether a person is typing.
    composer: bool


@dataclass(frozen=True, kw_only=True)
class AnswerOptions:
    """How a question is to be answered."""

    timeout: timedelta
    #: Words that the question must have.
    expect: Optional[str]


def _span(milliseconds: Optional[int]) -> Optional[timedelta]:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


class Transport(abc.ABC):
    """Carries messages to agents, in Python.

    Subclass it, say what it is and can do, and open a fleet with it: ``Fleet.of(Mine())``. Its methods
    run in the event loop in which the fleet was opened, each call as a task of its own; a call that
    nobody waits for any more, because its deadline has passed or its caller is gone, is cancelled.

    Raise the exceptions of :mod:`mosaic_fleet.errors` to say what is the matter: ``AgentNotFound``,
    ``Refused`` (nothing was typed), ``DeliveryUnknown``, ``Unavailable``. Any other exception arrives at
    the caller as ``Plugin``. The contract is in the documentation of the Rust trait: above all, a text
    is typed at most once, ``list`` fails rather than be empty, and names are matched whole.
    """

    #: The kind of transport, as a roster names it.
    scheme: str
    #: Which one of that kind.
    instance: str = "local"
    #: What it can do; constant.
    capabilities: Capabilities = Capabilities()

    @abc.abstractmethod
    async def send(self, agent: str, message: Message, options: SendOptions) -> Receipt:
        """Gives the message to the agent, once: ``Receipt(verdict="submitted", …)``."""

    async def reset(self, agent: str, options: ResetOptions) -> ResetReport:
        """Has the agent forget its conversation."""
        raise Unsupported("reset is not supported")

    async def status(self, agent: str, options: StatusOptions) -> AgentStatus:
        """How one agent is."""
        raise Unsupported("status is not supported")

    async def tail(self, agent: str, options: TailOptions) -> Tail:
        """What one agent shows."""
        raise Unsupported("tail is not supported")

    async def list(self, options: ListOptions) -> Iterable[AgentStatus]:
        """How all agents are. Empty means that there are none."""
        raise Unsupported("list is not supported")

    async def outcome(self, receipt: str) -> Receipt:
        """What became of an earlier send; the receipt names its agent."""
        raise Unsupported("outcome is not supported")

    async def answer(
        self, agent: str, choice: Optional[int], options: AnswerOptions
    ) -> AnswerReport:
        """Answers the agent's question with a choice from 1 on; ``None`` denies."""
        raise Unsupported("answer is not supported")

    async def close(self) -> None:
        """Lets go of connections."""

    def _carrier(self) -> native.Carrier:
        """The transport for a fleet that is opened now."""
        scheme = getattr(self, "scheme", None)
        if not scheme:
            raise InvalidArgument(f"{type(self).__name__} has no scheme")
        description = {
            "scheme": scheme,
            "instance": self.instance,
            "capabilities": dataclasses.asdict(self.capabilities),
        }
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise InvalidArgument(
                "a fleet over a transport in Python is opened in a running event loop",
                hint="open it in a coroutine",
            ) from None
        code = _Code(self, loop)
        return now(lambda: native.Carrier.foreign(json.dumps(description), code))


class _Code(native.ForeignTransport):
    """Runs a transport's methods as tasks of its event loop, called from the library's threads."""

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def begin(self, id: int, operation: str, arguments: str, reply: native.Reply) -> None:
        # A loop that has ended raises, which the library tells the caller.
        self._loop.call_soon_threadsafe(self._begin, id, operation, arguments, reply)

    def cancel(self, id: int) -> None:
        try:
            self._loop.call_soon_threadsafe(self._cancel, id)
        except RuntimeError:
            pass  # The loop has ended, and its tasks with it.

    def _begin(self, id: int, operation: str, arguments: str, reply: native.Reply) -> None:
        task = self._loop.create_task(self._run(operation, arguments, reply))
        self._tasks[id] = task
        task.add_done_callback(lambda _: self._tasks.pop(id, None))

    def _cancel(self, id: int) -> None:
        task = self._tasks.get(id)
        if task is not None:
            task.cancel()

    async def _run(self, operation: str, arguments: str, reply: native.Reply) -> None:
        try:
            document = json.dumps(await self._perform(operation, json.loads(arguments)))
        except FleetError as error:
            reply.fail(json.dumps(error.document()))
        except asyncio.CancelledError:
            _fail(reply, "the transport's task was cancelled")
            raise
        except Exception as error:
            _log.warning("the transport's %s failed", operation, exc_info=True)
            words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            _fail(reply, words)
        else:
            reply.answer(document)

    async def _perform(self, operation: str, asked: Mapping[str, Any]) -> Any:
        perform = getattr(self, f"_{operation}", None)
        if perform is None:
            raise Unsupported(f"{operation} is not supported")
        return await perform(asked)

    async def _send(self, asked: Mapping[str, Any]) -> Any:
        sender = asked["from"]
        message = Message(
            text=asked["text"],
            sender=sender and Sender(host=sender["host"], session=sender["session"]),
        )
        options = SendOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]),
            wait=_span(asked["wait_ms"]),
            key_repeats=asked["key_repeats"],
            allow_command=asked["allow_command"],
            idempotency_key=asked["idempotency_key"],
        )
        return (await self._transport.send(asked["agent"], message, options)).document()

    async def _reset(self, asked: Mapping[str, Any]) -> Any:
        options = ResetOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]),
            mode=asked["mode"],
            force=asked["force"],
        )
        return (await self._transport.reset(asked["agent"], options)).document()

    async def _status(self, asked: Mapping[str, Any]) -> Any:
        options = StatusOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]),
            changed_from=asked["changed_from"],
            wait=_span(asked["wait_ms"]),
        )
        return (await self._transport.status(asked["agent"], options)).document()

    async def _tail(self, asked: Mapping[str, Any]) -> Any:
        options = TailOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]),
            lines=asked["lines"],
            cursor=asked["cursor"],
            wait=_span(asked["wait_ms"]),
            escapes=asked["escapes"],
        )
        return (await self._transport.tail(asked["agent"], options)).document()

    async def _list(self, asked: Mapping[str, Any]) -> Any:
        options = ListOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]), composer=asked["composer"]
        )
        return [status.document() for status in await self._transport.list(options)]

    async def _outcome(self, asked: Mapping[str, Any]) -> Any:
        return (await self._transport.outcome(asked["receipt"])).document()

    async def _answer(self, asked: Mapping[str, Any]) -> Any:
        options = AnswerOptions(
            timeout=timedelta(milliseconds=asked["timeout_ms"]), expect=asked["expect"]
        )
        return (await self._transport.answer(asked["agent"], asked["choice"], options)).document()

    async def _close(self, asked: Mapping[str, Any]) -> None:
        await self._transport.close()


def _fail(reply: native.Reply, words: str) -> None:
    reply.fail(json.dumps({"code": "plugin", "message": words}))


class MemoryTransport:
    """Agents in this process, for tests of programs that use a fleet: records, not programs.

    An idle one takes a text at once, a working one holds it until :meth:`finish_turn`.
    """

    scheme = "memory"

    def __init__(
        self, agents: Iterable[str] = (), *, max_message_bytes: Optional[int] = None
    ) -> None:
        asked = arguments(agents=list(agents), max_message_bytes=max_message_bytes)
        self._memory = now(lambda: native.MemoryTransport.open(asked))

    def _control(self, operation: str, **named: Any) -> Any:
        return json.loads(now(lambda: self._memory.control(operation, arguments(**named))))

    def add_agent(self, agent: str) -> None:
        """Adds an idle agent."""
        self._control("add_agent", agent=agent)

    def inbox(self, agent: str) -> list[str]:
        """Exactly what an agent took so far, in order, with preambles."""
        return list(self._control("inbox", agent=agent))

    def conversation(self, agent: str) -> list[str]:
        """What an agent took since its last reset."""
        return list(self._control("conversation", agent=agent))

    def finish_turn(self, agent: str) -> None:
        """Ends an agent's turn: it takes what it had queued, and is idle."""
        self._control("finish_turn", agent=agent)

    def set_state(self, agent: str, state: State) -> None:
        """Sets how an agent is."""
        self._control("set_state", agent=agent, state=state)

    def say(self, agent: str, text: str) -> None:
        """Appends to an agent's output."""
        self._control("say", agent=agent, text=text)

    def set_draft(self, agent: str, text: Optional[str]) -> None:
        """Puts somebody's unsubmitted text into an agent's composer, or takes it out."""
        self._control("set_draft", agent=agent, text=text)

    def set_reachable(self, reachable: bool) -> None:
        """With ``False``, every operation is ``Unavailable``."""
        self._control("set_reachable", reachable=reachable)

    def ask(self, agent: str, text: str, choices: Iterable[str]) -> None:
        """Has an agent ask a question."""
        self._control("ask", agent=agent, text=text, choices=list(choices))

    def _carrier(self) -> native.Carrier:
        return self._memory.carrier()


#: What a fleet can be opened over.
AnyTransport = Union[Transport, MemoryTransport]
