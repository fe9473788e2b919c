"""Reads a capture out of a request: JSON, form-urlencoded or query only (product.md, section 5).

Captello's administrators write the body themselves, as a template with field tokens, so every body is either a
`Capture` or `Unreadable` with the reason; nothing is raised for what a sender sent.
"""

import codecs
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from core.domain.capture import Capture

_FORM_TYPE = "application/x-www-form-urlencoded"
_OWN_PARAMETERS = {"code", "clientid", "wait", "test"}
_NESTED_KEYS = {"prospect", "form", "submission", "answers"}
FLAT_NAMES = {
    "event": ("event",),
    "delivery_id": ("delivery_id",),
    "occurred_at": ("occurred_at",),
    "form_id": ("form", "id"),
    "form_name": ("form", "name"),
    "form_event": ("form", "event"),
    "event_name": ("form", "event"),
    "activity_id": ("submission", "activity_id"),
    "hold_request_id": ("submission", "hold_request_id"),
    "submission_type": ("submission", "type"),
    "captured_by": ("submission", "captured_by"),
    "rating": ("submission", "rating"),
    "prospect_id": ("prospect", "id"),
    "owner": ("prospect", "owner"),
    "prospect_owner": ("prospect", "owner"),
}
_DEPTH_MOST = 60  # what stores a capture, and reads it again, stops at 200


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The body could not be read; `reason` is a sentence for the person who wrote the template."""

    reason: str


def read_capture(*, body: bytes, content_type: str, query: Mapping[str, str]) -> Capture | Unreadable:
    """The capture in a request; parameters of the query fill what the body does not say."""
    asked = _nested(_cleaned(said_in_query(query)))
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body.strip() or _is_form(body, content_type):
        return _capture(_filled(_nested(_form(body)), asked))
    try:
        document = _cleaned(json.loads(_decoded(body)))
    except (ValueError, RecursionError) as error:
        return Unreadable(f"The body is not valid JSON: {_shortened(str(error))}.")
    if not isinstance(document, dict):
        return Unreadable(f"The body must be a JSON object, not {type(document).__name__}.")
    return _capture(_filled(document if _NESTED_KEYS & document.keys() else _nested(document), asked))


def capture_of_document(document: object) -> Capture | Unreadable:
    """The capture in one document of several: nested or flat, as a body of its own would be."""
    if not isinstance(document, dict):
        return Unreadable(f"A capture is a JSON object, not {type(document).__name__}.")
    try:
        cleaned = _cleaned(document)
    except ValueError as error:
        return Unreadable(f"The capture cannot be stored: {_shortened(str(error))}.")
    return _capture(cleaned if _NESTED_KEYS & cleaned.keys() else _nested(cleaned))


def said_in_query(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the capture itself: without the key, and without what the service asks for its own sake."""
    return {name: value for name, value in query.items() if name.lower() not in _OWN_PARAMETERS}


def _capture(document: dict[str, Any]) -> Capture | Unreadable:
    try:
        return Capture.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Unreadable(f"{where}: {first['msg']}.")


def _is_form(body: bytes, content_type: str) -> bool:
    """Senders get the content type wrong; a body that begins like JSON is JSON."""
    if body.lstrip()[:1] in (b"{", b"["):
        return False
    declared = content_type.split(";", maxsplit=1)[0].strip().lower()
    return declared == _FORM_TYPE or ("json" not in declared and b"=" in body)


def _form(body: bytes) -> dict[str, Any]:
    """Repeated names become a list."""
    values: dict[str, Any] = {}
    text = body.strip().decode("latin-1")  # escapes hold the real bytes; they are decoded below
    for raw_name, raw_value in parse_qsl(text, keep_blank_values=True, encoding="latin-1"):
        name, value = _decoded(raw_name.encode("latin-1")), _decoded(raw_value.encode("latin-1"))
        if name in values:
            earlier = values[name]
            values[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            values[name] = value
    return values


def _decoded(raw: bytes) -> str:
    """UTF-8; what is not, is taken for Windows' Western code page, which old senders use."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _cleaned(value: Any, deeper: int = _DEPTH_MOST) -> Any:
    """JSON may hold half characters, endless numbers and endless depth that nothing behind us can store."""
    if not deeper:
        raise ValueError(f"it is nested more than {_DEPTH_MOST} levels deep")
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8") if not value.isascii() else value
        case float():
            return value if math.isfinite(value) else str(value)
        case list():
            return [_cleaned(item, deeper - 1) for item in value]
        case dict():
            return {_cleaned(name): _cleaned(item, deeper - 1) for name, item in value.items()}
        case _:
            return value


def _nested(document: dict[str, Any]) -> dict[str, Any]:
    """The flat form of a capture in the nested one; names that the contract does not know are prospect fields."""
    nested: dict[str, Any] = {"form": {}, "submission": {}, "prospect": {"fields": {}}, "answers": []}
    for name, value in document.items():
        if name.startswith("q."):
            nested["answers"].append({"id": name.removeprefix("q."), "value": value})
        elif path := FLAT_NAMES.get(name.lower()):
            part = nested[path[0]] if len(path) > 1 else nested
            part[path[-1]] = value
        else:
            nested["prospect"]["fields"][name] = value
    return nested


def _filled(document: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """The document; what it does not say is taken from the parameters."""
    filled = {**parameters, **document}
    for name, part in parameters.items():
        match part, document.get(name):
            case dict(), dict() as said:
                filled[name] = _filled(said, part)
            case list(), list() as said:
                filled[name] = [*part, *said]
            case _, None:
                filled[name] = part
    return filled


def _shortened(text: str, most: int = 120) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
