"""What the service converts, held against what the simulated Dynamics takes: every column of the three tables."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataverse.metadata import table_of, targets_of
from core.domain.conversion import SUPPORTED_TYPES, Converted, Rules, Transform, convert, is_same
from core.domain.findings import findings
from core.domain.mapping import FieldMapping, MappingRow, Policy, Sources, map_fields, wanted_references
from core.domain.prospect import Prospect, merged
from core.domain.row import Row
from core.domain.table import LOOKUP_TYPES, Column, Table
from core.domain.values import is_missing
from infra.local.dynamics.definition_documents import Documents
from infra.local.dynamics.metadata_files import shipped_schema
from infra.local.dynamics.values import guid, shown_value, stored_value
from tests.builders import NOON, capture, row_id
from tests.strategies import said_values

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
    documents, table = Documents(SCHEMA), SCHEMA.tables[name]
    definitions = [_whole(each) for each in documents.attributes(table, None)]
    tables = [documents.table(each) for each in SCHEMA.tables.values()]
    targets = targets_of({"value": documents.relationships(table, "ManyToOneRelationships")}, {"value": tables})
    return table_of(name, [{"value": definitions}, {"value": definitions}], targets)


TABLES = {name: _table(name) for name in ("lead", "contact", "account")}
ALL_COLUMNS = [
    (name, column)
    for name, table in TABLES.items()
    for column in table.columns.values()
    if column.type in SUPPORTED_TYPES and (column.creatable or column.updatable)
]
COLUMNS = [(name, column) for name, column in ALL_COLUMNS if column.type not in LOOKUP_TYPES]


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
        "Status",
    }
    assert len(COLUMNS) > 300
    assert {column.type for _, column in ALL_COLUMNS} - kinds == {"Lookup", "Customer", "Owner"}


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


# --- Through a whole mapping ------------------------------------------------------------------------------------------

NASTY = [
    "x" * 10_000,
    "😀" * 3000,
    "\u202eright to left\u202c",
    "e\u0301" * 200,
    "<script>alert(1)</script>",
    "'; drop table leads; --",
    '"%+&/\\',
    "\x00\x07\x1b[31m",
    "\ufffe\uffff",
    "9" * 400,
    "1e999",
    "-0",
    "NaN",
    "∞",
    "٣٤٥",
    "99999999-12-31",
    "0001-01-01",
    "1f0e3dad-9990-4c4f-8a1b-0123456789ab",
    "{1F0E3DAD-9990-4C4F-8A1B-0123456789AB}",
    "1,2,3",
    "Hot;Warm;?",
    "+49 (0)30 1234567 ext. 8901234567890",
    "a@b." + "c" * 120,
]
STEPS: list[Any] = [
    "upper",
    "name_case",
    "digits",
    "phone",
    "url",
    {"prefix": "→ "},
    {"truncate": 3},
    {"split": ";"},
    {"join": "-"},
    {"item": -1},
    "day_first",
    "decimal_comma",
]


def _lookup(column: Column) -> Any:
    several = column.type != "Owner" and len(column.targets) > 1
    is_named = column.type == "Owner" or not column.targets or column.targets[0].name_column
    return {"table": column.targets[0].table if several else None, "by": None if is_named else "name"}


def _savable(row: MappingRow, column: Column) -> bool:
    found = findings((row,), Table(name="lead", columns={column.name: column}))
    return not [each for each in found if not each.field.endswith((".default", ".transform"))]


@given(
    of=st.sampled_from(ALL_COLUMNS),
    value=st.sampled_from(NASTY) | said_values | st.lists(st.sampled_from(NASTY), max_size=3),
    default=st.none() | st.sampled_from(NASTY),
    steps=st.lists(st.sampled_from(STEPS), max_size=2),
    policy=st.sampled_from(Policy),
    hits=st.integers(0, 2),
    fails=st.booleans(),
)
def test_whatever_a_mapping_gives_is_taken(
    of: tuple[str, Column], value: Any, default: Any, steps: list[Any], policy: Policy, hits: int, *, fails: bool
) -> None:
    """Every type, with links; what does not fit is told with its column, fails only by setting, and is never lost."""
    name, column = of
    row = MappingRow(
        column=column.name,
        source="A",
        policy=policy,
        default=default,
        lookup=_lookup(column),
        transform=steps,
        too_long="fail" if fails else "truncate",
        on_unknown="fail" if fails else "leave_out",
    )
    if not _savable(row, column):
        return
    mapping = FieldMapping(table=name, rows=(row,), columns={column.name: column})
    said = capture(A=value)
    sources = Sources(merged(Prospect(), said, NOON), said)
    asked = wanted_references(mapping, sources)
    rows = tuple(row_id(number) for number in range(hits))
    found = {query: tuple(Row(query.table, each, "", {query.by: query.value}) for each in rows) for query in asked}
    mapped = map_fields(mapping, sources, found)
    for given_value in mapped.values:
        _is_taken(name, column, given_value.value, given_value.target)
    if mapped.failures:
        assert fails
        assert mapped.values == ()
    if not (mapped.values or mapped.failures or is_missing(value)):
        assert mapped.warnings
    for not_taken in mapped.not_taken:
        assert not_taken.column == column.name
        assert not_taken.text


def _is_taken(name: str, column: Column, value: Any, target: Any) -> None:
    """By the simulated Dynamics' own reading of values and of binds."""
    table = SCHEMA.tables[name]
    if column.type not in LOOKUP_TYPES:
        assert target is None
        stored_value(table, table.columns[column.name], json.loads(json.dumps(value)))
        return
    if column.type != "Owner":
        single = table.singles[target.navigation]
        assert single.column == column.name
        assert SCHEMA.tables[target.table].set_name == target.set_name
    assert target.table in table.columns[column.name].targets
    assert value is None or guid(value) == value
