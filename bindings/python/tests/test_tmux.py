"""A fleet on a real tmux server, of the scripted agent and of shells."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Optional

import pytest
from conftest import PATIENCE, ROOT, Home, until
from mosaic_fleet import (
    AgentNotFound,
    Fleet,
    Outcome,
    Refused,
    Unavailable,
)

PROGRAM = ROOT / "target/debug/scripted-agent"

#: How the scripted agent's box is read.
RUNTIME = {
    "launch": ["scripted-agent"],
    "processes": ["scripted-agent", "mosaic-fleet"],
    "queues": True,
    "queued": [{"matches": "^  ⎿ Queued: ", "in": "above"}],
    "dialog": [
        {
            "matches": "^Do you want to proceed\\?$",
            "waiting_for": "permission",
            "words": "Do you want to proceed",
        }
    ],
    "answer": {"choice": "{n}", "deny": "Escape"},
    "text": {"trim": "end", "command_prefixes": "/!", "refuse_trailing_backslash": True},
    "clear": {"key": "C-u"},
    "reset": {
        "clear": {"command": "/clear", "proof": ["^✓ New session started$"]},
        "new": {"command": "/clear", "proof": ["^✓ New session started$"]},
    },
    "composer": {
        "kind": "rules",
        "top": "^─{3,}",
        "bottom": "^─{3,}$",
        "prompt": "^❯ ?",
        "continuation": "^  ",
        "scrolled": "^─── ↑ \\d+ more",
    },
    "busy": [{"matches": "^✽ Working…", "in": "above"}],
}


def roster(**scripts: dict[str, object]) -> str:
    """A roster of scripted agents, in JSON, which is YAML."""
    agents = []
    for name, script in scripts.items():
        script = {"style": "box", "submit_keys": ["enter"], "reset_command": "/clear", **script}
        command = [str(PROGRAM), "--script", json.dumps(script)]
        agents.append({"name": name, "class": "worker", "command": command})
    return json.dumps(
        {
            "version": 1,
            "transport": "tmux",
            "defaults": {"runtime": "scripted"},
            "runtimes": {"scripted": RUNTIME},
            "agents": agents,
        }
    )


def opened(home: Home, text: str) -> Fleet:
    return Fleet.open(roster_text=text, socket=home.socket, environment=home.environment)


async def test_a_fleet_from_its_start_to_its_stop(home: Home) -> None:
    text = roster(coder0={}, coder1={"dialog_on_text": "ask me"})
    async with opened(home, text) as fleet:
        assert await fleet.names() == ("coder0", "coder1")
        progress: list[Outcome] = []
        started = await fleet.start(on_progress=progress.append)
        assert {outcome.agent for outcome in progress} == {"coder0", "coder1"}
        assert [(o.agent, o.what, o.error) for o in started] == [
            ("coder0", "start", None),
            ("coder1", "start", None),
        ]
        await fleet.wait("coder0", "idle", timeout=PATIENCE)
        receipt = await fleet.send("coder0", "one\ntwo", timeout=PATIENCE)
        assert (receipt.verdict, receipt.evidence.kind) == ("submitted", "screen")

        await fleet.wait("coder1", "idle", timeout=PATIENCE)
        await fleet.send("coder1", "ask me", timeout=PATIENCE)
        waiting = await fleet.wait("coder1", "waiting", timeout=PATIENCE)
        assert waiting.waiting_for == "permission" and waiting.question is not None
        with pytest.raises(Refused) as refused:
            await fleet.send("coder1", "y")
        assert refused.value.reason == "dialog"
        report = await fleet.answer("coder1", 1, expect="Do you want to proceed", timeout=PATIENCE)
        assert report.answer == "1. Yes"

        outcome = await fleet.reset("coder0", "clear", kickstart=None, timeout=PATIENCE)
        assert outcome.report is not None and outcome.kickstart is None

        status = await fleet.status()
        assert status.holder is not None and status.holder.state == "up"
        assert [agent.agent_class for agent in status.agents] == ["worker", "worker"]
        explanation = await fleet.explain("coder0")
        assert explanation.runtime == "scripted" and explanation.seen
        attach = await fleet.attach_command("coder0")
        assert attach[0].endswith("tmux") and "=coder0" in " ".join(attach)
        assert {check.finding for check in await fleet.doctor()} <= {"ok", "warning", "failure"}
        with pytest.raises(AgentNotFound, match="did you mean coder"):
            await fleet.send("coder", "hello")

        stopped = await fleet.stop()
        assert [(o.agent, o.what) for o in stopped] == [("coder0", "stop"), ("coder1", "stop")]
        status = await fleet.status()
        assert status.holder is not None and status.holder.state == "down"


async def test_a_turn_is_followed_while_others_are_asked(home: Home) -> None:
    text = roster(coder0={"reply_text": "well done"})
    async with opened(home, text) as fleet:
        await fleet.start(kickstart=None)
        await fleet.wait("coder0", "idle", timeout=PATIENCE)

        async def shown() -> bool:
            async for piece in fleet.follow("coder0"):
                if any("well done" in line for line in piece.lines):
                    return True
            return False

        following = asyncio.create_task(shown())
        await fleet.send("coder0", "go", timeout=PATIENCE)
        assert await asyncio.wait_for(following, PATIENCE)
        await fleet.stop()


async def test_a_cancelled_send_is_all_or_nothing(home: Home) -> None:
    log = home.folder / "coder0.log"
    text = roster(coder0={"log": str(log), "redraw_ms": 100})
    async with opened(home, text) as fleet:
        await fleet.start(kickstart=None)
        await fleet.wait("coder0", "idle", timeout=PATIENCE)
        body = "all of it\nor nothing"
        for delay in [0.0, 0.01, 0.05]:
            # One that meets what the last one left behind may be refused before its time is over.
            with contextlib.suppress(asyncio.TimeoutError, Refused):
                await asyncio.wait_for(fleet.send("coder0", body), delay)

        async def sent() -> Optional[bool]:
            try:
                receipt = await fleet.send("coder0", "the next one", timeout=PATIENCE)
            except Refused as refused:
                assert refused.retryable, refused
                return None
            return receipt.verdict == "submitted"

        assert await until(sent)
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        taken = [entry["text"] for entry in entries if entry["entry"] == "took"]
        assert taken[-1] == "the next one"
        assert set(taken[:-1]) <= {body} and len(taken) <= 4
        await fleet.stop()


async def test_out_of_reach_is_said_and_no_empty_list(home: Home) -> None:
    async with opened(home, roster(coder0={})) as fleet:
        with pytest.raises(Unavailable):
            await fleet.list()


async def test_what_on_progress_raises_is_raised_after_the_call(home: Home) -> None:
    def fail(outcome: Outcome) -> None:
        raise LookupError(outcome.agent)

    async with opened(home, roster(coder0={})) as fleet:
        with pytest.raises(LookupError, match="coder0"):
            await fleet.start(kickstart=None, on_progress=fail)
        # The start went on all the same.
        await fleet.wait("coder0", "idle", timeout=PATIENCE)
        await fleet.stop()


async def test_drain_and_cutover_plan(home: Home) -> None:
    async with opened(home, roster(coder0={})) as fleet:
        await fleet.start(kickstart=None)
        await fleet.wait("coder0", "idle", timeout=PATIENCE)
        plan = await fleet.cutover_plan()
        assert [(step.agent, step.what) for step in plan.steps] == [("coder0", "kept")]
        drained = await fleet.drain(timeout=PATIENCE)
        assert [(o.agent, o.error) for o in drained] == [("coder0", None)]
        assert (await fleet.leftovers()).leftovers == ()
        await fleet.stop()
