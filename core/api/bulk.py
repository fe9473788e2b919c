"""Routes for bulk actions: many prospects at once, and how far each has come."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from core.api.asking import Asking
from core.api.services import ServicesDependency
from core.domain.bulk_batch import BATCH_PATTERN, Chunk, total
from core.errors import InvalidInputError
from core.sync.bulk_messages import Order, asked_of
from core.sync.bulk_ports import Whole
from core.sync.bulk_settling import is_over

router = APIRouter(prefix="/bulk", tags=["bulk"])

BatchPath = Annotated[str, Path(pattern=BATCH_PATTERN, description="The batch's id; yours to choose with PUT.")]


class Begun(BaseModel):
    batch: str


class BatchView(BaseModel):
    batch: str
    state: str
    received: int
    outcomes: dict[str, int]
    open: int


@router.post("", status_code=202, summary="Sync many prospects at once")
async def begin_bulk(body: Order, services: ServicesDependency, who: Asking, response: Response) -> Begun:
    batch = await services.bulk_actions.begin(body.action, asked_of(body), asked_by=who, batch=body.batch or "")
    response.headers["location"] = f"/api/v1/bulk/{batch.id}"
    return Begun(batch=batch.id)


@router.get("/{batch}", summary="How far a bulk action has come")
async def read_bulk(batch: BatchPath, services: ServicesDependency) -> BatchView:
    whole = await services.batches.whole(batch)
    if whole is None:
        raise InvalidInputError(f"There is no batch {batch}.", field="batch", status=404)
    return _view(whole, await services.bulk_settling.look(whole))


def _view(whole: Whole, chunks: list[Chunk]) -> BatchView:
    received = sum(each.entity.records for each in whole.sources)
    return BatchView(
        batch=whole.batch.entity.id,
        state="done" if is_over(whole, chunks) else "running",
        received=received,
        outcomes=total(chunk.outcomes for chunk in chunks),
        open=received - sum(chunk.finished for chunk in chunks),
    )
