"""A prospect that is here already, as a capture: one that says again what is known of that person, as of when the
person last said something, so that it is neither late nor newer than anything; or one that says only what is new.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from core.domain.capture import Capture, digest, prospect_name
from core.domain.criteria import Criteria
from core.domain.fitting import Facts
from core.domain.prospect import NEVER, Prospect, Said, field_name
from core.domain.values import FieldValue, as_text, is_missing

_NOT_REMEMBERED = ("q.", "form.", "submission.", "prospect.")
_NAME_OF_OURS = re.compile(r"(?:id|email|submission|delivery)~[0-9a-f]{32}")


def stored_name(prospect_id: str) -> str:
    """By which name the ledger knows the prospect: a name of ours is one, anything else is Captello's id."""
    if _NAME_OF_OURS.fullmatch(prospect_id):
        return prospect_id
    return prospect_name(Capture.model_validate({"prospect": {"id": prospect_id}}), "")


def capture_of(name: str, prospect: Prospect, *, delivery_id: str) -> Capture:
    """Everything that is known, with what was taken back as blanks."""
    fields = {field: said.last_word for field, said in prospect.fields.items() if _has_word(said)}
    return _capture(name, prospect, delivery_id, prospect.last_said_at, _met(prospect, _MET), prospect.owner, fields)


def news_of(name: str, prospect: Prospect, changed: Collection[str], *, delivery_id: str) -> Capture:
    """What was said of these fields last, and nothing else; as of when that was."""
    said = {field: prospect.fields[field] for field in changed if _has_word(prospect.fields.get(field, Said()))}
    times = [max(each.at, each.blank_at) for each in said.values()]
    times += [prospect.met.at] if _MET & set(changed) else []
    times += [prospect.owner_said_at] if "owner" in changed else []
    fields, owner = {field: each.last_word for field, each in said.items()}, "owner" in changed and prospect.owner
    at = max(times, default=prospect.last_said_at)
    return _capture(name, prospect, delivery_id, at, _met(prospect, changed), owner or None, fields, only_news=True)


def edit_of(name: str, prospect: Prospect, fields: Mapping[str, FieldValue]) -> Capture:
    """What somebody wants these fields to say from now on. The same again, of the person as they are, is a repeat."""
    told = json.dumps(sorted(fields.items()), ensure_ascii=True)
    edit = f"edit:{name}:{prospect.version}:{digest(told)}"
    return _capture(name, prospect, edit, NEVER, _met(prospect, ()), None, dict(fields), only_news=True)


def said_since(prospect: Prospect, since: datetime) -> set[str]:
    """The fields of which anything was said from then on."""
    fields = {name for name, said in prospect.fields.items() if max(said.at, said.blank_at) >= since}
    met = _MET if prospect.met.at >= since else set()
    return fields | met | ({"owner"} if prospect.owner_said_at >= since else set())


_MET = {"form", "event", "rating"}  # what is told of where the person was met


def _met(prospect: Prospect, told: Collection[str]) -> dict[str, dict[str, Any]]:
    met = prospect.met
    form = {"id": met.form_id, "name": met.form_name} if "form" in told else {}
    event = {"event": met.event} if "event" in told else {}
    return {"form": {**form, **event}, "submission": {"rating": met.rating} if "rating" in told else {}}


def _has_word(said: Said) -> bool:
    return said.is_taken_back or not is_missing(said.value)


def _capture(
    name: str,
    prospect: Prospect,
    delivery_id: str,
    at: datetime,
    met: dict[str, dict[str, Any]],
    owner: str | None,
    fields: dict[str, FieldValue],
    *,
    only_news: bool = False,
) -> Capture:
    known_as = name if _NAME_OF_OURS.fullmatch(name) else None  # also of whom Captello gave an id later
    person = {"id": prospect.id, "owner": owner, "fields": fields, "known_as": known_as, "only_news": only_news}
    told = {"event": "updated", "delivery_id": delivery_id, "occurred_at": None if at == NEVER else at}
    return Capture.model_validate({**told, **met, "prospect": person})


def unknowable(criteria: Criteria) -> str:
    """Why a bulk action cannot ask for this; "" where it can."""
    if any(condition.changed is not None for condition in criteria.conditions):
        return "`changed` says nothing about prospects that are synced because somebody asks for it."
    return next((why for _, why in not_remembered(criteria)), "")


def not_remembered(criteria: Criteria) -> Iterator[tuple[str, str]]:
    """The conditions, by their place, that ask for what is not remembered of a person, and why."""
    for group, conditions in (("all", criteria.all), ("any", criteria.any)):
        for index, condition in enumerate(conditions):
            if condition.field and field_name(condition.field).startswith(_NOT_REMEMBERED):
                what = f"{condition.field!r} is not remembered of prospects: use their fields, form, event or rating."
                yield f"{group}.{index}.field", what


def prospect_facts(prospect: Prospect, *, now: datetime, time_zone: str, changed: Collection[str] = ()) -> Facts:
    """What criteria can know of a stored prospect; `changed`: fields that say something new."""
    met, tags = prospect.met, prospect.value("tags")
    return Facts(
        field=prospect.value,
        is_changed=lambda name: field_name(name) in changed,
        captured_at=now if prospect.last_said_at == NEVER else prospect.last_said_at,
        form=tuple(filter(None, (met.form_id, met.form_name))),
        event=met.event or "",
        rating=met.rating,
        tags=tuple(tag for part in re.split("[;,]", as_text(tags)) if (tag := part.strip())),
        last_outcome=prospect.last_outcome,
        time_zone=time_zone,
    )
