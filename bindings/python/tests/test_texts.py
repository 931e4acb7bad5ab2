"""Rosters, profiles, runtimes and skills: what is about texts and files alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import mosaic_fleet as mf
import pytest

ROSTER = """\
version: 1
# Who is who.
agents:
  - name: coder0   # the first
    class: implementer
    runtime: claude
"""


def test_a_roster_is_read_changed_and_told_wrong() -> None:
    roster = mf.roster_parse(ROSTER)
    assert roster["agents"][0]["name"] == "coder0"
    more = mf.roster_add(ROSTER, {"name": "coder1", "class": "implementer", "runtime": "pi"})
    assert "# the first" in more
    assert [agent["name"] for agent in mf.roster_parse(more)["agents"]] == ["coder0", "coder1"]
    assert mf.roster_parse(mf.roster_remove(more, "coder1")) == roster
    with pytest.raises(mf.ConfigInvalid, match="mine.yaml:3:"):
        mf.roster_parse("version: 1\nagents:\n  - nam: x\n", origin="mine.yaml")
    assert mf.roster_schema()["type"] == "object"


def test_profiles_and_runtimes() -> None:
    profiles = {profile.name: profile for profile in mf.profiles()}
    assert "minimal" in profiles
    for profile in profiles.values():
        assert profile.text and profile.description
    runtimes = {runtime.name for runtime in mf.runtimes()}
    assert {"claude", "pi", "codex", "gemini", "shell"} <= runtimes


async def test_they_work_in_a_running_event_loop_too() -> None:
    assert mf.profiles()
    assert await asyncio.to_thread(mf.profiles)


def skill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("a skill")
    return folder


def test_skills(tmp_path: Path) -> None:
    home = tmp_path / "mosaic"
    tools, other = skill(home / "skills/mosaic-tools"), skill(home / "skills/other")
    (home / "skills/none").mkdir()
    env = {"MOSAIC_HOME": str(home), "HOME": str(tmp_path)}
    roots = [home / "skills", tmp_path / "missing"]
    assert mf.enumerate_skill_dirs(roots) == [str(tools), str(other)]
    assert mf.pi_force_skill_names(env) == ["mosaic-tools"]
    assert mf.pi_force_skill_names({"MOSAIC_PI_FORCE_SKILLS": " a: :b"}) == ["a", "b"]
    assert mf.pi_force_skill_names({"MOSAIC_PI_FORCE_SKILLS": ""}) == []
    default = ["--no-skills", "--skill", str(tools), "--model", "x"]
    assert mf.build_pi_skill_args(["--model", "x"], env, folder=tmp_path) == default
    everything = {**env, "MOSAIC_PI_SKILL_MODE": "all"}
    both = ["--no-skills", "--skill", str(tools), "--skill", str(other)]
    assert mf.build_pi_skill_args([], everything, folder=tmp_path) == both
    given = mf.build_pi_skill_args([], everything, discovered=[other], forced=[], native_real_paths=[])
    assert given == ["--no-skills", "--skill", str(other)]
