"""Captures while Dynamics is unkind: throttled, down, resetting connections, changing rows under our hands."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.conftest import App, Person


@pytest.fixture
def dynamics(app: App) -> Iterator[httpx.Client]:
    """The simulator's control interface; kind again afterwards."""
    with httpx.Client(base_url=f"{app.stack.dynamics.url}/_control/") as control:
        yield control
        control.delete("faults").raise_for_status()


def _order(dynamics: httpx.Client, **rule: Any) -> None:
    dynamics.post("faults", json=[rule]).raise_for_status()


def _stands_once(app: App, person: Person, said: dict[str, Any]) -> None:
    """In the end there is one row and one log row, whatever the first answer was."""
    app.settles([said["receipt"]])
    (lead,) = app.rows("lead", emailaddress1=person.email)
    (log,) = app.log_of(said["receipt"])
    assert (log["outcome"], log["record_id"]) == ("created", lead["leadid"])


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "unavailable", "method": "POST", "path": "batch", "retry_after": 1},
        {"kind": "unavailable", "method": "PATCH", "table": "lead", "retry_after": 1},
        {"kind": "gateway_timeout", "method": "PATCH", "table": "lead"},
        {"kind": "reset_before", "method": "PATCH", "table": "lead"},
        {"kind": "reset_after", "method": "PATCH", "table": "lead"},
        {"kind": "reset_before", "method": "POST", "path": "batch"},
        {"kind": "truncated", "method": "POST", "path": "batch"},
        {"kind": "html", "method": "POST", "path": "batch"},
    ],
    ids=lambda rule: f"{rule['kind']} {rule['method']}",
)
def test_a_passing_fault_delays_and_doubles_nothing(
    app: App, dynamics: httpx.Client, person: Person, rule: dict[str, Any]
) -> None:
    """The capture is answered, goes on by itself, and stands once: also when the write had been carried out."""
    _order(dynamics, **rule)
    answer = app.capture(person.capture())
    assert answer.status_code in (200, 202)
    _stands_once(app, person, answer.json())


def test_a_token_that_is_refused_once_is_replaced_at_once(app: App, dynamics: httpx.Client, person: Person) -> None:
    """Nobody notices an expired token."""
    _order(dynamics, kind="unauthorized", method="POST", path="batch")
    answer = app.capture(person.capture())
    assert (answer.status_code, answer.json()["outcome"]) == (200, "created")


def test_throttling_pauses_the_connection_until_it_is_over(app: App, dynamics: httpx.Client, person: Person) -> None:
    """429: the capture is answered 202, and nothing is sent before `Retry-After` has passed."""
    _order(dynamics, kind="throttled", method="POST", path="batch", retry_after=2)
    first = app.capture(person.capture())
    assert (first.status_code, first.json()["outcome"]) == (202, "paused")
    served = len(dynamics.get("requests").json()["requests"])
    other = Person(person.number + 60_000)
    second = app.capture(other.capture())
    assert (second.status_code, second.json()["outcome"]) == (202, "paused")
    assert len(dynamics.get("requests").json()["requests"]) == served
    _stands_once(app, person, first.json())
    _stands_once(app, other, second.json())


def test_a_row_that_changes_under_the_write_is_decided_anew(app: App, dynamics: httpx.Client, person: Person) -> None:
    """The intent's ETag is stale: nothing is overwritten unseen, and the second decision goes through."""
    app.seed("lead", emailaddress1=person.email, lastname="Old", subject="Expo")
    _order(dynamics, kind="etag_changed", method="PATCH", table="lead")
    said = app.capture(person.capture()).json()
    assert said["outcome"] == "updated"
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["lastname"] == person.fields["LastName"]


def test_a_row_that_dynamics_refuses_is_logged_with_column_and_code(
    app: App, dynamics: httpx.Client, person: Person
) -> None:
    """A definite refusal is an outcome: 200, `failed`, and the log says what to mend. Nobody else waits for it."""
    _order(
        dynamics,
        kind="error",
        method="PATCH",
        table="lead",
        times=2,  # once more when the tables have been read anew
        status=400,
        code="0x80044331",
        message="A validation error occurred.  The length of the 'jobtitle' attribute of the 'lead' entity exceeded.",
    )
    answer = app.capture(person.capture())
    assert (answer.status_code, answer.json()["outcome"]) == (200, "failed")
    assert answer.json()["error"] == {"class": "configuration", "code": "0x80044331", "column": "jobtitle"}
    (log,) = app.log_of(answer.json()["receipt"])
    assert (log["outcome"], log["error_class"], log["error_column"]) == ("failed", "configuration", "jobtitle")
    again = app.capture(person.capture(activity=person.activity + 500_000)).json()
    assert again["outcome"] == "created"


def test_a_slow_dynamics_is_answered_before_the_sender_gives_up(
    app: App, dynamics: httpx.Client, person: Person
) -> None:
    """Beyond the deadline the answer is 202, and the capture goes on by itself."""
    _order(dynamics, kind="slow", method="POST", path="batch", seconds=6)
    answer = app.capture(person.capture())
    assert (answer.status_code, answer.json()["outcome"]) == (202, "retrying")
    _stands_once(app, person, answer.json())
