"""A pydantic model as properties of one table entity, and back.

Short documents stand as readable JSON; long ones are compressed, because a text property holds 32,000 characters and
a whole entity must stay well under 1 MiB.
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

import zlib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)

_READABLE_MOST = 30_000  # UTF-16 units, as the service counts them
_CHUNK = 60_000  # bytes; a binary property holds 64 KiB


def packed(model: BaseModel) -> dict[str, Any]:
    """The properties that hold the model."""
    text = model.model_dump_json(by_alias=True)
    if len(text.encode("utf-16-le")) // 2 <= _READABLE_MOST:
        return {"document": text}
    raw = zlib.compress(text.encode())
    starts = range(0, len(raw), _CHUNK)
    return {f"document_{number}": raw[start : start + _CHUNK] for number, start in enumerate(starts)}


def unpacked(entity: Mapping[str, Any], kind: type[ModelT]) -> ModelT:
    """The model that an entity holds."""
    if "document" in entity:
        return kind.model_validate_json(entity["document"])
    chunks: list[bytes] = []
    while (name := f"document_{len(chunks)}") in entity:
        chunks.append(entity[name])
    return kind.model_validate_json(zlib.decompress(b"".join(chunks)))
