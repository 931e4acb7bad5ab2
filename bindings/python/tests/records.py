"""A transport that is written in Python: its agents are records in this process.

It does what the one in memory does, which is the specification; the conformance suite says so.
"""

from __future__ import annotations

import asyncio
import difflib
import uuid
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Callable, Optional, TypeVar

from mosaic_fleet import (
    AgentNotFound,
    AgentStatus,
    AnswerOptions,
    AnswerReport,
    Capabilities,
    Closed,
    Evidence,
    InvalidArgument,
    ListOptions,
    Message,
    Receipt,
    Refused,
    ResetOptions,
    ResetReport,
    SendOptions,
    State,
    StatusOptions,
    Tail,
    TailOptions,
    Transport,
    Unavailable,
)

T = TypeVar("T")

HOST = "records"


def proof(detail: str) -> Evidence:
    return Evidence(kind="protocol", detail=detail)


@dataclass
class Record:
    """An agent."""

    state: State = "idle"
    inbox: list[str] = field(default_factory=list)
    remembered: list[str] = field(default_factory=list)
    queue: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    keys: dict[str, tuple[str, Receipt]] = field(default_factory=dict)
    question: Optional[tuple[str, int]] = None
    answers: list[int] = field(default_factory=list)

    def take(self, text: str) -> None:
        self.inbox.append(text)
        self.remembered.append(text)
        self.lines += text.split("\n")


class Records(Transport):
    """Agents as records, and the controls by which a test plays their programs."""

    scheme = "records"
    capabilities = Capabilities(
        send=True,
        queue=True,
        confirm="protocol",
        idempotent=True,
        reset_clear=True,
        reset_new=True,
        answer=True,
        status=True,
        tail=True,
        tail_cursor=True,
        list=True,
        events=True,
    )

    def __init__(self, agents: list[str]) -> None:
        self.agents = {agent: Record() for agent in agents}
        self.receipts: dict[str, Receipt] = {}
        self.reachable = True
        self.closed = False
        self._changed = asyncio.Condition()

    async def tell(self) -> None:
        """Wakes who waits for a change."""
        async with self._changed:
            self._changed.notify_all()

    def _open(self) -> None:
        if self.closed:
            raise Closed("the transport was closed")
        if not self.reachable:
            raise Unavailable("the records are out of reach", retryable=True)

    def _agent(self, name: str) -> Record:
        self._open()
        if name not in self.agents:
            near = difflib.get_close_matches(name, self.agents, n=1)
            raise AgentNotFound("no such agent" + (f" (did you mean {near[0]}?)" if near else ""))
        return self.agents[name]

    def _accepting(self, name: str) -> Record:
        agent = self._agent(name)
        if agent.state == "dead":
            raise Refused("the agent's program has ended", reason="dead", retryable=True)
        if agent.state == "waiting":
            raise Refused("a question is open", reason="dialog", retryable=True)
        return agent

    async def _poll(self, wait: Optional[timedelta], look: Callable[[], tuple[T, bool]]) -> T:
        """What ``look`` sees when it is worth telling, or when ``wait`` is over."""
        seen, worth = look()
        if not worth and wait:
            async def change() -> None:
                nonlocal seen, worth
                async with self._changed:
                    while not worth:
                        await self._changed.wait()
                        seen, worth = look()

            try:
                await asyncio.wait_for(change(), wait.total_seconds())
            except asyncio.TimeoutError:
                pass
        return seen

    async def send(self, agent: str, message: Message, options: SendOptions) -> Receipt:
        text = message.rendered(HOST, agent)
        if text.startswith(("/", "!")) and not options.allow_command:
            raise Refused(f"the text begins with {text[0]!r}, which is a command", reason="unsafe_text")
        record = self._agent(agent)
        key = options.idempotency_key
        if key in record.keys:
            first_text, first = record.keys[key]
            if first_text != text:
                raise InvalidArgument("this idempotency key was used with another text")
            return first
        record = self._accepting(agent)
        receipt = Receipt(
            verdict="submitted",
            evidence=proof("the record took the text"),
            id=uuid.uuid4().hex,
            agent=agent,
            attempts=1,
        )
        if record.state in ("working", "queued"):
            receipt = replace(receipt, verdict="queued", evidence=proof("the record holds it"))
            record.queue.append((receipt.id, text))
            record.state = "queued"
        else:
            record.take(text)
        if key is not None:
            record.keys[key] = (text, receipt)
        self.receipts[receipt.id] = receipt
        await self.tell()
        return receipt

    async def reset(self, agent: str, options: ResetOptions) -> ResetReport:
        record = self._accepting(agent)
        if record.state != "idle" and not options.force:
            raise Refused("the agent is at work", reason="busy", retryable=True)
        record.remembered, record.queue, record.state = [], [], "idle"
        await self.tell()
        return ResetReport(command=options.mode or "clear", evidence=proof("nothing is remembered"))

    def _status(self, name: str) -> AgentStatus:
        record = self._agent(name)
        waits = record.question is not None
        return AgentStatus(
            name=name,
            state=record.state,
            evidence=f"record: {record.state}",
            waiting_for="question" if waits else None,
            question=record.question[0] if record.question else None,
        )

    async def status(self, agent: str, options: StatusOptions) -> AgentStatus:
        def look() -> tuple[AgentStatus, bool]:
            status = self._status(agent)
            return status, status.state != options.changed_from

        return await self._poll(options.wait, look)

    async def list(self, options: ListOptions) -> list[AgentStatus]:
        self._open()
        return [self._status(name) for name in self.agents]

    async def tail(self, agent: str, options: TailOptions) -> Tail:
        prefix = f"{id(self):x}:{agent}:"

        def look() -> tuple[Tail, bool]:
            lines = self._agent(agent).lines
            if options.cursor is None:
                first = max(0, len(lines) - options.lines)
            elif options.cursor.startswith(prefix):
                first = int(options.cursor[len(prefix) :])
            else:
                raise InvalidArgument("this cursor is of another transport or agent")
            shown = lines[first : first + options.lines]
            tail = Tail(lines=tuple(shown), next=f"{prefix}{first + len(shown)}")
            return tail, bool(shown)

        return await self._poll(options.wait, look)

    async def outcome(self, receipt: str) -> Receipt:
        self._open()
        if receipt not in self.receipts:
            raise InvalidArgument("no such receipt")
        return self.receipts[receipt]

    async def answer(
        self, agent: str, choice: Optional[int], options: AnswerOptions
    ) -> AnswerReport:
        record = self._agent(agent)
        text, choices = record.question or ("", 0)
        chosen = choices if choice is None else choice
        if not 0 < chosen <= choices or (options.expect or "") not in text:
            raise Refused("no such question is open", reason="no_question")
        record.answers.append(chosen)
        record.question, record.state = None, "idle"
        await self.tell()
        said = "deny" if choice is None else f"choice {choice}"
        return AnswerReport(question=text, answer=said, evidence=proof("the question is gone"))

    async def close(self) -> None:
        self.closed = True

    async def become(self, agent: str, state: State) -> None:
        """The agent's program does something."""
        self.agents[agent].state = state
        await self.tell()

    async def finish_turn(self, agent: str) -> None:
        """The agent's program takes what it holds, and is idle."""
        record = self.agents[agent]
        for receipt, text in record.queue:
            record.take(text)
            self.receipts[receipt] = replace(self.receipts[receipt], verdict="submitted")
        record.queue = []
        await self.become(agent, "idle")

    async def ask(self, agent: str, text: str, choices: int) -> None:
        """The agent's program asks a question."""
        self.agents[agent].question = (text, choices)
        await self.become(agent, "waiting")
