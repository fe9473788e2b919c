"""Route for failures by cause."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.logs import all_connections, utc
from core.api.plain_text import also_in_words, counted, moment, section, wants_text
from core.api.services import ServicesDependency
from core.domain.cause import fix
from core.domain.connection import ConfigurationId
from core.domain.delivery import ErrorClass
from core.domain.failure_groups import Failure, FailureGroup, failure_groups
from core.storage.log_pages import LogQuery, Row
from core.storage.log_row import cause_in, time_of

router = APIRouter(prefix="/failures", tags=["failures"], route_class=CheckedRoute)

_COUNTED_MOST = 20_000


class FailureView(BaseModel):
    """Deliveries that failed for one cause. `POST /replays` with this `cause` does them again: every connection's,
    or in a `filter` with a `connection` only that one's.
    """

    cause: str
    error_class: str
    error_code: str
    column: str
    table: str
    kind: Annotated[str, Field(description="The reason, without what only one person said.")]
    fix: Annotated[str, Field(description="What to do, in a sentence.")]
    count: int
    first: datetime
    last: datetime
    connections: list[str]
    actions: list[str]
    receipts: Annotated[list[str], Field(description="The newest of them.")]


class FailureList(BaseModel):
    """The largest group first.

    Counted from the log's rows, at most 20,000 in one answer; with more, `cursor` counts on (groups come again).
    """

    items: list[FailureView]
    failures: Annotated[int, Field(description="How many rows were counted.")]
    cursor: str | None = None


@router.get(
    "", responses=also_in_words(FailureList), response_model=FailureList, summary="Failures by cause, each with its fix"
)
async def list_failures(
    request: Request,
    services: ServicesDependency,
    connection: ConfigurationId | None = None,
    error_class: ErrorClass | None = None,
    action: Annotated[str | None, Query(max_length=63)] = None,
    form: Annotated[str | None, Query(max_length=200)] = None,
    event: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> FailureList | PlainTextResponse:
    """What failed and has not succeeded since."""
    filters = {"error_class": error_class.value if error_class else None, "action": action, "form": form}
    filters |= {"form_event": event, "outcome": "failed"}
    equal = {name: value for name, value in filters.items() if value}
    asked = {**equal, "failures": "1", "connection": connection, "since": since, "until": until}
    known = [connection] if connection else await all_connections(services)
    query = LogQuery(known, equal, since=utc(since), until=utc(until))
    page = await services.log_pages.entries(query, after=cursors.read(cursor, asked), most=_COUNTED_MOST)
    groups = failure_groups(_failure(row) for row in page.rows)
    found = FailureList(
        items=[_view(group) for group in groups], failures=len(page.rows), cursor=cursors.written(page.after, asked)
    )
    return PlainTextResponse(_told(found)) if wants_text(request) else found


def _failure(row: Row) -> Failure:
    at = time_of(str(row["RowKey"]).rpartition("|")[2])
    return Failure(row["cause"], cause_in(row), at, row["delivery"], row["PartitionKey"], row["action"])


def _view(group: FailureGroup) -> FailureView:
    cause = group.cause
    return FailureView(
        cause=group.id,
        error_class=cause.error_class,
        error_code=cause.code,
        column=cause.column,
        table=cause.table,
        kind=cause.kind,
        fix=fix(cause),
        count=group.count,
        first=group.first,
        last=group.last,
        connections=sorted(group.connections),
        actions=sorted(group.actions),
        receipts=group.receipts,
    )


def _told(found: FailureList) -> str:
    """A paragraph for each cause, the largest first."""
    if not found.items:
        return "Nothing failed.\n"
    more = [f"There is more: ask again with cursor={found.cursor}"] if found.cursor else []
    return "\n".join([*(section(_heading(group), _lines(group)) for group in found.items), *more])


def _heading(group: FailureView) -> str:
    return f"{counted(group.count, 'delivery', 'deliveries')}: {group.kind}"


def _lines(group: FailureView) -> Iterator[str]:
    facts = {"code": group.error_code, "table": group.table, "column": group.column, "cause": group.cause}
    yield ", ".join([f"class {group.error_class}", *(f"{name} {value}" for name, value in facts.items() if value)])
    yield f"on {', '.join(group.connections)}, for {', '.join(group.actions)}"
    yield f"from {moment(group.first)} to {moment(group.last)}"
    yield f"such as {group.receipts[0]}" if group.receipts else ""
    yield f"To do: {group.fix}"
