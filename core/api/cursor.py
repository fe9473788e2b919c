"""Cursors: where a page ended, opaque, and good only for what was asked."""

import base64
import binascii
import json
from collections.abc import Mapping

from core.domain.capture import digest
from core.errors import InvalidInputError


def written(after: str | None, asked: Mapping[str, object]) -> str | None:
    if after is None:
        return None
    text = json.dumps([_told(asked), after], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str | None, asked: Mapping[str, object]) -> str | None:
    """Raises InvalidInputError for what is no cursor of ours, or one of another question."""
    if not cursor:
        return None
    try:
        told, after = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        told, after = "", None
    if not isinstance(after, str) or not after.isprintable():
        raise InvalidInputError("This is no cursor: send back the one that the page before gave.", field="cursor")
    if told != _told(asked):
        raise InvalidInputError("This cursor belongs to other filters: begin again without it.", field="cursor")
    return after


def _told(asked: Mapping[str, object]) -> str:
    """Short, and without anybody's address: addresses of pages end up in logs."""
    return digest(*(f"{name}={value}" for name, value in sorted(asked.items()) if value))[:8]
