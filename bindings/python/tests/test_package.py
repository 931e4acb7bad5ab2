"""The package: its wheel in an empty place, its types, its native half, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import mosaic_fleet
from conftest import ROOT
from mosaic_fleet import _native
from mosaic_fleet._native import mosaic_fleet_uniffi as module

PACKAGE = Path(mosaic_fleet.__file__).parent
COMMITTED = ROOT / "bindings/python/native/mosaic_fleet_uniffi.py"


def run(*words: str | Path, folder: Path, expect: int = 0) -> str:
    """Runs a program in ``folder``, with nothing of this environment but the path."""
    ran = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == expect, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_it_is_the_installed_wheel_that_is_tested() -> None:
    assert "site-packages" in PACKAGE.parts


def test_the_generated_module_fits_the_library() -> None:
    """Every export is in it, unchanged; otherwise: `bindings/python/generate`."""
    text = Path(module.__file__).read_text()
    assert text == COMMITTED.read_text()
    (library,) = (PACKAGE / "_native").glob("*mosaic_fleet_ffi.*")
    checksum = rb"uniffi_mosaic_fleet_ffi_checksum_\w+"
    exports = set(re.findall(checksum, library.read_bytes()))
    assert exports and exports == set(re.findall(checksum, text.encode()))
    module._uniffi_check_api_checksums(module._UniffiLib)


def test_the_wheel_works_in_an_empty_place(tmp_path: Path) -> None:
    (wheel,) = (ROOT / "target/python-wheels").glob("mosaic_fleet-*.whl")
    place, folder = tmp_path / "venv", tmp_path / "empty"
    folder.mkdir()
    venv.create(place, with_pip=True)
    python = place / "bin/python"
    run(python, "-m", "pip", "install", "--no-index", "-q", wheel, folder=folder)
    program = (
        "import asyncio, mosaic_fleet as mf\n"
        "async def main():\n"
        "    memory = mf.MemoryTransport(['coder0'])\n"
        "    async with mf.Fleet.of(memory, environment={}) as fleet:\n"
        "        print((await fleet.send('coder0', 'hello')).verdict, memory.inbox('coder0'))\n"
        "asyncio.run(main())\n"
    )
    assert run(python, "-c", program, folder=folder) == "submitted ['hello']\n"
    assert list(folder.iterdir()) == []


def test_it_is_typed(tmp_path: Path) -> None:
    """The package is, strictly, and so is what uses it: a wrong override is found."""
    assert (PACKAGE / "py.typed").exists()
    config = ROOT / "bindings/python/pyproject.toml"
    mypy = [sys.executable, "-m", "mypy", "--config-file", config, "--cache-dir", tmp_path / "cache"]
    assert "no issues found" in run(*mypy, folder=tmp_path)
    tests = ROOT / "bindings/python/tests"
    assert "no issues found" in run(*mypy, tests / "records.py", folder=tmp_path)
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from mosaic_fleet import Fleet, Receipt, SendOptions, Transport\n"
        "class Mine(Transport):\n"
        "    async def send(self, agent: str, message: str, options: SendOptions) -> Receipt:\n"
        "        return Receipt(verdict='sent')\n"
        "async def use(fleet: Fleet) -> str:\n"
        "    return (await fleet.status()).agents[0].stat\n"
    )
    complaints = run(*mypy, wrong, folder=tmp_path, expect=1)
    for complaint in ["[override]", "[arg-type]", "[attr-defined]"]:
        assert complaint in complaints


def test_a_program_may_end_at_any_time(tmp_path: Path) -> None:
    """With calls, polls and a transport of its own under way, and threads of the library alive."""
    program = (
        "import asyncio, sys, mosaic_fleet as mf\n"
        f"sys.path.insert(0, {str(ROOT / 'bindings/python/tests')!r})\n"
        "from records import Records\n"
        "async def main():\n"
        "    fleet = mf.Fleet.of(Records(['a']))\n"
        "    other = mf.Fleet.of(mf.MemoryTransport(['a']))\n"
        "    poll = dict(changed_from='idle', wait='1h', timeout='1h')\n"
        "    tasks = [asyncio.create_task(f.agent_status('a', **poll)) for f in (fleet, other)]\n"
        "    stream = other.follow('a')\n"
        "    await stream.__anext__()\n"
        "    tasks.append(asyncio.create_task(stream.__anext__()))\n"
        "    for _ in range(20): await fleet.send('a', 'x')\n"
        "    print('ended', flush=True)\n"
        "    LEAVE\n"
        "asyncio.run(main())\n"
    )
    for leave, code in [("return", 0), ("sys.exit(7)", 7)]:
        said = run(sys.executable, "-c", program.replace("LEAVE", leave), folder=tmp_path, expect=code)
        assert said == "ended\n"


def test_after_the_end_calls_say_so(tmp_path: Path) -> None:
    program = (
        "import mosaic_fleet as mf\n"
        "from mosaic_fleet import _native\n"
        "mf.profiles(); _native.end(); _native.end()\n"
        "try: mf.profiles()\n"
        "except mf.Closed as error: print(error)\n"
    )
    assert run(sys.executable, "-c", program, folder=tmp_path) == "the library has ended\n"


def test_a_waiting_call_from_the_librarys_own_thread_is_refused() -> None:
    """It would wait for itself."""
    import asyncio

    said: list[str] = []

    class Code(_native.ForeignTransport):
        def begin(self, id: int, operation: str, arguments: str, reply: _native.Reply) -> None:
            try:
                mosaic_fleet.profiles()
            except mosaic_fleet.InvalidArgument as error:
                said.append(str(error))
            reply.answer('{"verdict": "submitted"}')
            reply.fail("too late, and so not heard")

        def cancel(self, id: int) -> None:
            raise AssertionError("it was answered")

    description = '{"scheme": "raw", "capabilities": {"send": true}}'
    carrier = _native.Carrier.foreign(description, Code())
    fleet = mosaic_fleet.Fleet(_native.Fleet.open('{"transport": "raw"}', [carrier]))
    receipt = asyncio.run(fleet.send("a", "x"))
    assert receipt.verdict == "submitted"
    assert "threads" in said[0]
