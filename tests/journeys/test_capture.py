"""A capture from the HTTP request to the row in Dynamics and the row in the log."""

import concurrent.futures
from typing import Any

import httpx
import pytest

from core.triggers.capture import BODY_MOST
from infra.local import story
from tests.journeys.conftest import App, Person


def test_a_new_person_becomes_a_lead(app: App, person: Person) -> None:
    """Somebody nobody knew stands in Dynamics as one lead, with the mapped values, and in the log as `created`."""
    answer = app.capture(person.capture())
    assert answer.status_code == 200
    said = answer.json()
    assert (said["outcome"], said["table"], said["warnings"]) == ("created", "lead", [])
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["leadid"] == said["record_id"]
    assert said["record_id"] in said["record_url"]
    assert {name: lead[name] for name in ("firstname", "companyname", "subject", "leadsourcecode")} == {
        "firstname": "Ada",
        "companyname": "Engines",
        "subject": "Expo 26: Booth",
        "leadsourcecode": 7,
    }
    (log,) = app.log_of(said["receipt"])
    assert (log["outcome"], log["table"], log["record_id"]) == ("created", "lead", lead["leadid"])
    assert person.email not in str(log)


def test_a_known_contact_is_updated_where_it_differs(app: App, person: Person) -> None:
    """A contact that matches by e-mail, in any case, is updated; no lead is created beside it."""
    contact = app.seed("contact", emailaddress2=person.email.upper(), lastname="Old", jobtitle="Countess")
    said = app.capture(person.capture(LastName="New")).json()
    assert (said["outcome"], said["table"], said["record_id"]) == ("updated", "contact", contact["contactid"])
    (row,) = app.rows("contact", contactid=contact["contactid"])
    assert (row["firstname"], row["lastname"], row["jobtitle"]) == ("Ada", "New", "Countess")
    assert row["emailaddress2"] == person.email.upper()
    assert not app.rows("lead", emailaddress1=person.email)


def test_what_dynamics_holds_already_is_not_written(app: App, person: Person) -> None:
    """A second submission with nothing new ends as `unchanged`, and the row's ETag stays."""
    first = app.capture(person.capture()).json()
    (before,) = app.rows("lead", leadid=first["record_id"])
    second = app.capture(person.capture(activity=person.activity + 500_000)).json()
    assert (second["outcome"], second["record_id"]) == ("unchanged", first["record_id"])
    assert app.rows("lead", leadid=first["record_id"]) == [before]


def test_a_person_is_found_again_after_the_email_changed(app: App, person: Person) -> None:
    """The link from the first sync leads to the same row although the e-mail is another one now."""
    first = app.capture(person.capture()).json()
    second = app.capture(person.capture(Email=f"new.{person.email}")).json()
    assert (second["outcome"], second["record_id"]) == ("updated", first["record_id"])
    (lead,) = app.rows("lead", leadid=first["record_id"])
    assert lead["emailaddress1"] == f"new.{person.email}"


def test_a_repeat_is_answered_as_the_first_time(app: App, person: Person) -> None:
    """The same delivery again gives the same answer, writes nothing, and is counted on the first log row."""
    first = app.capture(person.capture()).json()
    second = app.capture(person.capture()).json()
    assert second == first
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
    (log,) = app.log_of(first["receipt"])
    assert log["repeats"] == 1


def test_create_none_leaves_dynamics_alone(app: App, person: Person) -> None:
    """Nobody matches and the action creates nothing: `skipped`, with the reason."""
    action = app.action("update-only", create="none")
    said = app.capture(person.capture(), action=action).json()
    assert said["outcome"] == "skipped"
    assert "creates nothing" in said["reason"]
    assert not app.rows("lead", emailaddress1=person.email)


def test_an_action_may_create_contacts(app: App, person: Person) -> None:
    """With create `contact` the new row is a contact."""
    action = app.action("contacts", create="contact")
    said = app.capture(person.capture(), action=action).json()
    assert (said["outcome"], said["table"]) == ("created", "contact")
    assert len(app.rows("contact", emailaddress1=person.email)) == 1


def test_without_matching_every_submission_is_a_row_and_a_repeat_is_none(app: App, person: Person) -> None:
    """Under `off` two submissions give two rows; an edit of one goes to its own row."""
    action = app.action("every-one", match={"tables": "off"})
    first = app.capture(person.capture(activity=1), action=action).json()
    second = app.capture(person.capture(activity=2), action=action).json()
    edit = app.capture(person.capture(activity=1, Title="Countess"), action=action).json()
    assert (first["outcome"], second["outcome"], edit["outcome"]) == ("created", "created", "updated")
    assert edit["record_id"] == first["record_id"] != second["record_id"]


def test_a_test_capture_writes_nothing(app: App, person: Person) -> None:
    """`?test=1` tells what would happen, and neither Dynamics nor the log know of it."""
    said = app.capture(person.capture(), test="1").json()
    assert (said["outcome"], said["record_id"]) == ("created", None)
    assert said["plan"]["values"]["emailaddress1"] == person.email
    assert not app.rows("lead", emailaddress1=person.email)
    assert app.capture(person.capture()).json()["outcome"] == "created"


def test_a_test_capture_tells_nothing_of_anybody(app: App, person: Person) -> None:
    """Who has the capture URL learns what he said himself: neither what Dynamics knows of the owner of an address, nor
    what an earlier capture said of that person.
    """
    app.capture(person.capture(Title="Countess", FirstName="Augusta", Company="Secret Engines"))
    for asked in (
        {"Email": person.email, "LastName": "X"},
        {"prospect_id": str(100_000 + person.number), "LastName": "Y"},
        {"prospect_id": str(100_000 + person.number), "Email": f"other-{person.email}", "LastName": "Y"},
    ):
        for action in (story.ACTION, app.action("others", match={"tables": "contacts"}, create="contact")):
            answer = app.client.get(f"/api/capture/{action}", params={"test": "1", **asked})
            assert answer.json()["plan"]["values"]["lastname"] == asked["LastName"]
            told = [word for word in ("Countess", "Augusta", "Secret", "Lovelace") if word in answer.text]
            assert told == [], (action, asked, answer.text)


BODIES: dict[str, Any] = {
    "nested JSON": lambda p: {"json": p.capture()},
    "flat JSON": lambda p: {"json": {"activity_id": p.activity, "form_id": 42, **p.fields}},
    "form-urlencoded": lambda p: {"data": {"activity_id": p.activity, "q.12": "A;B", **p.fields}},
    "JSON without a content type": lambda p: {"content": httpx.Request("POST", "http://x", json=p.capture()).content},
    "query only": lambda p: {"params": {"activity_id": p.activity, **p.fields}},
}


@pytest.mark.parametrize("name", BODIES)
def test_every_documented_body_is_understood(app: App, person: Person, name: str) -> None:
    """JSON, flat or nested, a form, and a query alone all make the same lead."""
    answer = app.client.post(f"/api/capture/{story.ACTION}", **BODIES[name](person))
    assert answer.status_code == 200, answer.text
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert (lead["firstname"], lead["companyname"]) == ("Ada", "Engines")


def test_get_works_like_post(app: App, person: Person) -> None:
    """Captello's administrators may choose GET."""
    params = {"activity_id": str(person.activity), **person.fields}
    answer = app.client.get(f"/api/capture/{story.ACTION}", params=params)
    assert answer.json()["outcome"] == "created"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"prospect": {"fields": {"Email": "a@b.example", "Note": "he said "hi""}}}', "not valid JSON"),
        (b'{"prospect": "nobody"}', "prospect"),
        (b'{"answers": {"a": 1}}', "answers"),
        (b'{"occurred_at": "yesterday", "Email": "a@b.example"}', "occurred_at"),
        (b"[1, 2, 3]", "JSON object"),
        (b"[" * 100_000, "not valid JSON"),
        (b"\xff\xfe\x00{", "not valid JSON"),
    ],
    ids=["quote", "text for a part", "object for a list", "no time", "a list", "deeply nested", "no text"],
)
def test_an_unreadable_body_is_quarantined_with_the_reason(app: App, content: bytes, reason: str) -> None:
    """What cannot be read is accepted and kept, and the answer says why it could not be read."""
    answer = app.client.post(
        f"/api/capture/{story.ACTION}", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 202
    assert answer.json()["outcome"] == "quarantined"
    assert reason in answer.json()["reason"]


@pytest.mark.parametrize("body", [b"", b"just words", b"{}", b"Email=&FirstName="])
def test_an_empty_capture_is_refused_clearly(app: App, body: bytes) -> None:
    """Nothing was said, so nothing is lost: 400 says what would be accepted."""
    headers = {} if body == b"{}" else {"Content-Type": "application/x-www-form-urlencoded"}
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=body, headers=headers)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["detail"]


@pytest.mark.parametrize("size", [BODY_MOST + 1, 10 * 1024 * 1024])
def test_a_body_that_is_too_large_is_413(app: App, size: int) -> None:
    """The limit is named; the answer is a problem document."""
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=b"x" * size)
    assert answer.status_code == 413
    assert str(BODY_MOST) in answer.json()["detail"]


@pytest.mark.parametrize(
    "name",
    [
        "O'Hara",
        "' or 1 eq 1 or '",
        'Say "hi"',
        "50% & more + #1",
        "<script>alert(1)</script>",
        "陳大文",
        "محمد",
        "👩\u200d🚀",
    ],
)
def test_names_people_really_have_survive(app: App, person: Person, name: str) -> None:
    """A name is data on its whole way, also as part of a query; the row holds it to the letter."""
    email = f"o'{person.email}"
    said = app.capture(person.capture(LastName=name, Email=email)).json()
    assert said["outcome"] == "created"
    (lead,) = app.rows("lead", leadid=said["record_id"])
    assert lead["lastname"] == name
    again = app.capture(person.capture(LastName=name, Email=email, activity=person.activity + 500_000)).json()
    assert (again["outcome"], again["record_id"]) == ("unchanged", said["record_id"])


@pytest.mark.parametrize("token", ["{{Company}}", "[Company]", "%Company%", "##Company##", "Scanned", "Anonymous"])
def test_an_unreplaced_token_never_reaches_dynamics(app: App, person: Person, token: str) -> None:
    """A template token that Captello did not replace counts as missing, with a warning."""
    said = app.capture(person.capture(Company=token)).json()
    (lead,) = app.rows("lead", leadid=said["record_id"])
    assert lead.get("companyname") is None
    assert any("placeholder" in warning for warning in said["warnings"])


def test_one_bad_field_never_loses_the_lead(app: App, person: Person) -> None:
    """A text too long is cut with an ellipsis; an e-mail that is none is left out; the person stands in Dynamics."""
    said = app.capture(person.capture(Company="x" * 10_000, Email="not an address")).json()
    assert said["outcome"] == "created"
    (lead,) = app.rows("lead", leadid=said["record_id"])
    assert len(lead["companyname"]) == 100
    assert lead["companyname"].endswith("…")
    assert lead.get("emailaddress1") is None
    assert len(said["warnings"]) >= 2


def test_thirty_posts_at_once_of_one_new_person_give_one_row(app: App, person: Person) -> None:
    """Thirty phones scan the same badge in the same moment: one lead, thirty outcomes, one of them `created`."""

    def post(number: int) -> dict[str, Any]:
        said: dict[str, Any] = app.capture(person.capture(activity=1_000_000 + number)).json()
        return said

    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(post, range(30)))
    app.settles([answer["receipt"] for answer in answers])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
    outcomes = [log["outcome"] for answer in answers for log in app.log_of(answer["receipt"])]
    assert sorted(outcomes) == ["created"] + ["unchanged"] * 29


def test_thirty_repeats_at_once_give_one_row_and_one_log_row(app: App, person: Person) -> None:
    """The same delivery thirty times at once is one delivery."""
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: app.capture(person.capture()).json(), range(30)))
    (receipt,) = {answer["receipt"] for answer in answers}
    app.settles([receipt])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
    (log,) = app.log_of(receipt)
    assert (log["outcome"], log["repeats"]) == ("created", 29)


def test_the_right_key_is_needed(app: App, person: Person) -> None:
    """Without the function key, or with a wrong one: 401; with it in the query: accepted."""
    url = f"{app.stack.app}/api/capture/{story.ACTION}"
    assert httpx.post(url, json=person.capture()).status_code == 401
    assert httpx.post(url, json=person.capture(), headers={"x-functions-key": "wrong"}).status_code == 401
    assert httpx.post(url, json=person.capture(), params={"code": app.stack.key}).status_code == 200


def test_an_unknown_action_is_404(app: App, person: Person) -> None:
    """The answer says what the last part of the address is."""
    answer = app.capture(person.capture(), action="nowhere")
    assert answer.status_code == 404
    assert "action" in answer.json()["detail"]


def test_held_and_withdrawn_captures_write_nothing(app: App, person: Person) -> None:
    """A submission that is no person yet, or no longer, ends as `held` or `withdrawn`."""
    held = person.capture()
    held["submission"]["hold_request_id"] = 5
    assert app.capture(held).json()["outcome"] == "held"
    assert app.capture({**person.capture(), "event": "withdrawn"}).json()["outcome"] == "withdrawn"
    assert not app.rows("lead", emailaddress1=person.email)
