"""A pydantic model as properties of one table entity, and back.

Short documents stand as readable JSON; long ones are compressed, because a text property holds 32,000 characters and
a whole entity must stay well under 1 MiB.
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from core.errors import InvalidInputError, UnreadableDocumentError
from core.logs import logger

ModelT = TypeVar("ModelT", bound=BaseModel)

_READABLE_MOST = 30_000  # UTF-16 units, as the service counts them
_CHUNK = 60_000  # bytes; a binary property holds 64 KiB
_PACKED_MOST = 900_000  # bytes; an entity holds 1 MiB

_log = logger("captello.storage")


@dataclass(frozen=True, slots=True)
class Readable(Generic[ModelT]):
    """Of some documents those that can be read; and of the others, by their key, why not."""

    items: list[ModelT] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def packed(model: BaseModel) -> dict[str, Any]:
    """The properties that hold the model."""
    text = model.model_dump_json(by_alias=True)
    if len(text.encode("utf-16-le")) // 2 <= _READABLE_MOST:
        return {"document": text}
    raw = zlib.compress(text.encode())
    if len(raw) > _PACKED_MOST:
        raise InvalidInputError("This is more than can be kept of one: make it smaller.", field="body", status=413)
    starts = range(0, len(raw), _CHUNK)
    return {f"document_{number}": raw[start : start + _CHUNK] for number, start in enumerate(starts)}


def unpacked(entity: Mapping[str, Any], kind: type[ModelT]) -> ModelT:
    """The model that an entity holds. Raises UnreadableDocumentError."""
    try:
        return kind.model_validate_json(_text(entity))
    except (ValueError, zlib.error) as error:
        raise _unreadable(entity, kind, error) from error


def all_readable(entities: Iterable[Mapping[str, Any]], kind: type[ModelT]) -> Readable[ModelT]:
    """One that cannot be read does not take the others along; the log tells of it."""
    found: Readable[ModelT] = Readable()
    for entity in entities:
        try:
            found.items.append(unpacked(entity, kind))
        except UnreadableDocumentError as error:
            found.unreadable[str(entity["RowKey"])] = error.message
            _log.warning("%s is passed over: %s", entity["RowKey"], error.message)
    return found


def _text(entity: Mapping[str, Any]) -> str | bytes:
    if "document" in entity:
        return str(entity["document"])
    chunks: list[bytes] = []
    while (name := f"document_{len(chunks)}") in entity:
        chunks.append(entity[name])
    return zlib.decompress(b"".join(chunks))


def _unreadable(entity: Mapping[str, Any], kind: type[BaseModel], error: Exception) -> UnreadableDocumentError:
    """Where, but nothing of what stands there."""
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
    found = error.errors(include_input=False, include_url=False) if isinstance(error, ValidationError) else []
    places = ", ".join(".".join(map(str, each["loc"])) for each in found[:3] if each["loc"])
    message = f"The {what} {entity.get('RowKey', '')} cannot be read as it is stored{f' ({places})' if places else ''}."
    advice = "Save it again with `If-Match: *`, or delete it."
    return UnreadableDocumentError(f"{message} {advice}", code="unreadable")
