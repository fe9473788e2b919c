"""Signed captures over the whole app: the secret is in Key Vault, and nothing that is refused is stored."""

import json
import time
from typing import Any

import httpx
import pytest

from core.domain.signature import signature, signed
from infra.local import story
from tests.journeys.conftest import App, Person

OLD, NEW = "the first secret of this action", "the second secret of this action"


def _sent(app: App, action: str, body: dict[str, Any], *, secret: str = "", seconds: float = 0) -> httpx.Response:
    raw = json.dumps(body).encode()
    at = str(int(time.time() + seconds))
    headers = {"X-Captello-Signature": f"t={at},v1={signature(secret, at, raw)}"} if secret else {}
    return app.client.post(f"/api/capture/{action}", content=raw, headers=headers)


def _save(app: App, action: str, secret: str) -> dict[str, Any]:
    answer = app.save(f"actions/{action}/signature-secret", {"secret": secret})
    answer.raise_for_status()
    assert secret not in answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_an_action_that_requires_signatures_takes_signed_captures_only(app: App, person: Person) -> None:
    """Nothing of what is refused is stored, and the reason says what to do."""
    saved = app.save("actions/signed-only", {**story.BOOTH, "signature": "required"}).json()
    assert "PUT /actions/signed-only/signature-secret" in " ".join(saved["warnings"])
    assert _sent(app, "signed-only", person.capture(), secret=OLD).status_code == 401
    assert _save(app, "signed-only", OLD)["is_set"] is True
    for refused, words in (
        (_sent(app, "signed-only", person.capture()), "X-Captello-Signature"),
        (_sent(app, "signed-only", person.capture(), secret=NEW), "wrong"),
        (_sent(app, "signed-only", person.capture(), secret=OLD, seconds=-400), "5 minutes off"),
        (app.client.post("/api/capture/signed-only", content=b"{not json"), "X-Captello-Signature"),
    ):
        assert refused.status_code == 401
        assert words in refused.json()["detail"]
    assert not app.rows("lead", emailaddress1=person.email)
    assert not app.logs(action="signed-only")
    first = _sent(app, "signed-only", person.capture(), secret=OLD)
    assert first.json()["outcome"] == "created"
    again = _sent(app, "signed-only", person.capture(), secret=OLD)
    assert again.json()["receipt"] == first.json()["receipt"]


def test_two_secrets_count_during_a_change(app: App, person: Person) -> None:
    """The new one at once, the old one until it is ended; unsigned captures come in where they may."""
    action = app.action("signed-change", signature="optional")
    _save(app, action, OLD)
    assert _save(app, action, NEW)["previous_counts"] is True
    for number, secret in enumerate((OLD, NEW, "")):
        assert _sent(app, action, person.capture(activity=900_000 + number), secret=secret).status_code == 200
    assert app.client.delete(f"/api/v1/actions/{action}/signature-secret/previous").json()["previous_counts"] is False
    assert _sent(app, action, person.capture(), secret=OLD).status_code == 401
    assert _sent(app, action, person.capture(), secret=NEW).status_code == 200
    assert app.client.delete(f"/api/v1/actions/{action}/signature-secret").status_code == 204
    assert app.client.get(f"/api/v1/actions/{action}/signature-secret").json()["is_set"] is False
    assert _sent(app, action, person.capture(), secret=NEW).status_code == 401


def test_a_query_alone_can_be_signed(app: App, person: Person) -> None:
    """For templates that have no body: time and signature stand in the query, and are no fields."""
    action = app.action("signed-query", signature="required")
    _save(app, action, OLD)
    query = {"activity_id": str(person.activity), "LastName": "O'Hara & Sons", "Email": person.email}
    at = str(int(time.time()))
    payload = signed(header="t=0", query=query, body=b"")
    assert payload is not None
    extra = {"timestamp": at, "signature": signature(OLD, at, payload.payload)}
    answer = app.client.get(f"/api/capture/{action}", params={**query, **extra})
    assert answer.json()["outcome"] == "created"
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["lastname"] == "O'Hara & Sons"
    forged = app.client.get(f"/api/capture/{action}", params={**query, "Title": "Boss", **extra})
    assert forged.status_code == 401


def test_a_signed_body_takes_no_fields_from_the_query(app: App, person: Person) -> None:
    """Somebody who has seen a signed capture must not add to it."""
    action = app.action("signed-body", signature="required")
    _save(app, action, OLD)
    raw, at = json.dumps(person.capture()).encode(), str(int(time.time()))
    headers = {"X-Captello-Signature": f"t={at},v1={signature(OLD, at, raw)}"}
    answer = app.client.post(f"/api/capture/{action}", content=raw, headers=headers, params={"Title": "Boss"})
    assert answer.status_code == 401


@pytest.mark.parametrize("secret", ["short", "", None])
def test_a_weak_secret_is_refused(app: App, secret: str | None) -> None:
    """Sixteen characters at least; what was sent is not in the answer."""
    action = app.action("signed-weak")
    answer = app.save(f"actions/{action}/signature-secret", {"secret": secret})
    assert answer.status_code == 422
    assert "short" not in answer.text
    assert app.client.get("/api/v1/actions/nowhere/signature-secret").status_code == 404
