"""A capture: one delivery about one prospect from a capture form, in the contract of product.md, section 5.

Reading one out of a request's body is `capture_body`'s duty; what becomes of it, the turn's.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from core.domain.values import FieldValue, as_text, is_blank, is_missing


def _as_id(value: object) -> object:
    """Ids arrive as numbers or texts, and mean the same. Blank, zero and a token that was never replaced are no id:
    taken for one, it would make one person, or one delivery, of everybody.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    return None if is_missing(value) or as_text(value) == "0" else as_text(value)


def _as_question_id(value: object) -> object:
    return as_text(value) or None if isinstance(value, int | str) else value


def _as_field_value(value: object) -> Any:
    """What is no plain value is kept as JSON text: unknown types are text."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [
            item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
            for item in value
            if item is not None
        ]
    return value


def _as_plain_text(value: object) -> object:
    """What should be a text and is none (a form named 2026) is written as one: nobody is lost for it."""
    return value if value is None or isinstance(value, str) else as_text(_as_field_value(value))


def _as_time(value: object) -> object:
    """A blank time is no time."""
    return None if _is_left_out(value) else value


def _as_event(value: object) -> object:
    if _is_left_out(value):
        return Event.CAPTURED
    return value.strip().lower() if isinstance(value, str) else value


def _as_part(value: object) -> object:
    return {} if _is_left_out(value) else value


def _as_list(value: object) -> object:
    return [] if _is_left_out(value) else value


def _is_left_out(value: object) -> bool:
    """A template writes null, a blank or its own token where Captello has nothing to say."""
    return value is None or (isinstance(value, str) and is_missing(value))


def _with_zone(value: datetime | None) -> datetime | None:
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


Identifier = Annotated[str | None, BeforeValidator(_as_id)]
Text = Annotated[str | None, BeforeValidator(_as_plain_text)]
Value = Annotated[FieldValue, BeforeValidator(_as_field_value)]
Fields = Annotated[dict[str, Value], BeforeValidator(_as_part)]


class Event(StrEnum):
    CAPTURED = "captured"
    UPDATED = "updated"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


_NAMES_AND_EMAIL = ("firstname", "lastname", "fullname", "name", "email")


class _Part(BaseModel):
    """Unknown keys are kept, and can be mapped."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Form(_Part):
    id: Identifier = None
    name: Text = None
    event: Text = None


class Submission(_Part):
    activity_id: Identifier = None
    hold_request_id: Identifier = None
    type: Text = None
    captured_by: Text = None
    rating: Value = None


def _as_known_name(value: object) -> object:
    return value if isinstance(value, str) and _KNOWN_NAME.fullmatch(value) else None


_KNOWN_NAME = re.compile(r"[a-z]{1,20}~[0-9a-f]{32}")
KnownName = Annotated[str | None, BeforeValidator(_as_known_name)]
OnlyNews = Annotated[Literal[True] | None, BeforeValidator(lambda value: True if value is True else None)]


class CapturedProspect(_Part):
    id: Identifier = None
    known_as: KnownName = None  # the name that `prospect_name` gave the person before, where Captello gave no id
    only_news: OnlyNews = None  # what it does not say of the person is left alone in a row that is there
    owner: Text = None
    fields: Fields = Field(default_factory=dict)


class Answer(_Part):
    id: Annotated[str | None, BeforeValidator(_as_question_id)] = None
    title: Text = None
    type: Text = None
    value: Value = None


class Capture(_Part):
    event: Annotated[Event, BeforeValidator(_as_event)] = Event.CAPTURED
    delivery_id: Identifier = None
    occurred_at: Annotated[datetime | None, BeforeValidator(_as_time)] = None
    form: Annotated[Form, BeforeValidator(_as_part)] = Form()
    submission: Annotated[Submission, BeforeValidator(_as_part)] = Submission()
    prospect: Annotated[CapturedProspect, BeforeValidator(_as_part)] = CapturedProspect()
    answers: Annotated[list[Answer], BeforeValidator(_as_list)] = Field(default_factory=list)

    def said_at(self, received_at: datetime) -> datetime:
        """When the person said this; the time of receipt where the capture names none, or one that is still to come:
        a phone whose clock is ahead would otherwise be right against everything said until then.
        """
        return min(_with_zone(self.occurred_at) or received_at, received_at)

    @property
    def is_held(self) -> bool:
        """Not a person yet: transcription or reconciliation is pending on Captello's side."""
        is_open = self.event in (Event.CAPTURED, Event.UPDATED)
        return is_open and (self.submission.hold_request_id is not None or self._awaits_transcription)

    @property
    def _awaits_transcription(self) -> bool:
        """A photograph of a business card, of which nobody has read a name or an address yet."""
        if (self.submission.type or "").strip().lower() != "transcription":
            return False
        said = {re.sub(r"[\s_-]", "", name).lower(): value for name, value in self.prospect.fields.items()}
        return all(is_missing(said.get(name)) for name in _NAMES_AND_EMAIL)

    @property
    def is_empty(self) -> bool:
        said = (*self.prospect.fields.values(), *(answer.value for answer in self.answers))
        is_known = self.prospect.id or self.prospect.known_as or self.submission.activity_id
        return all(map(is_blank, said)) and not is_known

    def values(self) -> Iterator[tuple[str, FieldValue]]:
        """Everything that a mapping may name: fields, answers as `q.<id>` and `q.<title>`, the rest as dotted paths."""
        for answer in self.answers:
            for name in filter(None, (answer.title, answer.id)):
                yield f"q.{name}", answer.value
        yield from _dotted(self.model_dump(mode="json", exclude={"answers": True, "prospect": {"fields"}}))
        yield from self.prospect.fields.items()


def _dotted(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, FieldValue]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{prefix}{name}.")
        else:
            yield prefix + name, _as_field_value(value)


def identity(action: str, capture: Capture) -> str:
    """Which delivery this is, as 32 hex digits: the sender's own id, else everything it says.

    Form, activity id and answers are part of what it says, so the same submission with other content is another
    delivery (an edit), and two forms never share one.
    """
    told = f"id:{capture.delivery_id}" if capture.delivery_id else f"content:{_canonical(capture)}"
    return digest(action, told)


def digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _canonical(capture: Capture) -> str:
    """What the capture says, whatever the order of its keys; in the flat form, answers are keys too."""
    said = capture.model_dump(mode="json")
    said["answers"].sort(key=lambda answer: json.dumps(answer, sort_keys=True))
    return json.dumps(said, sort_keys=True, ensure_ascii=True)


_PLAIN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def prospect_name(capture: Capture, delivery_id: str) -> str:
    """A name for the person that is fit for a key: the one they are known by, Captello's id, else the e-mail address,
    else this submission.
    """
    if capture.prospect.known_as:
        return capture.prospect.known_as
    if capture.prospect.id:
        plain = _PLAIN_ID.fullmatch(capture.prospect.id)
        return capture.prospect.id if plain else f"id~{digest(capture.prospect.id)}"
    email = {name.lower(): value for name, value in capture.prospect.fields.items()}.get("email")
    if isinstance(email, str) and "@" in email:
        return f"email~{digest(email.strip().lower())}"
    return submission_name(capture, delivery_id)


def is_captellos(name: str) -> bool:
    """Whether a prospect's name comes from an id that Captello gave."""
    return not name.startswith(("email~", "submission~", "delivery~"))


def submission_name(capture: Capture, delivery_id: str) -> str:
    """A name for the submission; a delivery without an activity id is a submission of its own."""
    if capture.submission.activity_id:
        return f"submission~{digest(capture.form.id or '', capture.submission.activity_id)}"
    return f"delivery~{delivery_id}"
