"""A body's properties → what to store.

Duty: which names are known, how lookups are bound, what is ignored. Range and type of values are `values`'; what the
platform adds by itself is `platform_columns`'.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/create-entity-web-api
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.schema import Children, Column, Single, Table
from infra.local.dynamics.values import guid, stored_value
from infra.local.dynamics.work import Work

_BIND: Final = "@odata.bind"


@dataclass(slots=True)
class Body:
    values: dict[str, Any] = field(default_factory=dict)
    """By the names the database uses."""
    bound: list[tuple[Column, Table, str]] = field(default_factory=list)
    """Lookups that now point somewhere."""
    parents: list[tuple[Single, Mapping[str, Any]]] = field(default_factory=list)
    children: list[tuple[Children, list[Mapping[str, Any]]]] = field(default_factory=list)


def read_body(work: Work, table: Table, given: Mapping[str, Any], *, creating: bool) -> Body:
    body = Body()
    for name, value in given.items():
        if name.endswith(_BIND):
            _bind(work, table, body, name, value, creating=creating)
        elif "@" not in name:
            _property(work, table, body, name, value, creating=creating)
    return body


def is_settable(column: Column, *, creating: bool) -> bool:
    return column.creatable if creating else column.updatable


def _property(work: Work, table: Table, body: Body, name: str, value: Any, *, creating: bool) -> None:
    column = table.columns.get(name)
    if name in table.singles and value is None:
        _bind(work, table, body, name, None, creating=creating)
    elif name in table.singles:
        _deep_parent(table, body, table.singles[name], value)
    elif column is not None and column.is_stored and not column.is_lookup:
        # Values for columns that cannot be set are not an error; they just do nothing.
        stored = stored_value(table, column, value)
        if is_settable(column, creating=creating):
            body.values[name] = stored
    elif name in (collections := work.schema.collections(table.name)):
        _deep_children(table, body, collections[name], value)
    elif name in table.readable_names:
        raise errors.lookup_written_directly()
    else:
        raise errors.unknown_property(table.set_name, table.name, name)


def _bind(work: Work, table: Table, body: Body, name: str, value: Any, *, creating: bool) -> None:
    single = table.singles.get(name.removesuffix(_BIND))
    if single is None:
        raise errors.unknown_bind(table.set_name, name.removesuffix(_BIND))
    column = table.columns[single.column]
    if value is None:
        target, row_id = None, None
    elif isinstance(value, str):
        target, row_id = work.target(value)
        _require_fitting(table, single, column, target)
    else:
        raise errors.payload(table.set_name, f"The value of '{name}' must be a string or null.")
    if not is_settable(column, creating=creating):
        return
    _put_lookup(body, column, target, row_id)


def _require_fitting(table: Table, single: Single, column: Column, target: Table) -> None:
    if column.kind == "Owner":
        if target.name not in column.targets:
            raise errors.owner_invalid()
    elif column.binds.get(target.name) != single.name:
        raise errors.payload(
            table.set_name,
            f"The navigation property '{single.name}' takes 'Microsoft.Dynamics.CRM.{single.target}', "
            f"not 'Microsoft.Dynamics.CRM.{target.name}'.",
        )


def _put_lookup(body: Body, column: Column, target: Table | None, row_id: str | None) -> None:
    body.values[column.name] = row_id
    if column.type_name:
        body.values[column.type_name] = target.name if target else None
    if target is not None and row_id is not None:
        body.bound.append((column, target, row_id))


def put_lookup(body: Body, column: Column, target: Table, row_id: str) -> None:
    """As if the body had bound it."""
    _put_lookup(body, column, target, row_id)


def _deep_parent(table: Table, body: Body, single: Single, value: Any) -> None:
    if not isinstance(value, dict):
        raise errors.payload(
            table.set_name,
            "A 'PrimitiveValue' node with non-null value was found when trying to read the value of a navigation "
            "property; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with null value "
            "was expected.",
        )
    body.parents.append((single, value))


def _deep_children(table: Table, body: Body, relation: object, value: Any) -> None:
    rows = value if isinstance(value, list) and all(isinstance(row, dict) for row in value) else None
    if not isinstance(relation, Children) or rows is None:
        raise errors.payload(table.set_name, "A collection of a one-to-many relationship takes an array of rows.")
    body.children.append((relation, rows))


def given_id(table: Table, given: Mapping[str, Any]) -> str | None:
    """The primary key, when the client chose it."""
    value = given.get(table.id)
    if value is None:
        return None
    found = guid(value) if isinstance(value, str) else None
    if found is None:
        raise errors.payload(table.set_name, f"Cannot convert the literal '{value}' to the expected type 'Edm.Guid'.")
    return found
