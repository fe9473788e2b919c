"""What a customer changes in an environment: columns, options, labels, lengths, alternate keys.

Duty: orders as JSON → a changed table, at once and again after a restart (the orders are kept with the rows).
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from infra.local.dynamics import errors
from infra.local.dynamics.database import Database
from infra.local.dynamics.metadata_files import ENGLISH, readable_names
from infra.local.dynamics.schema import Column, Key, Option, Schema, Single, Table

_FACT = "customizations"


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    table: str


class NewOption(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: int
    label: str
    labels: dict[int, str] = {}
    state: int | None = None

    def option(self) -> Option:
        return Option(self.value, {ENGLISH: self.label, **self.labels}, self.state)


class AddColumn(Order):
    """A column of the customer's own; also replaces one."""

    do: Literal["add_column"]
    name: str
    type: str = "String"
    schema_name: str | None = None
    label: str | None = None
    required: str = "None"
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: int | None = None
    behavior: str | None = None
    options: tuple[NewOption, ...] = ()
    default: int | bool | None = None
    targets: tuple[str, ...] = ()


class AddOption(Order):
    """An option, or another label for one that is there."""

    do: Literal["add_option"]
    column: str
    option: NewOption


class AddKey(Order):
    """`status` other than Active: the index is not built yet, and the key cannot be used."""

    do: Literal["add_key"]
    name: str
    columns: tuple[str, ...] = Field(min_length=1, max_length=16)
    label: str | None = None
    status: str = "Active"


class ChangeColumn(Order):
    do: Literal["change_column"]
    column: str
    label: str | None = None
    labels: dict[int, str] = {}
    without_label: bool = False
    max_length: int | None = None
    required: str | None = None
    creatable: bool | None = None
    updatable: bool | None = None
    removed_options: tuple[int, ...] = ()


class ChangeTable(Order):
    do: Literal["change_table"]
    has_change_tracking: bool | None = None
    has_concurrency: bool | None = None


class RemoveKey(Order):
    do: Literal["remove_key"]
    name: str


AnyOrder = Annotated[AddColumn | AddOption | AddKey | ChangeColumn | ChangeTable | RemoveKey, Field(discriminator="do")]
ORDER: TypeAdapter[AnyOrder] = TypeAdapter(AnyOrder)
_MAX_KEYS = 10


class Customizations:
    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema

    def repeat(self) -> None:
        """What was ordered before a restart."""
        for order in self._kept():
            self._apply(ORDER.validate_python(order))

    def order(self, order: AnyOrder) -> None:
        self._apply(order)
        self._database.set_fact(_FACT, json.dumps([*self._kept(), order.model_dump(mode="json")]))

    def forget(self) -> None:
        self._database.set_fact(_FACT, "[]")

    def _kept(self) -> list[Mapping[str, object]]:
        return list(json.loads(self._database.fact(_FACT) or "[]"))

    def _apply(self, order: AnyOrder) -> None:
        table = self._schema.find(order.table)
        if table is None:
            raise errors.table_unknown(order.table)
        changed = _changed(table, order)
        self._schema.put(changed)
        self._database.create(changed)


def _changed(table: Table, order: AnyOrder) -> Table:
    match order:
        case AddColumn():
            return _with_column(table, _column(order), _single(order, table))
        case AddOption():
            return _with_column(table, _with_option(_existing(table, order.column), order.option.option()))
        case ChangeColumn():
            return _with_column(table, _changed_column(_existing(table, order.column), order))
        case AddKey():
            return _with_key(table, Key(order.name, order.label or order.name, order.columns, order.status))
        case RemoveKey():
            return dataclasses.replace(table, keys=tuple(key for key in table.keys if key.name != order.name))
        case ChangeTable():
            facts = order.model_dump(include={"has_change_tracking", "has_concurrency"}, exclude_none=True)
            return dataclasses.replace(table, **facts)


def _existing(table: Table, name: str) -> Column:
    column = table.columns.get(name)
    if column is None:
        raise errors.attribute_unknown(name, table.name)
    return column


def _with_column(table: Table, column: Column, single: Single | None = None) -> Table:
    columns = {**table.columns, column.name: column}
    singles = {**table.singles, single.name: single} if single else table.singles
    readable = readable_names(columns.values())
    return dataclasses.replace(table, columns=columns, singles=singles, readable_names=readable)


def _column(order: AddColumn) -> Column:
    default_length = {"String": 100, "Memo": 2000}.get(order.type)
    schema_name = order.schema_name or order.name
    return Column(
        name=order.name,
        schema_name=schema_name,
        kind=order.type,
        labels={ENGLISH: order.label or order.name},
        required=order.required,
        format="Text" if order.type == "String" else None,
        behavior=order.behavior or ("UserLocal" if order.type == "DateTime" else None),
        max_length=order.max_length or default_length,
        minimum=order.minimum,
        maximum=order.maximum,
        precision=order.precision,
        targets=order.targets,
        binds=dict.fromkeys(order.targets, schema_name),
        options=tuple(option.option() for option in order.options),
        default=order.default,
        custom=True,
    )


def _single(order: AddColumn, table: Table) -> Single | None:
    """A custom lookup's navigation property is its schema name, with its capitals."""
    if not order.targets:
        return None
    name = order.schema_name or order.name
    return Single(name, f"{order.targets[0]}_{table.name}_{order.name}", order.name, order.targets[0])


def _with_option(column: Column, option: Option) -> Column:
    others = [known for known in column.options if known.value != option.value]
    replaced = next((known for known in column.options if known.value == option.value), None)
    if replaced:
        option = dataclasses.replace(option, state=replaced.state, default_status=replaced.default_status)
    return dataclasses.replace(column, options=tuple(sorted((*others, option), key=lambda known: known.value)))


def _changed_column(column: Column, order: ChangeColumn) -> Column:
    facts = order.model_dump(include={"max_length", "required", "creatable", "updatable"}, exclude_none=True)
    labels = {**column.labels, **({ENGLISH: order.label} if order.label else {}), **order.labels}
    options = tuple(option for option in column.options if option.value not in order.removed_options)
    return dataclasses.replace(column, labels={} if order.without_label else labels, options=options, **facts)


def _with_key(table: Table, key: Key) -> Table:
    others = tuple(known for known in table.keys if known.name != key.name)
    if len(others) >= _MAX_KEYS:
        raise errors.invalid_argument(f"The entity {table.name} has {_MAX_KEYS} keys already.")
    for name in key.columns:
        _existing(table, name)
    return dataclasses.replace(table, keys=(*others, key))
