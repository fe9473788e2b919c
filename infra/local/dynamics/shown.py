"""A stored row as the Web API shows it: types on the wire, lookups as `_x_value`, labels and names as annotations.

https://learn.microsoft.com/dynamics365/customer-engagement/web-api/web-api-types-operations
"""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.dynamics.store import Row, Store
from infra.local.dynamics.tables import Column, Table

_FORMATTED = "OData.Community.Display.V1.FormattedValue"
_TARGET = "Microsoft.Dynamics.CRM.lookuplogicalname"
_NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


class Shower:
    """Shows rows with the annotations that a request asked for ("*" or a list of names)."""

    def __init__(self, store: Store, tables: Mapping[str, Table], annotations: frozenset[str]) -> None:
        self._store = store
        self._tables = tables
        self._annotations = annotations

    def shown(self, table: Table, row: Row, columns: Iterable[Column]) -> dict[str, Any]:
        """The ETag and the primary id come also when they were not selected."""
        shown: dict[str, Any] = {"@odata.etag": etag(row)}
        for column in columns:
            value = wire_value(column, row.get(column.name))
            shown |= self._annotated(column, row, value)
            shown[column.read_name] = value
        shown[table.id_column] = row[table.id_column]
        return shown

    def _annotated(self, column: Column, row: Row, value: Any) -> dict[str, Any]:
        if value is None or not self._annotations:
            return {}
        found: dict[str, Any] = {}
        if self._asked(_FORMATTED) and (text := self._formatted(column, row, value)):
            found[f"{column.read_name}@{_FORMATTED}"] = text
        if column.is_lookup:
            target = row.get(f"{column.name}__table") or column.targets[0]
            if self._asked(_NAVIGATION):
                found[f"{column.read_name}@{_NAVIGATION}"] = column.navigation.get(target, column.name)
            if self._asked(_TARGET):
                found[f"{column.read_name}@{_TARGET}"] = target
        return found

    def _asked(self, name: str) -> bool:
        return "*" in self._annotations or name in self._annotations

    def _formatted(self, column: Column, row: Row, value: Any) -> str:
        if column.is_lookup:
            return self._name_of(row.get(f"{column.name}__table") or column.targets[0], value)
        if column.options:
            wanted = int(value)
            return next((option.label for option in column.options if option.value == wanted), "")
        return str(value) if column.type in ("Integer", "Decimal", "Double", "Money", "DateTime") else ""

    def _name_of(self, target: str, row_id: str) -> str:
        table = self._tables.get(target)
        row = self._store.get(table, row_id) if table else None
        return str(row.get(table.name_column) or "") if row and table else ""


def wire_value(column: Column, stored: Any) -> Any:
    if stored is None:
        return None
    match column.type:
        case "Boolean":
            return bool(stored)
        case "Integer" | "Picklist" | "State" | "Status" | "BigInt":
            return int(stored)
        case _:
            return stored
