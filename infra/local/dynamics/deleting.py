"""Deleting a row, and what becomes of the rows that point at it."""

from infra.local.dynamics import errors
from infra.local.dynamics.database import Row
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.schema import Association, Children, Table
from infra.local.dynamics.work import Work

# Children that go with their parent; every other lookup at a deleted row is emptied.
_GO_ALONG = frozenset({("annotation", "objectid"), ("activityparty", "activityid"), ("contact", "parentcustomerid")})


# Rows that everything else hangs on.
_NEVER_DELETED = frozenset({"systemuser", "businessunit", "transactioncurrency"})


def delete_row(work: Work, table: Table, row: Row) -> None:
    work.caller.require_row(Verb.DELETE, table, row)
    if table.name in _NEVER_DELETED:
        raise errors.delete_blocked(table.name)
    with work.database.transaction():
        _delete(work, table, row[table.id])


def _delete(work: Work, table: Table, row_id: str) -> None:
    work.database.delete(table, row_id, at=work.moment)
    for relation in work.schema.collections(table.name).values():
        if isinstance(relation, Association):
            _forget_pairs(work, relation, row_id)
        else:
            _forget_parent(work, table, relation, row_id)


def _forget_pairs(work: Work, relation: Association, row_id: str) -> None:
    intersect = work.schema.tables[relation.intersect]
    for pair_id in work.database.ids_where(intersect, {relation.near: row_id}):
        work.database.delete(intersect, pair_id, at=work.moment)


def _forget_parent(work: Work, table: Table, relation: Children, row_id: str) -> None:
    child = work.schema.tables[relation.child]
    column = child.columns[relation.column]
    link = {column.name: row_id, **({column.type_name: table.name} if column.type_name else {})}
    for child_id in work.database.ids_where(child, link):
        if (child.name, column.name) in _GO_ALONG and child_id != row_id:
            _delete(work, child, child_id)
        else:
            work.database.update(child, child_id, dict.fromkeys(link))
