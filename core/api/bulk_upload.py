"""What a request for a bulk action holds: an order in JSON, or a file of people."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from core.api.edge import check_storable
from core.domain.bulk_batch import told_of
from core.domain.sheet import Sheet, text_of
from core.domain.sheet_envelope import CAPTURES, envelope
from core.errors import InvalidInputError
from core.sync.bulk_actions import Asked
from core.sync.bulk_messages import Order, asked_of

UPLOAD_MOST = 8 * 1024 * 1024
PARTS_MOST = 1_000

_LOOKED_AT = 64 * 1024
_ORDERS = {"prospect_ids", "filter", "blob"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """`batch` is empty where the sender chose no id."""

    action: str
    batch: str
    asked: Asked


def asked_in(
    body: bytes, *, content_type: str, encoding: str, action: str, batch: str = "", mapped: Sequence[str] = ()
) -> Wanted:
    """What is asked for, by address and body together. What is no file of people is refused at once; a line that cannot
    be read is told later, with the batch. Raises InvalidInputError.
    """
    content = usable_content(body, encoding)
    document = _object_in(content, content_type)
    if document is None:
        return Wanted(_named(action), batch, _file(content, content_type, mapped))
    order = _order(document, action=action, batch=batch)
    asked = asked_of(order) if order.prospects is None else _file(content, content_type, mapped)
    return Wanted(order.action, order.batch or "", asked)


def _named(action: str) -> str:
    if not action:
        raise InvalidInputError("Name the action in the address: ?action=booth", field="action")
    return action


def _file(content: bytes, content_type: str, mapped: Sequence[str]) -> Asked:
    if not _holds_anybody(Sheet(content_type, mapped), content):
        raise InvalidInputError("There is nobody in it: send a table with a heading and rows, or JSON.", field="body")
    told = told_of("content", hashlib.sha256(content).hexdigest())
    return Asked(told, content=content, content_type=content_type[:200])


def usable_content(body: bytes, encoding: str) -> bytes:
    if encoding.strip().lower() not in ("", "identity"):
        raise InvalidInputError("Send it unpacked, without a Content-Encoding.", field="content-encoding", status=415)
    if len(body) > UPLOAD_MOST:
        message = f"It is larger than {UPLOAD_MOST // 1024 // 1024} MiB. Send it in parts: PUT /bulk/{{batch}}/parts/1"
        raise InvalidInputError(message, field="body", status=413)
    return body


def _holds_anybody(sheet: Sheet, content: bytes) -> bool:
    """As far as its beginning tells."""
    is_all = len(content) <= _LOOKED_AT
    return bool(sheet.feed(content[:_LOOKED_AT]) or not is_all or sheet.end())


def _object_in(content: bytes, content_type: str) -> dict[str, Any] | None:
    """What the body says beside the captures, or instead of them. None: it is people from beginning to end."""
    text = text_of(content, content_type).lstrip()
    if not text.startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):  # it may break within the captures, of which those before that are read
        around = envelope(text)
        return {**around.members, CAPTURES: []} if around.is_one else None
    return document if document.keys() & {*_ORDERS, CAPTURES} else None


def _order(document: dict[str, Any], *, action: str, batch: str) -> Order:
    said = {"action": action, "batch": batch}
    for name, value in said.items():
        if value and document.get(name) not in (None, value):
            message = f"The address says {value!r}, and the body another one: name one of them, or the same."
            raise InvalidInputError(message, field=name)
    document = {**document, **{name: value for name, value in said.items() if value}}
    if CAPTURES in document:  # whatever else whoever made the file wrote beside them is nobody's order
        document = {name: value for name, value in document.items() if name in Order.model_fields}
    if document.get("action") is None:
        _named("")
    return _validated(document)


def _validated(document: dict[str, Any]) -> Order:
    check_storable({name: value for name, value in document.items() if name != CAPTURES})  # a bad line fails by itself
    try:
        return Order.model_validate(document)
    except ValidationError as error:
        errors = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(errors) from error
