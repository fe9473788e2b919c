"""Addresses behind a row: single rows, collections, and `$ref` to tie and untie them.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/associate-disassociate-entities-using-web-api
"""

import uuid

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById, RowKey, row_key
from infra.local.dynamics.database import Row
from infra.local.dynamics.exchange import Answer, Request, json_answer, no_content
from infra.local.dynamics.filter_sql import Scope
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.query_options import parse_options
from infra.local.dynamics.representation import lookup_target
from infra.local.dynamics.row_queries import answer_rows, count_answer
from infra.local.dynamics.row_requests import read_row, require_fresh, require_readable
from infra.local.dynamics.schema import Association, Children, Single, Table
from infra.local.dynamics.sql import joined
from infra.local.dynamics.work import Work
from infra.local.dynamics.writing import update_row


def read_single(work: Work, table: Table, key: RowKey, single: Single, request: Request, base: str) -> Answer:
    row, target = require_readable(work, table, key), work.schema.tables.get(single.target)
    column = table.columns[single.column]
    row_id = row[column.name]
    if row_id is None or (target is not None and lookup_target(column, row) != single.target):
        return no_content()
    if target is None:
        raise errors.not_simulated(f"rows of {single.target}, which {single.name} leads to")
    return read_row(work, target, ById(row_id), request, base)


def read_collection(
    work: Work, table: Table, key: RowKey, relation: Children | Association, request: Request, base: str
) -> Answer:
    row, filters = require_readable(work, table, key), work.environment.filters(work.caller)
    options = parse_options(request.query)
    scope, source = filters.related(relation, Scope(table, row=row[table.id]))
    if options.filter is not None:
        source = joined(" AND ", [source, filters.condition(options.filter, scope)])
    path = f"{table.set_name}({row[table.id]})/{relation.name}"
    return answer_rows(work, request, base, scope=scope, source=source, filters=filters, path=path)


def read_reference(work: Work, table: Table, key: RowKey, single: Single, base: str) -> Answer:
    """GET …/parentcustomerid_account/$ref: the address alone."""
    row, column = require_readable(work, table, key), table.columns[single.column]
    target = work.schema.tables.get(single.target)
    if row[column.name] is None or lookup_target(column, row) != single.target:
        return no_content()
    if target is None:
        raise errors.not_simulated(f"rows of {single.target}, which {single.name} leads to")
    where = f"{base}/{target.set_name}({row[column.name]})"
    return json_answer({"@odata.context": f"{base}/$metadata#$ref", "@odata.id": where})


def count_collection(
    work: Work, table: Table, key: RowKey, relation: Children | Association, request: Request
) -> Answer:
    row, filters = require_readable(work, table, key), work.environment.filters(work.caller)
    scope, source = filters.related(relation, Scope(table, row=row[table.id]))
    return count_answer(work, request, scope=scope, source=source, filters=filters)


def tie_single(work: Work, table: Table, key: RowKey, single: Single, request: Request) -> Answer:
    """PUT …/parentcustomerid_account/$ref; DELETE unties."""
    row = work.require(table, key)
    require_fresh(table, row, request.headers.get("if-match"))
    target = str(request.json().get("@odata.id", "")) if request.method == "PUT" else None
    update_row(work, table, row, {f"{single.name}@odata.bind": target})
    return no_content()


def tie_collection(work: Work, table: Table, key: RowKey, relation: Children | Association, request: Request) -> Answer:
    row = work.require(table, key)
    target, row_id = work.target(str(request.json().get("@odata.id", "")))
    if target.name != (relation.target if isinstance(relation, Association) else relation.child):
        raise errors.query_invalid(f"A row of {target.name} does not fit the relationship {relation.name}.")
    if isinstance(relation, Association):
        _require_tying(work, table, target)
        add_pair(work, relation, row[table.id], row_id)
    else:
        _set_parent(work, table, row, target, relation, row_id)
    return no_content()


def untie_collection(work: Work, table: Table, key: RowKey, relation: Children | Association, arguments: str) -> Answer:
    """DELETE …/listlead_association(id)/$ref, or with `?$id=`."""
    row = work.require(table, key)
    target = work.schema.tables[relation.target if isinstance(relation, Association) else relation.child]
    other = work.require(target, row_key(target, arguments))
    if isinstance(relation, Association):
        _require_tying(work, table, target)
        remove_pair(work, relation, row[table.id], other[target.id])
    else:
        update_row(work, target, other, {f"{_single_behind(target, relation, table).name}@odata.bind": None})
    return no_content()


def _require_tying(work: Work, table: Table, target: Table) -> None:
    """The same to tie and to untie; which side appends is documented for some relationships only [K]."""
    work.caller.require(Verb.APPEND_TO, table)
    work.caller.require(Verb.APPEND, target)


def add_pair(work: Work, relation: Association, near: str, far: str) -> bool:
    """False when the two are tied already, which is no error."""
    intersect = work.schema.tables[relation.intersect]
    pair = {relation.near: near, relation.far: far}
    if work.database.ids_where(intersect, pair):
        return False
    if "entitytype" in intersect.columns:
        pair["entitytype"] = relation.target
    work.database.insert(intersect, {intersect.id: str(uuid.uuid4()), **pair})
    return True


def remove_pair(work: Work, relation: Association, near: str, far: str) -> None:
    intersect = work.schema.tables[relation.intersect]
    for pair_id in work.database.ids_where(intersect, {relation.near: near, relation.far: far}):
        work.database.delete(intersect, pair_id, at=work.moment)


def _set_parent(work: Work, table: Table, row: Row, child: Table, relation: Children, child_id: str) -> None:
    single = _single_behind(child, relation, table)
    other = work.require(child, ById(child_id))
    update_row(work, child, other, {f"{single.name}@odata.bind": f"/{table.set_name}({row[table.id]})"})


def _single_behind(child: Table, relation: Children, parent: Table) -> Single:
    return next(
        single for single in child.singles.values() if single.column == relation.column and single.target == parent.name
    )
