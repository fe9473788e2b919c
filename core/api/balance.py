"""Routes for the balance of an event: everything that was captured is accounted for."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from core.admin.on_the_way import on_the_way
from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.expected_list import submission_ids
from core.api.logs import all_connections, utc
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.balance import ENDINGS, Counted, Line, balance, compared, counted_on_the_way
from core.domain.connection import ConfigurationId
from core.storage.log_pages import LogQuery, Row
from core.storage.log_row import time_of

router = APIRouter(prefix="/balance", tags=["balance"], route_class=CheckedRoute)

_LOOKED_AT_MOST = 20_000
_COMPARED_MOST = 200_000
_NAMED_MOST = 10_000


class BalanceLine(BaseModel):
    """captured = created + updated + unchanged + skipped + held + failed + withdrawn + quarantined + on_the_way"""

    form: str
    form_name: str
    event: str
    captured: Annotated[int, Field(description="Deliveries that came in; an edit is a delivery too.")]
    submissions: Annotated[int, Field(description="Different submissions among them.")]
    created: int
    updated: int
    unchanged: int
    skipped: int
    held: int
    failed: int
    withdrawn: int
    quarantined: Annotated[int, Field(description="Could not be read; their form and event are not known.")]
    on_the_way: int
    held_since: Annotated[datetime | None, Field(description="When the oldest that is still held came in.")] = None


class Balance(BaseModel):
    """Per form and event; `total` over all of them. With a `cursor` there is more to count: add the next page."""

    items: list[BalanceLine]
    total: BalanceLine
    on_the_way_is_all: Annotated[bool, Field(description="Whether everything that is on its way was counted.")]
    cursor: str | None = None


class Expectation(BaseModel):
    expected: int
    column: Annotated[str, Field(description="The ids were taken from this column; empty: a list without a heading.")]
    arrived: Annotated[dict[str, int], Field(description="Of those expected, by what became of them.")]
    missing: Annotated[list[str], Field(description="Never came; up to 10,000 of them.")]
    missing_count: int
    not_expected: Annotated[list[str], Field(description="Came, but are not on the list; up to 10,000.")]
    not_expected_count: int
    is_all: Annotated[bool, Field(description="Whether all of the log was compared; else narrow `from` and `to`.")]


class _Asked:
    """What both routes may be narrowed by."""

    def __init__(
        self,
        connection: ConfigurationId | None = None,
        form: Annotated[str | None, Query(max_length=200, description="The form's id. Indexed.")] = None,
        event: Annotated[str | None, Query(max_length=200, description="As the form names it.")] = None,
        since: Annotated[datetime | None, Query(alias="from")] = None,
        until: Annotated[datetime | None, Query(alias="to")] = None,
    ) -> None:
        self.connection, self.form, self.event = connection, form, event
        self.since, self.until = utc(since), utc(until)

    @property
    def told(self) -> dict[str, Any]:
        return {**vars(self), "balance": "1"}

    def query(self, connections: list[str]) -> LogQuery:
        named = {"form": self.form, "form_event": self.event}
        equal = {name: value for name, value in named.items() if value}
        return LogQuery(connections, equal, since=self.since, until=self.until)

    async def connections(self, services: Services) -> list[str]:
        return [self.connection] if self.connection else await all_connections(services)

    async def under_way(self, services: Services) -> tuple[list[Counted], bool]:
        found, is_all = await on_the_way(services.ledger, services.places, await self.connections(services))
        within = [each for each in found if self._is_within(each.received_at)]
        counted = [counted_on_the_way(each) for each in within]
        return [each for each in counted if self.form in (None, each.form) and self.event in (None, each.event)], is_all

    def _is_within(self, moment: datetime) -> bool:
        return (self.since is None or self.since <= moment) and (self.until is None or moment <= self.until)


Asked = Annotated[_Asked, Depends()]


@router.get("", summary="Is everything accounted for?")
async def read_balance(
    services: ServicesDependency, asked: Asked, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Balance:
    """Counted from the log's rows and the marks of open work, nothing else."""
    query = asked.query(await asked.connections(services))
    page = await services.log_pages.entries(query, after=cursors.read(cursor, asked.told), most=_LOOKED_AT_MOST)
    under_way, is_all = ([], True) if cursor else await asked.under_way(services)
    lines = balance(map(_counted, filter(_is_over, page.rows)), under_way)
    return Balance(
        items=[_view(line) for line in lines],
        total=_total(lines),
        on_the_way_is_all=is_all,
        cursor=cursors.written(page.after, asked.told),
    )


_LIST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "activity_id\n9001\n9002\n"},
            "application/json": {
                "schema": {"type": "array", "items": {"type": "string"}},
                "example": ["9001", "9002"],
            },
        },
    }
}


@router.post("/expected", summary="What never arrived?", openapi_extra=_LIST)
async def compare_with_expected(
    request: Request,
    services: ServicesDependency,
    asked: Asked,
    column: Annotated[
        str, Query(max_length=200, description="The heading over the ids, where it is none of the usual ones.")
    ] = "",
) -> Expectation:
    """Compares a list of submission ids, as Captello exports them, with what came in. Nothing is stored.

    One id a line, JSON, or a table as for bulk actions with a column called `activity_id` or the like.
    """
    kind = request.headers.get("content-type", "")
    read = submission_ids(await request.body(), content_type=kind, column=column)
    expected = read.ids
    query = asked.query(await asked.connections(services))
    page = await services.log_pages.entries(query, after=None, most=_COMPARED_MOST)
    under_way, _ = await asked.under_way(services)
    found = compared(expected, [*under_way, *map(_counted, filter(_is_over, page.rows))])
    return Expectation(
        expected=len(expected),
        column=read.column,
        arrived=found.arrived,
        missing=found.missing[:_NAMED_MOST],
        missing_count=len(found.missing),
        not_expected=found.not_expected[:_NAMED_MOST],
        not_expected_count=len(found.not_expected),
        is_all=page.after is None,
    )


def _is_over(row: Row) -> bool:
    """Or only counts repeats of what is on its way."""
    return bool(row.get("outcome"))


def _counted(row: Row) -> Counted:
    return Counted(
        delivery=row["delivery"],
        submission=row["submission"],
        form=row["form"],
        form_name=row["form_name"],
        event=row["form_event"],
        ending=row["outcome"],
        received_at=time_of(row["RowKey"].rpartition("|")[2]),
    )


def _view(line: Line) -> BalanceLine:
    return BalanceLine(
        form=line.form,
        form_name=line.form_name,
        event=line.event,
        captured=line.captured,
        submissions=len(line.submissions),
        **{ending: line.endings[ending] for ending in ENDINGS},
        held_since=line.held_since,
    )


def _total(lines: list[Line]) -> BalanceLine:
    total = Line("", "")
    for line in lines:
        total.endings += line.endings
        total.submissions |= {f"{line.form}|{each}" for each in line.submissions}
    total.held_since = min((line.held_since for line in lines if line.held_since), default=None)
    return _view(total)
