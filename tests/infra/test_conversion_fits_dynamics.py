"""What the service converts, held against what the simulated Dynamics takes: every column of the three tables."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataverse.metadata import table_of
from core.domain.conversion import SUPPORTED_TYPES, Converted, Rules, Transform, convert, is_same
from core.domain.table import Column, Table
from infra.local.dynamics.definition_documents import Documents
from infra.local.dynamics.metadata_files import shipped_schema
from infra.local.dynamics.values import shown_value, stored_value

SCHEMA = shipped_schema()
PIECES = [
    "1",
    "2",
    "12",
    "234",
    "2026",
    "05",
    ".",
    ",",
    " ",
    "'",
    "-",
    "/",
    ":",
    ";",
    "T",
    "Z",
    "€",
    "%",
    "May",
    "yes",
    "Hot",
]


def _whole(document: dict[str, Any]) -> dict[str, Any]:
    """A definition with the parts that only `$expand` brings in."""
    return {name.removeprefix("#"): part() if callable(part) else part for name, part in document.items()}


def _table(name: str) -> Table:
    definitions = [_whole(each) for each in Documents(SCHEMA).attributes(SCHEMA.tables[name], None)]
    return table_of(name, [{"value": definitions}, {"value": definitions}], {})


COLUMNS = [
    (table, column)
    for table in ("lead", "contact", "account")
    for column in _table(table).columns.values()
    if column.type in SUPPORTED_TYPES and (column.creatable or column.updatable)
]


def test_there_is_something_to_look_at() -> None:
    """Every plain type that these tables have is among the columns."""
    kinds = {column.type for _, column in COLUMNS}
    assert kinds >= {
        "String",
        "Memo",
        "Integer",
        "Double",
        "Money",
        "Boolean",
        "DateTime",
        "Picklist",
        "Uniqueidentifier",
    }
    assert len(COLUMNS) > 300


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@given(
    of=st.sampled_from(COLUMNS),
    value=st.one_of(
        st.lists(st.sampled_from(PIECES), max_size=7).map("".join),
        st.integers(-(10**6), 10**6),
        st.floats(-1e6, 1e6),
        st.booleans(),
        st.dates().map(str),
        st.datetimes().map(str),
        st.uuids().map(str),
    ),
    transform=st.none() | st.sampled_from(Transform),
)
def test_what_converts_is_taken_and_read_back(
    zone: str, of: tuple[str, Column], value: str | float, transform: Transform | None
) -> None:
    """Dynamics refuses none of it, and what it shows afterwards is no difference that would be written again."""
    name, column = of
    converted = convert(column, value, Rules(time_zone=zone, transform=transform))
    if not isinstance(converted, Converted) or converted.value == "":
        return
    table = SCHEMA.tables[name]
    written = json.loads(json.dumps(converted.value))
    shown = shown_value(table.columns[column.name], stored_value(table, table.columns[column.name], written))
    assert is_same(column, converted.value, shown)
