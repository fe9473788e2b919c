"""The person as this organisation has been told of them: per field the newest value and when it was said.

Merging is part of a delivery's turn, so an older capture that arrives late cannot overwrite a newer one.
"""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from core.domain.capture import Capture
from core.domain.values import FieldValue, is_missing

NEVER = datetime.min.replace(tzinfo=UTC)


class Said(BaseModel):
    """One field's value, and when the person said it."""

    model_config = ConfigDict(frozen=True)

    value: FieldValue
    at: datetime


class Prospect(BaseModel):
    """The merged person, with the rows (table to row id) it went to."""

    model_config = ConfigDict(frozen=True)

    id: str | None = None
    owner: str | None = None
    fields: dict[str, Said] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    last_said_at: datetime = NEVER
    claimed_by: str = ""

    def value(self, name: str) -> FieldValue:
        """A field by its name in any case; None where it is missing or a placeholder."""
        wanted = name.lower()
        for known, said in self.fields.items():
            if known.lower() == wanted and not is_missing(said.value):
                return said.value
        return None


def merged(prospect: Prospect, capture: Capture, said_at: datetime) -> Prospect:
    """The prospect after it has heard the capture: per field the newest value wins; what is missing is no value."""
    fields = dict(prospect.fields)
    for name, value in capture.prospect.fields.items():
        known = fields.get(name)
        if not is_missing(value) and (known is None or known.at <= said_at):
            fields[name] = Said(value=value, at=said_at)
    return prospect.model_copy(
        update={
            "id": prospect.id or capture.prospect.id,
            "owner": capture.prospect.owner or prospect.owner,
            "fields": fields,
            "last_said_at": max(prospect.last_said_at, said_at),
        }
    )
