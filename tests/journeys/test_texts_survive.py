"""Names and labels that people wrote, from the booth to Dynamics: byte for byte, or told."""

import json
from typing import Any

import httpx
import pytest

from infra.local import story
from tests.journeys.conftest import App, Person

SURVIVE = [
    "O'Hara",
    'Ann "Annie" Lee',
    "100% + 5 & more = #1?",
    "a%20b%2Bc+d",
    "<script>alert('x')</script>",
    "Robert'); DROP TABLE leads;--",
    "$filter=statecode eq 0",
    "../../leads(1)\\x",
    "Zoë Müller-Łukasz Ñandú",
    "Straße ﬁ ǅ",
    "李小龍 · 王秀英",
    "محمد بن سلمان",
    "\u202eevil\u202c",
    "דוד כהן",
    "e\u0301 \u00e9",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "भारत ไทย 한국어 ქართული",
    "line one\nline two\ttab",
    "zero\u200bwidth",
    "null",
    "True",
    "{{no token",
    "[not a token!",
    "{0} %s ${x} {{7*7}} !",
]


def _posted(app: App, person: Person, way: str, **fields: Any) -> dict[str, Any]:
    if way == "json":
        return dict(app.capture(person.capture(**fields)).json())
    form = {"activity_id": str(person.activity), "prospect_id": str(100_000 + person.number), **person.fields, **fields}
    answer: httpx.Response = app.client.post(f"/api/capture/{story.ACTION}", data=form)
    return dict(answer.json())


@pytest.mark.parametrize("way", ["json", "form"])
@pytest.mark.parametrize("text", SURVIVE, ids=range(len(SURVIVE)))
def test_a_text_stands_in_dynamics_as_it_was_written(app: App, person: Person, text: str, way: str) -> None:
    """In a name, which is searched by as well, and in a longer text."""
    answer = _posted(app, person, way, FirstName=text, Title=text)
    assert answer["outcome"] == "created", answer
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert (lead["firstname"], lead["jobtitle"]) == (text, text)
    assert answer["warnings"] == []


@pytest.mark.parametrize(
    ("text", "kept", "told"),
    [
        ("x" * 10_000, "x" * 99 + "…", "cut to its 100 characters"),
        ("😀" * 10_000, "😀" * 49 + "…", "cut to its 100 characters"),
        ("A\x00B\x07C\x1b[31m", "ABC[31m", "control characters"),
        ("A\ud800B", "A?B", ""),
    ],
    ids=["10,000 characters", "10,000 emoji", "control characters", "half a character"],
)
def test_what_cannot_stand_there_is_told(app: App, person: Person, text: str, kept: str, told: str) -> None:
    """The person is in Dynamics all the same, with as much of the text as the column takes."""
    body = json.dumps(person.capture(Title=text))
    headers = {"content-type": "application/json"}
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=body, headers=headers).json()
    assert answer["outcome"] == "created", answer
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["jobtitle"] == kept
    assert [told in warning for warning in answer["warnings"]] == ([True] if told else [])


@pytest.mark.parametrize("text", ["'" * 10_000, "😀" * 10_000, "é" * 10_000, "<script>" * 1_250], ids="'😀é<")
def test_a_text_of_any_length_never_costs_the_lead(app: App, person: Person, text: str) -> None:
    """In whatever is searched by: names, whoever captured it, and the company; each is told."""
    action = app.action(
        "huge-texts",
        match={"tables": "contacts_then_leads", "by": "email_or_name"},
        owner={"by": "captured_by"},
        account={"by": "name", "on_missing": "create"},
    )
    body = person.capture(FirstName=text, LastName=text, Company=text)
    body["submission"]["captured_by"] = text
    answer = app.capture(body, action=action).json()
    assert answer["outcome"] == "created", answer
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["lastname"][:-1].rstrip("…") in text
    told = " ".join(answer["warnings"])
    assert all(words in told for words in ("nobody was searched by it", "too long to be searched by", "was cut to"))


@pytest.mark.parametrize("label", ["<b>Interests</b> & 'wishes' + \"more\" %", "Intérêts 👀", "اهتمامات", "x" * 400])
def test_a_question_is_named_as_it_was_asked(app: App, person: Person, label: str) -> None:
    """Its words may name it in a mapping, and stand in the warning when its answer does not fit."""
    action = app.action("labels", connection=story.CONNECTION, match={"tables": "contacts"}, create="contact")
    rows = [*story.MAPPINGS["contact"], {"source": f"q.{label}", "column": "birthdate"}]
    path = f"connections/{story.CONNECTION}/mappings/contact"
    app.save(path, {"rows": rows}).raise_for_status()
    body = person.capture() | {"answers": [{"id": 1, "title": label, "value": "soon"}]}
    answer = app.capture(body, action=action).json()
    app.save(path, {"rows": story.MAPPINGS["contact"]}).raise_for_status()
    assert answer["outcome"] == "created"
    (warning,) = answer["warnings"]
    assert all(word in warning for word in (label, '"soon"', "birthdate", "2026-05-04"))
