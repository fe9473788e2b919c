"""Which rows of a table a caller sees, as a condition.

Duty: rows out of reach are left out of queries in silence [D]. One row asked for by id is `callers`' to refuse.
"""

from infra.local.dynamics.callers import Caller
from infra.local.dynamics.privileges import Depth, Verb
from infra.local.dynamics.schema import Table
from infra.local.dynamics.sql import Sql


def within_reach(caller: Caller, table: Table, alias: str) -> Sql:
    """With user depth, only own rows."""
    if table.is_owned and caller.depth(Verb.READ, table) == Depth.BASIC:
        return Sql(f"{alias}.ownerid = ?", (caller.user_id,))
    return Sql("1")
