"""GET, POST, PATCH, PUT and DELETE on one row, with HTTP's conditions.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api

Duty: the table of statuses: what exists, what the conditions say, what comes back. The writes are `writing`'s.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById, RowKey
from infra.local.dynamics.database import Row
from infra.local.dynamics.exchange import Answer, Request, json_answer, no_content
from infra.local.dynamics.expand_rules import require_possible
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.query_options import parse_options
from infra.local.dynamics.read_access import require_expandable
from infra.local.dynamics.representation import Shape, context, etag
from infra.local.dynamics.schema import Table
from infra.local.dynamics.selection import selected_columns
from infra.local.dynamics.values import shown_value
from infra.local.dynamics.work import Work, missing
from infra.local.dynamics.writing import create_row, delete_row, update_row


def read_row(work: Work, table: Table, key: RowKey, request: Request, base: str) -> Answer:
    row = require_readable(work, table, key)
    if _is_unchanged(request, row):
        return Answer(HTTPStatus.NOT_MODIFIED, {"OData-Version": "4.0", "ETag": etag(row)})
    applied = request.preferences.applied_to_row()
    return _row_answer(work, table, row, request, base, status=HTTPStatus.OK, applied=applied)


def require_readable(work: Work, table: Table, key: RowKey) -> Row:
    """The table's privilege comes first: who lacks it does not learn whether the row exists."""
    work.caller.require(Verb.READ, table)
    row = work.require(table, key)
    work.caller.require_row(Verb.READ, table, row)
    return row


def read_property(work: Work, table: Table, key: RowKey, name: str, base: str) -> Answer:
    """`contacts(…)/fullname`."""
    row, column = require_readable(work, table, key), table.readable_names[name]
    if row[column.name] is None:
        return no_content()
    where = f"{table.set_name}({row[table.id]})/{name}"
    return json_answer({"@odata.context": f"{base}/$metadata#{where}", "value": shown_value(column, row[column.name])})


def create(work: Work, table: Table, request: Request, base: str) -> Answer:
    row_id = create_row(work, table, request.json())
    return _written(work, table, ById(row_id), request, base, address=row_id, created=True)


def upsert(work: Work, table: Table, key: RowKey, request: Request, base: str, *, address: str) -> Answer:
    """PATCH: an update, or a create when there is no such row and nothing forbids it."""
    row = work.find(table, key)
    must_exist, must_miss = request.headers.get("if-match"), request.headers.get("if-none-match") == "*"
    if row is None:
        if must_exist:
            work.caller.require(Verb.WRITE, table)
            raise missing(table, key)
        create_row(work, table, request.json(), key=work.key_values(table, key))
        return _written(work, table, key, request, base, address=address, created=True)
    if must_miss:
        # Before the row's etag is looked at: it is the existence that is asked about.
        raise errors.row_exists()
    require_fresh(table, row, must_exist)
    update_row(work, table, row, _without_key(key, request.json()))
    return _written(work, table, ById(row[table.id]), request, base, address=address, created=False)


def set_property(work: Work, table: Table, key: RowKey, name: str, request: Request) -> Answer:
    """PUT on `contacts(…)/jobtitle`; DELETE on it is the same with null."""
    row = work.require(table, key)
    require_fresh(table, row, request.headers.get("if-match"))
    value = request.json().get("value") if request.method == "PUT" else None
    update_row(work, table, row, {name: value})
    return no_content()


def delete(work: Work, table: Table, key: RowKey, request: Request) -> Answer:
    work.caller.require(Verb.DELETE, table)
    row = work.require(table, key)
    require_fresh(table, row, request.headers.get("if-match"))
    delete_row(work, table, row)
    return no_content()


def require_fresh(table: Table, row: Row, wanted: str | None) -> None:
    if wanted in {None, "*"}:
        return
    if not table.has_concurrency:
        raise errors.concurrency_not_enabled(table.name)
    if wanted != etag(row):
        raise errors.etag_stale()


def _is_unchanged(request: Request, row: Row) -> bool:
    options = parse_options(request.query)
    plain = not options.expand and not request.preferences.annotations
    return plain and request.headers.get("if-none-match") == etag(row)


def _without_key(key: RowKey, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """On an update, key columns of the address are not written from the body."""
    if isinstance(key, ById):
        return given
    return {name: value for name, value in given.items() if name not in key.values}


def _written(
    work: Work, table: Table, key: RowKey, request: Request, base: str, *, address: str, created: bool
) -> Answer:
    if request.preferences.returns_row:
        status = HTTPStatus.CREATED if created else HTTPStatus.OK
        # Without the privilege to read, the write is refused with its answer [K].
        row, applied = require_readable(work, table, key), request.preferences.applied_to_write()
        return _row_answer(work, table, row, request, base, status=status, applied=applied)
    url = f"{base}/{table.set_name}({address})"
    return no_content(OData_EntityId=url, Location=url if request.in_batch else "")


def _row_answer(
    work: Work, table: Table, row: Row, request: Request, base: str, *, status: int, applied: str
) -> Answer:
    options, preferences = parse_options(request.query), request.preferences
    if refused := options.given & {"$filter", "$orderby", "$top", "$count", "$skiptoken"}:
        raise errors.query_invalid(f"The query option {min(refused)} can be applied to collections only.")
    require_possible(work.schema, table, options.expand, paged=preferences.page_size is not None)
    require_expandable(work.caller, work.schema, table, options.expand)
    shape = Shape(work, table, selected_columns(table, options.select), options.expand, preferences)
    document = {"@odata.context": context(base, table.set_name, options, single=True), **shape.json(row)}
    return json_answer(document, status, ETag=etag(row), Preference_Applied=applied)
