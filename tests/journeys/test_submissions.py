"""Held, released and withdrawn submissions over the whole app."""

import concurrent.futures
from typing import Any

from tests.journeys.conftest import App, Person


def _held(person: Person) -> dict[str, Any]:
    """A photographed card: no name, no address yet."""
    held = person.capture()
    held["submission"] |= {"hold_request_id": 5_000 + person.number, "type": "transcription"}
    held["prospect"] = {"fields": {}}
    return held


def _released(person: Person) -> dict[str, Any]:
    return {**person.capture(), "event": "released"}


def test_a_held_capture_is_completed_in_place(app: App, person: Person) -> None:
    """The release answers with the held one's receipt; the log keeps one row, which says what became of it."""
    held = app.capture(_held(person)).json()
    assert held["outcome"] == "held"
    (log,) = app.log_of(held["receipt"])
    assert log["outcome"] == "held"
    released = app.capture(_released(person)).json()
    assert (released["receipt"], released["outcome"]) == (held["receipt"], "created")
    again = app.capture(_released(person)).json()
    assert (again["receipt"], again["record_id"]) == (released["receipt"], released["record_id"])
    (log,) = app.log_of(held["receipt"])
    assert (log["outcome"], log["event"], log["repeats"]) == ("created", "released", 1)
    assert len(app.rows("lead", emailaddress1=person.email)) == 1


def test_ten_releases_at_once_complete_it_once(app: App, person: Person) -> None:
    """The same release from ten phones: one row, one receipt, nine repeats."""
    held = app.capture(_held(person)).json()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: app.capture(_released(person)).json(), range(10)))
    assert {answer["receipt"] for answer in answers} == {held["receipt"]}
    app.settles([held["receipt"]])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
    (log,) = app.log_of(held["receipt"])
    assert (log["outcome"], log["repeats"]) == ("created", 9)


def test_a_withdrawn_submission_is_not_written_and_an_edit_brings_it_back(app: App, person: Person) -> None:
    """Also when the withdrawal overtook its capture. What is in Dynamics already stays, and the reason says so."""
    withdrawal = {**person.capture(), "event": "withdrawn"}
    answer = app.capture(withdrawal).json()
    assert answer["outcome"] == "withdrawn"
    assert "nothing is deleted" in answer["reason"]
    assert app.capture(person.capture()).json()["outcome"] == "withdrawn"
    assert not app.rows("lead", emailaddress1=person.email)
    edit = {**person.capture(Title="Countess"), "event": "updated"}
    assert app.capture(edit).json()["outcome"] == "created"
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
