"""Documents: how an answer's fields are read out of JSON, and written into it."""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime, timedelta
from typing import (
    Any,
    Callable,
    Mapping,
    Type,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from .errors import FleetError

D = TypeVar("D", bound="Document")


def called(name: str, default: Any = MISSING) -> Any:
    """A field that has another name in the document."""
    return field(default=default, metadata={"called": name})


def _time(text: str) -> datetime:
    """An RFC 3339 time, with microseconds at most."""
    text = re.sub(r"(\.\d{6})\d+", r"\1", text.replace("Z", "+00:00"))
    return datetime.fromisoformat(text)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """What turns a document's value into a field's."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Union and type(None) in parts:
        (some,) = (part for part in parts if part is not type(None))
        inner = _reader(some)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        inner = _reader(parts[0])
        return lambda values: tuple(inner(value) for value in values)
    if hint is datetime:
        return _time
    if hint is timedelta:
        return lambda milliseconds: timedelta(milliseconds=milliseconds)
    if hint is FleetError:
        return FleetError.of
    if isinstance(hint, type) and issubclass(hint, Document):
        return hint.read
    return lambda value: value


def _written(value: Any) -> Any:
    """A field's value as a document has it."""
    if isinstance(value, Document):
        return value.document()
    if isinstance(value, FleetError):
        return value.document()
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value / timedelta(milliseconds=1))
    return value


#: A field: its name, its name in the document, whether it may be missing there, and what reads it.
_Read = tuple[str, str, bool, Callable[[Any], Any]]

_fields_read: dict[type, tuple[_Read, ...]] = {}


def _readers(kind: type[Document]) -> tuple[_Read, ...]:
    """What reads the fields of an answer; found out once."""
    readers = _fields_read.get(kind)
    if readers is None:
        hints = get_type_hints(kind)
        readers = tuple(
            (
                known.name,
                known.metadata.get("called", known.name),
                known.default is not MISSING or known.default_factory is not MISSING,
                _reader(hints[known.name]),
            )
            for known in fields(kind)
            if known.name != "raw"
        )
        _fields_read[kind] = readers
    return readers


@dataclass(frozen=True, kw_only=True)
class Document:
    """An answer. Its fields are those that this package knows; ``raw`` is all of it."""

    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls: Type[D], raw: Mapping[str, Any]) -> D:
        """The answer in ``raw``; fields that are not known are left there."""
        known = {
            name: read(raw[called])
            for name, called, optional, read in _readers(cls)
            if called in raw or not optional
        }
        return cls(raw=raw, **known)

    def document(self) -> dict[str, Any]:
        """The answer as a document, without what was left as it is by default."""
        fresh = {
            known.metadata.get("called", known.name): (getattr(self, known.name), known.default)
            for known in fields(self)
            if known.name != "raw"
        }
        return {
            name: _written(value) for name, (value, default) in fresh.items() if value != default
        }
