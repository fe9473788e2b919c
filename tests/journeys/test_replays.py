"""Failures by cause, each mended once and replayed as a group; what was done is not done again."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra.local.entra import DEMO
from tests.journeys.conftest import SETTLES_SECONDS, App, Person

OF_EACH = int(os.environ.get("FAILURES_OF_EACH_CAUSE", "6"))  # 100 on request
PLUG_IN = {"kind": "error", "table": "lead", "status": 400, "code": "0x80040265", "times": None}
STRICT: list[dict[str, Any]] = [
    {"source": "FirstName", "column": "firstname", "too_long": "fail"},
    {"source": "LastName", "column": "lastname"},
    {"source": "Email", "column": "emailaddress1"},
    {"constant": "Expo", "column": "subject"},
    {"source": "submission.rating", "column": "leadqualitycode", "choices": {"3": "Hot"}, "on_unknown": "fail"},
]
LENIENT = [{**row, "too_long": "truncate"} if row["column"] == "firstname" else row for row in STRICT]
TRANSLATED = [
    {**row, "choices": {"3": "Hot", "7": "Cold"}} if row["column"] == "leadqualitycode" else row for row in LENIENT
]


@pytest.fixture(scope="module")
def booth(app: App) -> str:
    """An action on a connection of its own, whose mapping refuses what does not fit."""
    secrets = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
    app.save("connections/replays", {"url": app.stack.dynamics.url, **secrets}).raise_for_status()
    app.save("connections/replays/mappings/lead", {"rows": STRICT}).raise_for_status()
    return app.action("replays", connection="replays", match={"tables": "leads", "by": "email"})


def test_an_empty_filter_replays_nothing(app: App) -> None:
    """It would mean every failure of every connection; who means that says so."""
    orders: list[dict[str, Any]] = [{"filter": {}}, {"filter": {"outcome": "skipped"}}]
    for order in orders:
        refused = app.client.post("/api/v1/replays", json={**order, "dry_run": True})
        assert (refused.status_code, "all" in refused.json()["detail"]) == (422, True)
        meant = app.client.post("/api/v1/replays", json={**order, "dry_run": True, "all": True})
        assert meant.status_code == 200, meant.text


@pytest.fixture
def refusing(app: App) -> Iterator[httpx.Client]:
    """Where a plug-in in Dynamics can be ordered to refuse leads."""
    with httpx.Client(base_url=f"{app.stack.dynamics.url}/_control/") as control:
        yield control
        control.delete("faults").raise_for_status()


def _failures(app: App) -> dict[str, dict[str, Any]]:
    """By column, or by Dynamics' code."""
    groups = app.client.get("/api/v1/failures", params={"connection": "replays"}).json()["items"]
    return {group["column"] or group["error_code"]: group for group in groups}


def _replay(app: App, replay_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Asks for it twice, as an impatient person does, and waits until all of it is over."""
    for _ in range(2):
        app.client.put(f"/api/v1/replays/{replay_id}", json=body).raise_for_status()
    deadline = time.monotonic() + SETTLES_SECONDS
    while (replay := app.client.get(f"/api/v1/replays/{replay_id}").json())["state"] != "done":
        assert time.monotonic() < deadline, replay
        time.sleep(0.1)  # another process is at work
    result: dict[str, Any] = replay
    return result


def _fail(app: App, booth: str, first: int, **changes: Any) -> None:
    """So many captures of people who fail in one way."""

    def post(number: int) -> str:
        body = Person(number).capture(**changes.get("fields", {}))
        body["submission"] |= {"activity_id": number, "rating": changes.get("rating", 3)}
        return str(app.capture(body, action=booth).json()["outcome"])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(post, range(first, first + OF_EACH))) == {"failed"}


def test_three_causes_are_three_groups_and_each_is_mended_and_replayed(
    app: App, booth: str, refusing: httpx.Client
) -> None:
    """Counted from the log; after the fix the group is replayed as one, and every person stands in Dynamics once.
    What failed for the same cause on another connection is left alone.
    """
    leads = app.action("replays-elsewhere", match={"tables": "leads", "by": "email"})
    _fail(app, booth, 30_000, rating=7)
    _fail(app, booth, 31_000, fields={"FirstName": "A" * 80})
    refusing.post("faults", json=[PLUG_IN]).raise_for_status()
    _fail(app, booth, 32_000)
    elsewhere = app.capture(Person(33_000).capture(), action=leads).json()
    refusing.delete("faults").raise_for_status()

    groups = _failures(app)
    assert {name: group["count"] for name, group in groups.items()} == dict.fromkeys(
        ("leadqualitycode", "firstname", "0x80040265"), OF_EACH
    )
    assert all(group["fix"] for group in groups.values())

    fixes: dict[str, list[dict[str, Any]]] = {"0x80040265": STRICT, "firstname": LENIENT, "leadqualitycode": TRANSLATED}
    for name, rows in fixes.items():
        app.save("connections/replays/mappings/lead", {"rows": rows}).raise_for_status()
        ours = {"connection": "replays", "cause": groups[name]["cause"]}
        replay = _replay(app, f"mend-{name}", {"filter": ours})
        assert (replay["taken"], replay["outcomes"]) == (OF_EACH, {"created": OF_EACH})
        assert name not in _failures(app)
    addresses = [row["emailaddress1"] for row in app.rows("lead") if row.get("subject") == "Expo"]
    failed = {Person(first + each).email for first in (30_000, 31_000, 32_000) for each in range(OF_EACH)}
    assert sorted(address for address in addresses if address in failed) == sorted(failed)
    (log,) = app.logs(email=Person(33_000).email, cause=groups["0x80040265"]["cause"])
    assert (log["delivery"], log["outcome"]) == (elsewhere["receipt"], "failed")
    (log,) = app.logs(email=Person(30_000).email)
    assert (log["trigger"], log["replays"], log["outcome"]) == ("replay", 1, "created")


def test_what_dynamics_says_is_kept_and_tells_causes_apart(
    app: App, booth: str, refusing: httpx.Client, person: Person
) -> None:
    """Two plug-ins are two causes; in the row without the name, in clear on request."""
    app.save("connections/replays/mappings/lead", {"rows": LENIENT}).raise_for_status()
    receipts = []
    for number, said in enumerate(("Strange thing about {}", "Nobody called {} on Mondays")):
        refusing.post("faults", json=[PLUG_IN | {"message": said.format(person.fields["LastName"])}]).raise_for_status()
        body = person.capture(activity=920_000 + person.number * 2 + number)
        receipts.append(app.capture(body, action=booth).json()["receipt"])
        refusing.delete("faults").raise_for_status()
    details = [app.client.get(f"/api/v1/logs/{receipt}").json() for receipt in receipts]
    assert [detail["dynamics_says"] for detail in details] == [
        "Strange thing about ***",
        "Nobody called *** on Mondays",
    ]
    assert len({detail["cause"] for detail in details}) == 2
    last = details[0]["tried"][-1]
    assert (last["code"], last["words"]) == ("0x80040265", "Strange thing about ***")
    kinds = {group["kind"] for group in app.client.get("/api/v1/failures").json()["items"]}
    assert "A plug-in or workflow in Dynamics refused the row. Dynamics says: Strange thing about …" in kinds
    clear = app.client.get(f"/api/v1/logs/{receipts[0]}", params={"reveal": "1"}).json()
    assert clear["dynamics_says"] == f"Strange thing about {person.fields['LastName']}"
    told = app.client.get("/api/v1/failures", headers={"accept": "text/plain"}).text
    assert "1 delivery: A plug-in or workflow in Dynamics refused the row. Dynamics says: Strange thing about …" in told
    assert "To do: Ask the Dynamics administrator" in told


def test_a_replay_of_what_is_done_does_nothing(app: App, person: Person) -> None:
    """It says so; the row keeps its one log row and nothing is written."""
    receipt = app.capture(person.capture()).json()["receipt"]
    replay = _replay(app, f"done-{person.number}", {"receipts": [receipt]})
    assert (replay["taken"], replay["not_taken"]) == (0, {"already_done": 1})
    unknown = _replay(app, f"gone-{person.number}", {"receipts": ["0" * 32]})
    assert unknown["not_taken"] == {"gone": 1}


def test_a_dry_run_tells_what_would_come_of_it_and_the_original_mapping_fails_again(
    app: App, booth: str, person: Person
) -> None:
    """Under the mapping as it is now it would be created; under the one it failed with, it fails as before."""
    app.save("connections/replays/mappings/lead", {"rows": STRICT}).raise_for_status()
    body = person.capture()
    body["submission"]["rating"] = 7
    receipt = app.capture(body, action=booth).json()["receipt"]
    app.save("connections/replays/mappings/lead", {"rows": TRANSLATED}).raise_for_status()
    meant = {"receipts": [receipt]}
    for mapping, outcome in (("current", "created"), ("original", "failed")):
        told = app.client.post("/api/v1/replays", json={**meant, "mapping": mapping, "dry_run": True}).json()
        assert (told["verdicts"], told["previews"][0]["outcome"]) == ({"taken": 1}, outcome)
    assert _replay(app, f"as-it-was-{person.number}", {**meant, "mapping": "original"})["outcomes"] == {"failed": 1}
    assert _replay(app, f"as-it-is-{person.number}", meant)["outcomes"] == {"created": 1}
    detail = app.client.get(f"/api/v1/logs/{receipt}").json()
    assert (detail["replays"], detail["replay"]) == (2, f"as-it-is-{person.number}")
    first, second, last = detail["tried"]
    refused = 'It ended as failed: "7" is not an option of leadqualitycode; it takes Hot (1), Warm (2), Cold (3).'
    assert first["happened"] == f"{refused} It was replayed as as-it-was-{person.number}."
    assert second["happened"] == f"{refused} It was replayed as as-it-is-{person.number}."
    assert last["happened"] == "It ended as created."
    *refusals, success = [[call["method"] for call in attempt["calls"]] for attempt in detail["tried"]]
    assert success == ["POST", "PATCH"]
    for methods in refusals:  # after the look-ups, the table may have been read anew
        assert methods[0] == "POST"
        assert "PATCH" not in methods
    as_it_was = app.client.get(f"/api/v1/replays/as-it-was-{person.number}").json()
    assert as_it_was["outcomes"] == {"failed": 1}, "a later replay does not rewrite what came of this one"


def test_what_was_withdrawn_since_is_not_replayed(app: App, booth: str, person: Person) -> None:
    """Captello took the submission back: nobody wants that person in Dynamics any more."""
    app.save("connections/replays/mappings/lead", {"rows": STRICT}).raise_for_status()
    body = person.capture()
    body["submission"]["rating"] = 7
    receipt = app.capture(body, action=booth).json()["receipt"]
    assert app.capture({**body, "event": "withdrawn"}, action=booth).json()["outcome"] == "withdrawn"
    replay = _replay(app, f"withdrawn-{person.number}", {"receipts": [receipt]})
    assert (replay["taken"], replay["not_taken"]) == (0, {"withdrawn": 1})


def test_an_id_that_meant_something_else_is_refused(app: App) -> None:
    """409; and a body that names two selections, or none, is refused by field."""
    app.client.put("/api/v1/replays/mine", json={"receipts": ["1" * 32]}).raise_for_status()
    other = app.client.put("/api/v1/replays/mine", json={"receipts": ["2" * 32]})
    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "id")
    assert app.client.post("/api/v1/replays", json={}).status_code == 422
    key = {"idempotency-key": "one click"}
    answers = [app.client.post("/api/v1/replays", json={"receipts": ["3" * 32]}, headers=key) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_replays_are_listed_page_by_page(app: App) -> None:
    """The newest first, each once."""
    asked = [app.client.put(f"/api/v1/replays/listed-{number}", json={"receipts": ["4" * 32]}) for number in range(3)]
    assert {answer.status_code for answer in asked} <= {200, 202}
    seen: list[str] = []
    cursor: str | None = None
    while cursor or not seen:
        page = app.client.get("/api/v1/replays", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["cursor"]
    assert [each for each in seen if each.startswith("listed-")] == ["listed-2", "listed-1", "listed-0"]
    assert len(seen) == len(set(seen))
