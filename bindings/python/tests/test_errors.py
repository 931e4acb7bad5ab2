"""The exceptions, and the one table of their names."""

from __future__ import annotations

from datetime import timedelta

import mosaic_fleet as mf
import mosaic_fleet.errors as errors
from mosaic_fleet import _native


def test_names_numbers_and_words_are_the_librarys() -> None:
    """Each kind of the library has the exception of its name, and no exception is more."""
    kinds = {kind.code: kind for kind in mf.FleetError.__subclasses__()}
    assert {code: kind.number for code, kind in kinds.items()} == _native.error_codes()
    for code, kind in kinds.items():
        assert kind.__name__ == "".join(word.capitalize() for word in code.split("_"))
        assert getattr(mf, kind.__name__) is kind is getattr(errors, kind.__name__)


def test_an_error_has_every_field() -> None:
    error = mf.FleetError.of(
        {
            "code": "rate_limited",
            "number": 10,
            "message": "too fast",
            "operation": "send",
            "agent": "coder0",
            "transport": "matrix:home",
            "retry": {"after_ms": 1500},
            "reason": None,
            "hint": "wait",
        }
    )
    assert isinstance(error, mf.RateLimited)
    assert str(error) == "send coder0 via matrix:home: too fast"
    assert error.retryable and error.retry_after == timedelta(seconds=1.5)
    assert (error.code, error.number, error.hint) == ("rate_limited", 10, "wait")
    assert error.document()["retry"] == {"after_ms": 1500}


def test_a_kind_that_a_newer_library_has_is_no_failure() -> None:
    error = mf.FleetError.of({"code": "bored", "message": "x", "retry": "never"})
    assert isinstance(error, mf.Unexpected)
    assert not error.retryable


def test_without_context_it_is_its_message() -> None:
    assert str(mf.Refused("text in the composer", reason="draft")) == "text in the composer"
