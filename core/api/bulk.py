"""Routes for bulk actions: many prospects at once, how far each batch has come, and what failed of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel

from core.api import cursor as cursors
from core.api.asking import Asking
from core.api.bulk_upload import PARTS_MOST, asked_in, usable_content
from core.api.bulk_view import BatchView, batch_view
from core.api.edge import CheckedRoute
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.bulk_batch import BATCH_KEY, BATCH_PATTERN, Batch, Chunk, told_of
from core.domain.capture import digest
from core.domain.sheet_writing import failed_row, table
from core.errors import InvalidInputError
from core.sync.bulk_actions import Asked
from core.sync.bulk_ports import Whole
from core.sync.bulk_splitting import mapped_names

router = APIRouter(prefix="/bulk", tags=["bulk"], route_class=CheckedRoute)

BatchPath = Annotated[str, Path(pattern=BATCH_PATTERN, description="The batch's id; yours to choose with PUT.")]
Action = Annotated[
    str | None, Query(max_length=63, description="The action's id; an order in JSON may name it itself.")
]


class Begun(BaseModel):
    """Taken on. How far it has come is told under `Location`."""

    batch: str


class PartView(BaseModel):
    batch: str
    part: int
    bytes: int


class BatchPage(BaseModel):
    items: list[BatchView]
    cursor: str | None = None


_TABLE = "First Name,Last Name,Email,Company,form.name,q.12\nMara,O'Hara,mara@x.example,Fabrikam,Booth,A\n"
_LINES = '{"LastName": "O\'Hara", "Email": "mara@x.example"}\n{"LastName": "Lee", "Email": "ann@x.example"}\n'
_PEOPLE = [{"prospect": {"id": 777, "fields": {"LastName": "O'Hara", "Email": "mara@x.example"}}}]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"type": "array"}, {"type": "object"}]},
                "examples": {
                    "people": {"value": _PEOPLE},
                    "prospects": {"value": {"action": "booth", "prospects": _PEOPLE}},
                    "ids": {"value": {"action": "booth", "prospect_ids": ["777", "778"]}},
                    "filter": {"value": {"action": "booth", "filter": {"all": [{"field": "Country", "equals": "DE"}]}}},
                    "blob": {"value": {"action": "booth", "blob": "bulk/expo-26.ndjson"}},
                },
                "example": {"action": "booth", "prospect_ids": ["777", "778"]},
            },
            "application/x-ndjson": {"schema": {"type": "string"}, "example": _LINES},
            "text/csv": {"schema": {"type": "string"}, "example": _TABLE},
        },
    }
}
_PART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string"}, "example": _TABLE}},
    }
}
_CSV: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "headers": {"Link": {"description": "The next part of the rows, if any.", "schema": {"type": "string"}}},
    }
}


@router.post("", status_code=202, openapi_extra=_BODY, summary="Sync many prospects at once")
async def begin_bulk(
    request: Request,
    services: ServicesDependency,
    who: Asking,
    response: Response,
    action: Action = None,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Begun:
    """A file of people up to 8 MiB: CSV, NDJSON or JSON; or an order in JSON: `prospect_ids` or a `filter` over
    prospects that are here already, or a `blob` in the container `bulk`.

    With an `Idempotency-Key`, a `batch` in the order, or PUT on an id of yours, sending it again begins nothing new.
    """
    return await _begun(request, services, who, response, action, batch="", key=idempotency_key or "")


@router.put("/{batch}", status_code=202, openapi_extra=_BODY, summary="The same, under an id of yours")
async def begin_named_bulk(
    batch: BatchPath,
    request: Request,
    services: ServicesDependency,
    who: Asking,
    response: Response,
    action: Action = None,
) -> Begun:
    """Begun once, however often it is sent; other content under the same id is refused (409)."""
    return await _begun(request, services, who, response, action, batch=batch)


@router.put("/{batch}/parts/{number}", openapi_extra=_PART, summary="A part of a file larger than 8 MiB")
async def save_part(
    batch: BatchPath,
    number: Annotated[int, Path(ge=1, le=PARTS_MOST)],
    request: Request,
    services: ServicesDependency,
) -> PartView:
    """Cut the file anywhere: parts are joined as they are, in the order of their numbers. A part may be sent again."""
    content = usable_content(await request.body(), request.headers.get("content-encoding", ""))
    if not content:
        raise InvalidInputError("The part is empty.", field="body")
    if await services.batches.read(batch, BATCH_KEY, Batch):
        message = f"The batch {batch} has begun: nothing can be added to it."
        raise InvalidInputError(message, field="batch", status=409)
    await services.batches.note_parts(batch, _now())
    await services.bulk_contents.save(f"{_parts(batch)}{number:06d}", content)
    return PartView(batch=batch, part=number, bytes=len(content))


@router.post("/{batch}", status_code=202, summary="Begin with the parts that were sent")
async def begin_parts(
    batch: BatchPath,
    request: Request,
    services: ServicesDependency,
    who: Asking,
    response: Response,
    action: Annotated[str, Query(max_length=63)],
    parts: Annotated[int | None, Query(ge=1, le=PARTS_MOST, description="How many there are, as a check.")] = None,
) -> Begun:
    """The last step of an upload in parts. Sent again, it begins nothing new."""
    sizes = await services.bulk_contents.sizes(_parts(batch))
    _is_complete([int(name.rpartition("/")[2]) for name in sizes], parts)
    told = told_of("parts", *(f"{name}={size}" for name, size in sizes.items()))
    asked = Asked(told, blobs=tuple(sizes), content_type=request.headers.get("content-type", "")[:200])
    begun = await services.bulk_actions.begin(action, asked, batch=batch, asked_by=who)
    return _located(response, begun)


@router.get("", summary="Bulk actions so far")
async def list_bulk(
    services: ServicesDependency,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> BatchPage:
    """Newest first. Counts are those of the last look at each."""
    asked = {"bulk": "1"}
    ids, after = await services.batches.newest(most=limit, after=cursors.read(cursor, asked))
    wholes = await asyncio.gather(*(services.batches.whole(batch) for batch in ids))
    views = [batch_view(each, [chunk.entity for chunk in each.chunks], now=_now()) for each in wholes if each]
    return BatchPage(items=views, cursor=cursors.written(after, asked))


@router.get("/{batch}", summary="How far a bulk action has come")
async def read_bulk(batch: BatchPath, services: ServicesDependency) -> BatchView:
    """Counted from the log, as of now."""
    return await _view(services, await _whole(services, batch))


@router.post("/{batch}/cancel", status_code=202, summary="Stop a bulk action")
async def cancel_bulk(batch: BatchPath, services: ServicesDependency) -> BatchView:
    """What is not written yet is not written any more: `not_taken`, or `withdrawn` where it waits for Dynamics. What is
    written stays.
    """
    await services.bulk_cancelling.cancel(batch)
    return await _view(services, await _whole(services, batch))


@router.get(
    "/{batch}/failed.csv", response_class=Response, responses=_CSV, summary="What failed, to be mended and sent again"
)
async def failed_rows(
    batch: BatchPath,
    services: ServicesDependency,
    who: Asking,
    delimiter: Annotated[Literal["comma", "semicolon", "tab"], Query(description="As your Excel wants it.")] = "comma",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """The rows as they were sent, each with its line and why it failed. Mend them, and send the file as it is: columns
    that begin with `failed.` are passed over. It tells of people in clear: that somebody asked is kept in `Audit`.
    """
    whole = await _whole(services, batch)
    asked = {"failed": batch}
    after = cursors.read(cursor, asked) or ""
    chunks = await services.bulk_settling.look(whole)
    rows, following = await services.failed_rows.page(whole.batch.entity, chunks, after=after)
    await services.revealing.keep(who=who, what=f"failed rows of batch {batch}", people=len(rows))
    records = [
        failed_row(line=row.record.line, reason=row.reason, capture=row.record.capture, raw=row.record.raw)
        for row in rows
    ]
    headers = {"content-disposition": f'attachment; filename="{batch}-failed.csv"'}
    if written := cursors.written(following or None, asked):
        headers["link"] = f'</api/v1/bulk/{batch}/failed.csv?delimiter={delimiter}&cursor={written}>; rel="next"'
    return Response(table(records, delimiter=_DELIMITERS[delimiter]), media_type="text/csv", headers=headers)


_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}


async def _begun(
    request: Request, services: Services, who: str, response: Response, action: str | None, *, batch: str, key: str = ""
) -> Begun:
    """`batch` stands in the address; `key` makes an id where nobody names one."""
    headers = request.headers
    wanted = asked_in(
        await request.body(),
        content_type=headers.get("content-type", ""),
        encoding=headers.get("content-encoding", ""),
        action=action or "",
        batch=batch,
        mapped=await _mapped(services, action),
    )
    named = wanted.batch or (f"b-{digest(key)}" if key else "")
    begun = await services.bulk_actions.begin(wanted.action, wanted.asked, batch=named, asked_by=who)
    return _located(response, begun)


async def _mapped(services: Services, action: str | None) -> tuple[str, ...]:
    if not action:
        return ()
    _, connection = await services.bulk_actions.place(action)
    return mapped_names(await services.configuration.setup(connection.id))


def _located(response: Response, batch: Batch) -> Begun:
    response.headers["location"] = f"/api/v1/bulk/{batch.id}"
    return Begun(batch=batch.id)


def _parts(batch: str) -> str:
    return f"batches/{batch}/parts/"


def _is_complete(numbers: Sequence[int], expected: int | None) -> None:
    wanted = range(1, (expected or max(numbers, default=1)) + 1)
    missing = [str(number) for number in wanted if number not in numbers]
    if missing:
        message = f"Parts are missing: {', '.join(missing[:20])}. Send them with PUT, then ask again."
        raise InvalidInputError(message, field="parts", status=409)
    if len(numbers) > len(wanted):
        message = f"There are {len(numbers)} parts, not {len(wanted)}: begin again under another id."
        raise InvalidInputError(message, field="parts", status=409)


async def _whole(services: Services, batch: str) -> Whole:
    whole = await services.batches.whole(batch)
    if whole is None:
        raise InvalidInputError(f"There is no batch {batch}.", field="batch", status=404)
    return whole


async def _view(services: Services, whole: Whole) -> BatchView:
    chunks: list[Chunk] = await services.bulk_settling.look(whole)
    setup = await services.configuration.setup(whole.batch.entity.connection)
    hold = setup.hold(_now()) if setup else None
    return batch_view(whole, chunks, now=_now(), pause=hold.reason if hold else "")


def _now() -> datetime:
    return datetime.now(UTC)
