"""Characters that no setting holds: halves of characters, which cannot be stored, and control characters.

They are refused once, at the edge, before anything else reads a body; captures have rules of their own.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import Request

from core.domain.values import has_refused_characters
from core.errors import InvalidInputError

_BODIES = "/api/v1/quarantine/"  # holds what somebody once sent, as it was sent


async def refuse_odd_characters(request: Request) -> None:
    """Of a route whose body is JSON. Whatever else is wrong with it, others say."""
    if getattr(request.scope.get("route"), "body_field", None) is None:
        return
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return
    check_characters(body, allows_control=request.url.path.startswith(_BODIES))


def check_characters(document: Any, *, allows_control: bool = False) -> None:
    """Raises InvalidInputError that names the first field whose text cannot be kept."""
    for field, text in _texts(document, ""):
        what = _odd(text, allows_control=allows_control)
        if what:
            where = _shown(field) or "body"
            raise InvalidInputError(f"{where} holds {what}: write it without.", field=where)


def _texts(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text, keys too, with the field that it stands in."""
    if isinstance(value, str):
        yield field, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{field}.{key}".lstrip("."), str(key)
            yield from _texts(each, f"{field}.{key}".lstrip("."))
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{field}.{number}".lstrip("."))


def _odd(text: str, *, allows_control: bool) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "half a character"
    if has_refused_characters(text) and not allows_control:
        return "control characters"
    return ""


def _shown(field: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in field)
