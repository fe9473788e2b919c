"""Bulk actions, from the request or the message to the rows in Dynamics and the batch's own account of them."""

import base64
import json
import time
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from core.storage.names import BULK_QUEUE
from tests.journeys.conftest import SETTLES_SECONDS, App, Person


@pytest.fixture
def action(app: App) -> str:
    return app.action("bulk", match={"tables": "leads", "by": "email"})


def is_over(app: App, batch: str) -> dict[str, Any]:
    """The batch, once everything of it is over."""
    deadline = time.monotonic() + SETTLES_SECONDS
    while (seen := app.client.get(f"/api/v1/bulk/{batch}").json()).get("state") not in ("done", "cancelled", "failed"):
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)  # other functions are at work
    view: dict[str, Any] = seen
    return view


def drop(app: App, message: dict[str, Any] | str, *, encoded: bool = False) -> str:
    """A message as others put it on the queue; its id."""
    text = message if isinstance(message, str) else json.dumps(message)
    text = base64.b64encode(text.encode()).decode() if encoded else text
    with QueueClient.from_connection_string(app.stack.storage.connection_string, BULK_QUEUE) as queue:
        return str(queue.send_message(text).id)


def people(first: int, count: int) -> list[Person]:
    return [Person(number) for number in range(first, first + count)]


def leads_of(app: App, some: list[Person]) -> list[dict[str, Any]]:
    wanted = {person.email for person in some}
    return [row for row in app.rows("lead") if row.get("emailaddress1") in wanted]


def test_prospects_that_are_here_are_synced_again_by_their_ids(app: App, action: str) -> None:
    """Known people go to their rows under the action asked for; an id nobody has is a failed row, and stops nobody."""
    some = people(40_000, 3)
    for person in some:
        app.capture(person.capture())
    ids = [100_000 + person.number for person in some]
    begun = app.client.post("/api/v1/bulk", json={"action": action, "prospect_ids": [*ids, "nobody"]})
    assert begun.status_code == 202
    batch = begun.json()["batch"]
    assert begun.headers["location"] == f"/api/v1/bulk/{batch}"
    seen = is_over(app, batch)
    assert (seen["received"], seen["outcomes"]) == (4, {"unchanged": 3, "failed": 1})
    assert len(leads_of(app, some)) == 3
    rows = app.logs(batch=batch)
    assert {row["trigger"] for row in rows} == {"bulk"}


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
def test_a_message_brings_people_in(app: App, action: str, *, encoded: bool) -> None:
    """As plain JSON or base64; a batch left out is called like the message."""
    some = people(40_100 + 10 * encoded, 3)
    message = {"action": action, "prospects": [person.capture() for person in some]}
    seen = is_over(app, drop(app, message, encoded=encoded))
    assert seen["outcomes"] == {"created": 3}
    assert len(leads_of(app, some)) == 3
