"""A file that is imported: read beside whatever else the process does."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from core.api.transfer import import_
from core.errors import InvalidInputError

NOBODY: Any = SimpleNamespace(transfers=None)


def _sent(body: bytes) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def test_captures_go_on_while_a_file_is_read() -> None:
    """The event loop turns again and again meanwhile."""
    body = b"format: captello-dynamics/1\nactions:\n" + b"- {a: b}\n" * 500
    reading = asyncio.create_task(import_(_sent(body), NOBODY, dry_run=True))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(RequestValidationError):
        await reading
    assert turns > 20


async def test_more_text_than_yaml_takes_is_refused_with_the_way_out() -> None:
    """JSON takes four times as much."""
    with pytest.raises(InvalidInputError, match="format=json") as refused:
        await import_(_sent(b"a: " + b"x" * 1024 * 1024), NOBODY, dry_run=True)
    assert refused.value.status == 413
    with pytest.raises(RequestValidationError):
        await import_(_sent(b'{"a": "' + b"x" * 2 * 1024 * 1024 + b'"}'), NOBODY, dry_run=True)
