"""What a query expands: names and privileges, checked before any row is read.

Duty: that tables behind a lookup or a collection need the privilege to read like the first one [K]. Which of their
rows are seen is `reach`'s, paths in filters are `filter_sql`'s.
"""

from collections.abc import Iterable

from infra.local.dynamics import errors
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.query_options import Expand
from infra.local.dynamics.schema import Association, Schema, Table
from infra.local.dynamics.selection import selected_columns


def require_expandable(caller: Caller, schema: Schema, table: Table, expand: Iterable[Expand]) -> None:
    """Also when there is no row to expand from: names and privileges are checked with the query."""
    for part in expand:
        target = _target(schema, table, part.name)
        if target is not None:
            caller.require(Verb.READ, target)
            selected_columns(target, part.options.select)
            require_expandable(caller, schema, target, part.options.expand)


def _target(schema: Schema, table: Table, name: str) -> Table | None:
    """None for a lookup of a table that is not simulated, which is always empty."""
    if single := table.singles.get(name):
        return schema.tables.get(single.target)
    relation = schema.collections(table.name).get(name)
    if relation is None:
        raise errors.property_unknown(name, table.name)
    return schema.tables[relation.target if isinstance(relation, Association) else relation.child]
