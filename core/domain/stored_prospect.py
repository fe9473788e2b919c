"""A prospect that is here already, as a capture that says again what is known of that person.

It says so as of when the person last said something, so it is neither late nor newer than anything.
"""

import re
from collections.abc import Collection
from datetime import datetime

from core.domain.capture import Capture, prospect_name
from core.domain.criteria import Criteria
from core.domain.fitting import Facts
from core.domain.prospect import NEVER, Prospect, field_name
from core.domain.values import as_text, is_missing

_NOT_REMEMBERED = ("q.", "form.", "submission.", "prospect.")
_NAME_OF_OURS = re.compile(r"(?:id|email|submission|delivery)~[0-9a-f]{32}")


def stored_name(prospect_id: str) -> str:
    """By which name the ledger knows the prospect: a name of ours is one, anything else is Captello's id."""
    if _NAME_OF_OURS.fullmatch(prospect_id):
        return prospect_id
    return prospect_name(Capture.model_validate({"prospect": {"id": prospect_id}}), "")


def capture_of(name: str, prospect: Prospect, *, delivery_id: str) -> Capture:
    fields = {field: said.value for field, said in prospect.fields.items() if not is_missing(said.value)}
    known_as, met = None if prospect.id else name, prospect.met
    return Capture.model_validate(
        {
            "event": "updated",
            "delivery_id": delivery_id,
            "occurred_at": None if prospect.last_said_at == NEVER else prospect.last_said_at,
            "form": {"id": met.form_id, "name": met.form_name, "event": met.event},
            "submission": {"rating": met.rating},
            "prospect": {"id": prospect.id, "owner": prospect.owner, "fields": fields, "known_as": known_as},
        }
    )


def unknowable(criteria: Criteria) -> str:
    """Why a condition asks for what is not remembered of a person; "" where none does."""
    for condition in criteria.conditions:
        if condition.changed is not None:
            return "`changed` says nothing about prospects that are synced because somebody asks for it."
        if condition.field and condition.field.lower().startswith(_NOT_REMEMBERED):
            return f"{condition.field!r} is not remembered of prospects: use their fields, form, event or rating."
    return ""


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
