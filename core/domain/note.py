"""One note for each submission: the answers that no column took, links, and texts that were cut or displaced.

An edit of the submission updates its note. Its id follows from the submission and the row, so that nobody makes a
second one; without anything to say there is none.
https://learn.microsoft.com/power-apps/developer/data-platform/annotation-note-entity
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.domain.capture import Answer
from core.domain.conversion import truncated, utf16_length
from core.domain.delivery import Extra, RowWrite
from core.domain.derived_id import derived_id
from core.domain.mapping import FieldMapping
from core.domain.matching import LookUp
from core.domain.prospect import field_name
from core.domain.references import Found
from core.domain.row import read_name
from core.domain.sources import source_names
from core.domain.subject import Subject
from core.domain.table import SET_NAMES, Target
from core.domain.values import FieldValue, as_text, is_missing

NOTE_COLUMNS = ("annotationid", "notetext", read_name("objectid"))
_TEXT_MOST = 100_000  # annotation.notetext
_SUBJECT_MOST = 500
_LINK = re.compile(r"https?://[^\s\"'<>\\,]+")

# https://html.spec.whatwg.org/multipage/parsing.html#tag-open-state: before anything else a bracket is a bracket
_TAG_OPENS = re.compile(r"<(?=[A-Za-z/!?])")


def note_id(subject: Subject, table: str) -> str:
    """With the prospect in it, whoever may write the note is one after the other; it moves with a merged row."""
    return derived_id("note", subject.delivery.organization, subject.prospect_key, subject.submission, table)


def note_look_ups(subject: Subject) -> tuple[LookUp, ...]:
    """The notes this submission may have already, on the rows the person is linked to."""
    ids = (note_id(subject, table) for table in subject.known.links)
    known = tuple(each for each in ids if _mark(each) in subject.known.effects)
    return (LookUp("annotation", ids=known),) if known and subject.action.note else ()


@dataclass(frozen=True, slots=True)
class Noted:
    """What is to be done about the note: it is written, or it says all of this already."""

    extra: Extra | None = None
    confirmed: tuple[str, ...] = ()  # the mark of one that says so


def noted(subject: Subject, mapping: FieldMapping, table: str, row_id: str, found: Found, more: Sequence[str]) -> Noted:
    """The note beside the row; `more` are lines that belong into it."""
    text = note_text(subject, mapping, more) if subject.action.note else ""
    identifier = note_id(subject, table)
    if not text or _is_older(subject, identifier):
        return Noted()
    mark, there = _mark(identifier), found.rows.get(("annotation", identifier))
    values = {"notetext": text, "objectid": row_id}
    if there is not None:
        values = {name: value for name, value in values.items() if there.content(name) != value}
    if not values:
        return Noted(confirmed=(mark,))
    target = Target(table=table, set_name=SET_NAMES[table], navigation=f"objectid_{table}")
    write = RowWrite(
        table="annotation",
        row_id=identifier,
        etag=there.etag if there else None,
        values=values if there else {"subject": _title(subject), **values},
        targets={"objectid": target} if "objectid" in values else {},
    )
    return Noted(Extra(mark=mark, write=write))


def note_extra(
    subject: Subject, mapping: FieldMapping, table: str, row_id: str, found: Found, more: Sequence[str]
) -> Extra | None:
    """The note to write beside the row; None when it says all of this already."""
    return noted(subject, mapping, table, row_id, found, more).extra


def with_lines(note: Extra, lines: Sequence[str]) -> Extra:
    """The note with more to say."""
    if not lines or not isinstance(note.write, RowWrite):
        return note
    text = "\n".join([note.write.values["notetext"], *lines]) if "notetext" in note.write.values else "\n".join(lines)
    write = note.write.model_copy(update={"values": note.write.values | {"notetext": _fitting(text)}})
    return note.model_copy(update={"write": write})


def _mark(identifier: str) -> str:
    return f"note|{identifier}"


def _is_older(subject: Subject, identifier: str) -> bool:
    """Whether the note tells of a newer edit of the submission already."""
    written = subject.known.effects.get(_mark(identifier))
    return written is not None and written > subject.delivery.said_at


def note_text(subject: Subject, mapping: FieldMapping, more: Sequence[str]) -> str:
    """What no column took, a line for each; "" when that is nothing."""
    lines = [*_answers(subject, mapping), *more]
    if not lines:
        return ""
    return _fitting("\n".join([*_heading(subject), *lines]))


def _fitting(text: str) -> str:
    """As plain words: Dynamics' timeline takes notes for rich text, and whoever has the capture URL could put pictures
    and links there that look like its own. A blank behind the bracket makes it text for every reader.
    """
    text = _TAG_OPENS.sub("< ", text)
    return text if utf16_length(text) <= _TEXT_MOST else truncated(text, _TEXT_MOST)


def _answers(subject: Subject, mapping: FieldMapping) -> Iterator[str]:
    mapped = {field_name(name) for row in mapping.rows if row.source for name in source_names(row.source)}
    for answer in subject.capture.answers:
        names = {field_name(f"q.{name}") for name in (answer.id, answer.title) if name}
        if not names & mapped and not is_missing(answer.value):
            yield f"{_question(answer)}: {_readable(answer.value)}"


def _question(answer: Answer) -> str:
    return as_text(answer.title or answer.id) or "Answer"


def _readable(value: FieldValue) -> str:
    """The answer; of images and files, which come as JSON and sometimes as JSON within JSON, their links."""
    text = as_text(value)
    links = _LINK.findall(text.replace("\\/", "/")) if text[:1] in '[{"' else []
    return "\n  ".join(dict.fromkeys(links)) or text


def _heading(subject: Subject) -> Iterator[str]:
    """Where and by whom the person was captured."""
    capture = subject.capture
    by, rating = capture.submission.captured_by, capture.submission.rating
    said = (capture.form.event, capture.form.name, f"captured by {by}" if by else None)
    parts = [as_text(part) for part in (*said, None if is_missing(rating) else f"rating {as_text(rating)}") if part]
    if parts:
        yield " · ".join(parts)


def _title(subject: Subject) -> str:
    form = subject.capture.form
    title = f"Captello: {as_text(form.event or form.name) or 'capture'}"
    return title if utf16_length(title) <= _SUBJECT_MOST else truncated(title, _SUBJECT_MOST)
