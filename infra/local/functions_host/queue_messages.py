"""What a value becomes on its way into a queue, and a message on its way out. No I/O."""

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage

_JSON_BEGINS = {"{": "}", "[": "]"}


def encoded(body: bytes, *, is_base64: bool) -> str:
    return base64.b64encode(body).decode() if is_base64 else body.decode(errors="replace")


def body_of(content: str, *, is_base64: bool) -> bytes | None:
    """None for what ought to be base64 and is not; white space in it does not matter."""
    if not is_base64:
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()).encode(), validate=True)
    except binascii.Error:
        return None


def bodies(value: Datum) -> Iterator[bytes]:
    """The messages that an output's value makes. Raises ValueError.

    Text that looks like JSON is read as JSON: an array is one message for each element, and objects are written anew,
    indented.
    """
    if value.type == "bytes":
        yield value.value
        return
    text = str(value.value)
    stripped = text.strip()
    if value.type != "json" and not (stripped and _JSON_BEGINS.get(stripped[0]) == stripped[-1]):
        yield text.encode()
        return
    parsed = json.loads(stripped)
    for element in parsed if isinstance(parsed, list) else [parsed]:
        yield _as_text(element).encode()


def metadata(message: QueueMessage) -> dict[str, Datum]:
    """What the host says of a message beside its body."""
    told = {
        "QueueTrigger": message.content,
        "Id": message.id,
        "PopReceipt": message.pop_receipt,
        "DequeueCount": message.dequeue_count,
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {name: _datum(value) for name, value in told.items() if value is not None}


def _as_text(element: Any) -> str:
    return element if isinstance(element, str) else json.dumps(element, indent=2, ensure_ascii=False)


def _datum(value: Any) -> Datum:
    if isinstance(value, int):
        return Datum(value, "int")
    return Datum(value.isoformat() if isinstance(value, datetime) else str(value), "string")
