"""What a request for a bulk action holds: an order in JSON, or a file of people."""

import hashlib
import json
import re
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from core.domain.bulk_batch import told_of
from core.domain.sheet import Sheet
from core.errors import InvalidInputError
from core.sync.bulk_actions import Asked
from core.sync.bulk_messages import Order, asked_of

UPLOAD_MOST = 8 * 1024 * 1024
PARTS_MOST = 1_000

_LOOKED_AT = 64 * 1024
_ORDERS = {"prospect_ids", "filter", "blob"}


def asked_in(body: bytes, *, content_type: str, encoding: str, action: str | None) -> tuple[str, Asked]:
    """The action, and what it is to be done with. What is no file of people is refused at once; a line that cannot be
    read is told later, with the batch. Raises InvalidInputError.
    """
    order = _order(body, action)
    if order is not None:
        return order.action, asked_of(order)
    content = usable_content(body, encoding)
    records = _looked_at(content, content_type)
    action = action or _named_action(content)
    if not records:
        raise InvalidInputError("There is nobody in it: send a table with a heading and rows, or JSON.", field="body")
    if not action:
        raise InvalidInputError("Name the action in the address: ?action=booth", field="action")
    told = told_of("content", hashlib.sha256(content).hexdigest())
    return action, Asked(told, content=content, content_type=content_type[:200])


def usable_content(body: bytes, encoding: str) -> bytes:
    if encoding.strip().lower() not in ("", "identity"):
        raise InvalidInputError("Send it unpacked, without a Content-Encoding.", field="content-encoding", status=415)
    if len(body) > UPLOAD_MOST:
        message = f"It is larger than {UPLOAD_MOST // 1024 // 1024} MiB. Send it in parts: PUT /bulk/{{batch}}/parts/1"
        raise InvalidInputError(message, field="body", status=413)
    return body


def _looked_at(content: bytes, content_type: str) -> bool:
    """Whether there is anybody in it, as far as its beginning tells."""
    sheet = Sheet(content_type)
    is_all = len(content) <= _LOOKED_AT
    return bool(sheet.feed(content[:_LOOKED_AT]) or not is_all or sheet.end())


def _order(body: bytes, action: str | None) -> Order | None:
    """None for what is a file of people."""
    if len(body) > UPLOAD_MOST or not body.lstrip().startswith(b"{"):
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not _ORDERS & document.keys() or "prospects" in document:
        return None
    return _validated({"action": action, **document} if action else document)


def _validated(document: dict[str, Any]) -> Order:
    try:
        return Order.model_validate(document)
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(errors) from error


def _named_action(content: bytes) -> str:
    """In an object around the prospects, where it stands before them."""
    found = re.match(rb'\s*\{\s*"action"\s*:\s*"([^"\\]{1,63})"', content)
    return found[1].decode(errors="replace") if found else ""
