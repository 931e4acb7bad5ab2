"""What the tests share: coroutines as tests, and a home with a tmux server of a test's own."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterator, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[3]

#: Longer than anything takes that is not broken.
PATIENCE = 60.0

T = TypeVar("T")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs a test that is a coroutine in an event loop of its own."""
    function = pyfuncitem.obj
    if not inspect.iscoroutinefunction(function):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    asyncio.run(asyncio.wait_for(function(**arguments), 2 * PATIENCE))
    return True


async def until(ask: Callable[[], Awaitable[T | None]]) -> T:
    """The first answer of ``ask`` that is one: for what takes its time on a real terminal."""
    async def asked() -> T:
        while (answer := await ask()) is None:
            await asyncio.sleep(0.05)
        return answer

    return await asyncio.wait_for(asked(), PATIENCE)


class Home:
    """A home folder and a tmux server of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = str(folder / "s")
        self.environment = {
            "PATH": f"{ROOT / 'target/debug'}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
        }
        for variable, name in [
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("TMUX_TMPDIR", "tmux"),
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
        ]:
            (folder / name).mkdir(mode=0o700)
            self.environment[variable] = str(folder / name)

    def tmux(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["tmux", "-N", "-u", "-S", self.socket, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def end(self) -> None:
        if os.path.exists(self.socket):
            self.tmux("kill-server")


@pytest.fixture
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="mfp-") as folder:
        home = Home(Path(folder))
        try:
            yield home
        finally:
            home.end()


@pytest.fixture
def agents() -> list[str]:
    return ["agent", "agent-1", "agent-10", "agent0"]
