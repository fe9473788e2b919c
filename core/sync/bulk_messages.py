"""Messages on the queue `bulk-sync`: reading them, and what each of them asks for."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.domain.bulk_batch import BATCH_PATTERN, told_of
from core.domain.criteria import Criteria
from core.errors import InvalidInputError
from core.sync.bulk_actions import Asked, BulkActions, asked_for_filter, asked_for_prospects
from core.sync.bulk_chunks import Chunks
from core.sync.bulk_splitting import Splitting

_BLOB = re.compile(r"bulk/(?!batches/)[^\\\x00-\x1f]{1,1000}")
_ACTION_MOST = 63
_BATCH = Field(pattern=BATCH_PATTERN)


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    action: str = ""  # as the message names it, if it does


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Step(_Message):
    """One of our own: a source to be read or, with a number, a chunk to be carried out."""

    batch: Annotated[str, _BATCH]
    source: str
    chunk: int = 0
    waited: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0  # seconds, for its connection
    traceparent: Annotated[str, Field(max_length=200)] = ""  # the trace that it belongs to


class Order(_Message):
    """What somebody asks for, in a request or on the queue: one of four."""

    action: Annotated[str, Field(min_length=1, max_length=_ACTION_MOST)]
    batch: Annotated[str | None, _BATCH] = None
    prospects: list[Any] | None = None
    blob: Annotated[str | None, Field(max_length=1005)] = None
    prospect_ids: Annotated[list[str | int] | None, Field(max_length=500_000)] = None
    filter: Criteria | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Order":
        given = [each for each in (self.prospects, self.blob, self.prospect_ids, self.filter) if each is not None]
        if len(given) != 1:
            raise ValueError("give one of `prospects`, `blob`, `prospect_ids` and `filter`")
        return self


def read_message(body: bytes) -> Step | Order | Refused:
    """Plain JSON, or base64 of it; also one that comes back from the poison queue, with the reason around it."""
    try:
        document = json.loads(_plain(body))
        while isinstance(document, dict) and document.keys() == {"refused", "message"}:
            document = json.loads(_plain(str(document["message"]).encode()))
    except (ValueError, RecursionError) as error:
        return Refused(f"The message is neither JSON nor base64 of JSON: {str(error)[:120]}.")
    if not isinstance(document, dict):
        return Refused('A message is a JSON object: {"action": "booth", "prospects": [...]}.')
    kind = Order if "action" in document else Step
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the message"
        if kind is Step:
            return Refused('The message names no action: {"action": "booth", "prospects": [...]}.')
        return Refused(
            f"{where}: {first['msg'].removeprefix('Value error, ')}.", str(document["action"])[:_ACTION_MOST]
        )


def _plain(body: bytes) -> bytes:
    text = body.strip().removeprefix(b"\xef\xbb\xbf")
    if text.startswith((b"{", b"[")):
        return text
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return text


def asked_of(order: Order) -> Asked:
    """Raises InvalidInputError."""
    if order.filter is not None:
        return asked_for_filter(order.filter)
    if order.prospect_ids is not None:
        return asked_for_prospects([str(each) for each in order.prospect_ids])
    if order.blob is not None:
        return Asked(told_of("blob", order.blob), blobs=(blob_name(order.blob),))
    lines = "\n".join(json.dumps(each) for each in order.prospects or ())
    return Asked(told_of("content", lines), content=lines.encode(), content_type="application/x-ndjson")


def blob_name(blob: str) -> str:
    """The name within the container. Raises InvalidInputError."""
    name = blob.removeprefix("bulk/")
    if not _BLOB.fullmatch(blob) or ".." in name.split("/") or name.startswith("/"):
        message = "`blob` names a blob in the container `bulk`, such as bulk/expo-26.ndjson."
        raise InvalidInputError(message, field="blob")
    return name


class BulkMessages:
    def __init__(self, *, actions: BulkActions, splitting: Splitting, chunks: Chunks) -> None:
        self._actions = actions
        self._splitting = splitting
        self._chunks = chunks

    async def carry_out(self, message: Step | Order, *, message_id: str) -> None:
        """Raises InvalidInputError where it can never succeed. The same message again is the same work."""
        match message:
            case Order():
                batch = message.batch or message_id
                await self._actions.add(message.action, asked_of(message), batch=batch, key=message_id)
            case Step() if message.chunk:
                waited = timedelta(seconds=message.waited)
                await self._chunks.run(message.batch, message.source, message.chunk, waited=waited)
            case Step():
                await self._splitting.run(message.batch, message.source)
