"""One operation → its answer: which address and method mean what.

Duty: dispatch, and turning errors into answers. Each operation is a transaction; a change set puts its own around
several.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.actions import bound_action, bound_function, unbound_action
from infra.local.dynamics.addresses import RowKey, Segment, api_root, row_key, segments
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.definitions import answer_definitions, is_about_definitions
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Answer, Request, error_answer, json_answer
from infra.local.dynamics.metadata_changes import retrieve_metadata_changes
from infra.local.dynamics.navigation_requests import (
    count_collection,
    read_collection,
    read_reference,
    read_single,
    tie_collection,
    tie_single,
    untie_collection,
)
from infra.local.dynamics.query_options import parse_options
from infra.local.dynamics.row_queries import count_set, query_rows
from infra.local.dynamics.row_requests import create, delete, read_property, read_row, set_property, upsert
from infra.local.dynamics.schema import Table
from infra.local.dynamics.work import Work

_GET_LIMIT: Final = 32_768
_BATCHED_GET_LIMIT: Final = 65_536
_CRM: Final = "Microsoft.Dynamics.CRM."


def perform(environment: Environment, caller: Caller, request: Request) -> Answer:
    """Never raises a DataverseError: it becomes the answer."""
    try:
        _require_short(request)
        with environment.database.transaction():
            return _dispatch(_work(environment, caller, request), request)
    except errors.DataverseError as error:
        return error_answer(error, request.preferences)


def _work(environment: Environment, caller: Caller, request: Request) -> Work:
    detects = request.headers.get("mscrm.suppressduplicatedetection", "").lower() == "false"
    at = environment.clock.now() if request.method == "GET" else environment.clock.next()
    return Work(environment, caller, at, checks_duplicates=detects)


def _require_short(request: Request) -> None:
    if len(request.target) > (_BATCHED_GET_LIMIT if request.in_batch else _GET_LIMIT):
        raise errors.bad_request("The request URI is too long.", status=414)


def _dispatch(work: Work, request: Request) -> Answer:
    path = request.below_root
    if path is None:
        raise errors.segment_unknown(request.path)
    base = work.environment.url + api_root(request.path)
    first, *rest = segments(path)
    if first.name == "$metadata":
        raise errors.not_simulated("$metadata")
    if is_about_definitions(first.name):
        return answer_definitions(work, [first, *rest], request, base)
    if not rest and (answer := _unbound(work, first, request, base)):
        return answer
    table = work.schema.sets.get(first.name)
    if table is None:
        raise errors.segment_unknown(first.name)
    if first.arguments is None:
        return _on_set(work, table, rest, request, base)
    return _on_row(work, table, row_key(table, first.arguments), first.arguments, rest, request, base)


def _unbound(work: Work, segment: Segment, request: Request, base: str) -> Answer | None:
    if segment.name == "WhoAmI" and request.method == "GET":
        return _who_am_i(work, base)
    if segment.name == "RetrieveMetadataChanges" and request.method == "GET":
        return retrieve_metadata_changes(work, segment, request, base)
    if request.method == "POST" and segment.arguments is None:
        return unbound_action(work, segment.name, request, base)
    return None


def _who_am_i(work: Work, base: str) -> Answer:
    return json_answer(
        {
            "@odata.context": f"{base}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": work.caller.business_unit_id,
            "UserId": work.caller.user_id,
            "OrganizationId": work.environment.organization_id,
        }
    )


_MESSAGES: Final = {"POST": "Create", "PATCH": "Update", "DELETE": "Delete"}


def _require_writable(table: Table, method: str) -> None:
    """Intersects, parties and the like come and go with other rows only."""
    if table.ownership == "None" and method in _MESSAGES:
        raise errors.message_unsupported(_MESSAGES[method], table.name)


def _on_set(work: Work, table: Table, rest: list[Segment], request: Request, base: str) -> Answer:
    if not rest:
        _require_writable(table, request.method)
    match (request.method, [segment.name for segment in rest]):
        case ("GET", []):
            return query_rows(work, table, request, base)
        case ("POST", []):
            return create(work, table, request, base)
        case ("GET", ["$count"]):
            return count_set(work, table, request)
        case ("POST", [name]) if name.startswith(_CRM):
            return bound_action(work, table, None, name.removeprefix(_CRM), request, base)
        case (_, [name, *_]):
            raise errors.segment_unknown(name)
    raise errors.method_not_allowed(request.method)


def _on_row(
    work: Work, table: Table, key: RowKey, address: str, rest: list[Segment], request: Request, base: str
) -> Answer:
    if rest:
        return _behind_row(work, table, key, rest, request, base)
    _require_writable(table, request.method)
    match request.method:
        case "GET":
            return read_row(work, table, key, request, base)
        case "PATCH":
            return upsert(work, table, key, request, base, address=address)
        case "DELETE":
            return delete(work, table, key, request)
    raise errors.method_not_allowed(request.method)


def _behind_row(work: Work, table: Table, key: RowKey, rest: list[Segment], request: Request, base: str) -> Answer:
    first, *more = rest
    if first.name.startswith(_CRM):
        row = work.require(table, key)
        if request.method == "GET":
            return bound_function(work, table, row, first, request, base)
        return bound_action(work, table, row, first.name.removeprefix(_CRM), request, base)
    if single := table.singles.get(first.name):
        on_single: Mapping[str, partial[Answer]] = {
            "GET": partial(read_single, work, table, key, single, request, base),
            "GET $ref": partial(read_reference, work, table, key, single, base),
            "PUT $ref": partial(tie_single, work, table, key, single, request),
            "DELETE $ref": partial(tie_single, work, table, key, single, request),
        }
        return _chosen(on_single, request, more)
    if relation := work.schema.collections(table.name).get(first.name):
        arguments = first.arguments or _id_option(request)
        on_collection: Mapping[str, partial[Answer]] = {
            "GET": partial(read_collection, work, table, key, relation, request, base),
            "GET $count": partial(count_collection, work, table, key, relation, request),
            "POST $ref": partial(tie_collection, work, table, key, relation, request),
            "DELETE $ref": partial(untie_collection, work, table, key, relation, arguments),
        }
        return _chosen(on_collection, request, more)
    if first.name in table.readable_names and not more:
        on_property: Mapping[str, partial[Answer]] = {
            "GET": partial(read_property, work, table, key, first.name, base),
            "PUT": partial(set_property, work, table, key, first.name, request),
            "DELETE": partial(set_property, work, table, key, first.name, request),
        }
        return _chosen(on_property, request, more)
    raise errors.segment_unknown(first.name)


def _chosen(answers: Mapping[str, partial[Answer]], request: Request, more: list[Segment]) -> Answer:
    answer = answers.get(" ".join([request.method, *(segment.name for segment in more)]))
    if answer is None:
        raise errors.method_not_allowed(request.method)
    return answer()


def _id_option(request: Request) -> str:
    """The row that `?$id=` names."""
    if request.method != "DELETE" or not (given := parse_options(request.query).id):
        return ""
    return given.rpartition("(")[2].removesuffix(")")
