"""The scenarios that every face of the library replays, through this one's own methods."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from typing import Any, Awaitable, Callable, Mapping, Optional

import mosaic_fleet as mf
import pytest
from conftest import PATIENCE, ROOT, Home
from mosaic_fleet._wire import arguments as written

SCENARIOS = ROOT / "mosaic-fleet/tests/scenarios"

MEMORY = json.loads((SCENARIOS / "memory.json").read_text())
TMUX = json.loads((SCENARIOS / "tmux.json").read_text())

#: Arguments that have another name here: `from` and `class` are words of the language.
RENAMED = {"from": "sender", "class": "agent_class"}


def differs(wanted: Any, seen: Any) -> Optional[str]:
    """What is wrong with ``seen``, if it is not as ``wanted``."""
    complaint = f"wanted {wanted!r}, seen {seen!r}"
    if wanted == "*":
        return complaint if seen is None else None
    if isinstance(wanted, dict) and "$has" in wanted:
        part = wanted["$has"]
        if isinstance(seen, str):
            return None if part in seen else complaint
        has = isinstance(seen, list) and any(differs(part, one) is None for one in seen)
        return None if has else complaint
    if isinstance(wanted, dict) and isinstance(seen, dict):
        for name, field in wanted.items():
            if difference := differs(field, seen.get(name)):
                return f"{name}: {difference}"
        return None
    if isinstance(wanted, list) and isinstance(seen, list) and len(wanted) == len(seen):
        return next(filter(None, map(differs, wanted, seen)), None)
    return None if wanted == seen and type(wanted) is type(seen) else complaint


def filled(value: Any, kept: Mapping[str, Any]) -> Any:
    """``$NAME`` becomes what was kept under that name."""
    if isinstance(value, str) and value[:1] == "$":
        return kept.get(value[1:], value)
    if isinstance(value, list):
        return [filled(one, kept) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, kept) for name, one in value.items()}
    return value


def plain(answer: Any) -> Any:
    """An answer as the library has it; the typed one must have been readable."""
    if isinstance(answer, mf.answers.Document):
        return answer.raw
    if isinstance(answer, (tuple, list)):
        return [plain(one) for one in answer]
    return answer


def document(error: mf.FleetError) -> dict[str, Any]:
    return {
        **{"retry": "safe" if error.retryable else "never", "reason": None, "hint": None},
        **error.document(),
        **{"number": error.number, "operation": error.operation},
        **{"agent": error.agent, "transport": error.transport},
    }


class Stage:
    """A fleet and its memory transport, if it has that one."""

    def __init__(self, fleet: mf.Fleet, memory: Optional[mf.MemoryTransport] = None) -> None:
        self.fleet = fleet
        self.memory = memory
        #: What was called that a method of this package cannot say.
        self.raw: list[str] = []

    async def ask(self, step: Mapping[str, Any], asked: dict[str, Any]) -> Any:
        owner: Any
        if operation := step.get("call"):
            owner = self.fleet
        elif operation := step.get("free"):
            owner = mf
        else:
            operation, owner = step["memory"], self.memory
        method = getattr(owner, operation, None)
        named = {RENAMED.get(name, name): value for name, value in asked.items()}
        if operation == "answer" and named.pop("deny", False) and "choice" not in named:
            named["choice"] = None
        if operation == "send_each" and named.pop("all", False):
            named["agents"] = None
        if operation == "set_draft":
            named.setdefault("text", None)
        if owner is self.memory and operation == "set_state":
            named.setdefault("state", "idle")
        try:
            if method is None:
                raise TypeError(f"no method {operation}")
            inspect.signature(method).bind(**named)
            if "deny" in asked and "choice" in asked:
                raise TypeError("one argument says both here")
        except TypeError:
            # What only the door below takes: unknown operations and arguments, and nonsense.
            self.raw.append(operation)
            return await self.below(step, operation, asked)
        answer = method(**named)
        return plain(await answer if inspect.isawaitable(answer) else answer)

    async def below(self, step: Mapping[str, Any], operation: str, asked: dict[str, Any]) -> Any:
        if "call" in step:
            return await self.fleet._call(operation, **asked)
        if "free" in step:
            return mf.texts._call(operation, written(**asked), {})
        assert self.memory is not None
        return self.memory._control(operation, **asked)

    async def replay(self, steps: list[dict[str, Any]]) -> None:
        kept: dict[str, Any] = {}
        for at, step in enumerate(steps):
            deadline = time.monotonic() + PATIENCE
            while True:
                asked = filled(step.get("arguments", {}), kept)
                try:
                    key, seen = "answer", await self.ask(step, asked)
                except mf.FleetError as error:
                    key, seen = "error", document(error)
                wanted = "error" if "error" in step else "answer"
                if key != wanted:
                    difference = f"it was an {key}: {seen}"
                elif key in step:
                    difference = differs(filled(step[key], kept), seen)
                else:
                    difference = None
                if difference is None:
                    break
                again = step.get("until", False) and time.monotonic() < deadline
                assert again, f"step {at + 1}: {difference}\n{step}"
                await asyncio.sleep(0.05)
            for name, field in step.get("keep", {}).items():
                kept[name] = seen[field]


@pytest.mark.parametrize("scenario", MEMORY["scenarios"], ids=lambda scenario: scenario["name"])
async def test_on_the_memory_transport(scenario: dict[str, Any]) -> None:
    memory = mf.MemoryTransport(scenario["agents"])
    async with mf.Fleet.of(memory, environment={}) as fleet:
        await Stage(fleet, memory).replay(scenario["steps"])


@pytest.mark.parametrize("scenario", TMUX["scenarios"], ids=lambda scenario: scenario["name"])
async def test_on_a_real_tmux(scenario: dict[str, Any], home: Home) -> None:
    opening = {"roster_text": TMUX["roster"], "socket": home.socket}
    async with mf.Fleet.open(environment=home.environment, **opening) as fleet:
        await Stage(fleet).replay(scenario["steps"])


async def test_the_methods_can_say_nearly_all_of_it() -> None:
    """So that the scenarios go through the methods, and not below them."""
    stage_raw: list[str] = []
    steps = 0
    for scenario in MEMORY["scenarios"]:
        memory = mf.MemoryTransport(scenario["agents"])
        async with mf.Fleet.of(memory, environment={}) as fleet:
            stage = Stage(fleet, memory)
            await stage.replay(scenario["steps"])
            stage_raw += stage.raw
            steps += len(scenario["steps"])
    assert len(stage_raw) * 5 < steps, stage_raw
