"""Several options, yes and no, and identifiers."""

import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.conversion import Converted, Misfit, Rules, convert
from core.domain.table import Choice, Column
from core.domain.values import FieldValue
from tests.builders import ALLOW, RATINGS
from tests.strategies import field_values

INTERESTS = Column(
    name="interests",
    type="MultiSelectPicklist",
    choices=(*RATINGS, Choice(value=100_000_004, labels=("Sales, Marketing", "A;B"))),
)
DO_NOT_EMAIL = Column(name="donotemail", type="Boolean", choices=ALLOW)
# Nothing keeps an administrator from labels that stand the other way round.
SWAPPED = Column(
    name="confirminterest",
    type="Boolean",
    choices=(Choice(value=1, labels=("No",)), Choice(value=0, labels=("Yes",))),
)
STAGE = Column(name="stageid", type="Uniqueidentifier")
GUID = "1f0e3dad-9990-4c4f-8a1b-0123456789ab"


def _wire(column: Column, value: FieldValue, rules: Rules | None = None) -> tuple[Any, bool]:
    """What is written, and whether there is a warning; a misfit writes nothing."""
    converted = convert(column, value, rules or Rules())
    return (None, True) if isinstance(converted, Misfit) else (converted.value, bool(converted.warning))


@pytest.mark.parametrize(
    ("said", "wire"),
    [
        (["Hot", "Cold"], "1,3"),
        (["Cold", "Hot", "hot", "heiß"], "1,3"),
        (["3"], "3"),
        (2, "2"),
        (2.0, "2"),
        ("Hot", "1"),
        ("Hot;Kalt", "1,3"),
        ("hot ; ; KALT;", "1,3"),
        ("3,1", "1,3"),
        (" 3 , 1 ", "1,3"),
        ("Sales, Marketing", "100000004"),
        ("A;B", "100000004"),
        ("Hot;Sales, Marketing", "1,100000004"),
        (["Hot;Warm", "3,1"], "1,2,3"),
        ("A", "1"),
        ("a;c", "1,3"),
        ("Both at once", "2"),
    ],
)
def test_several_options(said: FieldValue, wire: str) -> None:
    """A list, or a text by `;`; each by value, label or translation; once each, in ascending order."""
    rules = Rules(choices={"A": "Hot", "C": 3, "both at once": "Warm"})
    assert _wire(INTERESTS, said, rules) == (wire, False)


@pytest.mark.parametrize(
    ("said", "wire"),
    [(["Hot", "Tepid"], "1"), ("Tepid; 2", "2"), ("1,9", "1"), ("Tepid", None), ("Hot, Cold", None), (";", None)],
)
def test_unknown_options_are_left_out(said: FieldValue, wire: str | None) -> None:
    """With a warning that names them and what would be accepted; by setting, one of them is enough to fail."""
    assert _wire(INTERESTS, said) == (wire, True)
    told = convert(INTERESTS, said, Rules())
    message = told.message if isinstance(told, Misfit) else told.warning
    assert "Hot (1)" in message
    assert "Hot, Cold" in message or "Tepid" in message or '"9"' in message or '";"' in message
    assert isinstance(convert(INTERESTS, said, Rules(on_unknown="fail")), Misfit)


def test_a_flood_of_words_is_read_in_one_pass() -> None:
    """As many as a body holds, against as many options as a column may have; the message stays short."""
    column = INTERESTS.model_copy(
        update={"choices": tuple(Choice(value=n, labels=(f"Option {n}",)) for n in range(1000))}
    )
    began = time.perf_counter()
    told = convert(column, ";".join(f"x{n}" for n in range(40_000)) + ";Option 7", Rules())
    assert time.perf_counter() - began < 2
    assert isinstance(told, Converted)
    assert told.value == "7"
    assert len(told.warning) < 1000


@given(value=field_values | st.lists(st.sampled_from(["Hot", "2", "kalt", "x", "1,3", "Hot;2"])))
def test_converted_options_are_options(value: FieldValue) -> None:
    """Whatever was said: ascending, once each, none that the column does not have."""
    converted = convert(INTERESTS, value, Rules())
    if isinstance(converted, Converted):
        numbers = [int(part) for part in str(converted.value).split(",")]
        assert numbers == sorted(set(numbers))
        assert set(numbers) <= {option.value for option in INTERESTS.choices}


@pytest.mark.parametrize(
    "said",
    [True, 1, 1.0, "1", "true", " TRUE ", "Yes", "y", "on", "x", "✓", "Ja", "oui", "Sí", "да", "はい", ["yes"], ["1"]],
)
def test_what_is_yes(said: FieldValue) -> None:
    """By value, and in common words."""
    assert _wire(Column(name="x", type="Boolean"), said) == (True, False)


@pytest.mark.parametrize(
    "said",
    [False, 0, 0.0, "0", "false", " FALSE ", "No", "n", "off", "Nein", "non", "não", "нет", "いいえ", ["no"], ["0"]],
)
def test_what_is_no(said: FieldValue) -> None:
    """Zero and false are values."""
    assert _wire(Column(name="x", type="Boolean"), said) == (False, False)


@pytest.mark.parametrize(
    ("column", "said", "wire"),
    [
        (DO_NOT_EMAIL, "Allow", False),
        (DO_NOT_EMAIL, "do not allow", True),
        (DO_NOT_EMAIL, "Zulassen", False),
        (DO_NOT_EMAIL, "NICHT ZULASSEN", True),
        (DO_NOT_EMAIL, "yes", True),
        (DO_NOT_EMAIL, "Newsletter please", False),
        (DO_NOT_EMAIL, "never", True),
        (DO_NOT_EMAIL, "fine", False),
        (SWAPPED, "Yes", False),
        (SWAPPED, "no", True),
        (SWAPPED, "ja", True),
        (SWAPPED, True, True),
    ],
)
def test_the_columns_own_labels_come_first(column: Column, said: FieldValue, *, wire: bool) -> None:
    """They are what a person sees in Dynamics, in every language; translations lead to a label, a value or a word."""
    rules = Rules(choices={"newsletter please": "Allow", "never": 1, "fine": "no"})
    assert _wire(column, said, rules) == (wire, False)


@pytest.mark.parametrize(
    ("said", "wire"),
    [
        (["I agree to the terms"], True),
        (["Perhaps"], True),
        ("I agree to the terms", None),
        ("perhaps", None),
        (2, None),
        (-1, None),
        (0.5, None),
        (["yes", "no"], None),
        ("", None),
    ],
)
def test_what_is_neither(said: FieldValue, *, wire: bool | None) -> None:
    """A list of one is a single box that was checked, with a warning; anything else is left out with one."""
    assert _wire(DO_NOT_EMAIL, said) == (wire, True)
    told = convert(DO_NOT_EMAIL, said, Rules())
    assert ("Do Not Allow (1), Allow (0)" if wire is None else "choices") in str(told)


@given(value=field_values)
def test_a_converted_boolean_is_one(value: FieldValue) -> None:
    """True or false on the wire, never 1 or 0; nothing is raised."""
    converted = convert(DO_NOT_EMAIL, value, Rules())
    assert isinstance(converted, Misfit) or isinstance(converted.value, bool)


@pytest.mark.parametrize(
    "said", [GUID, GUID.upper(), f" {GUID} ", f"{{{GUID}}}", f"({GUID})", GUID.replace("-", ""), [GUID]]
)
def test_identifiers(said: FieldValue) -> None:
    """Lower-case, with hyphens, without braces."""
    assert _wire(STAGE, said) == (GUID, False)


@pytest.mark.parametrize(
    "said", ["", "12", GUID[:-1], GUID + "0", f"{{{GUID}", GUID.replace("1", "g"), 12, [GUID, GUID]]
)
def test_no_identifiers(said: FieldValue) -> None:
    """They are left out, with what one looks like."""
    refused = convert(STAGE, said, Rules())
    assert isinstance(refused, Misfit)
    assert "-9990-" in refused.message


@given(value=field_values | st.uuids().map(str))
def test_a_converted_identifier_is_one(value: FieldValue) -> None:
    """As Dataverse writes it."""
    converted = convert(STAGE, value, Rules())
    assert isinstance(converted, Misfit) or str(uuid.UUID(str(converted.value))) == converted.value
