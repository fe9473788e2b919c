"""Pages of lists that are read as a whole: what is configured is never so much that reading it would cost anything."""

from collections.abc import Callable, Iterable
from typing import Annotated, TypeVar

from fastapi import Query

from core.api import cursor as cursors

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="The `cursor` of the page before; without it, the first page.")
]


def page_of(
    items: Iterable[T], name: Callable[[T], str], *, limit: int, cursor: str | None, asked: str
) -> tuple[list[T], str | None]:
    """In the order of their names, and the cursor of the next page. `asked`: which list it is, of what."""
    after = cursors.read(cursor, {"list": asked}) or ""
    left = sorted((item for item in items if name(item) > after), key=name)
    following = cursors.written(name(left[limit - 1]), {"list": asked}) if len(left) > limit else None
    return left[:limit], following
