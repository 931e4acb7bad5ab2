"""Calls of the native half: arguments go in as JSON, and answers and errors come out of it."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
from datetime import timedelta
from typing import Any, Awaitable, Callable, Mapping, Optional, TypeVar, Union

from . import _native as native
from .errors import FleetError

#: A time span: seconds, a :class:`~datetime.timedelta`, or a text such as ``"30s"`` or ``"1h30m"``.
Span = Union[float, timedelta, str]

#: A file or folder.
Path = Union[str, "os.PathLike[str]"]

T = TypeVar("T")

# The library's threads must not call into an interpreter that is gone.
atexit.register(native.end)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} cannot be passed to a fleet")


def arguments(**named: Any) -> str:
    """Arguments as JSON, without those that are ``None``."""
    given = {name: value for name, value in named.items() if value is not None}
    return json.dumps(given, default=plain)


def variables(environment: Optional[Mapping[str, str]]) -> dict[str, str]:
    """An environment: the one that was given, or this process's own."""
    return dict(os.environ if environment is None else environment)


def raised(error: native.FleetError) -> FleetError:
    """The exception for an error of the native half."""
    document: str = getattr(error, "document")
    return FleetError.of(json.loads(document))


def now(call: Callable[[], T]) -> T:
    """What a call gives that does not wait."""
    try:
        return call()
    except native.FleetError as error:
        raise raised(error) from None


async def answer(call: Awaitable[str]) -> Any:
    """The answer to a call."""
    try:
        return json.loads(await call)
    except native.FleetError as error:
        raise raised(error) from None


class Told(native.News):
    """Hands news from the library's threads to a function in the caller's event loop.

    What the function raises does not disturb the call; it is raised when that has ended.
    """

    def __init__(self, function: Callable[[Any], object]) -> None:
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._failure: Optional[BaseException] = None

    def told(self, news: str) -> None:
        self._loop.call_soon_threadsafe(self._tell, json.loads(news))

    def _tell(self, news: Any) -> None:
        if self._failure is None:
            try:
                self._function(news)
            except Exception as failure:
                self._failure = failure

    def end(self) -> None:
        """Raises what the function raised."""
        if self._failure is not None:
            raise self._failure


async def told_answer(
    call: Callable[[Optional[native.News]], Awaitable[str]],
    function: Optional[Callable[[Any], object]],
) -> Any:
    """The answer to a call whose news go to ``function``."""
    if function is None:
        return await answer(call(None))
    told = Told(function)
    result = await answer(call(told))
    told.end()
    return result
