"""Whether a row holds a value already."""

from typing import Any

import pytest
from hypothesis import given

from core.domain.conversion import Converted, Rules, convert, is_same
from core.domain.table import Column
from tests.builders import COLUMNS
from tests.strategies import field_values

GUID = "1f0e3dad-9990-4c4f-8a1b-0123456789ab"


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("Integer", 1, 1.0, True),
        ("Money", 1234.5, 1234.50, True),
        ("Money", 1, 1.01, False),
        ("Money", 0, None, False),
        ("Boolean", False, None, False),
        ("Boolean", True, True, True),
        ("DateTime", "2026-05-04T13:05:00Z", "2026-05-04T13:05:00.0000000Z", True),
        ("DateTime", "2026-05-04T13:05:00Z", "2026-05-04T15:05:00+02:00", True),
        ("DateTime", "2026-05-04T13:05:00Z", "2026-05-04T13:05:01Z", False),
        ("DateTime", "2026-05-04", "2026-05-04", True),
        ("DateTime", "2026-05-04", "2026-05-05", False),
        ("DateTime", "2026-05-04", "2026-05-04T00:00:00Z", False),
        ("DateTime", "2026-05-04T13:05:00Z", None, False),
        ("DateTime", "0001-01-01T00:00:00+14:00", "x", False),
        ("MultiSelectPicklist", "1,3", "3,1", True),
        ("MultiSelectPicklist", "1,3", "1, 3", True),
        ("MultiSelectPicklist", "1,3", "1", False),
        ("MultiSelectPicklist", "1,3", None, False),
        ("Uniqueidentifier", GUID, GUID.upper(), True),
        ("Uniqueidentifier", GUID, f"{{{GUID}}}", True),
        ("Uniqueidentifier", GUID, "x", False),
        ("String", "1,3", "3,1", False),
        ("String", "a", "A", False),
        ("String", "2026-05-04T13:05:00Z", "2026-05-04T15:05:00+02:00", False),
        ("Picklist", 1, 2, False),
    ],
)
def test_the_same_in_another_form(kind: str, one: Any, other: Any, *, same: bool) -> None:
    """Numbers, moments, sets of options and identifiers are compared for what they mean, texts to the letter."""
    column = Column(name="x", type=kind)
    assert is_same(column, one, other) is same
    assert is_same(column, other, one) is same


@given(value=field_values)
def test_what_was_written_is_there(value: Any) -> None:
    """Whatever converts is the same as itself, on every type of column."""
    for name in ("jobtitle", "revenue", "donotemail", "birthdate", "estimatedclosedate", "interests", "stageid"):
        converted = convert(COLUMNS[name], value, Rules())
        assert not isinstance(converted, Converted) or is_same(COLUMNS[name], converted.value, converted.value)
