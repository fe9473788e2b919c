"""A batch as people see it: how far it has come, how fast, and what there is to say about what was sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from core.domain.bulk_batch import Batch, Chunk, Source, total
from core.sync.bulk_ports import Whole
from core.sync.bulk_settling import is_over

State = Literal["reading", "running", "cancelling", "done", "cancelled", "refused"]

_MEANINGFUL = timedelta(seconds=1)
_LATELY = timedelta(minutes=2)


class SourceView(BaseModel):
    """What was made of something that was sent, so that a wrong guess is seen."""

    kind: Literal["content", "prospects", "filter"]
    format: str
    encoding: str
    delimiter: str
    columns: Annotated[dict[str, str], Field(description="Headings, and what each was taken for.")]
    lines: Annotated[int, Field(description="People found so far, those among them that could not be read included.")]
    is_read: Annotated[bool, Field(description="Whether all of it has been read.")]


class BatchView(BaseModel):
    """received = all of `outcomes` + repeats + not_taken + open. Counted from the rows of the log."""

    batch: str
    action: str
    connection: str
    trigger: str
    state: Annotated[State, Field(description="`refused`: nothing of it could be read; `warnings` say why.")]
    asked_at: datetime
    asked_by: str
    received: Annotated[int, Field(description="People read so far.")]
    outcomes: dict[str, int]
    repeats: Annotated[int, Field(description="Delivered before, under the sender's own id: nothing is done again.")]
    not_taken: Annotated[int, Field(description="The batch was cancelled first.")]
    open: int
    unreadable: Annotated[int, Field(description="Lines that could not be read; each is a failed row of the log.")]
    per_minute: Annotated[
        float | None, Field(description="Finished in a minute: of late, or in all once it is over.")
    ] = None
    estimated_finish: datetime | None = None
    cancelled_at: datetime | None = None
    finished_at: datetime | None = None
    warnings: list[str] = []
    sources: list[SourceView] = []


def batch_view(whole: Whole, chunks: Sequence[Chunk], *, now: datetime, pause: str = "") -> BatchView:
    batch, sources = whole.batch.entity, [each.entity for each in whole.sources]
    received, finished = sum(source.records for source in sources), sum(chunk.finished for chunk in chunks)
    state, still_open = _state(whole, chunks), max(received - finished, 0)
    rate = _rate(batch, chunks, finished, now)
    is_moving = state in ("reading", "running") and rate and not pause
    return BatchView(
        batch=batch.id,
        action=batch.action,
        connection=batch.connection,
        trigger=batch.trigger,
        state=state,
        asked_at=batch.asked_at,
        asked_by=batch.asked_by,
        received=received,
        outcomes=total(chunk.outcomes for chunk in chunks),
        repeats=sum(chunk.repeats for chunk in chunks),
        not_taken=sum(chunk.not_taken for chunk in chunks),
        open=still_open,
        unreadable=sum(chunk.unreadable for chunk in chunks),
        per_minute=rate,
        estimated_finish=now + timedelta(minutes=still_open / rate) if is_moving and rate else None,
        cancelled_at=batch.cancelled_at,
        finished_at=batch.finished_at,
        warnings=_warnings(sources, pause if state in ("reading", "running") else ""),
        sources=[_source(source) for source in sources],
    )


def _state(whole: Whole, chunks: Sequence[Chunk]) -> State:
    over, batch = is_over(whole, chunks), whole.batch.entity
    if batch.cancelled_at is not None:
        return "cancelled" if over else "cancelling"
    if not over:
        return "running" if chunks else "reading"
    is_refused = not chunks and any(each.entity.refused for each in whole.sources)
    return "refused" if is_refused else "done"


def _rate(batch: Batch, chunks: Sequence[Chunk], finished: int, now: datetime) -> float | None:
    """A minute. What began slowly, or stood still for hours, is not reckoned by that: while it runs, only what came
    further of late counts, where anything did.
    """
    lately = max(batch.asked_at, now - _LATELY)
    recent = sum(each.finished for each in chunks if each.moved_at and each.moved_at > lately)
    if recent and batch.finished_at is None:
        return _a_minute(recent, now - lately)
    return _a_minute(finished, (batch.finished_at or now) - batch.asked_at)


def _a_minute(finished: int, time: timedelta) -> float | None:
    return round(finished * 60 / time.total_seconds(), 1) if finished and time > _MEANINGFUL else None


def _warnings(sources: Sequence[Source], pause: str) -> list[str]:
    told = [text for source in sources for text in (*source.warnings, source.refused) if text]
    return list(dict.fromkeys([*told, *([f"It waits: {pause}"] if pause else [])]))


def _source(source: Source) -> SourceView:
    read_as = source.read_as
    return SourceView(
        kind=source.kind,
        format=read_as.format,
        encoding=read_as.encoding,
        delimiter=read_as.delimiter,
        columns=read_as.columns,
        lines=source.records,
        is_read=source.is_split,
    )
