"""The note: what no column took, once for each submission."""

from html.parser import HTMLParser
from typing import Any

import pytest
from typing_extensions import override

from core.domain.capture import Capture
from core.domain.delivery import RowWrite
from core.domain.note import note_extra, note_id, note_look_ups, note_text
from core.domain.references import Found
from core.domain.row import Row
from core.domain.subject import Subject
from tests.builders import EARLIER, LATER, NOON, action, document, known, mapping, row_id, subject

PLAIN = mapping()


def _about(*answers: dict[str, Any], effects: tuple[str, ...] = (), note: bool = True, **changed: Any) -> Subject:
    said = Capture.model_validate(document(answers=list(answers), **changed))
    person = known(links={"lead": row_id(1)}).with_effects(effects, NOON)
    return subject(said, under=action(note=note), prospect=person, received_at=LATER)


def _wish(value: Any = "A demo", **more: Any) -> dict[str, Any]:
    return {"id": 12, "title": "Wishes", "value": value, **more}


def _written(about: Subject, there: Row | None = None, *more: str) -> RowWrite | None:
    found = Found({there.key: there} if there else {})
    extra = note_extra(about, PLAIN, "lead", row_id(1), found, list(more))
    assert extra is None or isinstance(extra.write, RowWrite)
    return extra.write if extra and isinstance(extra.write, RowWrite) else None


def _note(about: Subject, text: str) -> Row:
    return Row("annotation", note_id(about, "lead"), 'W/"5"', {"notetext": text, "_objectid_value": row_id(1)})


def test_it_says_where_the_person_was_met_and_what_no_column_took() -> None:
    """One line for each answer, under a heading."""
    about = _about(_wish(), {"id": 13, "title": "Budget", "value": ["A", "B"]})
    heading = "Expo 26 · Booth · captured by Ann Lee · rating 3"
    assert note_text(about, PLAIN, ["jobtitle: long"]) == f"{heading}\nWishes: A demo\nBudget: A; B\njobtitle: long"


@pytest.mark.parametrize("value", [None, "", [], "{{q12}}", "Scanned"])
def test_what_was_not_answered_is_no_line(value: Any) -> None:
    """And without a line there is no note."""
    assert note_text(_about(_wish(value)), PLAIN, []) == ""


@pytest.mark.parametrize("source", ["q.12", "q.wishes", "{q.Wishes} at {form.name}"])
def test_an_answer_that_a_column_takes_is_not_in_the_note(source: str) -> None:
    """By its id or its title, alone or in a template."""
    mapped = mapping({"source": source, "column": "description"})
    assert note_text(_about(_wish()), mapped, []) == ""


@pytest.mark.parametrize(
    "value",
    [
        '{"front": "https://x.example/a.jpg", "back": "https://x.example/b.jpg"}',
        '["https:\\/\\/x.example\\/a.jpg", "https:\\/\\/x.example\\/b.jpg"]',
        '"[\\"https:\\/\\/x.example\\/a.jpg\\", \\"https:\\/\\/x.example\\/b.jpg\\"]"',
    ],
)
def test_of_images_the_links_are_left(value: str) -> None:
    """Captello sends them as JSON, escaped, and sometimes as JSON within JSON."""
    text = note_text(_about(_wish(value)), PLAIN, [])
    assert text.endswith("Wishes: https://x.example/a.jpg\n  https://x.example/b.jpg")


class _Tags(HTMLParser):
    """Counts what a reader of HTML would not show as it is written."""

    seen = 0

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen += 1

    @override
    def handle_endtag(self, tag: str) -> None:
        self.seen += 1

    @override
    def handle_comment(self, data: str) -> None:
        self.seen += 1

    @override
    def handle_decl(self, decl: str) -> None:
        self.seen += 1

    @override
    def handle_pi(self, data: str) -> None:
        self.seen += 1

    @override
    def unknown_decl(self, data: str) -> None:
        self.seen += 1


@pytest.mark.parametrize(
    "said",
    [
        '<img src="https://evil.example/t.gif"><a href="https://evil.example">Sign in again</a>',
        "<!-- --><![CDATA[x]]><?x?></p><SVG/onload=x><script>alert(1)</script>",
        "<<b>x<b",
    ],
)
def test_a_note_is_plain_words_for_a_reader_of_html_too(said: str) -> None:
    """The timeline shows notes as rich text, and everybody at the booth may write into them. Nothing said is lost."""
    about = _about(_wish(said), {"id": 13, "title": said, "value": "x"})
    written = _written(about, None, f"jobtitle: {said}")
    assert written
    text = written.values["notetext"]
    tags = _Tags()
    tags.feed(text)
    tags.close()
    assert tags.seen == 0
    assert text.replace("< ", "<").count(said) == 3
    assert note_text(_about(_wish("a < b, x <3 & y<=2")), PLAIN, []).endswith("a < b, x <3 & y<=2")


def test_a_new_note_hangs_on_the_row() -> None:
    """Created under an id of the prospect's and the submission's."""
    about = _about(_wish())
    write = _written(about)
    assert write is not None
    assert (write.table, write.row_id, write.etag) == ("annotation", note_id(about, "lead"), None)
    assert write.values["objectid"] == row_id(1)
    assert write.targets["objectid"].navigation == "objectid_lead"
    assert note_id(about, "contact") != note_id(about, "lead")


def test_an_edit_changes_the_note_that_is_there() -> None:
    """As it was read; equal words change nothing; a note that was left on another row comes along."""
    about = _about(_wish("Two demos"))
    write = _written(about, _note(about, "old"))
    assert write is not None
    assert (write.etag, set(write.values)) == ('W/"5"', {"notetext"})
    assert _written(about, _note(about, note_text(about, PLAIN, []))) is None
    elsewhere = _note(about, note_text(about, PLAIN, []))
    moved = _written(about, Row("annotation", elsewhere.id, "", {**elsewhere.columns, "_objectid_value": row_id(2)}))
    assert moved is not None
    assert moved.values == {"objectid": row_id(1)}


def test_an_older_edit_leaves_the_newer_note() -> None:
    """A late delivery of the same submission has nothing new to say."""
    mark = f"note|{note_id(_about(_wish()), 'lead')}"
    late = _about(_wish("older"), effects=(mark,), occurred_at=EARLIER.isoformat())
    assert _written(late, _note(late, "newer")) is None
    newer = _about(_wish("newest"), effects=(mark,), occurred_at=LATER.isoformat())
    assert _written(newer, _note(newer, "newer")) is not None


def test_only_notes_that_were_written_are_looked_up() -> None:
    """A first submission has none; without notes nobody asks."""
    mark = f"note|{note_id(_about(_wish()), 'lead')}"
    assert note_look_ups(_about(_wish())) == ()
    (look_up,) = note_look_ups(_about(_wish(), effects=(mark,)))
    assert (look_up.table, look_up.ids) == ("annotation", (mark.removeprefix("note|"),))
    assert note_look_ups(_about(_wish(), effects=(mark,), note=False)) == ()
    assert _written(_about(_wish(), note=False)) is None


def test_it_fits_its_column() -> None:
    """100,000 characters; the end is an ellipsis."""
    text = note_text(_about(_wish("x" * 120_000)), PLAIN, [])
    assert (len(text), text[-1]) == (100_000, "…")
