"""What rows are ordered by, and which rows come after a given one.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/order-rows

Duty: the terms. Lookups go by the name of the row they point at, choices by their number, null comes first as in SQL
Server, and the primary key comes last, so that pages never overlap.
"""

# ruff: noqa: S608  # names in SQL come from the schema; values are always parameters

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.filter_sql import FilterSql, Scope
from infra.local.dynamics.query_options import Order
from infra.local.dynamics.schema import Column, Schema
from infra.local.dynamics.sql import Sql, joined


@dataclass(frozen=True, slots=True)
class Sorted:
    """One thing that rows are ordered by."""

    sql: Sql
    descending: bool


def sorting(order: Sequence[Order], scope: Scope, filters: FilterSql) -> list[Sorted]:
    asked = [Sorted(_term(part.names, scope, filters), part.descending) for part in order]
    return [*asked, Sorted(Sql(f'{scope.alias}."{scope.table.id}"'), descending=False)]


def _term(names: tuple[str, ...], scope: Scope, filters: FilterSql) -> Sql:
    term = filters.path(names, scope)
    if names[-1].startswith("_") and len(names) > 1:
        raise errors.not_simulated("ordering by a lookup behind a lookup")
    column = scope.table.readable_names.get(names[0])
    if column is not None and column.is_lookup:
        return _name(column, scope, filters.schema)
    return term.sql.wrapped("fold(", ")") if term.type == "String" else term.sql


def _name(column: Column, scope: Scope, schema: Schema) -> Sql:
    targets = [schema.tables[target] for target in column.targets if target in schema.tables]
    names = [
        f'(SELECT fold("{target.primary_name}") FROM "{target.name}" '
        f'WHERE "{target.name}"."{target.id}" = {scope.alias}."{column.name}")'
        for target in targets
        if target.primary_name
    ]
    return Sql(f"coalesce({', '.join(names)}, NULL)" if names else "NULL")


def after(order: Sequence[Sorted], values: Sequence[Any]) -> Sql:
    """Greater in the first term, or equal there and greater in the next, and so on."""
    if len(values) != len(order):
        raise errors.query_invalid("The paging cookie does not fit the order of the rows.")
    choices: list[Sql] = []
    equal: list[Sql] = []
    for part, value in zip(order, values, strict=True):
        choices.append(joined(" AND ", [*equal, _beyond(part, value)]))
        equal.append(Sql(f"{part.sql.text} IS ?", (*part.sql.values, value)))
    return joined(" OR ", choices)


def _beyond(part: Sorted, value: Any) -> Sql:
    term = part.sql
    if value is None:
        return Sql("0") if part.descending else term.wrapped("", " IS NOT NULL")
    if part.descending:
        return Sql(f"{term.text} < ? OR {term.text} IS NULL", (*term.values, value, *term.values))
    return Sql(f"{term.text} > ?", (*term.values, value))
