"""Captures that cannot be carried out yet wait, are never lost, and go on by themselves."""

from typing import Any

from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App, Person


def _save(app: App, connection: str, secret: str) -> dict[str, Any]:
    """The connection, with mappings and an action of the same name once it works."""
    body = {
        "url": app.stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": secret,
    }
    saved: dict[str, Any] = app.save(f"connections/{connection}", body).json()
    if saved["state"] == "active":
        for table, rows in story.MAPPINGS.items():
            app.save(f"connections/{connection}/mappings/{table}", {"rows": rows}).raise_for_status()
    app.action(connection, connection=connection)
    return saved


def test_a_capture_waits_while_the_secret_is_wrong(app: App, person: Person) -> None:
    """Nothing fails because a secret expired: the capture is answered 202, and a good secret lets it run."""
    assert _save(app, "waits", DEMO.client_secret)["state"] == "active"
    assert _save(app, "waits", "expired")["state"] == "paused"
    waiting = app.capture(person.capture(), action="waits")
    assert (waiting.status_code, waiting.json()["outcome"]) == (202, "paused")
    assert not app.rows("lead", emailaddress1=person.email)
    assert _save(app, "waits", DEMO.client_secret)["state"] == "active"
    app.settles([waiting.json()["receipt"]])
    (lead,) = app.rows("lead", emailaddress1=person.email)
    (log,) = app.log_of(waiting.json()["receipt"])
    assert (log["outcome"], log["record_id"]) == ("created", lead["leadid"])


def test_a_capture_waits_for_a_connection_that_never_worked_yet(app: App, person: Person) -> None:
    """Before the organisation is known a capture is kept as well, and comes to it later."""
    assert _save(app, "never-yet", "wrong")["organization_id"] is None
    waiting = app.capture(person.capture(), action="never-yet")
    assert (waiting.status_code, waiting.json()["outcome"]) == (202, "paused")
    assert _save(app, "never-yet", DEMO.client_secret)["organization_id"]
    app.settles([waiting.json()["receipt"]])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
    again = app.capture(person.capture(), action="never-yet").json()
    assert (again["receipt"], again["outcome"]) == (waiting.json()["receipt"], "created")


def test_a_capture_need_not_be_waited_for(app: App, person: Person) -> None:
    """`?wait=0` answers 202 with a receipt once the capture is stored; the queue carries it on."""
    answer = app.capture(person.capture(), wait="0")
    assert (answer.status_code, answer.json()["outcome"]) == (202, "queued")
    app.settles([answer.json()["receipt"]])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
