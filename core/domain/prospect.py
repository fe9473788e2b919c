"""The person as this organisation has been told of them: per field the newest value and when it was said.

Merging is part of a delivery's turn, so an older capture that arrives late cannot overwrite a newer one.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from core.domain.capture import Capture, digest
from core.domain.values import FieldValue, as_text, is_blank, is_missing, is_placeholder

KEY_FIELDS = {"email", "firstname", "lastname"}  # whom a person is searched by
FIELDS_MOST = 500
EFFECTS_MOST = 300
MET_MOST = 300  # characters of a form's or event's name
TEXT_MOST = 300_000  # characters of all values together; a capture holds less, so what was said last always stays
NEVER = datetime.min.replace(tzinfo=UTC)


class Said(BaseModel):
    """One field's newest value, and when the person said it; and when the field was last left blank."""

    model_config = ConfigDict(frozen=True)

    value: FieldValue = None
    at: datetime = NEVER
    blank_at: datetime = NEVER

    @property
    def is_taken_back(self) -> bool:
        """A blank was the last word. It is no information, so the value stands for whoever does not ask for blanks."""
        return self.blank_at > self.at

    @property
    def last_word(self) -> FieldValue:
        """As it would be said again: blank where it was taken back."""
        return "" if self.is_taken_back else self.value

    @property
    def word(self) -> tuple[FieldValue, bool]:
        """What counts of it: saying it again changes nothing."""
        return self.value, self.is_taken_back

    def then(self, value: FieldValue, at: datetime) -> "Said":
        """What is known when this was said too, whether earlier or later."""
        if is_blank(value):
            return self.model_copy(update={"blank_at": max(self.blank_at, at)})
        if is_placeholder(value) or at < self.at:
            return self
        return self.model_copy(update={"value": value, "at": at})


class Met(BaseModel):
    """Where the person was met last, as far as captures tell; what one leaves open stays."""

    model_config = ConfigDict(frozen=True)

    form_id: str | None = None
    form_name: str | None = None
    event: str | None = None
    rating: FieldValue = None
    at: datetime = NEVER

    def then(self, capture: Capture, at: datetime) -> "Met":
        form, rating = capture.form, capture.submission.rating
        told = {"form_id": form.id, "form_name": form.name, "event": form.event}
        said: dict[str, FieldValue] = {name: text[:MET_MOST] for name, text in told.items() if text}
        if not is_missing(rating):
            said["rating"] = rating
        return self.model_copy(update={**said, "at": at}) if said and at >= self.at else self


class Prospect(BaseModel):
    """The merged person, with the rows (table to row id) it went to. Fields stand under `field_name`."""

    model_config = ConfigDict(frozen=True)

    id: str | None = None
    owner: str | None = None
    owner_said_at: datetime = NEVER
    fields: dict[str, Said] = Field(default_factory=dict)
    changes: int = 0  # how often something said was new
    heard: int = 0  # how often anything was said; what automations say again does not count
    links: dict[str, str] = Field(default_factory=dict)
    linked_by_name: tuple[str, ...] = ()  # tables whose link rests on a name alone
    effects: dict[str, datetime] = Field(default_factory=dict)  # marks of what was done beside the row, and as of when
    last_said_at: datetime = NEVER
    met: Met = Met()
    last_outcome: str = ""  # of the delivery that was finished last
    claimed_by: str = ""

    def value(self, name: str) -> FieldValue:
        """A field by its name in any case; None where it is missing or a placeholder."""
        said = self.fields.get(field_name(name))
        return None if said is None or is_missing(said.value) else said.value

    @property
    def version(self) -> str:
        """Another one each time something said is new, also when it had been said before; saying it again is not."""
        told = {name: as_text(said.value) for name, said in self.fields.items()}
        met = self.met.model_dump(mode="json", exclude={"at"})
        return f"{self.changes}-{digest(json.dumps([told, met, self.owner], sort_keys=True))[:8]}"

    def with_effects(self, marks: Iterable[str], at: datetime) -> "Prospect":
        """The person for whom these things were done too, as of the latest time each; the newest are kept."""
        marked = self.effects | {mark: max(at, self.effects.get(mark, at)) for mark in marks}
        newest = sorted(marked.items(), key=lambda effect: effect[1], reverse=True)[:EFFECTS_MOST]
        return self.model_copy(update={"effects": dict(newest)})


def field_name(name: str) -> str:
    """A field's name as it is compared: in any case."""
    return name.strip().lower()


def changed_fields(before: Prospect, after: Prospect) -> tuple[str, ...]:
    """What says something else than before, or is left blank now; where they were met counts under `form`, `event` and
    `rating`.
    """
    fields = (name for name, said in after.fields.items() if before.fields.get(name, Said()).word != said.word)
    was, met = before.met, after.met
    about = {
        "form": (was.form_id, was.form_name) != (met.form_id, met.form_name),
        "event": was.event != met.event,
        "rating": was.rating != met.rating,
        "owner": before.owner != after.owner,
    }
    return (*fields, *(name for name, is_new in about.items() if is_new))


@dataclass(frozen=True, slots=True)
class News:
    """What automations are told of somebody who was heard: whether they were, and the fields that say something new."""

    is_heard: bool
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.is_heard or bool(self.changed)


def with_news(before: Prospect, after: Prospect, *, is_heard: bool = True) -> tuple[Prospect, News]:
    """The person after, with what happened counted. What was said later than anything else was heard, whoever tells."""
    news = News(is_heard or after.last_said_at > before.last_said_at, changed_fields(before, after))
    counts = {"changes": before.changes + bool(news.changed), "heard": before.heard + news.is_heard}
    return after.model_copy(update=counts), news


def merged(prospect: Prospect, capture: Capture, said_at: datetime) -> Prospect:
    """The prospect after it has heard the capture: per field the newest value wins; what is missing is no value."""
    fields = dict(prospect.fields)
    for name, value in capture.prospect.fields.items():
        fields[field_name(name)] = fields.get(field_name(name), Said()).then(value, said_at)
    owner = Said(value=prospect.owner, at=prospect.owner_said_at).then(capture.prospect.owner, said_at)
    return prospect.model_copy(
        update={
            "id": prospect.id or capture.prospect.id,
            "owner": owner.value,
            "owner_said_at": owner.at,
            "fields": _bounded(fields),
            "last_said_at": max(prospect.last_said_at, said_at),
            "met": prospect.met.then(capture, said_at),
        }
    )


def _bounded(fields: dict[str, Said]) -> dict[str, Said]:
    """The fields that were said last, as many as can be stored: forms with ever new names must not block a person."""
    kept: dict[str, Said] = {}
    left = TEXT_MOST
    for name, said in sorted(fields.items(), key=_importance, reverse=True):
        left -= len(name) + len(as_text(said.value))
        if left < 0 or len(kept) == FIELDS_MOST:
            break
        kept[name] = said
    return {name: said for name, said in fields.items() if name in kept}


def _importance(field: tuple[str, Said]) -> tuple[bool, datetime]:
    name, said = field
    return name in KEY_FIELDS, max(said.at, said.blank_at)
