"""A held capture and what completes it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture
from core.domain.completing import completed
from core.domain.values import is_missing
from tests.builders import document
from tests.strategies import said_values

HELD = Capture.model_validate(
    document(
        submission={"hold_request_id": 5, "type": "transcription", "captured_by": "Ann Lee", "rating": 3},
        prospect={"fields": {"FirstName": "Scanned", "Company": "Fabrikam", "Title": "Boss"}},
        answers=[{"id": 12, "title": "Interests", "value": ["A"]}, {"id": 13, "title": "Budget", "value": "10"}],
    )
)


def _completed(**said: Any) -> Capture:
    return completed(HELD, Capture.model_validate({"event": "released", **said}))


def test_a_release_that_says_only_who_it_is_keeps_what_was_said_at_the_booth() -> None:
    """Answers, rating, form, and who captured it; but it is no longer held."""
    person = {"firstname": "Mara", "Email": "mara@x.example"}
    after = _completed(submission={"activity_id": 9}, prospect={"id": 7, "fields": person})
    assert after.prospect.fields == {"Company": "Fabrikam", "Title": "Boss", **person}
    assert (after.prospect.id, after.submission.activity_id) == ("7", "9")
    assert (after.submission.captured_by, after.submission.rating) == ("Ann Lee", 3)
    assert after.form == HELD.form
    assert after.answers == HELD.answers
    assert not after.is_held
    assert after.submission.hold_request_id is None


@pytest.mark.parametrize(
    ("fields", "company"),
    [
        ({"Company": "Contoso"}, "Contoso"),
        ({"company": "Contoso"}, "Contoso"),
        ({"COMPANY": " "}, "Fabrikam"),
        ({}, "Fabrikam"),
    ],
)
def test_new_words_count_and_blanks_are_none(fields: dict[str, str], company: str) -> None:
    """By the field's name in any case; no field stands there twice."""
    after = _completed(prospect={"fields": fields})
    said = [value for name, value in after.prospect.fields.items() if name.lower() == "company"]
    assert said == [company]


def test_an_answer_that_is_given_again_replaces_the_old_one() -> None:
    """By its id or its title; the others stay."""
    after = _completed(answers=[{"id": 12, "value": ["B"]}, {"title": "Budget", "value": ""}])
    values = {name: value for name, value in after.values() if name.startswith("q.")}
    assert values["q.12"] == ["B"]
    assert values["q.13"] == "10"


NAMES, IN_ANOTHER_CASE = ["Email", "Title", "City"], ["email", "TITLE", " city "]


@given(
    st.dictionaries(st.sampled_from(NAMES), said_values),
    st.dictionaries(st.sampled_from(IN_ANOTHER_CASE), said_values),
)
def test_nothing_that_was_said_is_lost(held: dict[str, Any], said: dict[str, Any]) -> None:
    """Each field has the newest value that is one."""
    before = Capture.model_validate({"prospect": {"fields": held}})
    after = completed(before, Capture.model_validate({"prospect": {"fields": said}})).prospect.fields
    lowered = {name.strip().lower(): value for name, value in after.items()}
    assert len(lowered) == len(after)
    for name, value in before.prospect.fields.items():
        assert is_missing(value) or not is_missing(lowered[name.strip().lower()])
    assert completed(before, before).prospect.fields == before.prospect.fields
