"""What an action's filter can know of a capture: the person as known with it, and the capture itself."""

import re

from core.domain.capture import Capture
from core.domain.fitting import Facts
from core.domain.mapping import Sources
from core.domain.prospect import Met
from core.domain.subject import Subject
from core.domain.values import FieldValue, as_text, is_missing


def capture_facts(subject: Subject) -> Facts:
    capture, sources = subject.capture, subject.sources
    if capture.prospect.only_news:
        capture = _where_met(capture, subject.person.met)
        sources = Sources(subject.person, capture)
    zones = (mapping.time_zone for mapping in subject.mappings.values())
    return Facts(
        field=lambda name: sources[name],
        is_changed=lambda name: as_text(subject.person.value(name)) != as_text(subject.known.value(name)),
        captured_at=subject.delivery.said_at,
        form=tuple(filter(None, (capture.form.id, capture.form.name))),
        event=capture.form.event or "",
        rating=capture.submission.rating,
        tags=_tags(sources["prospect.tags"], sources["Tags"]),
        time_zone=next(zones, "UTC"),
    )


def _where_met(capture: Capture, met: Met) -> Capture:
    """What says only what is new leaves out where the person was met; that is remembered."""
    form = capture.form.model_copy(update={"id": met.form_id, "name": met.form_name, "event": met.event})
    submission = capture.submission.model_copy(update={"rating": met.rating})
    return capture.model_copy(update={"form": form, "submission": submission})


def _tags(*told: FieldValue) -> tuple[str, ...]:
    """As a list, or joined by commas or semicolons."""
    text = ";".join(as_text(value) for value in told if not is_missing(value))
    return tuple(tag for part in re.split("[;,]", text) if (tag := part.strip()))
