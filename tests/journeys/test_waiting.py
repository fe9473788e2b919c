"""Captures that cannot be carried out yet wait, are never lost, and go on by themselves."""

import ssl
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App, Person


@dataclass(frozen=True)
class Application:
    """An application of a test's own, so that its secret can expire without troubling anybody else."""

    app: App
    client_id: str

    def secret(self) -> tuple[str, str]:
        """A new one's id and value."""
        body = {"tenant_id": DEMO.tenant_id, "client_id": self.client_id}
        made = self._entra("POST", "secrets", body).json()
        return made["id"], made["value"]

    def expire(self, secret_id: str) -> None:
        self._entra("PATCH", f"secrets/{secret_id}", {})

    def _entra(self, method: str, path: str, body: dict[str, Any]) -> httpx.Response:
        trust = ssl.create_default_context(cafile=self.app.stack.certificates.authority)
        answer = httpx.request(method, f"{self.app.stack.authority}/_control/{path}", json=body, verify=trust)
        answer.raise_for_status()
        return answer


def _application(app: App) -> Application:
    made = Application(app, str(uuid.uuid4()))
    made._entra("POST", "applications", {"tenant_id": DEMO.tenant_id, "client_id": made.client_id})
    httpx.post(f"{app.stack.dynamics.url}/_control/users", json={"client_id": made.client_id}).raise_for_status()
    return made


def _save(app: App, connection: str, secret: str, client_id: str = DEMO.client_id) -> dict[str, Any]:
    """The connection, with mappings and an action of the same name once it works."""
    body = {
        "url": app.stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": client_id,
        "client_secret": secret,
    }
    saved: dict[str, Any] = app.save(f"connections/{connection}", body).json()
    if saved["state"] == "active":
        for table, rows in story.MAPPINGS.items():
            app.save(f"connections/{connection}/mappings/{table}", {"rows": rows}).raise_for_status()
    app.action(connection, connection=connection)
    return saved


def _read(app: App, connection: str) -> dict[str, Any]:
    read: dict[str, Any] = app.client.get(f"/api/v1/connections/{connection}").json()
    return read


def test_captures_wait_while_the_secret_is_expired_and_run_when_there_is_a_new_one(app: App) -> None:
    """Nothing fails because a secret expired: captures are answered 202, and a good secret lets them run. (That they
    are due in the order they came, `core/admin/test_resuming` says.) A new secret that does not work changes nothing.
    """
    application = _application(app)
    secret_id, secret = application.secret()
    assert _save(app, "waits", secret, application.client_id)["state"] == "active"
    application.expire(secret_id)
    assert not app.client.post("/api/v1/connections/waits/check").json()["passed"]
    # A token lives on for an hour after its secret; a disabled user is refused at once.
    httpx.post(f"{app.stack.dynamics.url}/_control/users", json={"client_id": application.client_id, "disabled": True})
    people = [Person(70_001), Person(70_002), Person(70_003)]
    answers = [app.capture(person.capture(), action="waits") for person in people]
    assert [(each.status_code, each.json()["outcome"]) for each in answers] == [(202, "paused")] * 3
    assert _read(app, "waits")["waiting"] == 3
    refused = app.client.put("/api/v1/connections/waits/secret", json={"client_secret": "wrong"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "client_secret")
    httpx.post(f"{app.stack.dynamics.url}/_control/users", json={"client_id": application.client_id, "disabled": False})
    mended = app.client.put("/api/v1/connections/waits/secret", json={"client_secret": application.secret()[1]})
    assert mended.json()["state"] == "active"
    app.settles([each.json()["receipt"] for each in answers])
    assert [len(app.rows("lead", emailaddress1=person.email)) for person in people] == [1, 1, 1]
    assert _read(app, "waits")["waiting"] == 0


def test_a_revoked_connection_sends_nothing_until_it_is_reconnected(app: App, person: Person) -> None:
    """The secret is gone from the vault, captures wait, and the same organisation with a new secret resumes them."""
    application = _application(app)
    assert _save(app, "revoked", application.secret()[1], application.client_id)["state"] == "active"
    assert app.client.post("/api/v1/connections/revoked/revoke", json={"confirm": "yes"}).status_code == 422
    revoked = app.client.post("/api/v1/connections/revoked/revoke", json={"confirm": "revoked"}).json()
    assert (revoked["erased"], revoked["connection"]["state"]) == ("purged", "revoked")
    waiting = app.capture(person.capture(), action="revoked")
    assert (waiting.status_code, waiting.json()["outcome"]) == (202, "paused")
    assert not app.client.post("/api/v1/connections/revoked/check").json()["passed"]
    assert app.capture(person.capture(), action="revoked", test="1").json()["error_code"] == "revoked"
    again = app.client.put("/api/v1/connections/revoked/secret", json={"client_secret": application.secret()[1]})
    assert again.json()["state"] == "active"
    app.settles([waiting.json()["receipt"]])
    assert len(app.rows("lead", emailaddress1=person.email)) == 1


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


def test_a_connection_at_its_limit_waits_while_others_go_on(app: App) -> None:
    """After a 429 nothing is sent on that connection until Dynamics allows it; then all who waited go."""
    assert _save(app, "at-its-limit", DEMO.client_secret)["state"] == "active"
    control = f"{app.stack.dynamics.url}/_control"
    refused, waiting, other = Person(72_001), Person(72_002), Person(72_003)
    fault = {"kind": "throttled", "path": "batch", "retry_after": 3}
    httpx.post(f"{control}/faults", json=fault).raise_for_status()
    first = app.capture(refused.capture(), action="at-its-limit")
    before = httpx.get(f"{control}/requests").json()["counters"]["requests"]
    second = app.capture(waiting.capture(), action="at-its-limit")
    sent = httpx.get(f"{control}/requests", params={"since": before}).json()["requests"]
    assert [first.status_code, second.status_code, second.json()["outcome"]] == [202, 202, "paused"]
    assert sent == []
    assert app.capture(other.capture()).json()["outcome"] == "created"
    app.settles([first.json()["receipt"], second.json()["receipt"]])
    assert [len(app.rows("lead", emailaddress1=person.email)) for person in (refused, waiting, other)] == [1, 1, 1]
