"""Merge: one row stays, the other is deactivated and points at it.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/merge-entity-using-web-api
"""

from collections.abc import Mapping
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById
from infra.local.dynamics.database import Row
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.schema import Children, Table
from infra.local.dynamics.states import inactive_state, settle_state
from infra.local.dynamics.values import guid
from infra.local.dynamics.work import Work
from infra.local.dynamics.writing import update_row

_MERGEABLE: Final = frozenset({"account", "contact", "lead"})
_KEPT_BY_LOSER: Final = frozenset({"masterid"})


def merge(work: Work, given: Mapping[str, Any]) -> None:
    table, winner = _row(work, given.get("Target"))
    other_table, loser = _row(work, given.get("Subordinate"))
    if table.name not in _MERGEABLE or table is not other_table or winner[table.id] == loser[table.id]:
        raise errors.invalid_argument("Only two different rows of account, contact or lead can be merged.")
    for row in (winner, loser):
        work.caller.require_row(Verb.WRITE, table, row)
        if row["merged"]:
            raise errors.invalid_argument("A row that was merged away cannot be merged again.")
    content = given.get("UpdateContent")
    if isinstance(content, dict):
        update_row(work, table, winner, content)
    _move_children(work, table, loser[table.id], winner[table.id])
    _close(work, table, loser, winner[table.id])


def _row(work: Work, given: object) -> tuple[Table, Row]:
    if not isinstance(given, dict):
        raise errors.payload("Merge", "Target and Subordinate are needed.")
    name = str(given.get("@odata.type", "")).removeprefix("#").removeprefix("Microsoft.Dynamics.CRM.")
    table = work.schema.tables.get(name)
    row_id = guid(str(given.get(table.id))) if table else None
    if table is None or row_id is None:
        raise errors.payload("Merge", "Target and Subordinate need '@odata.type' and their primary key.")
    return table, work.require(table, ById(row_id))


def _close(work: Work, table: Table, loser: Row, winner_id: str) -> None:
    values: dict[str, Any] = {"statecode": inactive_state(table), "merged": 1, "masterid": winner_id}
    settle_state(table, values, loser)
    values |= {"modifiedon": work.moment, "modifiedby": work.caller.user_id}
    work.database.update(table, loser[table.id], values)


def _move_children(work: Work, table: Table, loser_id: str, winner_id: str) -> None:
    """Notes, activities and other rows of the loser are the winner's now."""
    for relation in work.schema.collections(table.name).values():
        if not isinstance(relation, Children) or relation.column in _KEPT_BY_LOSER:
            continue
        child = work.schema.tables[relation.child]
        column = child.columns[relation.column]
        link = {column.name: loser_id, **({column.type_name: table.name} if column.type_name else {})}
        for child_id in work.database.ids_where(child, link):
            work.database.update(child, child_id, {column.name: winner_id})
