"""The rows of one environment in SQLite. Knows columns and conditions; what may be written, `writes` knows.

Every change takes the next number of one counter, as rowversion does in SQL Server; ETags are made of it.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local.dynamics.collation import fold
from infra.local.dynamics.tables import Column, Table

# What look-ups search by; an index on the folded text keeps them fast.
_INDEXED = {"emailaddress1", "emailaddress2", "emailaddress3", "lastname", "fullname", "name", "internalemailaddress"}
_NUMBERS = {"Integer", "BigInt", "Picklist", "State", "Status", "Boolean"}

Row = dict[str, Any]


class Store:
    def __init__(self, tables: Mapping[str, Table], database: Path | None) -> None:
        self._tables = tables
        self._sqlite = sqlite3.connect(database or ":memory:", check_same_thread=False, isolation_level=None)
        self._sqlite.row_factory = sqlite3.Row
        self._sqlite.create_function("fold", 1, fold, deterministic=True)
        self._sqlite.execute("PRAGMA synchronous = OFF")
        self._sqlite.execute("PRAGMA journal_mode = WAL")
        self._depth = 0
        self._sqlite.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT)")
        for table in tables.values():
            self._make(table)

    def close(self) -> None:
        self._sqlite.close()

    def fact(self, name: str, default: str) -> str:
        """Something about the environment that outlives the process; kept as first said."""
        self._sqlite.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, default))
        return str(self._sqlite.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """All that is written in the block, or nothing of it."""
        self._depth += 1
        name = f"level{self._depth}"
        self._sqlite.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._sqlite.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._sqlite.execute(f"RELEASE {name}")
            self._depth -= 1

    def get(self, table: Table, row_id: str) -> Row | None:
        found = self._sqlite.execute(
            f'SELECT * FROM "{table.name}" WHERE "{table.id_column}" = ?', (row_id,)
        ).fetchone()
        return dict(found) if found else None

    def put(self, table: Table, values: Row) -> None:
        """Inserts the row, or writes these columns of the one with its id."""
        values = {**values, "versionnumber": self._next_version()}
        if self.get(table, values[table.id_column]) is None:
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join("?" for _ in values)
            self._sqlite.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(values.values()))
            return
        changed = ", ".join(f'"{name}" = ?' for name in values)
        condition = f'WHERE "{table.id_column}" = ?'
        self._sqlite.execute(
            f'UPDATE "{table.name}" SET {changed} {condition}', [*values.values(), values[table.id_column]]
        )

    def delete(self, table: Table, row_id: str) -> None:
        self._sqlite.execute(f'DELETE FROM "{table.name}" WHERE "{table.id_column}" = ?', (row_id,))

    def select(
        self,
        table: Table,
        where: str = "1",
        parameters: Sequence[Any] = (),
        *,
        order: str = "rowid",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Row]:
        query = f'SELECT * FROM "{table.name}" WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?'
        return [dict(row) for row in self._sqlite.execute(query, [*parameters, limit, offset])]

    def count(self, table: Table, where: str, parameters: Sequence[Any]) -> int:
        query = f'SELECT COUNT(*) FROM "{table.name}" WHERE {where}'
        return int(self._sqlite.execute(query, list(parameters)).fetchone()[0])

    def clear(self) -> None:
        for table in self._tables.values():
            self._sqlite.execute(f'DELETE FROM "{table.name}"')

    def _next_version(self) -> int:
        version = int(self.fact("version", "4400000")) + 1
        self._sqlite.execute("UPDATE facts SET value = ? WHERE name = 'version'", (str(version),))
        return version

    def _make(self, table: Table) -> None:
        columns = [definition for column in table.stored for definition in _definitions(column, table)]
        if "versionnumber" not in table.columns:
            columns.append('"versionnumber" INTEGER')
        self._sqlite.execute(f'CREATE TABLE IF NOT EXISTS "{table.name}" ({", ".join(columns)})')
        for name in _INDEXED & table.columns.keys():
            self._sqlite.execute(f'CREATE INDEX IF NOT EXISTS "{table.name}_{name}" ON "{table.name}" (fold("{name}"))')


def _definitions(column: Column, table: Table) -> Iterator[str]:
    """A lookup that may lead to several tables also keeps to which."""
    if column.name == table.id_column:
        yield f'"{column.name}" TEXT PRIMARY KEY'
    else:
        kind = (
            "INTEGER"
            if column.type in _NUMBERS
            else "REAL"
            if column.type in ("Decimal", "Double", "Money")
            else "TEXT"
        )
        yield f'"{column.name}" {kind}'
    if column.is_lookup:
        yield f'"{column.name}__table" TEXT'
