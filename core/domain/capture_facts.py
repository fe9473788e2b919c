"""What an action's filter can know of a capture: the person as known with it, and the capture itself."""

import re

from core.domain.fitting import Facts
from core.domain.subject import Subject
from core.domain.values import FieldValue, as_text, is_missing


def capture_facts(subject: Subject) -> Facts:
    capture = subject.capture
    zones = (mapping.time_zone for mapping in subject.mappings.values())
    return Facts(
        field=lambda name: subject.sources[name],
        is_changed=lambda name: as_text(subject.person.value(name)) != as_text(subject.known.value(name)),
        captured_at=subject.delivery.said_at,
        form=tuple(filter(None, (capture.form.id, capture.form.name))),
        event=capture.form.event or "",
        rating=capture.submission.rating,
        tags=_tags(subject.sources["prospect.tags"], subject.sources["Tags"]),
        time_zone=next(zones, "UTC"),
    )


def _tags(*told: FieldValue) -> tuple[str, ...]:
    """As a list, or joined by commas or semicolons."""
    text = ";".join(as_text(value) for value in told if not is_missing(value))
    return tuple(tag for part in re.split("[;,]", text) if (tag := part.strip()))
