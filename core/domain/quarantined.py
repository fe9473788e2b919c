"""A body that could not be read, kept whole with the reason until somebody has mended it or thrown it away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.capture import digest

State = Literal["waiting", "replayed", "discarded"]


class Quarantined(BaseModel):
    """Everything but the body."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    action: str
    connection: str
    organization: str
    reason: str
    content_type: str
    query: dict[str, str]
    size: int  # in bytes
    received_at: datetime
    state: State = "waiting"
    settled_at: datetime | None = None  # when it was replayed or discarded
    note: str = ""  # why it was discarded
    mended_type: str = ""  # the content type of the body that was replayed instead


def quarantine_receipt(action: str, body: bytes, query: Mapping[str, str]) -> str:
    """The same body for the same action is one delivery, however often it is sent."""
    asked = (f"{name}={value}" for name, value in sorted(query.items()))
    return digest(action, "quarantine", body.decode("latin-1"), *asked)
