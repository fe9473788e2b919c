"""What is stored and cannot be read any more: it is listed beside the rest, and can be replaced or deleted."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field


class UnreadableView(BaseModel):
    """Something that is stored and cannot be read any more. Save it again, with `If-Match: *`, or delete it."""

    id: str
    reason: Annotated[str, Field(description="Which part of it cannot be read, and what to do.")]


Unreadables = Annotated[
    list[UnreadableView], Field(description="Those that are stored but cannot be read any more; usually none.")
]


def unreadable_views(found: Mapping[str, str]) -> list[UnreadableView]:
    return [UnreadableView(id=name, reason=why) for name, why in sorted(found.items())]


def unreadable_settings(why: str) -> Mapping[str, Any]:
    """What stands for its settings in an ETag, so that even this is changed on condition only."""
    return {"unreadable": why}
