"""Criteria: what a condition may say, and whom it fits."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from core.domain.capture import Capture
from core.domain.capture_facts import capture_facts
from core.domain.criteria import OUTCOMES, Condition, Criteria
from core.domain.delivery import Outcome
from core.domain.fitting import Facts, fits, why_unfit
from core.domain.settling import settled_without_search
from core.domain.values import FieldValue, is_missing
from tests.builders import EARLIER, action, capture, document, known, mapping, subject
from tests.strategies import any_text, said_values

FIELDS: dict[str, FieldValue] = {
    "country": "Germany",
    "padded": "  GERMANY ",
    "size": "1.200,50",
    "seats": 3,
    "agreed": "yes",
    "ticked": True,
    "since": "4 May 2026",
    "german": "04.05.2026",
    "stamped": "2026-05-04T10:00:00+02:00",
    "code": "2026-05-04-17",
    "wishes": ["A demo", "An offer"],
    "joined": "A demo; An offer",
    "nothing": " ",
    "token": "{{Country}}",
    "scanned": "Scanned",
}
FACTS = Facts(
    field=FIELDS.get,
    is_changed=lambda name: name == "country",
    captured_at=datetime(2026, 5, 4, 22, 30, tzinfo=UTC),
    form=("42", "Booth"),
    event="Expo 26",
    rating="3",
    tags=("vip", "Press"),
    last_outcome="failed",
    time_zone="Europe/Berlin",
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        # Texts, in any case, without the blanks around them.
        ({"field": "country", "equals": "germany"}, True),
        ({"field": "padded", "equals": "Germany"}, True),
        ({"field": "country", "equals": "German"}, False),
        ({"field": "country", "not": "germany"}, False),
        ({"field": "country", "not": "France"}, True),
        ({"field": "country", "not": ["France", "Germany"]}, False),
        ({"field": "country", "contains": "MAN"}, True),
        ({"field": "country", "contains": "mann"}, False),
        ({"field": "country", "in": ["France", "GERMANY"]}, True),
        ({"field": "country", "in": ["France"]}, False),
        # Numbers, however they were written; a text is compared as it stands.
        ({"field": "size", "equals": 1200.5}, True),
        ({"field": "size", "greater": 1200}, True),
        ({"field": "size", "greater": 1200.5}, False),
        ({"field": "size", "less": 1300}, True),
        ({"field": "seats", "equals": 3}, True),
        ({"field": "seats", "equals": "3"}, True),
        ({"field": "seats", "equals": "3.0"}, False),
        ({"field": "seats", "in": [1, 2, 3]}, True),
        ({"field": "seats", "less": 3}, False),
        ({"field": "country", "greater": 3}, False),
        ({"field": "country", "less": 3}, False),
        # Yes and no.
        ({"field": "agreed", "equals": True}, True),
        ({"field": "agreed", "equals": False}, False),
        ({"field": "ticked", "equals": True}, True),
        ({"field": "ticked", "not": False}, True),
        ({"field": "country", "equals": True}, False),
        # Dates: a day against a day, a moment against a moment.
        ({"field": "since", "greater": "2026-05-03"}, True),
        ({"field": "since", "greater": "2026-05-04"}, False),
        ({"field": "since", "less": "2026-05-05"}, True),
        ({"field": "since", "less": "2026-05-04T00:00:01"}, True),
        ({"field": "since", "less": "2026-05-03T22:00:00Z"}, False),
        ({"field": "since", "greater": "2026-05-03T21:59:59Z"}, True),
        ({"field": "country", "greater": "2026-05-03"}, False),
        ({"field": "since", "equals": "2026-05-04"}, True),  # however it was written
        ({"field": "german", "equals": "2026-05-04"}, True),
        ({"field": "stamped", "equals": "2026-05-04"}, True),
        ({"field": "stamped", "equals": "2026-05-04T08:00:00Z"}, True),
        ({"field": "stamped", "equals": "2026-05-04T09:00:00Z"}, False),
        ({"field": "since", "not": "2026-05-04"}, False),
        ({"field": "since", "in": ["2026-05-03", "2026-05-04"]}, True),
        ({"field": "since", "equals": "2026-05-05"}, False),
        ({"field": "code", "equals": "2026-05-04-17"}, True),  # no date, so a text
        ({"about": "captured_at", "equals": "2026-05-05"}, True),  # half past midnight in Berlin
        ({"about": "captured_at", "equals": "2026-05-04"}, False),
        ({"about": "captured_at", "greater": "2026-05-04"}, True),
        ({"about": "captured_at", "less": "2026-05-05"}, False),
        ({"about": "captured_at", "less": "2026-05-04T22:30:01Z"}, True),
        ({"about": "captured_at", "greater": "2026-05-05T00:29:59"}, True),
        # Several answers: one is enough; `not`: none may be.
        ({"field": "wishes", "equals": "an offer"}, True),
        ({"field": "wishes", "contains": "demo"}, True),
        ({"field": "wishes", "not": "A demo"}, False),
        ({"field": "wishes", "not": "A call"}, True),
        ({"field": "joined", "contains": "An offer"}, True),
        ({"field": "joined", "equals": "A demo"}, False),
        # Blanks equal nothing, and placeholders are blanks.
        ({"field": "nothing", "is_blank": True}, True),
        ({"field": "token", "is_blank": True}, True),
        ({"field": "scanned", "is_blank": True}, True),
        ({"field": "unknown", "is_blank": True}, True),
        ({"field": "country", "is_blank": True}, False),
        ({"field": "country", "is_blank": False}, True),
        ({"field": "nothing", "not": "Germany"}, True),
        ({"field": "nothing", "less": 3}, False),
        ({"field": "unknown", "contains": "a"}, False),
        ({"field": "country", "changed": True}, True),
        ({"field": "country", "changed": False}, False),
        ({"field": "size", "changed": False}, True),
        # The rest of a capture.
        ({"about": "form", "equals": "42"}, True),
        ({"about": "form", "in": ["booth", "Lounge"]}, True),
        ({"about": "form", "not": "Booth"}, False),
        ({"about": "event", "contains": "expo"}, True),
        ({"about": "event", "is_blank": False}, True),
        ({"about": "rating", "greater": 2}, True),
        ({"about": "rating", "equals": 3}, True),
        ({"about": "tags", "contains": "VIP"}, True),
        ({"about": "tags", "contains": "vi"}, False),
        ({"about": "tags", "in": ["press", "guest"]}, True),
        ({"about": "tags", "not": ["press"]}, False),
        ({"about": "tags", "is_blank": True}, False),
        ({"about": "last_outcome", "equals": "failed"}, True),
        ({"about": "last_outcome", "not": ["failed", "skipped"]}, False),
    ],
)
def test_a_condition(condition: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """Typed by what is compared with."""
    assert fits(Condition.model_validate(condition), FACTS) is expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"equals": "x"}, "names one thing"),
        ({"field": "a", "about": "form", "equals": "x"}, "names one thing"),
        ({"field": "a"}, "makes one comparison"),
        ({"field": "a", "equals": None}, "makes one comparison"),
        ({"field": "a", "greater": 1, "less": 3}, "makes one comparison"),
        ({"field": "a", "equal": "x"}, "equal"),
        ({"field": "a", "equals": ["x"]}, "equals"),
        ({"field": "a", "in": []}, "in"),
        ({"field": "a", "in": "x"}, "in"),
        ({"field": "a", "equals": ""}, "use `is_blank`"),
        ({"field": "a", "in": ["x", "Anonymous"]}, "use `is_blank`"),
        ({"field": "a", "greater": "much"}, "a number or a date"),
        ({"field": "a", "less": True}, "a number or a date"),
        ({"field": "a", "greater": "2026-13-01"}, "a number or a date"),
        ({"field": "q.12", "changed": True}, "not remembered"),
        ({"field": "", "equals": "x"}, "field"),
        ({"field": " ", "equals": "x"}, "`field` names a field"),
        ({"about": "weather", "equals": "x"}, "about"),
        ({"about": "form", "changed": True}, "says nothing about form: use one of equals, not, contains, in, is_blank"),
        ({"about": "event", "greater": 1}, "says nothing about event"),
        ({"about": "tags", "equals": "vip"}, "says nothing about tags: use one of not, contains, in, is_blank"),
        ({"about": "captured_at", "is_blank": True}, "says nothing about captured_at"),
        ({"about": "captured_at", "greater": 5}, "dates such as 2026-05-04"),
        ({"about": "last_outcome", "equals": "lost"}, "created, updated"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_saved(condition: dict[str, Any], words: str) -> None:
    """With what would be accepted."""
    with pytest.raises(ValidationError) as refused:
        Criteria.model_validate({"any": [condition]})
    assert words in str(refused.value)


def test_an_action_cannot_ask_for_what_a_capture_has_not() -> None:
    """A capture is about to have an outcome; the last one is for automations."""
    with pytest.raises(ValidationError, match="last_outcome says nothing about a capture"):
        action(filter={"any": [{"about": "last_outcome", "equals": "failed"}]})


def test_criteria_are_stored_as_they_were_given() -> None:
    """So that people find in an export what they wrote."""
    given = {"all": [{"field": "Country", "not": ["DE", 3]}], "any": [{"about": "rating", "greater": 2.5}]}
    read = Criteria.model_validate(given)
    assert read.model_dump(mode="json", by_alias=True) == given
    assert Criteria.model_validate_json(read.model_dump_json(by_alias=True)) == read
    assert set(OUTCOMES) == set(Outcome)


@pytest.mark.parametrize(
    ("criteria", "reason"),
    [
        ({}, ""),
        ({"all": [{"field": "country", "equals": "Germany"}]}, ""),
        (
            {
                "all": [
                    {"field": "country", "is_blank": False},
                    {"field": "seats", "greater": 9},
                    {"about": "form", "equals": "x"},
                ]
            },
            "seats must be greater than “9”",
        ),
        ({"any": [{"field": "seats", "greater": 9}, {"field": "country", "contains": "man"}]}, ""),
        (
            {"any": [{"field": "seats", "greater": 9}, {"about": "form", "in": ["a", "b"]}]},
            "one of these must hold: seats must be greater than “9”; the form must be “a” or “b”",
        ),
        ({"all": [{"field": "country", "is_blank": True}]}, "country must be blank"),
        (
            {"all": [{"field": "country", "is_blank": False}, {"field": "nothing", "is_blank": False}]},
            "nothing must not be blank",
        ),
        ({"all": [{"field": "seats", "changed": True}]}, "seats must have changed"),
    ],
)
def test_the_first_condition_that_does_not_hold_is_named(criteria: dict[str, Any], reason: str) -> None:
    """By what was asked for, never by what the person said."""
    assert why_unfit(Criteria.model_validate(criteria), FACTS) == reason


def test_a_capture_that_does_not_fit_is_skipped_with_the_reason() -> None:
    """And one that fits goes on."""
    said = Capture.model_validate(document())
    only_hot = action(filter={"all": [{"about": "rating", "greater": 3}]})
    settled = settled_without_search(subject(said, under=only_hot))
    assert settled is not None
    assert settled.outcome is Outcome.SKIPPED
    assert settled.reason == "The action's filter leaves this capture out: the rating must be greater than “3”."
    warm = action(filter={"all": [{"about": "rating", "greater": 2}, {"field": "q.Interests", "equals": "B"}]})
    assert settled_without_search(subject(said, under=warm)) is None


def test_what_a_capture_tells() -> None:
    """The person with what was known before, form, event, tags; what changed is what this capture changed."""
    before = known(EARLIER, Country="Germany", City="Bonn", Title="Boss")
    body = {"prospect": {"id": 777, "tags": ["vip", "a;b"], "fields": {"City": "Berlin", "Title": "Boss"}}}
    said = Capture.model_validate(document(occurred_at=None, **body))
    berlin = {"lead": mapping().in_zone("Europe/Berlin")}
    facts = capture_facts(subject(said, prospect=before, mappings=berlin))
    assert (facts.field("country"), facts.field("City")) == ("Germany", "Berlin")
    assert [facts.is_changed(name) for name in ("City", "Title", "Country", "Phone")] == [True, False, False, False]
    assert (facts.form, facts.event, facts.rating) == (("42", "Booth"), "Expo 26", 3)
    assert facts.tags == ("vip", "a", "b")
    assert facts.time_zone == "Europe/Berlin"
    assert capture_facts(subject(capture(Tags="x, y"))).tags == ("x", "y")


@given(said_values, any_text)
def test_any_value_can_be_asked_anything(value: FieldValue, text: str) -> None:
    """No value and no operand makes a comparison fail; what equals is contained, and never its opposite."""
    facts = Facts(field=lambda _: value, is_changed=lambda _: False, captured_at=FACTS.captured_at)
    for operand in (3, 2.5, "2026-05-04", "2026-05-04T10:00:00Z"):
        greater = fits(Condition(field="a", greater=operand), facts)
        assert not (greater and fits(Condition(field="a", less=operand), facts)) or isinstance(value, list)
    if not is_missing(text):
        equals = fits(Condition(field="a", equals=text), facts)
        assert fits(Condition.model_validate({"field": "a", "not": text}), facts) is not equals
        assert not equals or fits(Condition(field="a", contains=text), facts)
