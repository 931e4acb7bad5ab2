"""What is about texts and files alone, and does not wait: rosters, profiles, runtimes, skills."""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping, Optional

from . import _native as native
from ._wire import Path, arguments, now, variables
from .answers import Profile, Runtime

__all__ = [
    "build_pi_skill_args",
    "enumerate_skill_dirs",
    "pi_force_skill_names",
    "profiles",
    "roster_add",
    "roster_parse",
    "roster_remove",
    "roster_schema",
    "runtimes",
]


def _call(
    operation: str, asked: str = "{}", environment: Optional[Mapping[str, str]] = None
) -> Any:
    known = variables(environment)
    return json.loads(now(lambda: native.call_free_now(known, operation, asked)))


def roster_parse(text: str, *, origin: Optional[str] = None) -> dict[str, Any]:
    """The roster in a text (YAML or JSON). ``origin`` is the file's name, for messages."""
    roster: dict[str, Any] = _call("roster_parse", arguments(text=text, origin=origin))
    return roster


def roster_add(text: str, agent: Mapping[str, Any]) -> str:
    """The text of a roster with one agent more; its comments stay."""
    return str(_call("roster_add", arguments(text=text, agent=dict(agent))))


def roster_remove(text: str, name: str) -> str:
    """The text of a roster without an agent."""
    return str(_call("roster_remove", arguments(text=text, name=name)))


def roster_schema() -> dict[str, Any]:
    """The JSON Schema of rosters."""
    schema: dict[str, Any] = _call("roster_schema")
    return schema


def profiles() -> tuple[Profile, ...]:
    """The rosters to start from."""
    return tuple(Profile.read(profile) for profile in _call("profiles"))


def runtimes() -> tuple[Runtime, ...]:
    """The programs that agents can be."""
    return tuple(Runtime.read(runtime) for runtime in _call("runtimes"))


def _paths(paths: Optional[Iterable[Path]]) -> Optional[list[Path]]:
    return None if paths is None else list(paths)


def build_pi_skill_args(
    runtime_args: Iterable[str] = (),
    env: Optional[Mapping[str, str]] = None,
    discovered: Optional[Iterable[Path]] = None,
    forced: Optional[Iterable[Path]] = None,
    native_real_paths: Optional[Iterable[Path]] = None,
    *,
    folder: Optional[Path] = None,
) -> list[str]:
    """pi's arguments: those that say which skills it has, then ``runtime_args`` as they are.

    What is not given is looked for, as the launcher does: in the folders that ``env`` names, and in
    ``folder``, the working directory of pi.
    """
    asked = arguments(
        args=list(runtime_args),
        discovered=_paths(discovered),
        forced=_paths(forced),
        native_real_paths=_paths(native_real_paths),
        folder=folder,
    )
    words: list[str] = _call("skills_pi_args", asked, env)
    return words


def enumerate_skill_dirs(roots: Iterable[Path]) -> list[str]:
    """The skills in the folders ``roots``: root by root, in each by name."""
    skills: list[str] = _call("skills_enumerate", arguments(roots=list(roots)))
    return skills


def pi_force_skill_names(env: Optional[Mapping[str, str]] = None) -> list[str]:
    """The names in ``MOSAIC_PI_FORCE_SKILLS``."""
    names: list[str] = _call("skills_force_names", environment=env)
    return names
