"""What can go wrong: one exception a kind, all of them a :class:`FleetError`.

The names are the library's own words for its kinds: ``agent_not_found`` is :class:`AgentNotFound`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal, Mapping, Optional

__all__ = [
    "AgentNotFound",
    "Closed",
    "ConfigInvalid",
    "DeliveryUnknown",
    "FleetError",
    "InvalidArgument",
    "PermissionDenied",
    "Plugin",
    "RateLimited",
    "Reason",
    "Refused",
    "Stage",
    "Timeout",
    "Unauthenticated",
    "Unavailable",
    "Unexpected",
    "Unsupported",
]

#: Why nothing was typed.
Reason = Literal[
    "busy",
    "dead",
    "dialog",
    "draft",
    "in_mode",
    "locked",
    "no_question",
    "not_ready",
    "persistent",
    "unsafe_text",
    "wrong_program",
]

#: How far a send got before it was lost from sight.
Stage = Literal["pasted", "key_pressed"]


class FleetError(Exception):
    """An error of the library: what failed, for whom, and what to do next.

    A transport of your own raises the subclasses: ``raise Refused("text in the composer",
    reason="draft")``. What it raises besides arrives as :class:`Plugin`.
    """

    #: The kind, in the spelling that every face of the library has.
    code: ClassVar[str] = ""
    #: The kind's number, fixed for ever.
    number: ClassVar[int] = 0

    #: The sentence without its context.
    message: str
    #: The operation that failed.
    operation: Optional[str]
    #: The agent it was about.
    agent: Optional[str]
    #: The transport it went through.
    transport: Optional[str]
    #: Whether calling again is harmless and may help.
    retryable: bool
    #: How long to wait before that.
    retry_after: Optional[timedelta]
    #: Why nothing was typed, or how far a send got.
    reason: Optional[str]
    #: What to do next.
    hint: Optional[str]

    def __init__(
        self,
        message: str,
        *,
        reason: Optional[str] = None,
        hint: Optional[str] = None,
        retryable: Optional[bool] = None,
        retry_after: Optional[timedelta] = None,
        operation: Optional[str] = None,
        agent: Optional[str] = None,
        transport: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint
        self._retryable = retryable
        self.retryable = bool(retryable) or retry_after is not None
        self.retry_after = retry_after
        self.operation = operation
        self.agent = agent
        self.transport = transport

    def __str__(self) -> str:
        via = f"via {self.transport}" if self.transport else None
        context = " ".join(part for part in (self.operation, self.agent, via) if part)
        return f"{context}: {self.message}" if context else self.message

    @staticmethod
    def of(document: Mapping[str, Any]) -> FleetError:
        """The exception for an error in the library's JSON."""
        retry = document.get("retry")
        after = retry.get("after_ms") if isinstance(retry, Mapping) else None
        kind = _KINDS.get(str(document.get("code")), Unexpected)
        return kind(
            str(document.get("message")),
            reason=document.get("reason"),
            hint=document.get("hint"),
            retryable=retry != "never",
            retry_after=None if after is None else timedelta(milliseconds=after),
            operation=document.get("operation"),
            agent=document.get("agent"),
            transport=document.get("transport"),
        )

    def document(self) -> dict[str, Any]:
        """The error in the library's JSON."""
        retry: Any = None
        if self.retry_after is not None:
            retry = {"after_ms": round(self.retry_after / timedelta(milliseconds=1))}
        elif self._retryable is not None:
            retry = "safe" if self._retryable else "never"
        document = {
            "code": self.code or "plugin",
            "message": self.message,
            "reason": self.reason,
            "hint": self.hint,
            "retry": retry,
        }
        return {name: value for name, value in document.items() if value is not None}


class Unexpected(FleetError):
    """A defect of the library or of something below it; please report it."""

    code = "unexpected"
    number = 1


class Unsupported(FleetError):
    """The transport does not offer this operation or option."""

    code = "unsupported"
    number = 2


class InvalidArgument(FleetError):
    """Something was passed that can never work."""

    code = "invalid_argument"
    number = 3


class ConfigInvalid(FleetError):
    """A roster, manifest, environment or host set-up is wrong."""

    code = "config_invalid"
    number = 4


class AgentNotFound(FleetError):
    """No agent of that name is known to the transport."""

    code = "agent_not_found"
    number = 5


class Refused(FleetError):
    """Nothing was typed, on purpose; ``reason`` says why (see :data:`Reason`)."""

    code = "refused"
    number = 6


class Unavailable(FleetError):
    """The backend cannot be reached."""

    code = "unavailable"
    number = 7


class PermissionDenied(FleetError):
    """The backend was reached and does not allow this."""

    code = "permission_denied"
    number = 8


class Unauthenticated(FleetError):
    """The backend does not know who we are."""

    code = "unauthenticated"
    number = 9


class RateLimited(FleetError):
    """The backend asks us to slow down."""

    code = "rate_limited"
    number = 10


class Timeout(FleetError, TimeoutError):
    """The deadline passed before anything irreversible was done."""

    code = "timeout"
    number = 11


class DeliveryUnknown(FleetError):
    """Lost sight of a send after typing began; ``reason`` says how far it got (see :data:`Stage`).

    Never send again without looking: the text may have arrived.
    """

    code = "delivery_unknown"
    number = 12


class Closed(FleetError):
    """The transport was closed."""

    code = "closed"
    number = 13


class Plugin(FleetError):
    """A transport written outside the library failed, in a way that it did not mean to."""

    code = "plugin"
    number = 14


_KINDS: Mapping[str, type[FleetError]] = {kind.code: kind for kind in FleetError.__subclasses__()}
