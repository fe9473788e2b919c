"""Rows in SQLite: one SQL table per table, one SQL column per column.

Duty: the connection, transactions, versions, and single rows by id. Queries of several rows are `selection`'s; what a
row may hold is decided before it comes here.
"""

# ruff: noqa: S608  # names in SQL come from the schema; values are always parameters

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra.local.dynamics.collation import fold, matches
from infra.local.dynamics.schema import CHOICE_KINDS, TEXT_KINDS, Column, Table

VERSION: Final = "versionnumber"
Row = dict[str, Any]
_SHARED: Final = CHOICE_KINDS | {"Owner"}
_SQL_TYPES: Final = {"Integer": "INTEGER", "BigInt": "INTEGER", "Decimal": "REAL", "Double": "REAL", "Money": "REAL"}


class Database:
    """Not safe for threads; every environment has one, used from its server's thread alone."""

    def __init__(self, file: Path | None) -> None:
        self._connection = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
        self._connection.create_function("fold", 1, fold, deterministic=True)
        self._connection.create_function("matches", 2, matches, deterministic=True)
        # What was answered must survive the death of this process, not of the machine.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS _facts (name TEXT PRIMARY KEY, value TEXT)")
        self._connection.execute("CREATE TABLE IF NOT EXISTS _deleted (name TEXT, id TEXT, version INTEGER, at TEXT)")
        self._depth = 0
        self._version = 0
        self._indexed: set[tuple[str, str]] = set()
        self.changes: Counter[str] = Counter()
        """Writes so far, by table."""
        self.rows_shown = 0
        """Rows that requests were answered with; what the simulator looks up for itself does not count."""

    def close(self) -> None:
        self._connection.close()

    # --- tables -----------------------------------------------------------------------------------------------------

    def create(self, table: Table) -> None:
        """The SQL table, or those of its columns that are not there yet."""
        wanted = {table.id: "TEXT PRIMARY KEY", VERSION: "INTEGER"}
        wanted = {**wanted, **{name: kind for name, kind in _sql_columns(table.columns.values()) if name not in wanted}}
        sql_columns = ", ".join(f'"{name}" {kind}' for name, kind in wanted.items())
        self._connection.execute(f'CREATE TABLE IF NOT EXISTS "{table.name}" ({sql_columns})')
        there = {row[1] for row in self._connection.execute(f'PRAGMA table_info("{table.name}")')}
        for name in wanted.keys() - there:
            self._connection.execute(f'ALTER TABLE "{table.name}" ADD COLUMN "{name}" {wanted[name]}')
        highest = self._connection.execute(f'SELECT max({VERSION}) FROM "{table.name}"').fetchone()[0]
        self._version = max(self._version, highest or 0, self._highest_deleted())

    def drop_column(self, table: Table, column: Column) -> None:
        self._connection.execute(f'DROP INDEX IF EXISTS "by_{table.name}_{column.name}"')
        self._indexed.discard((table.name, column.name))
        for name, _ in _sql_columns([column]):
            self._connection.execute(f'ALTER TABLE "{table.name}" DROP COLUMN "{name}"')

    def drop_all(self) -> None:
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if not name.startswith(("_facts", "_deleted", "sqlite_")):
                self._connection.execute(f'DROP TABLE "{name}"')
        self._connection.execute("DELETE FROM _deleted")
        self._indexed.clear()

    def index(self, table: Table, column: Column) -> None:
        """So that look-ups by a column that is asked for stay fast; texts by their fold.

        Not by what thousands of rows share: SQLite might take that index rather than the e-mail's.
        """
        if (table.name, column.name) in self._indexed or column.kind in _SHARED:
            return
        term = f'fold("{column.name}")' if column.kind in TEXT_KINDS else f'"{column.name}"'
        name = f"by_{table.name}_{column.name}"
        self._connection.execute(f'CREATE INDEX IF NOT EXISTS "{name}" ON "{table.name}" ({term})')
        self._indexed.add((table.name, column.name))

    def _highest_deleted(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(version), 0) FROM _deleted").fetchone()[0])

    # --- facts about the environment --------------------------------------------------------------------------------

    def fact(self, name: str) -> str | None:
        found = self._connection.execute("SELECT value FROM _facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def set_fact(self, name: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO _facts VALUES (?, ?)", (name, value))

    # --- rows -------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may stand inside another one."""
        name = f"level_{self._depth}"
        self._connection.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._connection.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._depth -= 1
            self._connection.execute(f"RELEASE {name}")

    @property
    def version(self) -> int:
        """The newest version that any row has."""
        return self._version

    def _change(self, table: Table) -> int:
        self.changes[table.name] += 1
        self._version += 1
        return self._version

    def select(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def fetch(self, table: Table, row_id: str) -> Row | None:
        cursor = self._connection.execute(f'SELECT * FROM "{table.name}" WHERE "{table.id}" = ?', (row_id,))
        found = cursor.fetchone()
        return dict(zip((column[0] for column in cursor.description), found, strict=True)) if found else None

    def fetch_all(self, table: Table) -> list[Row]:
        """As they came in."""
        cursor = self._connection.execute(f'SELECT * FROM "{table.name}" ORDER BY rowid')
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def insert(self, table: Table, values: Mapping[str, object]) -> None:
        values = {**values, VERSION: self._change(table)}
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        self._connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', tuple(values.values()))

    def update(self, table: Table, row_id: str, values: Mapping[str, object]) -> None:
        values = {**values, VERSION: self._change(table)}
        changes = ", ".join(f'"{name}" = ?' for name in values)
        sql = f'UPDATE "{table.name}" SET {changes} WHERE "{table.id}" = ?'
        self._connection.execute(sql, (*values.values(), row_id))

    def delete(self, table: Table, row_id: str, *, at: str) -> None:
        self._connection.execute(f'DELETE FROM "{table.name}" WHERE "{table.id}" = ?', (row_id,))
        entry = (table.name, row_id, self._change(table), at)
        self._connection.execute("INSERT INTO _deleted VALUES (?, ?, ?, ?)", entry)

    def ids_where(self, table: Table, values: Mapping[str, object]) -> list[str]:
        """Ids of rows with just these stored values; texts as the collation compares them."""
        terms, parameters = [], []
        for name, value in values.items():
            column = table.columns.get(name)
            is_text = column is not None and column.kind in TEXT_KINDS
            if column is not None:
                self.index(table, column)
            terms.append(f'fold("{name}") = ?' if is_text else f'"{name}" = ?')
            parameters.append(fold(str(value)) if is_text else value)
        sql = f'SELECT "{table.id}" FROM "{table.name}" WHERE {" AND ".join(terms)}'
        return [found for (found,) in self._connection.execute(sql, parameters)]


def _sql_columns(columns: Iterable[Column]) -> Iterator[tuple[str, str]]:
    for column in columns:
        if column.is_stored:
            yield column.name, _SQL_TYPES.get(column.kind, "TEXT" if column.kind in TEXT_KINDS else "")
            if column.type_name:
                yield column.type_name, "TEXT"
