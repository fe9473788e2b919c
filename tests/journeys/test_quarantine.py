"""Bodies that could not be read, over the whole app: kept, seen, mended, carried out once."""

import concurrent.futures
import json
from typing import Any

import httpx
import pytest

from core.domain.quarantined import quarantine_receipt
from infra.local import story
from tests.journeys.conftest import App, Person

JSON = {"Content-Type": "application/json"}


def _broken(person: Person) -> bytes:
    """A template whose tokens were not escaped: a quotation mark too many."""
    return json.dumps(person.capture(Remark="HERE")).replace("HERE", 'she said "yes"').encode()


def _send(app: App, body: bytes, **params: str) -> dict[str, Any]:
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=body, headers=JSON, params=params)
    said: dict[str, Any] = answer.json()
    return said


def _replay(app: App, receipt: str, **body: str) -> httpx.Response:
    return app.client.post(f"/api/v1/quarantine/{receipt}/replay", json=body or None)


def test_a_mended_body_is_carried_out_once(app: App, person: Person) -> None:
    """Ten clicks at once, with two different mended bodies: one row, one outcome, in the row that said quarantined."""
    receipt = _send(app, _broken(person))["receipt"]
    assert _send(app, _broken(person))["receipt"] == receipt
    (log,) = app.log_of(receipt)
    assert (log["outcome"], log["repeats"]) == ("quarantined", 1)
    mended = [json.dumps(person.capture(Remark=f"she said yes {number}")) for number in range(2)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: _replay(app, receipt, body=mended[number % 2]), range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["receipt"] for answer in answers} == {receipt}
    app.settles([receipt])
    (lead,) = app.rows("lead", emailaddress1=person.email)
    again = _replay(app, receipt).json()
    assert (again["outcome"], again["record_id"]) == ("created", lead["leadid"])
    (log,) = app.log_of(receipt)
    assert (log["outcome"], log["trigger"], log["repeats"]) == ("created", "replay", 1)
    shown = app.client.get(f"/api/v1/quarantine/{receipt}").json()
    assert (shown["state"], shown["body"].encode()) == ("replayed", _broken(person))


def test_what_was_said_since_counts_for_more(app: App, person: Person) -> None:
    """A replayed capture was said when it came in: a later capture of the person stays right."""
    receipt = _send(app, _broken(person))["receipt"]
    app.capture(person.capture(activity=700_000 + person.number, Title="Countess"))
    mended = json.dumps(person.capture(Title="Nobody", Company="Late Ltd"))
    assert _replay(app, receipt, body=mended).json()["outcome"] in ("updated", "unchanged")
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["companyname"] == "Engines"


def test_what_still_cannot_be_read_changes_nothing(app: App, person: Person) -> None:
    """The reason says why; afterwards it can be discarded, with a reason, and then no longer be replayed."""
    receipt = _send(app, _broken(person))["receipt"]
    for answer in (_replay(app, receipt), _replay(app, receipt, body="{}")):
        assert answer.status_code == 422
        assert "mended" in answer.json()["detail"]
    assert app.client.get(f"/api/v1/quarantine/{receipt}").json()["state"] == "waiting"
    discarded = app.client.post(f"/api/v1/quarantine/{receipt}/discard", json={"reason": "a test of the template"})
    assert discarded.json()["state"] == "discarded"
    (log,) = app.log_of(receipt)
    assert log["outcome"] == "skipped"
    assert "a test of the template" in log["reason"]
    assert _replay(app, receipt, body=json.dumps(person.capture())).status_code == 409
    assert not app.rows("lead", emailaddress1=person.email)


def test_a_replay_can_complete_a_held_capture(app: App, person: Person) -> None:
    """Then the held one answers for it, and the row of the body says where to look."""
    held = person.capture()
    held["submission"] |= {"hold_request_id": 6_000 + person.number}
    waiting = app.capture(held).json()["receipt"]
    receipt = _send(app, _broken(person))["receipt"]
    answer = _replay(app, receipt, body=json.dumps(person.capture())).json()
    assert (answer["receipt"], answer["outcome"]) == (waiting, "created")
    (log,) = app.log_of(receipt)
    assert log["outcome"] == "skipped"
    assert waiting in log["reason"]


def test_the_list_shows_no_body_and_looking_at_one_is_kept(app: App, person: Person) -> None:
    """Newest first; the query without the key is kept with the body."""
    receipts = [_send(app, _broken(person), Title=f"t{number}")["receipt"] for number in range(3)]
    page = app.client.get("/api/v1/quarantine", params={"limit": 2, "state": "waiting"}).json()
    assert [item["receipt"] for item in page["items"]] == [receipts[2], receipts[1]]
    following = app.client.get(
        "/api/v1/quarantine", params={"limit": 1, "state": "waiting", "cursor": page["cursor"]}
    ).json()
    assert [item["receipt"] for item in following["items"]] == [receipts[0]]
    assert person.email not in json.dumps(page)
    shown = app.client.get(f"/api/v1/quarantine/{receipts[0]}").json()
    assert shown["query"] == {"Title": "t0"}
    assert any(receipts[0] in entry["what"] for entry in app.client.get("/api/v1/audit").json()["items"])


def test_a_test_delivery_that_cannot_be_read_is_not_kept(app: App, person: Person) -> None:
    """`?test=1` writes nothing."""
    answer = _send(app, _broken(person), test="1")
    assert (answer["test"], answer["outcome"]) == (True, "quarantined")
    assert "receipt" not in answer
    kept = app.client.get(f"/api/v1/quarantine/{quarantine_receipt(story.ACTION, _broken(person), {})}")
    assert kept.status_code == 404


@pytest.mark.parametrize("path", ["0" * 32, "nonsense"])
def test_an_unknown_receipt(app: App, path: str) -> None:
    """404 or 422, whatever is asked."""
    for answer in (app.client.get(f"/api/v1/quarantine/{path}"), _replay(app, path)):
        assert answer.status_code in (404, 422)
