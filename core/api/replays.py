"""Routes for replays: doing again what did not succeed."""

import uuid
from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.admin.replays import Foreseen
from core.api import cursor as cursors
from core.api.asking import Asking
from core.api.edge import CheckedRoute
from core.api.logs import all_connections
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.capture import digest
from core.domain.delivery import Delivery, Intent, Result
from core.domain.masking import Masking
from core.domain.replay import MappingChoice, Replay, ReplayId, Selection
from core.errors import InvalidInputError, SyncError
from core.storage.log_pages import LogQuery

router = APIRouter(prefix="/replays", tags=["replays"], route_class=CheckedRoute)

_AT_ONCE_SECONDS = 2.0
_COUNTED_MOST = 20_000

ReplayPath = Annotated[ReplayId, Path(description="The replay's id; yours to choose with PUT.")]


class ReplayOrder(Selection):
    """Which deliveries, by one of `receipts`, `cause` and `filter`; and under which mapping."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"receipts": ["5b2a5f5f8f3f4f0c8f5f1c2d3e4f5a6b"]},
                {"cause": "0f3a5c7e9b1d2f4a", "mapping": "current"},
                {"filter": {"connection": "contoso", "cause": "0f3a5c7e9b1d2f4a"}},
                {"filter": {"connection": "contoso", "error_class": "data", "from": "2026-05-04T00:00:00Z"}},
            ]
        },
    )

    mapping: Annotated[
        MappingChoice, Field(description="`original`: the versions of all tables that each ran under, where known.")
    ] = "current"
    dry_run: Annotated[bool, Field(description="Only tell what would come of it.")] = False
    all: Annotated[bool, Field(description="With a filter that narrows nothing: that everything is meant.")] = False

    @model_validator(mode="after")
    def _means_everything(self) -> Self:
        """An empty filter is a slip more often than it is meant."""
        told = self.filter.model_dump(exclude={"outcome"}) if self.filter else {}
        if self.filter and not any(told.values()) and not self.all:
            raise ValueError(
                'this filter means every failure of every connection: narrow it, or say "all": true beside it'
            )
        return self

    @property
    def selection(self) -> Selection:
        return Selection(receipts=self.receipts, cause=self.cause, filter=self.filter)


class ReplayView(BaseModel):
    """How far a replay has come. `outcomes` are those of the log's rows."""

    id: str
    state: Annotated[
        Literal["listing", "taking", "running", "done"],
        Field(description="`running`: all are taken up, and some are still on their way."),
    ]
    selection: Selection
    mapping: MappingChoice
    asked_at: datetime
    asked_by: str
    listed: int
    taken: Annotated[int, Field(description="Taken up anew.")]
    not_taken: Annotated[dict[str, int], Field(description="By why: `already_done`, `on_its_way`, `withdrawn`, …")]
    finished: Annotated[int, Field(description="Of those taken up: how many are over.")]
    outcomes: dict[str, int]


class ReplayPage(BaseModel):
    items: list[ReplayView]
    cursor: str | None = None


class PreviewView(BaseModel):
    receipt: str
    outcome: str
    table: str = ""
    reason: str = ""


class ForeseenView(BaseModel):
    """What a replay would come to; nothing was stored, nothing written."""

    dry_run: Literal[True] = True
    verdicts: Annotated[dict[str, int], Field(description="Of the first hundred deliveries, or the ones named.")]
    previews: Annotated[list[PreviewView], Field(description="Of the first twenty that would be taken up.")]
    is_all: Annotated[bool, Field(description="Whether these are all that the selection means.")]


_FORESEEN: dict[int | str, dict[str, Any]] = {200: {"model": ForeseenView, "description": "With `dry_run`."}}


@router.get("", summary="Replays so far")
async def list_replays(
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> ReplayPage:
    """The newest first; counts of what became of each are with the replay itself."""
    asked = {"replays": "1"}
    found, after = await services.replay_store.newest(most=limit, after=cursors.read(cursor, asked))
    return ReplayPage(items=[_view(replay, None) for replay in found], cursor=cursors.written(after, asked))


@router.post("", status_code=202, responses=_FORESEEN, summary="Do again what did not succeed")
async def begin_replay(
    body: ReplayOrder,
    services: ServicesDependency,
    who: Asking,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> ReplayView | ForeseenView:
    """Takes up each delivery that failed (or was skipped) as it was captured; what was done is not done again.

    With an `Idempotency-Key`, or PUT on an id of yours, a second click begins nothing new.
    """
    if body.dry_run:
        response.status_code = 200
        return _foreseen(await services.replays.foreseen(body.selection, body.mapping))
    replay_id = f"r-{digest(idempotency_key)}" if idempotency_key else f"r-{uuid.uuid4().hex}"
    return await _begun(services, replay_id, body, who)


@router.put("/{replay_id}", status_code=202, responses=_FORESEEN, summary="The same, under an id of yours")
async def begin_named_replay(
    replay_id: ReplayPath, body: ReplayOrder, services: ServicesDependency, who: Asking, response: Response
) -> ReplayView | ForeseenView:
    """Begun once, however often it is sent."""
    if body.dry_run:
        response.status_code = 200
        return _foreseen(await services.replays.foreseen(body.selection, body.mapping))
    return await _begun(services, replay_id, body, who)


@router.get("/{replay_id}", summary="How far a replay has come")
async def read_replay(replay_id: ReplayPath, services: ServicesDependency) -> ReplayView:
    found = await services.replay_store.read(replay_id)
    if found is None:
        raise InvalidInputError(f"There is no replay {replay_id}.", field="replay_id", status=404)
    return _view(found.entity, await _outcomes(services, replay_id))


async def _begun(services: Services, replay_id: str, body: ReplayOrder, who: str) -> ReplayView:
    await services.replays.begin(replay_id, body.selection, body.mapping, who)
    await services.replays.run(replay_id, seconds=_AT_ONCE_SECONDS)
    return await read_replay(replay_id, services)


async def _outcomes(services: Services, replay_id: str) -> Counter[str]:
    query = LogQuery(await all_connections(services), {"replay": replay_id})
    page = await services.log_pages.entries(query, after=None, most=_COUNTED_MOST)
    return Counter(str(row["outcome"]) for row in page.rows)


def _view(replay: Replay, outcomes: Counter[str] | None) -> ReplayView:
    taken = replay.verdicts.get("taken", 0)
    finished = outcomes.total() if outcomes is not None else 0
    is_running = replay.state == "done" and outcomes is not None and finished < taken
    return ReplayView(
        id=replay.id,
        state="running" if is_running else replay.state,
        selection=replay.selection,
        mapping=replay.mapping,
        asked_at=replay.asked_at,
        asked_by=replay.asked_by,
        listed=replay.listed,
        taken=taken,
        not_taken={word: count for word, count in replay.verdicts.items() if word != "taken"},
        finished=finished,
        outcomes=dict(outcomes or {}),
    )


def _foreseen(foreseen: Foreseen) -> ForeseenView:
    previews = [_preview(delivery, decision) for delivery, decision in foreseen.previews]
    return ForeseenView(verdicts=foreseen.verdicts, previews=previews, is_all=foreseen.is_all)


def _preview(delivery: Delivery, decision: Any) -> PreviewView:
    match decision:
        case SyncError():
            return PreviewView(receipt=delivery.id, outcome="failed", reason=decision.message)
        case Intent():
            result: Result = decision.result
        case _:
            result = decision
    reason = Masking(delivery.capture).sentence(result.reason)
    return PreviewView(receipt=delivery.id, outcome=result.outcome.value, table=result.table, reason=reason)
