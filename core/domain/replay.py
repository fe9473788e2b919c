"""Doing deliveries again that did not succeed: which ones are meant, which of them may be, and as what.

A replay is another attempt at the same delivery, with its receipt, its place in the log and what it said and when.
What was done is not done again.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.domain.masking import Masking
from core.domain.submission import Heard
from core.domain.trail import Attempt, with_attempt

RECEIPTS_MOST = 500
REMEMBERED_MOST = 30  # so many of one delivery keep their own result

Verdict = Literal["taken", "already_done", "on_its_way", "not_replayable", "withdrawn", "gone"]
MappingChoice = Literal["current", "original"]
ReplayId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class ReplayFilter(BaseModel):
    """Every part that is given narrows what is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    connection: Annotated[str, Field(max_length=63)] = ""
    outcome: Literal["failed", "skipped"] = "failed"
    error_class: ErrorClass | None = None
    cause: Annotated[str, Field(pattern="^([0-9a-f]{16})?$")] = ""
    action: Annotated[str, Field(max_length=63)] = ""
    form: Annotated[str, Field(max_length=200)] = ""
    event: Annotated[str, Field(max_length=200)] = ""
    batch: Annotated[str, Field(max_length=200)] = ""
    since: Annotated[datetime | None, Field(alias="from")] = None
    until: Annotated[datetime | None, Field(alias="to")] = None


class Selection(BaseModel):
    """One way of saying which deliveries are meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    receipts: Annotated[
        tuple[Annotated[str, Field(pattern="^[0-9a-f]{32}$")], ...],
        Field(max_length=RECEIPTS_MOST, description="One delivery or several."),
    ] = ()
    cause: Annotated[
        str, Field(pattern="^([0-9a-f]{16})?$", description="A group of `/failures`, of every connection.")
    ] = ""
    filter: Annotated[ReplayFilter | None, Field(description="Whatever the log holds of this kind.")] = None

    @model_validator(mode="after")
    def _is_one(self) -> "Selection":
        if sum(map(bool, (self.receipts, self.cause, self.filter))) != 1:
            raise ValueError("give one of `receipts`, `cause` and `filter`")
        return self


class Listed(BaseModel):
    """A delivery by where it stands."""

    model_config = ConfigDict(frozen=True)

    organization: str
    delivery: str


class Page(BaseModel):
    """A part of what a replay is to do, written down before any of it is done."""

    model_config = ConfigDict(frozen=True)

    items: tuple[Listed, ...]


class Replay(BaseModel):
    """How far a replay has come; what became of the deliveries, the log tells."""

    model_config = ConfigDict(frozen=True)

    id: str
    selection: Selection
    mapping: MappingChoice
    asked_at: datetime
    asked_by: str = ""
    state: Literal["listing", "taking", "done"] = "listing"
    after: str | None = None  # where listing goes on
    pages: int = 0
    next_page: int = 0
    listed: int = 0
    verdicts: dict[str, int] = Field(default_factory=dict)


def verdict(delivery: Delivery, replay_id: str) -> Verdict:
    """Whether it is taken up. Of one whose person was erased, nothing is left that could be done."""
    if delivery.erased_at is not None:
        return "gone"
    if replay_id in delivery.replays:
        return "taken"
    if delivery.state != "done" or delivery.result is None:
        return "on_its_way"
    match delivery.result.outcome:
        case Outcome.FAILED:
            return "taken"
        case Outcome.SKIPPED if not delivery.overtaken_by:
            return "taken"
        case Outcome.CREATED | Outcome.UPDATED | Outcome.UNCHANGED:
            return "already_done"
        case _:
            return "not_replayable"


def is_withdrawn(delivery: Delivery, heard: Heard) -> bool:
    """Whether Captello has taken the submission back since."""
    return heard.withdrawn_at is not None and delivery.said_at <= heard.withdrawn_at


def taken_up(
    delivery: Delivery,
    replay_id: str,
    mapping: MappingChoice,
    logged: tuple[Attempt, ...] = (),
    *,
    now: datetime,
) -> Delivery:
    """To be run again, due since it was received. Its log row gives way to what comes of it now; `logged` are the
    attempts that stand there.
    """
    result = delivery.result
    assert result is not None
    unlogged = Attempt(
        at=result.finished_at or delivery.received_at, happened=ended_as(delivery), code=result.error_code
    )
    *before, last = logged or (*delivery.tried, unlogged)
    replayed = last.model_copy(update={"happened": f"{last.happened} It was replayed as {replay_id}."})
    return delivery.model_copy(
        update={
            "state": "received",
            "result": None,
            "revision": delivery.revision + 1,
            "replays": (*delivery.replays, replay_id)[-REMEMBERED_MOST:],
            "mapped_as": _original(result) if mapping == "original" else {},
            "attempts": 0,
            "tried": with_attempt(tuple(before), replayed),
            "is_replanned": False,
            "due_at": delivery.received_at,
            "taken_up_at": now,
        }
    )


def ended_as(delivery: Delivery) -> str:
    """How it ended and why, for its drill-down."""
    result = delivery.result
    assert result is not None
    reason = Masking(delivery.capture).sentence(result.reason)
    return f"It ended as {result.outcome.value}: {reason}" if reason else f"It ended as {result.outcome.value}."


def _original(result: Result) -> dict[str, int]:
    """What is known of the versions it ran under."""
    own = {result.table: result.mapping_version} if result.table and result.mapping_version else {}
    return result.mapped_as or own
