"""A fleet: its agents, and what can be said to them and asked about them."""

from __future__ import annotations

import enum
import json
from types import TracebackType
from typing import (
    Any,
    AsyncGenerator,
    Callable,
    Iterable,
    Literal,
    Mapping,
    Optional,
    Type,
    Union,
)

from . import _native as native
from ._wire import Path, Span, answer, arguments, now, raised, told_answer, variables
from .answers import (
    AgentStatus,
    AnswerReport,
    Change,
    Check,
    CutoverPlan,
    Explanation,
    FleetStatus,
    Leftovers,
    Outcome,
    Receipt,
    ResetOutcome,
    Sent,
    State,
    Tail,
    Verified,
)
from .transport import AnyTransport

__all__ = ["FROM_ROSTER", "Fleet", "Kickstart"]


class Kickstart(enum.Enum):
    """Where a first prompt comes from if it is not given."""

    ROSTER = "roster"


#: The first prompt that the roster says.
FROM_ROSTER = Kickstart.ROSTER

_First = Union[str, None, Kickstart]

#: Called with each agent's outcome as it comes, in the caller's event loop.
OnProgress = Callable[[Outcome], object]


def _first(kickstart: _First) -> Optional[str]:
    """A first prompt as an argument: left out, empty for none, or the text."""
    if isinstance(kickstart, Kickstart):
        return None
    return kickstart or ""


class Fleet:
    """A durable fleet of agents.

    ``async with Fleet.open() as fleet`` is the usual way; a fleet that is not used so is closed by
    :meth:`close`. Its methods may be called at the same time. Cancelling a call drops it: what was typed
    by then stays typed.
    """

    def __init__(self, native_fleet: native.Fleet) -> None:
        self._native = native_fleet

    @classmethod
    def open(
        cls,
        roster: Optional[Path] = None,
        *,
        roster_text: Optional[str] = None,
        socket: Optional[str] = None,
        environment: Optional[Mapping[str, str]] = None,
        transports: Iterable[AnyTransport] = (),
        lasting: bool = True,
    ) -> Fleet:
        """Opens a fleet. Reads files; talks to no backend.

        ``roster`` is a file; without it, and without ``roster_text``, the one in the fleet's home.
        ``socket`` is the tmux socket, by name. ``environment`` is this process's own unless one is
        given. ``transports`` are those of your own that the roster may name. ``lasting`` keeps
        connections, which is what a program wants that lives longer than a call.
        """
        asked = arguments(
            roster=roster,
            roster_text=roster_text,
            instance=socket,
            environment=variables(environment),
            lasting=lasting,
        )
        return cls._open(asked, transports)

    @classmethod
    def of(
        cls, transport: AnyTransport, *, environment: Optional[Mapping[str, str]] = None
    ) -> Fleet:
        """A fleet without a roster: the agents of one transport."""
        asked = arguments(transport=transport.scheme, environment=variables(environment))
        return cls._open(asked, [transport])

    @classmethod
    def _open(cls, asked: str, transports: Iterable[AnyTransport]) -> Fleet:
        carriers = [transport._carrier() for transport in transports]
        return cls(now(lambda: native.Fleet.open(asked, carriers)))

    async def __aenter__(self) -> Fleet:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def _call(self, operation: str, **named: Any) -> Any:
        return await answer(self._native.call(operation, arguments(**named), None))

    async def names(self) -> tuple[str, ...]:
        """The agents of the roster, in its order."""
        return tuple(await self._call("names"))

    async def info(self) -> dict[str, Any]:
        """Which transport the fleet has, and what it can do."""
        return dict(await self._call("info"))

    async def roster(self) -> dict[str, Any]:
        """The roster, as it was read."""
        return dict(await self._call("roster"))

    async def send(
        self,
        agent: str,
        text: str,
        *,
        sender: Optional[str] = None,
        preamble: bool = False,
        wait: Optional[Span] = None,
        timeout: Optional[Span] = None,
        key_repeats: Optional[int] = None,
        allow_command: bool = False,
        strip_control: bool = False,
        idempotency_key: Optional[str] = None,
    ) -> Receipt:
        """Gives a text to an agent, once, and says what is known of it.

        ``sender`` (``"host:session"``) is named in front of it; ``preamble`` names the pane that this
        process runs in. :class:`~mosaic_fleet.Refused` means that nothing was typed. After
        :class:`~mosaic_fleet.DeliveryUnknown`, or the verdict ``unconfirmed``, look before you send again.
        """
        sent = await self._call(
            "send",
            agent=agent,
            text=text,
            preamble=preamble,
            wait=wait,
            timeout=timeout,
            key_repeats=key_repeats,
            allow_command=allow_command,
            strip_control=strip_control,
            idempotency_key=idempotency_key,
            **{"from": sender},
        )
        return Receipt.read(sent)

    async def send_each(
        self,
        agents: Optional[Iterable[str]] = None,
        *,
        text: str,
        agent_class: Optional[str] = None,
        sender: Optional[str] = None,
        preamble: bool = False,
        wait: Optional[Span] = None,
        timeout: Optional[Span] = None,
        key_repeats: Optional[int] = None,
        allow_command: bool = False,
        strip_control: bool = False,
        idempotency_key: Optional[str] = None,
    ) -> Sent:
        """Gives a text to several agents at the same time: to ``agents``, to those of a class, or,
        where neither is named, to all of the roster."""
        sent = await self._call(
            "send_each",
            agents=None if agents is None else list(agents),
            all=agents is None and agent_class is None,
            text=text,
            preamble=preamble,
            wait=wait,
            timeout=timeout,
            key_repeats=key_repeats,
            allow_command=allow_command,
            strip_control=strip_control,
            idempotency_key=idempotency_key,
            **{"class": agent_class, "from": sender},
        )
        return Sent.read(sent)

    async def reset(
        self,
        agent: str,
        mode: Optional[Literal["clear", "new"]] = None,
        *,
        force: bool = False,
        timeout: Optional[Span] = None,
        kickstart: _First = FROM_ROSTER,
    ) -> ResetOutcome:
        """Has an agent forget its conversation, and sends it its first prompt: the roster's, another
        one, or none (``None``)."""
        done = await self._call(
            "reset",
            agent=agent,
            mode=mode,
            force=force,
            timeout=timeout,
            kickstart=_first(kickstart),
        )
        return ResetOutcome.read(done)

    async def status(self, names: Iterable[str] = (), *, quick: bool = False) -> FleetStatus:
        """How agents are, roster and reality side by side; all of them without ``names``. ``quick``
        does not look whether a person is typing."""
        return FleetStatus.read(await self._call("status", names=list(names), quick=quick))

    async def agent_status(
        self,
        agent: str,
        *,
        changed_from: Optional[State] = None,
        wait: Optional[Span] = None,
        timeout: Optional[Span] = None,
    ) -> AgentStatus:
        """How one agent is. With ``changed_from`` and ``wait``: as soon as it is otherwise."""
        status = await self._call(
            "agent_status", agent=agent, changed_from=changed_from, wait=wait, timeout=timeout
        )
        return AgentStatus.read(status)

    async def list(
        self, *, quick: bool = False, timeout: Optional[Span] = None
    ) -> tuple[AgentStatus, ...]:
        """How all agents of the transport are. Fails rather than be empty for want of a backend."""
        listed = await self._call("list", quick=quick, timeout=timeout)
        return tuple(AgentStatus.read(status) for status in listed)

    async def tail(
        self,
        agent: str,
        *,
        lines: Optional[int] = None,
        cursor: Optional[str] = None,
        wait: Optional[Span] = None,
        escapes: bool = False,
        timeout: Optional[Span] = None,
    ) -> Tail:
        """What an agent shows; from ``cursor`` on, the ``next`` of an earlier answer."""
        tail = await self._call(
            "tail",
            agent=agent,
            lines=lines,
            cursor=cursor,
            wait=wait,
            escapes=escapes,
            timeout=timeout,
        )
        return Tail.read(tail)

    async def answer(
        self,
        agent: str,
        choice: Optional[int],
        *,
        expect: Optional[str] = None,
        timeout: Optional[Span] = None,
    ) -> AnswerReport:
        """Answers the question that an agent asks: with a choice from 1 on, or ``None`` to deny it.
        ``expect`` are words that the question must have."""
        report = await self._call(
            "answer",
            agent=agent,
            choice=choice,
            deny=choice is None,
            expect=expect,
            timeout=timeout,
        )
        return AnswerReport.read(report)

    async def outcome(self, receipt: Union[Receipt, str]) -> Receipt:
        """What became of an earlier send."""
        id = receipt.id if isinstance(receipt, Receipt) else receipt
        return Receipt.read(await self._call("outcome", receipt=id))

    async def wait(
        self, agent: str, states: Union[State, Iterable[State]], *, timeout: Optional[Span] = None
    ) -> AgentStatus:
        """Waits until an agent is in one of ``states``."""
        wanted = [states] if isinstance(states, str) else list(states)
        reached = await self._call("wait", agent=agent, states=wanted, timeout=timeout)
        return AgentStatus.read(reached)

    async def _live(
        self, operation: str, on_progress: Optional[OnProgress], **named: Any
    ) -> tuple[Outcome, ...]:
        asked = arguments(**named)
        told = None
        if on_progress is not None:
            tell = on_progress
            told = lambda news: tell(Outcome.read(news))  # noqa: E731
        outcomes = await told_answer(lambda news: self._native.call(operation, asked, news), told)
        return tuple(Outcome.read(outcome) for outcome in outcomes)

    async def start(
        self,
        names: Iterable[str] = (),
        *,
        grace: Optional[Span] = None,
        kickstart: _First = FROM_ROSTER,
        on_progress: Optional[OnProgress] = None,
    ) -> tuple[Outcome, ...]:
        """Has agents run; all of the roster without ``names``. One that runs is left as it is."""
        return await self._live(
            "start", on_progress, names=list(names), grace=grace, kickstart=_first(kickstart)
        )

    async def stop(
        self,
        names: Iterable[str] = (),
        *,
        grace: Optional[Span] = None,
        on_progress: Optional[OnProgress] = None,
    ) -> tuple[Outcome, ...]:
        """Ends agents; all of the roster without ``names``."""
        return await self._live("stop", on_progress, names=list(names), grace=grace)

    async def restart(
        self,
        names: Iterable[str] = (),
        *,
        grace: Optional[Span] = None,
        kickstart: _First = FROM_ROSTER,
        on_progress: Optional[OnProgress] = None,
    ) -> tuple[Outcome, ...]:
        """Has agents run from their beginning; all of the roster without ``names``."""
        return await self._live(
            "restart", on_progress, names=list(names), grace=grace, kickstart=_first(kickstart)
        )

    async def drain(
        self,
        names: Iterable[str] = (),
        *,
        timeout: Optional[Span] = None,
        force: bool = False,
        on_progress: Optional[OnProgress] = None,
    ) -> tuple[Outcome, ...]:
        """Ends each agent as soon as it has nothing to do."""
        return await self._live(
            "drain", on_progress, names=list(names), timeout=timeout, force=force
        )

    async def verify(self) -> Verified:
        """Tries the promises on the live server, with two canaries; agents are not touched."""
        return Verified.read(await self._call("verify"))

    async def doctor(self) -> tuple[Check, ...]:
        """What is missing, and what would mend it."""
        return tuple(Check.read(check) for check in await self._call("doctor"))

    async def leftovers(self) -> Leftovers:
        """What is left of an older fleet."""
        return Leftovers.read(await self._call("leftovers"))

    async def cutover_plan(self, names: Iterable[str] = ()) -> CutoverPlan:
        """What a cutover from an older fleet would do."""
        return CutoverPlan.read(await self._call("cutover_plan", names=list(names)))

    async def explain(self, agent: str) -> Explanation:
        """What is seen on an agent's screen, and why."""
        return Explanation.read(await self._call("explain", agent=agent))

    async def attach_command(self, agent: str) -> tuple[str, ...]:
        """The words of the command by which a person comes to an agent's terminal."""
        return tuple(await self._call("attach_command", agent=agent))

    async def log_command(
        self, agent: str, *, lines: Optional[int] = None, follow: bool = False
    ) -> tuple[str, ...]:
        """The words of the command that shows an agent's log."""
        words = await self._call("log_command", agent=agent, lines=lines, follow=follow)
        return tuple(words)

    async def close(self) -> None:
        """Lets go of connections; agents go on. Later calls raise :class:`~mosaic_fleet.Closed`."""
        await self._call("close")

    async def follow(
        self,
        agent: str,
        *,
        lines: Optional[int] = None,
        cursor: Optional[str] = None,
        escapes: bool = False,
        timeout: Optional[Span] = None,
    ) -> AsyncGenerator[Tail, None]:
        """What an agent shows from now on, piece by piece: ``async for piece in fleet.follow(…)``."""
        asked = arguments(
            agent=agent, lines=lines, cursor=cursor, escapes=escapes, timeout=timeout
        )
        stream = now(lambda: self._native.follow(asked))
        try:
            while (piece := await _next(stream)) is not None:
                yield Tail.read(piece)
        finally:
            stream.close()

    async def watch(self, names: Iterable[str] = ()) -> AsyncGenerator[Change, None]:
        """How agents are, then each change of a state; all of the roster without ``names``."""
        stream = now(lambda: self._native.watch(arguments(names=list(names))))
        try:
            while (change := await _next(stream)) is not None:
                yield Change.read(change)
        finally:
            stream.close()


async def _next(stream: native.Stream) -> Any:
    try:
        piece = await stream.next()
    except native.FleetError as error:
        raise raised(error) from None
    return None if piece is None else json.loads(piece)
