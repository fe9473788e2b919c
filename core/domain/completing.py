"""A held capture completed by what came after it: the new words count, the old ones fill what they leave open.

A release may hold nothing but the name that was transcribed; the answers given at the booth stand in the held capture.
"""

from core.domain.capture import Answer, Capture, CapturedProspect, Form, Submission
from core.domain.prospect import field_name
from core.domain.values import is_missing


def completed(held: Capture, said: Capture) -> Capture:
    """What says what kind of delivery it is (event, time, hold request, type) is the new capture's alone."""
    return said.model_copy(
        update={
            "form": _form(held.form, said.form),
            "submission": _submission(held.submission, said.submission),
            "prospect": _prospect(held.prospect, said.prospect),
            "answers": [*said.answers, *_left_open(held.answers, said.answers)],
        }
    )


def _form(held: Form, said: Form) -> Form:
    return said.model_copy(
        update={"id": said.id or held.id, "name": said.name or held.name, "event": said.event or held.event}
    )


def _submission(held: Submission, said: Submission) -> Submission:
    return said.model_copy(
        update={
            "activity_id": said.activity_id or held.activity_id,
            "captured_by": said.captured_by or held.captured_by,
            "rating": held.rating if is_missing(said.rating) else said.rating,
        }
    )


def _prospect(held: CapturedProspect, said: CapturedProspect) -> CapturedProspect:
    told = {field_name(name) for name, value in said.fields.items() if not is_missing(value)}
    open_fields = {name: value for name, value in held.fields.items() if field_name(name) not in told}
    replaced = {field_name(name) for name in open_fields}
    new_fields = {name: value for name, value in said.fields.items() if field_name(name) not in replaced}
    return said.model_copy(
        update={"id": said.id or held.id, "owner": said.owner or held.owner, "fields": {**open_fields, **new_fields}}
    )


def _left_open(held: list[Answer], said: list[Answer]) -> list[Answer]:
    told = {name for answer in said if not is_missing(answer.value) for name in (answer.id, answer.title) if name}
    return [answer for answer in held if not {answer.id, answer.title} & told]
