"""Routes for the sync log: what became of each delivery, and everything about one of them."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from core.admin.revealing import Clear
from core.api import cursor as cursors
from core.api.asking import Asking, Reveal
from core.api.edge import CheckedRoute
from core.api.log_story import told
from core.api.log_view import LogDetail, LogRow, log_view
from core.api.plain_text import also_in_words, wants_text
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.capture import Capture, prospect_name
from core.domain.cause import fix
from core.domain.connection import ConfigurationId
from core.domain.delivery import Delivery, ErrorClass, Outcome, Trigger, delivery_key
from core.domain.email_address import normal_email
from core.domain.masking import masked_value, person_shown
from core.domain.moments import in_utc
from core.errors import InvalidInputError
from core.storage.log_pages import LogQuery, Row
from core.storage.log_row import cause_in, log_id, trail_of

router = APIRouter(prefix="/logs", tags=["logs"], route_class=CheckedRoute)

_RECEIPT = re.compile(r"[0-9a-f]{32}")
_REVEALED_MOST = 100


class LogPage(BaseModel):
    """Newest first. `cursor` leads to the next page; without one this was the last.

    A filter that no index answers looks through a bounded number of rows: the page may then be short, or empty, and
    still have a cursor. `looked_until` says how far back it looked.
    """

    items: list[LogRow]
    cursor: str | None = None
    looked_at: Annotated[int, Field(description="How many rows or index entries were looked at.")]
    looked_until: datetime | None = None


@router.get("", summary="What became of each delivery")
async def list_logs(  # one parameter a filter
    services: ServicesDependency,
    who: Asking,
    connection: Annotated[ConfigurationId | None, Query(description="Only this connection's rows.")] = None,
    outcome: Annotated[Outcome | None, Query(description="Indexed: `failed` and `held`.")] = None,
    error_class: Annotated[ErrorClass | None, Query()] = None,
    cause: Annotated[
        str | None, Query(pattern="^[0-9a-f]{16}$", description="A group of `/failures`. Indexed.")
    ] = None,
    action: Annotated[str | None, Query(max_length=200, description="The action's id.")] = None,
    table: Annotated[str | None, Query(max_length=200, description="`lead` or `contact`: where it went.")] = None,
    trigger: Annotated[Trigger | None, Query(description="What brought it in.")] = None,
    activity: Annotated[str | None, Query(max_length=200, description="The submission's `activity_id`.")] = None,
    mapping_version: Annotated[
        int | None, Query(ge=1, description="Which version of the mapping it ran under.")
    ] = None,
    prospect: Annotated[
        str | None, Query(max_length=200, description="The person's id at Captello, or as a row says it. Indexed.")
    ] = None,
    email: Annotated[str | None, Query(max_length=320, description="The person's e-mail address. Indexed.")] = None,
    form: Annotated[str | None, Query(max_length=200, description="The form's id. Indexed.")] = None,
    event: Annotated[str | None, Query(max_length=200, description="The trade show, as the form names it.")] = None,
    batch: Annotated[str | None, Query(max_length=200, description="A bulk action. Indexed.")] = None,
    replay: Annotated[str | None, Query(max_length=200, description="A replay. Indexed.")] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="Stands in the reason, a warning or Dynamics' words.")
    ] = None,
    since: Annotated[datetime | None, Query(alias="from", description="Received then or later. Indexed.")] = None,
    until: Annotated[datetime | None, Query(alias="to", description="Received then or earlier. Indexed.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    reveal: Reveal = False,  # noqa: FBT002  # a query parameter
) -> LogPage:
    """One row for each delivery that is over, newest first. Filters narrow each other."""
    filters = {
        "outcome": outcome.value if outcome else None,
        "error_class": error_class.value if error_class else None,
        "prospect": prospect_index(prospect) if prospect else None,
        "email": usable_email(email) if email else None,
        "cause": cause,
        "action": action,
        "table": table,
        "trigger": trigger,
        "activity": activity,
        "mapping_version": str(mapping_version) if mapping_version else None,
        "form": form,
        "form_event": event,
        "batch": batch,
        "replay": replay,
    }
    equal = {name: value for name, value in filters.items() if value}
    asked = {**equal, "connection": connection, "text": text, "since": since, "until": until}
    known = [connection] if connection else await all_connections(services)
    query = LogQuery(known, equal, text or "", utc(since), utc(until))
    most = min(limit, _REVEALED_MOST) if reveal else limit
    page = await services.log_pages.page(query, most=most, after=cursors.read(cursor, asked))
    items = [log_view(row, LogRow) for row in page.rows]
    if reveal:
        what = f"log, {len(items)} rows: {await _filters_told(services, asked)}"
        items = await _revealed(services, page.rows, items, who, what)
    following = cursors.written(page.after, asked)
    return LogPage(items=items, cursor=following, looked_at=page.looked_at, looked_until=page.looked_until)


@router.get(
    "/{log_id}", responses=also_in_words(LogDetail), response_model=LogDetail, summary="Everything about one delivery"
)
async def read_log(
    request: Request,
    log_id: Annotated[str, Path(pattern="^[0-9a-f-]{32,60}$", description="A row's `id`, or a receipt.")],
    services: ServicesDependency,
    who: Asking,
    reveal: Reveal = False,  # noqa: FBT002  # a query parameter
) -> LogDetail | PlainTextResponse:
    """The row, the match explained, each attempt and each request to Dynamics. Also of one that is on its way."""
    detail = await _read(services, log_id, who, reveal=reveal)
    return PlainTextResponse(told(detail)) if wants_text(request) else detail


async def _read(services: Services, log_id: str, who: str, *, reveal: bool) -> LogDetail:
    delivery = await _by_receipt(services, log_id) if _RECEIPT.fullmatch(log_id) else None
    row = await services.log_pages.row(await all_connections(services), _key_of(delivery) if delivery else log_id)
    if row is None and delivery is None:
        message = "There is no such delivery: neither a row of the log nor a receipt is called so."
        raise InvalidInputError(message, field="log_id", status=404)
    if row and delivery is None:
        found = await services.ledger.read(str(row["organization"]), delivery_key(str(row["delivery"])), Delivery)
        delivery = found.entity if found else None
    detail = _detail(row, delivery)
    if not reveal or delivery is None:
        return detail
    wanted = [(delivery.organization, delivery.id)]
    clear = await services.revealing.deliveries(
        wanted, who=who, what=f"log {detail.id}", shown=_people([row]) if row else []
    )
    before = delivery.result.before if delivery.result else {}
    return detail.model_copy(update={**_clear_words(clear[delivery.id]), "before": before})


# --- Asking -----------------------------------------------------------------------------------------------------------


async def all_connections(services: Services) -> list[str]:
    return await services.places.connections()


def prospect_index(prospect: str) -> str:
    """By which name the log knows the person of this Captello id, or of this name."""
    named = Capture.model_validate({"prospect": {"known_as": prospect}}).prospect.known_as
    return named or prospect_name(Capture.model_validate({"prospect": {"id": prospect}}), "")


def usable_email(text: str) -> str:
    if email := normal_email(text):
        return email
    raise InvalidInputError("This is not an e-mail address.", field="email")


def utc(moment: datetime | None) -> datetime | None:
    return in_utc(moment) if moment else None


async def _by_receipt(services: Services, receipt: str) -> Delivery | None:
    for place in await services.places.organizations():
        if found := await services.ledger.read(place, delivery_key(receipt), Delivery):
            return found.entity
    return None


def _key_of(delivery: Delivery) -> str:
    return log_id(delivery)


# --- Showing ----------------------------------------------------------------------------------------------------------


def _detail(row: Row | None, delivery: Delivery | None) -> LogDetail:
    """`row` is None, or only counts repeats, while the delivery is on its way."""
    if row is None or not row.get("outcome"):
        return _on_its_way(delivery, row)
    trail = trail_of(row)
    before = delivery.result.before if delivery and delivery.result else {}
    return log_view(row, LogDetail).model_copy(
        update={
            "explain": trail.explain,
            "tried": list(trail.attempts),
            "state": delivery.state if delivery else "done",
            "before": {column: masked_value(column, value) for column, value in before.items()},
            "fix": fix(cause_in(row)) if row.get("cause") else "",
        }
    )


def _on_its_way(delivery: Delivery | None, row: Row | None) -> LogDetail:
    if delivery is None:
        assert row is not None
        return log_view(row, LogDetail).model_copy(update={"state": "received"})
    capture = delivery.capture
    return LogDetail(
        id=log_id(delivery),
        connection=delivery.connection,
        received_at=delivery.received_at,
        delivery=delivery.id,
        trigger=delivery.trigger,
        action=delivery.action,
        event=capture.event.value,
        prospect=prospect_name(capture, delivery.id) if capture.prospect.id else "",
        person=person_shown(capture.prospect.fields),
        attempts=delivery.attempts,
        tried=list(delivery.tried),
        state=delivery.state,
    )


async def _filters_told(services: Services, asked: Mapping[str, Any]) -> str:
    """As the audit keeps them: an address by its hash, and not the words that were looked for."""
    told = {name: value for name, value in asked.items() if value and name != "email"}
    named = [f"{name}={'…' if name == 'text' else value}" for name, value in told.items()]
    email = [(await services.log_pages.email_index(asked["email"])).replace("|", "=")] if asked.get("email") else []
    return " ".join([*named, *email]) or "all"


def _people(rows: Sequence[Row]) -> list[str]:
    """Whom these rows are about, as the log's indexes name them."""
    names = (name for row in rows for name in str(row.get("indexes") or "").split("\n"))
    return [name for name in names if name.startswith(("prospect|", "email|"))]


async def _revealed(services: Services, rows: list[Row], items: list[LogRow], who: str, what: str) -> list[LogRow]:
    wanted = [(str(row["organization"]), str(row["delivery"])) for row in rows if row.get("organization")]
    clear = await services.revealing.deliveries(wanted, who=who, what=what, shown=_people(rows))
    return [
        item.model_copy(update=_clear_words(clear[item.delivery])) if item.delivery in clear else item for item in items
    ]


def _clear_words(clear: Clear) -> Mapping[str, Any]:
    told = {name: getattr(clear, name) for name in ("person", "prospect", "activity", "reason")}
    return {**told, "dynamics_says": clear.words, "warnings": list(clear.warnings)}
