"""What work is open in a repository, and whether its pipelines are over: lanes and CI.

The forge and the service are found as the command line finds them, by ``environment``: this
process's own unless one is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Callable, Iterable, Literal, Mapping, Optional

from . import _native as native
from ._document import Document, called
from ._wire import Path, Span, arguments, told_answer, variables

__all__ = [
    "Brief",
    "Candidate",
    "Guarded",
    "GuardedPipeline",
    "Underway",
    "UnderwayPull",
    "Waited",
    "WaitedPipeline",
    "ci_guard",
    "ci_status",
    "ci_wait",
    "lane_brief",
]

#: Called with ``{"line": …}`` (worth reading), ``{"note": …}`` (worth showing until the next) or
#: ``{"warning": …}``.
OnNews = Callable[[Mapping[str, str]], object]


@dataclass(frozen=True, kw_only=True)
class Candidate(Document):
    """An open issue that no open pull request is linked to."""

    number: int
    title: str
    assigned: bool
    mentioned_by: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class UnderwayPull(Document):
    """An open pull request that is linked to an issue."""

    number: int
    signals: tuple[str, ...]
    will_close: bool


@dataclass(frozen=True, kw_only=True)
class Underway(Document):
    """An open issue that an open pull request is linked to."""

    number: int
    title: str
    assigned: bool
    pulls: tuple[UnderwayPull, ...]


@dataclass(frozen=True, kw_only=True)
class Brief(Document):
    """The open work of a lane at one moment."""

    repo: str
    generated_at: datetime
    candidates: tuple[Candidate, ...]
    underway: tuple[Underway, ...]


@dataclass(frozen=True, kw_only=True)
class WaitedPipeline(Document):
    """What was seen of one pipeline."""

    number: int
    id: Optional[int]
    status: Optional[str]
    ended: bool
    commit: Optional[str]
    url: Optional[str]
    waited: timedelta = called("waited_ms")
    #: The number that was named, if this one took its place.
    instead_of: Optional[int] = None


@dataclass(frozen=True, kw_only=True)
class Waited(Document):
    """What a wait came to."""

    repo: str
    result: str
    pipelines: tuple[WaitedPipeline, ...]
    pending: tuple[int, ...]
    why: Optional[str] = None


@dataclass(frozen=True, kw_only=True)
class GuardedPipeline(Document):
    """A pipeline that a guard looked at."""

    number: int
    status: str
    event: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Guarded(Document):
    """What a guard came to."""

    repo: str
    branch: Optional[str]
    head: Optional[str]
    instance: str
    purpose: Literal["push", "merge"]
    result: str
    why: Optional[str]
    own: tuple[GuardedPipeline, ...]
    active: tuple[GuardedPipeline, ...]


async def _call(
    environment: Optional[Mapping[str, str]],
    operation: str,
    asked: str,
    on_news: Optional[OnNews] = None,
) -> Any:
    known = variables(environment)
    return await told_answer(
        lambda news: native.call_free(known, operation, asked, news), on_news
    )


async def lane_brief(
    repo: str,
    *,
    milestone: Optional[str] = None,
    labels: Iterable[str] = (),
    verify: bool = False,
    login: Optional[str] = None,
    folder: Optional[Path] = None,
    environment: Optional[Mapping[str, str]] = None,
    on_news: Optional[OnNews] = None,
) -> Brief:
    """What is free in a lane and what is underway."""
    asked = arguments(
        repo=repo,
        milestone=milestone,
        labels=list(labels),
        verify=verify,
        login=login,
        folder=folder,
    )
    return Brief.read(await _call(environment, "lane_brief", asked, on_news))


async def ci_wait(
    repo: str,
    numbers: Iterable[int] = (),
    *,
    head: bool = False,
    branch: Optional[str] = None,
    interval: Optional[Span] = None,
    timeout: Optional[Span] = None,
    outage: Optional[Span] = None,
    fail_fast: bool = False,
    follow: bool = False,
    blocked: Optional[Literal["fail", "wait"]] = None,
    instance: Optional[str] = None,
    login: Optional[str] = None,
    folder: Optional[Path] = None,
    environment: Optional[Mapping[str, str]] = None,
    on_news: Optional[OnNews] = None,
) -> Waited:
    """Waits until pipelines are over: those of ``numbers``, or the head's."""
    asked = arguments(
        repo=repo,
        numbers=list(numbers),
        head=head,
        branch=branch,
        interval=interval,
        timeout=timeout,
        outage=outage,
        fail_fast=fail_fast,
        follow=follow,
        blocked=blocked,
        instance=instance,
        login=login,
        folder=folder,
    )
    return Waited.read(await _call(environment, "ci_wait", asked, on_news))


async def ci_status(
    repo: str,
    numbers: Iterable[int] = (),
    *,
    head: bool = False,
    branch: Optional[str] = None,
    outage: Optional[Span] = None,
    instance: Optional[str] = None,
    login: Optional[str] = None,
    folder: Optional[Path] = None,
    environment: Optional[Mapping[str, str]] = None,
) -> Waited:
    """How pipelines are. As :func:`ci_wait`, without waiting."""
    asked = arguments(
        repo=repo,
        numbers=list(numbers),
        head=head,
        branch=branch,
        outage=outage,
        instance=instance,
        login=login,
        folder=folder,
    )
    return Waited.read(await _call(environment, "ci_status", asked))


async def ci_guard(
    purpose: Literal["push", "merge"],
    repo: Optional[str] = None,
    *,
    branch: Optional[str] = None,
    head: Optional[str] = None,
    interval: Optional[Span] = None,
    timeout: Optional[Span] = None,
    outage: Optional[Span] = None,
    grace: Optional[Span] = None,
    instance: Optional[str] = None,
    login: Optional[str] = None,
    folder: Optional[Path] = None,
    environment: Optional[Mapping[str, str]] = None,
    on_news: Optional[OnNews] = None,
) -> Guarded:
    """Waits until a branch is clear for a push or a merge. Without ``repo``: that of ``folder``."""
    asked = arguments(
        repo=repo,
        branch=branch,
        purpose=purpose,
        head=head,
        interval=interval,
        timeout=timeout,
        outage=outage,
        grace=grace,
        instance=instance,
        login=login,
        folder=folder,
    )
    return Guarded.read(await _call(environment, "ci_guard", asked, on_news))
