"""The tables of an environment, read from data: columns with their types, lengths, options and navigation names.

The files in `metadata/` come from Microsoft's generated table reference; `small.json` holds the few tables that the
sync only refers to, with the columns it needs.
"""

import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

METADATA = Path(__file__).with_name("metadata")
LOOKUP_TYPES = {"Lookup", "Customer", "Owner"}
# These are shown as annotations or as collections, never as plain columns.
_NOT_STORED = {"PartyList", "ManagedProperty", "Image", "EntityName"}


@dataclass(frozen=True)
class Option:
    value: int
    label: str
    labels: dict[int, str] = field(default_factory=dict)  # by language code, beside English
    state: int | None = None
    default_status: int | None = None


@dataclass(frozen=True)
class Column:
    name: str
    schema_name: str
    label: str
    type: str
    required_level: str = "None"
    creatable: bool = True
    updatable: bool = True
    format: str | None = None
    behavior: str | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    options: tuple[Option, ...] = ()
    default: Any = None
    targets: tuple[str, ...] = ()
    navigation: dict[str, str] = field(default_factory=dict)  # target table → bind name

    @property
    def is_lookup(self) -> bool:
        return self.type in LOOKUP_TYPES

    @property
    def is_stored(self) -> bool:
        return self.type not in _NOT_STORED

    @property
    def read_name(self) -> str:
        """The property it is read as: lookups as `_x_value`."""
        return f"_{self.name}_value" if self.is_lookup else self.name


@dataclass(frozen=True)
class Table:
    name: str
    schema_name: str
    set_name: str
    id_column: str
    name_column: str
    columns: dict[str, Column]
    relationships: tuple[dict[str, Any], ...] = ()

    @cached_property
    def stored(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns.values() if column.is_stored)

    @cached_property
    def by_read_name(self) -> dict[str, Column]:
        return {column.read_name: column for column in self.stored}

    @cached_property
    def binds(self) -> dict[str, tuple[Column, str]]:
        """Bind name → column and target table. An owner's one name serves users and teams; the value's set decides."""
        return {bind: (column, target) for column in self.stored for target, bind in column.navigation.items()}


@cache
def standard_tables() -> dict[str, Table]:
    """Every table by its logical name."""
    documents = [json.loads(file.read_text()) for file in sorted(METADATA.glob("*.json")) if file.stem != "small"]
    small = METADATA / "small.json"
    documents += json.loads(small.read_text())
    return {document["logicalName"]: _table(document) for document in documents}


def _table(document: dict[str, Any]) -> Table:
    columns = (_column(each) for each in document["columns"])
    return Table(
        name=document["logicalName"],
        schema_name=document["schemaName"],
        set_name=document["entitySetName"],
        id_column=document["primaryIdAttribute"],
        name_column=document["primaryNameAttribute"],
        columns={column.name: column for column in columns},
        relationships=tuple(document.get("manyToOne", ())),
    )


def _column(given: dict[str, Any]) -> Column:
    return Column(
        name=given["logicalName"],
        schema_name=given.get("schemaName", given["logicalName"]),
        label=given.get("displayName") or given["logicalName"],
        type=given["type"],
        required_level=given.get("requiredLevel", "None"),
        creatable=given.get("validForCreate", True),
        updatable=given.get("validForUpdate", True),
        format=given.get("format"),
        behavior=given.get("dateTimeBehavior"),
        max_length=given.get("maxLength"),
        minimum=given.get("min"),
        maximum=given.get("max"),
        precision=given.get("precision"),
        options=tuple(_option(option) for option in given.get("options") or ()),
        default=given.get("default"),
        targets=tuple(given.get("targets") or ()),
        navigation=given.get("navigationProperties") or {},
    )


def _option(given: dict[str, Any]) -> Option:
    return Option(
        value=given["value"],
        label=given["label"],
        state=given.get("state"),
        default_status=given.get("defaultStatus"),
    )
