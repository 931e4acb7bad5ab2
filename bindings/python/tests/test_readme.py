"""The README's programs run, and print what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, Home

README = (ROOT / "bindings/python/README.md").read_text()

ROSTER = """\
version: 1
agents:
  - name: coder0
    class: implementer
    runtime: shell
    command: bash --norc --noprofile -i
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_programs(home: Home) -> None:
    mosaic = home.folder / "config/mosaic/fleet"
    mosaic.mkdir(parents=True)
    (mosaic / "roster.yaml").write_text(ROSTER)
    environment = {**home.environment, "MOSAIC_TMUX_SOCKET": home.socket}
    said = []
    for program in blocks("python"):
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env=environment,
            cwd=home.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
        said.append(ran.stdout)
    assert [words for words in said if words] == blocks("text")


def test_its_commands() -> None:
    """Building is what the tests came from; the commands are there, and say what they do."""
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert commands == ["pip install ./bindings/python", "bindings/python/test", "bindings/python/generate"]
    for command in ["test", "generate"]:
        script = Path(ROOT / "bindings/python" / command)
        assert script.stat().st_mode & 0o111
        subprocess.run(["sh", "-n", str(script)], check=True)
    assert (ROOT / "bindings/python/pyproject.toml").exists()


def test_every_exception_is_in_it() -> None:
    import mosaic_fleet

    for kind in mosaic_fleet.FleetError.__subclasses__():
        assert f"`{kind.__name__}`" in README
