"""Failures by cause."""

import pytest

from core.domain.capture import Capture
from core.domain.cause import Cause, cause_of, fix
from core.domain.delivery import ErrorClass, Outcome, Result
from core.domain.masking import Masking


def _failed(reason: str, **facts: object) -> Result:
    known = {"error_class": ErrorClass.DATA, "error_column": "leadqualitycode", **facts}
    return Result.model_validate({"outcome": Outcome.FAILED, "reason": reason, **known})


def _cause(result: Result, **fields: str) -> Cause | None:
    return cause_of(result, Masking(Capture.model_validate({"prospect": {"fields": fields}})))


def test_what_only_one_person_said_makes_no_cause_of_its_own() -> None:
    """Quoted values, addresses and numbers differ from person to person."""
    first = _cause(_failed('"Hot!" is not an option of leadqualitycode; it takes Hot (1).'))
    second = _cause(_failed('"O\'Hara 7" is not an option of leadqualitycode; it takes Hot (12).'))
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
    one, another = _cause(_failed('"x" is not an option.')), _cause(other)
    assert one
    assert another
    assert one.id != another.id


def test_what_did_not_fail_has_no_cause() -> None:
    """Skipped is not failed."""
    assert _cause(Result(outcome=Outcome.SKIPPED, reason="switched off")) is None


@pytest.mark.parametrize("error_class", ErrorClass)
def test_every_cause_has_its_fix(error_class: ErrorClass) -> None:
    """A sentence that ends in what to do; the column is named where it is known."""
    cause = _cause(_failed("x", error_class=error_class))
    assert cause
    assert "replay" in fix(cause)
    if error_class in (ErrorClass.DATA, ErrorClass.CONFIGURATION):
        assert "leadqualitycode" in fix(cause)


def test_dynamics_own_words_tell_causes_apart_and_nobodys_name_does() -> None:
    """Two plug-ins are two causes; two people who met one of them, one: the name counts as little as a number or id."""
    reason = "A plug-in or workflow in Dynamics refused the row."
    about = "The lead of {} (row 1f0e3dad-9990-4c4f-8a1b-0123456789a{}) has \"{}\" in 'jobtitle'"
    mara = _cause(_failed(reason, words=about.format("Mara", 1, "CEO")), FirstName="Mara")
    otto = _cause(_failed(reason, words=about.format("OTTO", 2, "CFO of all")), FirstName="Otto")
    other = _cause(_failed(reason, words="Budget is locked"), FirstName="Mara")
    assert mara
    assert otto
    assert other
    assert mara.id == otto.id != other.id
    assert mara.kind == f"{reason} Dynamics says: The lead of … (row #) has … in 'jobtitle'"


def test_names_in_a_reason_do_not_split_a_cause() -> None:
    """The id is made of what is masked, as the row shows it."""
    mara = _cause(_failed("Mara is refused."), FirstName="Mara")
    otto = _cause(_failed("Otto is refused."), FirstName="Otto")
    assert mara == otto


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("too_long", "`too_long` of leadqualitycode to `truncate`"),
        ("unknown_option", "`choices`"),
        ("unfit_number", "`decimal_comma`"),
        ("unfit_date", "`day_first`"),
        ("unfit_email", "e-mail address"),
        ("no_such_row", "`lookup.on_missing`"),
        ("several_rows", "`lookup.by`"),
        ("not_mapped", "Save a mapping"),
        ("0x80099999", "about leadqualitycode"),
    ],
)
def test_each_way_of_not_fitting_has_a_fix_of_its_own(code: str, says: str) -> None:
    """It names the setting that mends it."""
    cause = _cause(_failed("x", error_code=code))
    assert cause
    assert says in fix(cause)


def test_what_only_dynamics_explains_is_mended_as_it_says() -> None:
    """An unknown code with words."""
    cause = _cause(_failed("Dynamics refuses the row.", error_code="0x80099999", table="lead", words="Strange thing"))
    assert cause
    assert fix(cause) == "Mend what Dynamics names, in lead there or in what was captured, then replay."
