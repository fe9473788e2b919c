"""When a field holds nothing, and how a value reads as text."""

import pytest
from hypothesis import given

from core.domain.values import FieldValue, as_text, is_blank, is_missing, is_placeholder
from tests.strategies import blanks, field_values, placeholders, said_values

BLANK: list[FieldValue] = [
    None,
    "",
    " ",
    "\t\r\n",
    "\xa0",
    "\u200b",
    "\x00",
    "\x1f \x7f",
    "\ufeff",
    [],
    [""],
    [" ", ""],
]
PLACEHOLDERS: list[FieldValue] = [
    "Scanned",
    "SCANNED",
    " anonymous\n",
    "{{Email}}",
    "{{ prospect.Email }}",
    "{{}}",
    "[Email]",
    "[First Name]",
    "%Email%",
    "%First Name%",
    "##Email##",
    "{{FirstName}} {{LastName}}",
    "[First], [Last]",
    ["{{Interests}}"],
    ["Scanned", ""],
]
VALUES: list[FieldValue] = [
    0,
    0.0,
    False,
    True,
    "0",
    "no",
    "-",
    "Scanned twice",
    "100%",
    "50% off, 20% more",
    "%",
    "[1]",
    "[]",
    "{Email}",
    "a {{b}}",
    "#1",
    ["A"],
    ["Scanned", "A"],
]


@pytest.mark.parametrize("value", BLANK, ids=repr)
def test_blanks(value: FieldValue) -> None:
    """Nothing that can be seen is no information."""
    assert is_blank(value)
    assert is_missing(value)
    assert not is_placeholder(value)


@pytest.mark.parametrize("value", PLACEHOLDERS, ids=repr)
def test_placeholders(value: FieldValue) -> None:
    """Words that stand for a missing value, and tokens that were never replaced, alone or in a row."""
    assert is_placeholder(value)
    assert is_missing(value)
    assert not is_blank(value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values(value: FieldValue) -> None:
    """Zero, no, and texts that only look a little like a token are values."""
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (" a ", "a"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (1e300, "1e+300"),
        (["A ", "", "B"], "A; B"),
        ("a\x00b\x07", "ab"),
        ("\x01 a\tb\r\nc \x02", "a\tb\r\nc"),
        ("\ufffe\uffffx", "x"),
        ("😀", "😀"),
    ],
    ids=repr,
)
def test_as_a_person_would_write_it(value: FieldValue, text: str) -> None:
    """Characters that Dataverse refuses are left out before blanks at the ends are."""
    assert as_text(value) == text


@given(value=said_values)
def test_every_value_is_blank_or_a_placeholder_or_said(value: FieldValue) -> None:
    """A value is never two of these, and its text never begins or ends with a blank."""
    assert not (is_blank(value) and is_placeholder(value))
    assert as_text(value) == as_text(as_text(value))


@given(value=blanks | placeholders)
def test_what_is_missing_is_known_to_be(value: FieldValue) -> None:
    """Blanks and placeholders are missing."""
    assert is_missing(value)


@given(value=field_values)
def test_a_value_that_is_not_blank_has_a_text(value: FieldValue) -> None:
    """Nothing said turns into an empty text on its way to a column."""
    assert is_blank(value) or as_text(value)


def test_long_texts_are_judged_at_once() -> None:
    """A text made to look like a token again and again costs no more than its length."""
    for text in ("%a" * 100_000, "[a" * 100_000, "{{" * 100_000, "##a ##" * 50_000 + "x", "{{a}} " * 50_000 + "x"):
        assert not is_placeholder(text)
