"""A transport in Python: from whatever loop and thread it is used, and however it fails."""

from __future__ import annotations

import asyncio
import threading
from typing import Optional

import pytest
from conftest import PATIENCE
from mosaic_fleet import (
    AgentNotFound,
    AgentStatus,
    Capabilities,
    DeliveryUnknown,
    Fleet,
    InvalidArgument,
    Message,
    Plugin,
    RateLimited,
    Receipt,
    Refused,
    SendOptions,
    StatusOptions,
    Timeout,
    Transport,
    Unsupported,
)
from records import Records


class Told(Transport):
    """Does to every send what a test says."""

    scheme = "told"
    capabilities = Capabilities(send=True, status=True)

    def __init__(self, failure: Optional[BaseException] = None) -> None:
        self.failure = failure
        self.begun = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def send(self, agent: str, message: Message, options: SendOptions) -> Receipt:
        self.begun.set()
        if self.failure is not None:
            raise self.failure
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError("nothing ends the wait")

    async def status(self, agent: str, options: StatusOptions) -> AgentStatus:
        return AgentStatus(name="somebody-else", state="idle")


async def test_a_text_goes_through_it(agents: list[str]) -> None:
    records = Records(agents)
    async with Fleet.of(records) as fleet:
        receipt = await fleet.send("agent-1", "hello\r\nthere", sender="vm:lead")
        assert receipt.verdict == "submitted"
        assert receipt.transport == "records:local"
        assert receipt.normalised == ("crlf",)
        assert (await fleet.outcome(receipt)).id == receipt.id
        assert records.agents["agent-1"].inbox == ["[vm:lead -> records:agent-1] hello\nthere"]
        await records.ask("agent", "Delete it?", 2)
        assert (await fleet.wait("agent", "waiting", timeout=PATIENCE)).question == "Delete it?"
        assert (await fleet.answer("agent", 2, expect="Delete")).answer == "choice 2"
        assert [agent.name for agent in await fleet.list()] == agents
    assert records.closed


async def test_from_a_task_of_the_librarys_own(agents: list[str]) -> None:
    # `watch` asks from tasks on the library's threads, where no event loop runs.
    records = Records(agents)
    fleet = Fleet.of(records)
    changes = fleet.watch(["agent"])
    first = await asyncio.wait_for(changes.__anext__(), PATIENCE)
    assert first.status is not None and first.status.state == "idle"
    await records.become("agent", "working")
    second = await asyncio.wait_for(changes.__anext__(), PATIENCE)
    assert second.status is not None and second.status.state == "working"
    await changes.aclose()


def test_each_event_loop_has_its_own(agents: list[str]) -> None:
    """Fleets of two event loops at the same time, each twice, one loop after the other."""
    together = threading.Barrier(2)
    loops: list[int] = []

    class Seen(Records):
        async def send(self, agent: str, message: Message, options: SendOptions) -> Receipt:
            loops.append(id(asyncio.get_running_loop()))
            assert asyncio.get_running_loop() is self.loop
            return await super().send(agent, message, options)

    async def use() -> None:
        records = Seen(agents)
        records.loop = asyncio.get_running_loop()
        async with Fleet.of(records) as fleet:
            for _ in range(10):
                assert (await fleet.send("agent", "hello", timeout=PATIENCE)).verdict
        assert len(records.agents["agent"].inbox) == 10

    failures: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(2):
                together.wait(PATIENCE)
                asyncio.run(use())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * PATIENCE)
    assert failures == []
    assert len(loops) == 40


def test_a_loop_that_has_ended_is_said_and_not_waited_for(agents: list[str]) -> None:
    async def make() -> Fleet:
        return Fleet.of(Records(agents))

    fleet = asyncio.run(make())
    with pytest.raises(Plugin, match="Event loop is closed"):
        asyncio.run(fleet.send("agent", "hello"))


def test_it_needs_an_event_loop(agents: list[str]) -> None:
    records = asyncio.run(asyncio.sleep(0, Records(agents)))
    with pytest.raises(InvalidArgument, match="running event loop") as failed:
        Fleet.of(records)
    assert failed.value.hint == "open it in a coroutine"


async def test_what_it_did_not_mean_is_a_plugin_error(caplog: pytest.LogCaptureFixture) -> None:
    fleet = Fleet.of(Told(ValueError("no such channel")))
    with pytest.raises(Plugin) as failed:
        await fleet.send("agent", "hello")
    error = failed.value
    assert error.message == "ValueError: no such channel"
    assert (error.operation, error.agent, error.transport) == ("send", "agent", "told:local")
    assert not error.retryable
    assert error.hint is not None and "look at the agent" in error.hint
    assert "no such channel" in caplog.text
    with pytest.raises(Plugin, match="KeyError"):
        await Fleet.of(Told(KeyError("id"))).send("agent", "hello")
    with pytest.raises(Plugin, match="answered for somebody-else"):
        await fleet.agent_status("agent")


@pytest.mark.parametrize(
    "raised",
    [
        AgentNotFound("no such agent"),
        Refused("text in the composer", reason="draft", hint="ask them", retryable=True),
        DeliveryUnknown("the connection broke", reason="pasted"),
        RateLimited("too fast", retryable=True),
    ],
    ids=lambda raised: raised.code,
)
async def test_what_it_meant_keeps_its_kind(raised: Refused) -> None:
    fleet = Fleet.of(Told(raised))
    with pytest.raises(type(raised)) as failed:
        await fleet.send("agent", "hello")
    error = failed.value
    assert error is not raised
    assert error.document() == raised.document() | {"retry": "safe" if raised.retryable else "never"}
    assert error.agent == "agent"


async def test_one_that_never_answers_ends_at_the_deadline() -> None:
    transport = Told()
    with pytest.raises(DeliveryUnknown, match="did not answer in time"):
        await Fleet.of(transport).send("agent", "hello", timeout=0.01)
    # And it is told to give up.
    await asyncio.wait_for(transport.cancelled.wait(), PATIENCE)


async def test_a_cancelled_call_is_cancelled_in_the_transport() -> None:
    transport = Told()
    call = asyncio.create_task(Fleet.of(transport).send("agent", "hello"))
    await asyncio.wait_for(transport.begun.wait(), PATIENCE)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(transport.cancelled.wait(), PATIENCE)


async def test_what_is_not_claimed_is_never_asked() -> None:
    fleet = Fleet.of(Told())
    for call in [fleet.tail("agent"), fleet.list(), fleet.answer("agent", 1)]:
        with pytest.raises(Unsupported):
            await call


async def test_a_roster_may_name_it(agents: list[str]) -> None:
    records = Records(agents)
    text = "version: 1\ntransport: records\nagents: [{name: agent, class: worker}]\n"
    async with Fleet.open(roster_text=text, environment={}, transports=[records]) as fleet:
        sent = await fleet.send_each(text="hello", agent_class="worker")
        assert [receipt.agent for receipt in sent.receipts] == ["agent"]
        outcome = await fleet.reset("agent", "new", kickstart="begin")
        assert outcome.report is not None and outcome.report.command == "new"
        assert records.agents["agent"].remembered == ["begin"]
        status = await fleet.status()
        assert [(a.name, a.in_roster) for a in status.agents][0] == ("agent", True)
    with pytest.raises(InvalidArgument, match="scheme"):
        Fleet.of(type("Nameless", (Told,), {"scheme": ""})())


def test_it_must_be_able_to_send() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Transport()  # type: ignore[abstract]


async def test_timeouts_are_pythons_own_as_well(agents: list[str]) -> None:
    async with Fleet.of(Records(agents)) as fleet:
        with pytest.raises(TimeoutError) as failed:
            await fleet.wait("agent", ["working", "dead"], timeout="10ms")
    assert isinstance(failed.value, Timeout)
