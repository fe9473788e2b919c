"""A query of rows → rows: columns, conditions, order, pages.

Duty: the SELECT. How rows become JSON is `representation`'s; which options a request has, `query_options` read; what
order is, `ordering` says.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/overview
"""

# ruff: noqa: S608  # names in SQL come from the schema; values are always parameters

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.database import VERSION, Database, Row
from infra.local.dynamics.filter_sql import Scope
from infra.local.dynamics.ordering import Sorted, after
from infra.local.dynamics.schema import Column, Table
from infra.local.dynamics.sql import Sql, joined

_CURRENCY: Final = "transactioncurrencyid"


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    last: list[Any] | None
    """What the last row was ordered by; None when nothing follows."""


def selected_columns(table: Table, names: Sequence[str]) -> list[Column]:
    """All of them, when none is named. The primary key always comes along, and amounts bring their currency."""
    if not names:
        return list(table.readable_names.values())
    columns = {table.id: table.columns[table.id]}
    for name in names:
        column = table.readable_names.get(name)
        if column is None:
            raise errors.property_unknown(name, table.name)
        columns[column.name] = column
    if any(column.kind == "Money" for column in columns.values()) and (currency := table.lookup(_CURRENCY)):
        columns.setdefault(_CURRENCY, currency)
    return list(columns.values())


def select_page(
    database: Database,
    scope: Scope,
    *,
    columns: Sequence[Column],
    source: Sql,
    order: Sequence[Sorted],
    limit: int,
    behind: Sequence[Any] | None = None,
) -> Page:
    """Up to `limit` rows of `FROM … WHERE …`, those that come after a row with the sort values `behind`."""
    if behind is not None:
        source = joined(" AND ", [source, after(order, behind)])
    names = stored_names(columns, scope.table)
    picked = ", ".join(f'{scope.alias}."{name}"' for name in names)
    keys = joined(", ", [part.sql for part in order])
    by = ", ".join(part.sql.text + (" DESC" if part.descending else "") for part in order)
    text = f"SELECT {picked}, {keys.text} {source.text} ORDER BY {by} LIMIT {limit + 1}"
    found = database.select(text, (*keys.values, *source.values, *keys.values))
    rows = [dict(zip(names, row, strict=False)) for row in found[:limit]]
    more = len(found) > limit
    return Page(rows, list(found[limit - 1][len(names) :]) if more and limit else None)


def count_rows(database: Database, source: Sql, *, limit: int) -> int:
    found = database.select(f"SELECT count(*) FROM (SELECT 1 {source.text} LIMIT {limit})", source.values)
    return int(found[0][0])


def stored_names(columns: Sequence[Column], table: Table) -> list[str]:
    names = dict.fromkeys((table.id, VERSION))
    for column in columns:
        names[column.name] = None
        if column.type_name:
            names[column.type_name] = None
    return list(names)
