"""Failures by cause."""

import pytest

from core.domain.cause import cause_of, fix
from core.domain.delivery import ErrorClass, Outcome, Result


def _failed(reason: str, **facts: object) -> Result:
    known = {"error_class": ErrorClass.DATA, "error_column": "leadqualitycode", **facts}
    return Result.model_validate({"outcome": Outcome.FAILED, "reason": reason, **known})


def test_what_only_one_person_said_makes_no_cause_of_its_own() -> None:
    """Quoted values, addresses and numbers differ from person to person."""
    first = cause_of(_failed('"Hot!" is not an option of leadqualitycode; it takes Hot (1).'))
    second = cause_of(_failed('"O\'Hara 7" is not an option of leadqualitycode; it takes Hot (12).'))
    assert first
    assert second
    assert first.id == second.id
    assert first.kind == "… is not an option of leadqualitycode; it takes Hot (#)."


@pytest.mark.parametrize(
    "other",
    [
        _failed("It is too long."),
        _failed('"x" is not an option.', error_column="ownerid"),
        _failed('"x" is not an option.', error_code="0x80040333"),
        _failed('"x" is not an option.', error_class=ErrorClass.CONFIGURATION),
    ],
)
def test_class_code_column_and_kind_tell_causes_apart(other: Result) -> None:
    """Each of them alone."""
    one, another = cause_of(_failed('"x" is not an option.')), cause_of(other)
    assert one
    assert another
    assert one.id != another.id


def test_what_did_not_fail_has_no_cause() -> None:
    """Skipped is not failed."""
    assert cause_of(Result(outcome=Outcome.SKIPPED, reason="switched off")) is None


@pytest.mark.parametrize("error_class", ErrorClass)
def test_every_cause_has_its_fix(error_class: ErrorClass) -> None:
    """A sentence that ends in what to do; the column is named where it is known."""
    cause = cause_of(_failed("x", error_class=error_class))
    assert cause
    assert "replay" in fix(cause)
    if error_class in (ErrorClass.DATA, ErrorClass.CONFIGURATION):
        assert "leadqualitycode" in fix(cause)
