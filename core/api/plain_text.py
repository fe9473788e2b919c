"""Answers in plain words, for whoever asks with `Accept: text/plain`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel

_WORDS: Mapping[str, Any] = {"text/plain": {"schema": {"type": "string"}}}


def also_in_words(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """An operation's answers, for its description: the model, or the same in words."""
    description = "With `Accept: text/plain`, the same told in plain words."
    return {200: {"model": model, "content": _WORDS, "description": description}}


def wants_text(request: Request) -> bool:
    """Whether that is what is named first; `*/*`, as most tools send, is not."""
    return request.headers.get("accept", "").lstrip().lower().startswith("text/plain")


def moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""


def section(heading: str, lines: Iterable[str]) -> str:
    """With its heading; "" where there is nothing to tell."""
    told = [f"  {line}" for line in lines if line]
    return "\n".join([heading, *told, ""]) if told else ""


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"
