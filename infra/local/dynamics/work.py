"""What every step of one operation needs at hand: the environment, who asks, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById, RowKey, reference, row_key
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.database import Database, Row
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.schema import Schema, Table
from infra.local.dynamics.values import moment_text, stored_value


@dataclass(frozen=True, slots=True)
class Work:
    environment: Environment
    caller: Caller
    now: datetime
    checks_duplicates: bool = False

    @property
    def database(self) -> Database:
        return self.environment.database

    @property
    def schema(self) -> Schema:
        return self.environment.schema

    @property
    def moment(self) -> str:
        return moment_text(self.now)

    def find(self, table: Table, key: RowKey) -> Row | None:
        if isinstance(key, ById):
            return self.database.fetch(table, key.row_id)
        ids = self.database.ids_where(table, self.key_values(table, key))
        return self.database.fetch(table, ids[0]) if ids else None

    def key_values(self, table: Table, key: RowKey) -> dict[str, Any]:
        """What a row made under this key holds."""
        if isinstance(key, ById):
            return {table.id: key.row_id}
        return {name: self._key_value(table, name, value) for name, value in key.values.items()}

    def require(self, table: Table, key: RowKey) -> Row:
        row = self.find(table, key)
        if row is None:
            raise missing(table, key)
        return row

    def target(self, text: str) -> tuple[Table, str]:
        """The table and id that a reference in a body points at. Raises when no such row is there."""
        segment = reference(text)
        table = self.schema.sets.get(segment.name)
        if table is None or segment.arguments is None:
            raise errors.query_invalid(f"Resource not found for the segment '{segment.name}'.")
        row = self.find(table, key := row_key(table, segment.arguments))
        if row is None:
            status = self.environment.contested.bind_target_missing_status
            raise missing(table, key, status=status)
        return table, row[table.id]

    def _key_value(self, table: Table, name: str, value: Any) -> Any:
        column = table.columns[name]
        return str(value).lower() if column.is_lookup else stored_value(table, column, value)


def missing(table: Table, key: RowKey, *, status: int = 404) -> errors.DataverseError:
    if isinstance(key, ById):
        return errors.row_missing(table.schema_name, key.row_id, status=status)
    return errors.row_missing_by_key(table.schema_name)
