"""Routes for bodies that could not be read: looking at them, replaying them, throwing them away."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from core.api import cursor as cursors
from core.api.asking import Asking
from core.api.edge import CheckedRoute
from core.api.outcome_view import OutcomeView, outcome_view
from core.api.services import ServicesDependency
from core.domain.quarantined import Quarantined, State
from core.errors import InvalidInputError

BODY_MOST = 256 * 1024  # as for any capture
router = APIRouter(prefix="/quarantine", tags=["quarantine"], route_class=CheckedRoute)
Receipt = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The receipt that the sender was given.")]


class QuarantinedView(BaseModel):
    """A body that could not be read, and what became of it."""

    receipt: str
    action: str
    connection: str
    reason: str
    content_type: str
    size: Annotated[int, Field(description="In bytes.")]
    received_at: datetime
    state: State
    settled_at: Annotated[datetime | None, Field(description="When it was replayed or discarded.")] = None
    note: Annotated[str, Field(description="Why it was discarded.")] = ""


class QuarantinedDetail(QuarantinedView):
    """With the body as it was sent: as text where it is UTF-8, else as base64."""

    query: dict[str, str]
    body: str | None = None
    body_base64: str | None = None


class QuarantinePage(BaseModel):
    items: list[QuarantinedView]
    cursor: str | None = None


class ReplayInput(BaseModel):
    """Without a body, the one that was sent is read again."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[str | None, Field(max_length=BODY_MOST)] = None
    content_type: Annotated[str | None, Field(max_length=200)] = None


class DiscardInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


@router.get("", summary="Bodies that could not be read")
async def list_quarantine(
    services: ServicesDependency,
    state: Annotated[Literal["waiting", "replayed", "discarded"] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> QuarantinePage:
    """Newest first, without the bodies."""
    asked = {"state": state}
    found = await services.quarantined.newest(state=state, most=limit, after=cursors.read(cursor, asked))
    following = cursors.written(found[-1][0], asked) if len(found) == limit else None
    return QuarantinePage(items=[QuarantinedView(**_facts(item)) for _, item in found], cursor=following)


@router.get("/{receipt}", summary="One of them, with its body")
async def read_quarantined(receipt: Receipt, services: ServicesDependency, who: Asking) -> QuarantinedDetail:
    """The body tells of a person in clear: that somebody asked is kept in the table `Audit`."""
    found = await services.quarantined.item(receipt)
    if found is None:
        raise InvalidInputError("No body is kept under this receipt.", field="receipt", status=404)
    await services.revealing.keep(who=who, what=f"quarantine {receipt}", people=1)
    body = await services.quarantined.body(receipt)
    return QuarantinedDetail(**_facts(found.entity), query=found.entity.query, **_shown(body))


@router.post("/{receipt}/replay", summary="Read it again and carry it out")
async def replay_quarantined(
    receipt: Receipt, services: ServicesDependency, body: ReplayInput | None = None
) -> OutcomeView:
    """Once: asked for again, the answer is the same. A body that still cannot be read changes nothing (422)."""
    given = body or ReplayInput()
    mended = given.body.encode() if given.body is not None else None
    if mended is not None and len(mended) > BODY_MOST:
        raise InvalidInputError(f"A capture takes up to {BODY_MOST} bytes.", field="body", status=413)
    return outcome_view(await services.quarantine.replay(receipt, mended=mended, content_type=given.content_type))


@router.post("/{receipt}/discard", summary="Throw it away")
async def discard_quarantined(receipt: Receipt, body: DiscardInput, services: ServicesDependency) -> QuarantinedView:
    """It is never replayed; the log says why."""
    return QuarantinedView(**_facts(await services.quarantine.discard(receipt, reason=body.reason)))


def _facts(item: Quarantined) -> dict[str, Any]:
    return {name: value for name, value in item if name in QuarantinedView.model_fields}


def _shown(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}
