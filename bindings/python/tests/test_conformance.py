"""The library's conformance suite on a transport that is written in Python: a test a behaviour."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Mapping

import pytest
from mosaic_fleet import AgentStatus, StatusOptions, Unexpected, _native
from mosaic_fleet._wire import raised
from mosaic_fleet.transport import _Code
from records import Records


class Backend(_Code):
    """What a test of the suite asks the agents' programs."""

    def __init__(self, records: Records) -> None:
        super().__init__(records, asyncio.get_running_loop())
        self.records = records

    async def _perform(self, operation: str, asked: Mapping[str, Any]) -> Any:
        agent = asked["agent"]
        records = self.records.agents
        if operation == "taken":
            return list(records[agent].inbox)
        if operation == "remembered":
            return list(records[agent].remembered)
        if operation == "answers":
            return list(records[agent].answers)
        if operation == "kill_agent":
            return await self.records.become(agent, "dead")
        if operation == "make_busy":
            await self.records.become(agent, "working")
            return True
        if operation == "finish_turn":
            return await self.records.finish_turn(agent)
        if operation == "ask":
            await self.records.ask(agent, "Do you want to proceed?", 2)
            return True
        assert operation == "break_backend", operation
        self.records.reachable = False


@pytest.mark.parametrize("behaviour", _native.conformance_behaviours())
async def test(behaviour: str, agents: list[str]) -> None:
    records = Records(agents)
    try:
        await _native.run_conformance(behaviour, records._carrier(), Backend(records))
    except _native.FleetError as error:
        pytest.fail(str(raised(error)))


async def test_the_suite_can_fail(agents: list[str]) -> None:
    class Vague(Records):
        async def status(self, agent: str, options: StatusOptions) -> AgentStatus:
            return replace(await super().status(agent, options), evidence="")

    records = Vague(agents)
    with pytest.raises(_native.FleetError) as failed:
        await _native.run_conformance("status_of_idle", records._carrier(), Backend(records))
    assert isinstance(raised(failed.value), Unexpected)
