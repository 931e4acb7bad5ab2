"""The verbs on the memory transport, in Python's own types."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from conftest import PATIENCE
from mosaic_fleet import (
    AgentStatus,
    Closed,
    Evidence,
    Fleet,
    InvalidArgument,
    MemoryTransport,
    Receipt,
    Refused,
    Tail,
    Unavailable,
)


async def test_a_receipt_is_a_frozen_record() -> None:
    memory = MemoryTransport(["coder0"])
    async with Fleet.of(memory) as fleet:
        before = datetime.now(timezone.utc) - timedelta(seconds=1)
        receipt = await fleet.send("coder0", "hello")
    assert isinstance(receipt, Receipt)
    assert receipt.evidence == Evidence(kind="protocol", detail="the agent took the text")
    assert receipt.sent_at is not None and receipt.sent_at > before
    assert isinstance(receipt.elapsed, timedelta)
    assert receipt.raw["verdict"] == receipt.verdict == "submitted"
    with pytest.raises(dataclasses.FrozenInstanceError):
        receipt.verdict = "queued"  # type: ignore[misc]
    assert memory.inbox("coder0") == ["hello"]


def test_what_a_newer_library_says_is_kept_raw() -> None:
    told = {"lines": ["a"], "next": None, "gap": False, "colour": "red"}
    tail = Tail.read(told)
    assert tail == Tail(lines=("a",))
    assert tail.raw["colour"] == "red"
    status = AgentStatus.read({"name": "a", "state": "dreaming", "since": "2026-01-02T03:04:05.123456789Z"})
    assert status.state == "dreaming"
    assert status.since == datetime(2026, 1, 2, 3, 4, 5, 123456, timezone.utc)


@pytest.mark.parametrize("span", [10, 10.5, "10s", timedelta(seconds=10), "1h30m"])
async def test_spans(span: float | str | timedelta) -> None:
    async with Fleet.of(MemoryTransport(["coder0"])) as fleet:
        assert (await fleet.send("coder0", "hello", timeout=span, wait=span)).verdict == "submitted"


@pytest.mark.parametrize("span", ["soon", -1, "5x"])
async def test_spans_that_are_none(span: float | str) -> None:
    async with Fleet.of(MemoryTransport(["coder0"])) as fleet:
        with pytest.raises(InvalidArgument, match="duration"):
            await fleet.send("coder0", "hello", timeout=span)


async def test_queue_reset_and_tail() -> None:
    memory = MemoryTransport(["coder0"])
    roster = "version: 1\ntransport: memory\nagents: [{name: coder0, class: worker}]\n"
    async with Fleet.open(roster_text=roster, environment={}, transports=[memory]) as fleet:
        memory.set_state("coder0", "working")
        receipt = await fleet.send("coder0", "later")
        assert receipt.verdict == "queued"
        with pytest.raises(Refused) as refused:
            await fleet.reset("coder0")
        assert refused.value.reason == "busy"
        memory.finish_turn("coder0")
        assert (await fleet.outcome(receipt)).verdict == "submitted"
        memory.say("coder0", "ok\ndone")
        tail = await fleet.tail("coder0", lines=2)
        assert tail.lines == ("ok", "done") and not tail.gap
        outcome = await fleet.reset("coder0", "clear", kickstart="first of all")
        assert outcome.kickstart is not None and outcome.kickstart_error is None
        assert memory.conversation("coder0") == ["first of all"]


async def test_follow_ends_when_it_is_left() -> None:
    memory = MemoryTransport(["coder0"])
    fleet = Fleet.of(memory)
    lines: list[str] = []
    pieces = fleet.follow("coder0")
    async for piece in pieces:
        lines += piece.lines
        if "three" in lines:
            break
        memory.say("coder0", ["one", "two", "three"][len(lines)])
    await pieces.aclose()
    assert lines == ["one", "two", "three"]


async def test_a_follow_that_waits_can_be_cancelled_and_others_go_on() -> None:
    memory = MemoryTransport(["coder0"])
    fleet = Fleet.of(memory)

    async def follow(seen: asyncio.Event) -> None:
        async for _ in fleet.follow("coder0"):
            seen.set()

    seen = [asyncio.Event(), asyncio.Event()]
    tasks = [asyncio.create_task(follow(event)) for event in seen]
    for event in seen:
        await asyncio.wait_for(event.wait(), PATIENCE)
        event.clear()
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    memory.say("coder0", "more")
    await asyncio.wait_for(seen[1].wait(), PATIENCE)
    assert not seen[0].is_set()
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_watch_tells_changes_and_who_cannot_be_watched() -> None:
    memory = MemoryTransport(["a"])
    fleet = Fleet.of(memory)
    seen: dict[str, str] = {}
    changes = fleet.watch(["a", "b"])
    async for change in changes:
        seen[change.agent] = change.status.state if change.status else change.error.code
        if seen == {"a": "idle", "b": "agent_not_found"}:
            memory.set_state("a", "dead")
        if seen.get("a") == "dead":
            break
    await changes.aclose()


async def test_a_long_poll_holds_up_nothing() -> None:
    memory = MemoryTransport(["a"])
    fleet = Fleet.of(memory)
    poll = asyncio.create_task(fleet.agent_status("a", changed_from="idle", wait=PATIENCE))
    await fleet.send("a", "meanwhile")
    assert not poll.done()
    memory.set_state("a", "working")
    assert (await asyncio.wait_for(poll, PATIENCE)).state == "working"


async def test_many_calls_at_once() -> None:
    memory = MemoryTransport([f"a{n}" for n in range(50)])
    fleet = Fleet.of(memory)
    sends = [fleet.send(f"a{n % 50}", f"text {n}") for n in range(500)]
    receipts = await asyncio.gather(*sends)
    assert len({receipt.id for receipt in receipts}) == 500
    assert set(memory.inbox("a7")) == {f"text {n}" for n in range(7, 500, 50)}


async def test_closed_and_out_of_reach() -> None:
    memory = MemoryTransport(["a"], max_message_bytes=3)
    fleet = Fleet.of(memory)
    with pytest.raises(InvalidArgument, match="3 are the most"):
        await fleet.send("a", "four")
    memory.set_reachable(False)
    with pytest.raises(Unavailable) as away:
        await fleet.list()
    assert away.value.retryable
    status = await fleet.status()
    assert status.agents == () and status.errors[0].scope == "memory:local"
    assert isinstance(status.errors[0].error, Unavailable)
    memory.set_reachable(True)
    await fleet.close()
    with pytest.raises(Closed):
        await fleet.list()


async def test_texts_of_every_kind_arrive() -> None:
    memory = MemoryTransport(["a"])
    async with Fleet.of(memory) as fleet:
        for text in ["naïve ☃ 🚀", "a\tb", "x" * 1_000_000, '{"json": "\\u0041"}']:
            await fleet.send("a", text)
            assert memory.inbox("a")[-1] == text
        with pytest.raises(InvalidArgument):
            await fleet.send("a", "half a character: \ud83d")
        with pytest.raises(TypeError):
            await fleet.send("a", object())  # type: ignore[arg-type]


async def test_the_program_reads_its_info_and_roster() -> None:
    async with Fleet.of(MemoryTransport(["a"])) as fleet:
        info = await fleet.info()
        assert info["scheme"] == "memory" and info["capabilities"]["send"] is True
        assert (await fleet.roster())["transport"] == "memory"
        assert await fleet.names() == ()
