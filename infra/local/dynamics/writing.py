"""Making, changing and deleting one row, with everything that Dataverse checks and does on the way.

Duty: the order of checks: privileges, body, state, owner, keys, duplicate rules. Conditions of HTTP (If-Match and the
like) are `row_requests`'.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.body import Body, given_id, put_lookup, read_body
from infra.local.dynamics.database import Row
from infra.local.dynamics.deleting import delete_row as delete_row  # noqa: PLC0414  # one door for all writes
from infra.local.dynamics.duplicate_rules import breaks_a_rule
from infra.local.dynamics.platform_columns import derive, for_changed_row, for_new_row, set_owner
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.schema import Column, Table
from infra.local.dynamics.states import settle_state
from infra.local.dynamics.work import Work

# Columns the platform fills by itself, although they are required.
_FILLED = frozenset({"statecode", "ownerid", "activitytypecode", "instancetypecode", "isregularactivity"})


def create_row(work: Work, table: Table, given: Mapping[str, Any], *, key: Mapping[str, Any] | None = None) -> str:
    """`key` is what the address said about the new row; a differing body wins, except for the primary key."""
    work.caller.require(Verb.CREATE, table)
    with work.database.transaction():
        body = read_body(work, table, given, creating=True)
        _make_parents(work, table, body)
        address_id = (key or {}).get(table.id)
        row_id = address_id or given_id(table, given) or str(uuid.uuid4())
        values = {**(key or {}), **body.values, table.id: row_id}
        _require_new_id(work, table, row_id)
        settle_state(table, values, {})
        for_new_row(work, table, values)
        _settle_owner(work, table, body, values, current={})
        _require_columns(table, values)
        derive(table, values, {})
        _require_binding_privileges(work, table, body)
        _require_unique(work, table, row_id, values)
        _require_no_duplicate(work, table, row_id, values)
        work.database.insert(table, values)
        _make_children(work, table, row_id, body)
    return row_id


def update_row(work: Work, table: Table, row: Row, given: Mapping[str, Any]) -> None:
    work.caller.require_row(Verb.WRITE, table, row)
    with work.database.transaction():
        body = read_body(work, table, given, creating=False)
        _make_parents(work, table, body)
        row_id, values = row[table.id], body.values
        values.pop(table.id, None)
        settle_state(table, values, row)
        for_changed_row(work, table, values)
        _settle_owner(work, table, body, values, current=row)
        derive(table, values, row)
        _require_binding_privileges(work, table, body)
        _require_unique(work, table, row_id, {**row, **values})
        if work.checks_duplicates:
            _require_no_duplicate(work, table, row_id, {**row, **values})
        work.database.update(table, row_id, values)
        _make_children(work, table, row_id, body)


def _make_parents(work: Work, table: Table, body: Body) -> None:
    for single, given in body.parents:
        parent = work.schema.tables.get(single.target)
        if parent is None:
            raise errors.segment_unknown(single.target)
        put_lookup(body, table.columns[single.column], parent, create_row(work, parent, given))


def _make_children(work: Work, table: Table, row_id: str, body: Body) -> None:
    for relation, rows in body.children:
        child = work.schema.tables[relation.child]
        column = child.columns[relation.column]
        link = {column.name: row_id, **({column.type_name: table.name} if column.type_name else {})}
        for given in rows:
            create_row(work, child, given, key=link)


def _require_new_id(work: Work, table: Table, row_id: str) -> None:
    if work.database.fetch(table, row_id) is not None:
        raise errors.row_exists()


def _require_columns(table: Table, values: Mapping[str, Any]) -> None:
    """Only what the system requires; what forms require is the forms' affair."""
    for column in table.columns.values():
        if _must_be_given(table, column) and values.get(column.name) is None:
            raise errors.required_missing(column.name)


def _must_be_given(table: Table, column: Column) -> bool:
    return (
        column.required == "SystemRequired"
        and column.creatable
        and column.is_stored
        and column.name not in _FILLED
        and column.name != table.id
        and table.name != "systemuser"
    )


def _settle_owner(work: Work, table: Table, body: Body, values: dict[str, Any], *, current: Mapping[str, Any]) -> None:
    if not table.is_owned:
        return
    given = next(((target, row_id) for column, target, row_id in body.bound if column.kind == "Owner"), None)
    if given is None:
        if not current:
            set_owner(work, table, values, "systemuser", work.caller.user_id)
        return
    target, owner_id = given
    if owner_id != (current.get("ownerid") or work.caller.user_id):
        work.caller.require(Verb.ASSIGN, table)
        _require_able_owner(work, table, target, owner_id)
    set_owner(work, table, values, target.name, owner_id)


def _require_able_owner(work: Work, table: Table, target: Table, owner_id: str) -> None:
    owner = work.database.fetch(target, owner_id)
    if owner and owner.get("isdisabled"):
        raise errors.owner_disabled(owner_id)
    if f"prv{Verb.READ}{table.privilege}" not in work.environment.callers.privileges(owner_id):
        raise errors.owner_lacks_privilege()


def _require_binding_privileges(work: Work, table: Table, body: Body) -> None:
    for column, target, _ in body.bound:
        if column.kind != "Owner":
            work.caller.require(Verb.APPEND, table)
            work.caller.require(Verb.APPEND_TO, target)


def _require_unique(work: Work, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    """Alternate keys; a row with null in a key column is not checked."""
    for key in table.keys:
        wanted = {name: values.get(name) for name in key.columns}
        if any(value is None for value in wanted.values()):
            continue
        if any(found != row_id for found in work.database.ids_where(table, wanted)):
            labels = ", ".join(next(iter(table.columns[name].labels.values()), name) for name in key.columns)
            raise errors.key_taken(key.label, labels)


def _require_no_duplicate(work: Work, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    rules = work.environment.duplicate_rules
    if work.checks_duplicates and breaks_a_rule(rules, work.database, table, row_id, values):
        raise errors.duplicate_found(work.environment.contested.duplicate_rule_status)
