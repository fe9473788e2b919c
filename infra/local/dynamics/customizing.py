"""What a customer changes in an environment: columns, options, labels, lengths, alternate keys.

Duty: orders as JSON → a changed table, at once and again after a restart (the orders are kept with the rows).
"""

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from infra.local.dynamics import errors
from infra.local.dynamics.column_kinds import AddedKind, length_of, navigation_names, options_of, targets_of
from infra.local.dynamics.database import Database
from infra.local.dynamics.metadata_files import ENGLISH, readable_names
from infra.local.dynamics.schema import Column, Key, Option, Schema, Single, Table

_FACT = "customizations"
Required = Literal["None", "Recommended", "ApplicationRequired", "SystemRequired"]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    table: str


class NewOption(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    value: int
    label: str | None
    """The English one; null for an option that has none."""
    labels: dict[int, str] = {}
    state: int | None = None

    def option(self) -> Option:
        english = {} if self.label is None else {ENGLISH: self.label}
        return Option(self.value, {**english, **self.labels}, self.state)


class AddColumn(Order):
    """A column of the customer's own; also replaces one of the same type."""

    do: Literal["add_column"]
    name: str = Field(pattern=r"^[a-z][a-z0-9]{1,7}_[a-z0-9_]+$")
    """With the prefix of its publisher."""
    type: AddedKind = "String"
    schema_name: str | None = None
    label: str | None = None
    labels: dict[int, str] = {}
    required: Required = "None"
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
    minimum: float | None = None
    maximum: float | None = None
    required: Required | None = None
    creatable: bool | None = None
    updatable: bool | None = None
    removed_options: tuple[int, ...] = ()


class RemoveColumn(Order):
    """One of the customer's own, with everything that rows have in it."""

    do: Literal["remove_column"]
    column: str


class ChangeTable(Order):
    do: Literal["change_table"]
    has_change_tracking: bool | None = None
    has_concurrency: bool | None = None


class RemoveKey(Order):
    do: Literal["remove_key"]
    name: str


AnyOrder = Annotated[
    AddColumn | AddOption | AddKey | ChangeColumn | RemoveColumn | ChangeTable | RemoveKey, Field(discriminator="do")
]
ORDER: TypeAdapter[AnyOrder] = TypeAdapter(AnyOrder)
_MAX_KEYS = 10
_CHANGEABLE = {"max_length", "minimum", "maximum", "required", "creatable", "updatable"}


class Customizations:
    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema

    def repeat(self) -> None:
        """What was ordered before a restart."""
        for order in self._kept():
            self._apply(ORDER.validate_python(order))

    def order(self, order: AnyOrder) -> None:
        if table := self._schema.find(order.table):
            order = order.model_copy(update={"table": table.name})
        self._apply(order)
        if isinstance(order, RemoveColumn):
            # Repeating how it came and went would take a later column of the same name along.
            self._keep([kept for kept in self._kept() if not _is_about(kept, order.table, order.column)])
        else:
            self._keep([*self._kept(), order.model_dump(mode="json")])

    def forget(self) -> None:
        self._keep([])

    def _keep(self, orders: Sequence[Mapping[str, object]]) -> None:
        self._database.set_fact(_FACT, json.dumps(orders))

    def _kept(self) -> list[Mapping[str, object]]:
        return list(json.loads(self._database.fact(_FACT) or "[]"))

    def _apply(self, order: AnyOrder) -> None:
        table = self._schema.find(order.table)
        if table is None:
            raise errors.table_unknown(order.table)
        self._require_known_targets(order)
        changed = _changed(table, order)
        self._schema.put(changed)
        self._database.create(changed)
        if isinstance(order, RemoveColumn):
            self._database.drop_column(table, table.columns[order.column])

    def _require_known_targets(self, order: AnyOrder) -> None:
        for target in order.targets if isinstance(order, AddColumn) else ():
            if target not in self._schema.tables:
                raise errors.table_unknown(target)


def _changed(table: Table, order: AnyOrder) -> Table:
    match order:
        case AddColumn():
            column = _column(order)
            _require_replaceable(table, column)
            return _with_column(table, column, _singles(column, table))
        case AddOption():
            return _with_column(table, _with_option(_existing(table, order.column), order.option.option()))
        case ChangeColumn():
            return _with_column(table, _changed_column(_existing(table, order.column), order))
        case RemoveColumn():
            return _without_column(table, _existing(table, order.column))
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


def _is_about(kept: Mapping[str, Any], table: str, column: str) -> bool:
    names = {kept["name"]} if kept["do"] == "add_column" else {kept.get("column"), *kept.get("columns", ())}
    return kept["table"] == table and column in names


def _with_column(table: Table, column: Column, singles: Iterable[Single] = ()) -> Table:
    columns = {**table.columns, column.name: column}
    navigation = {**table.singles, **{single.name: single for single in singles}}
    readable = readable_names(columns.values())
    return dataclasses.replace(table, columns=columns, singles=navigation, readable_names=readable)


def _without_column(table: Table, column: Column) -> Table:
    if not column.custom:
        raise errors.invalid_argument(f"The column {column.name} came with the table and cannot be removed.")
    if key := next((key for key in table.keys if column.name in key.columns), None):
        raise errors.invalid_argument(f"The column {column.name} is part of the key {key.name}.")
    columns = {name: other for name, other in table.columns.items() if name != column.name}
    singles = {name: single for name, single in table.singles.items() if single.column != column.name}
    readable = readable_names(columns.values())
    return dataclasses.replace(table, columns=columns, singles=singles, readable_names=readable)


def _require_replaceable(table: Table, column: Column) -> None:
    present = table.columns.get(column.name)
    if present is not None and not present.custom:
        raise errors.invalid_argument(f"The column {column.name} came with the table; it can be changed, not replaced.")
    if present is not None and (present.kind, present.targets) != (column.kind, column.targets):
        raise errors.invalid_argument(f"The column {column.name} is there with another type, {present.kind}.")


def _column(order: AddColumn) -> Column:
    schema_name = order.schema_name or order.name
    targets = targets_of(order.type, order.targets)
    return Column(
        name=order.name,
        schema_name=schema_name,
        kind=order.type,
        labels={ENGLISH: order.label or order.name, **order.labels},
        required=order.required,
        format="Text" if order.type == "String" else None,
        behavior=order.behavior or ("UserLocal" if order.type == "DateTime" else None),
        max_length=length_of(order.type, order.max_length),
        minimum=order.minimum,
        maximum=order.maximum,
        precision=order.precision,
        targets=targets,
        binds=navigation_names(schema_name, targets),
        options=options_of(order.type, tuple(option.option() for option in order.options)),
        default=order.default,
        custom=True,
    )


def _singles(column: Column, table: Table) -> Iterable[Single]:
    for target, name in column.binds.items():
        yield Single(name, f"{target}_{table.name}_{column.name}", column.name, target)


def _with_option(column: Column, option: Option) -> Column:
    others = [known for known in column.options if known.value != option.value]
    replaced = next((known for known in column.options if known.value == option.value), None)
    if replaced:
        option = dataclasses.replace(option, state=replaced.state, default_status=replaced.default_status)
    return dataclasses.replace(column, options=tuple(sorted((*others, option), key=lambda known: known.value)))


def _changed_column(column: Column, order: ChangeColumn) -> Column:
    facts = order.model_dump(include=_CHANGEABLE, exclude_none=True)
    length_of(column.kind, order.max_length)
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
