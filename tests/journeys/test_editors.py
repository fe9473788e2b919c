"""Two people edit the same configuration at once; neither overwrites the other without being told."""

from typing import Any

import pytest

from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App

SECRETS = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}


def _edits(app: App) -> dict[str, tuple[dict[str, Any], dict[str, Any], str]]:
    """By address: as it is first, as it is changed to, and what a 412 has to name."""
    connection = {"name": "Editors", "url": app.stack.dynamics.url, **SECRETS}
    booth = {**story.BOOTH, "connection": "editors"}
    rows = story.MAPPINGS["lead"]
    return {
        "connections/editors": (connection, {**connection, "name": "Renamed"}, "name"),
        "connections/editors/mappings/lead": ({"rows": rows}, {"rows": [*rows[1:], rows[0]]}, "order"),
        "actions/editors": (booth, {**booth, "create": "contact"}, "create"),
    }


@pytest.mark.parametrize("path", ["connections/editors", "connections/editors/mappings/lead", "actions/editors"])
def test_the_second_editor_is_told_what_the_first_one_changed(app: App, path: str) -> None:
    """412 names it; without any condition it is 428; `*` overwrites, knowingly."""
    for earlier, (body, _, _) in _edits(app).items():
        app.save(earlier, body).raise_for_status()
    first, second, name = _edits(app)[path]
    url = f"/api/v1/{path}"
    read = app.client.get(url).headers["etag"]
    saved = app.client.put(url, json=second, headers={"if-match": read})
    assert (saved.status_code, saved.headers["etag"]) == (200, app.client.get(url).headers["etag"])
    late = app.client.put(url, json=first, headers={"if-match": read})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert name in late.json()["detail"]
    assert late.json()["errors"][0]["field"] == "If-Match"
    assert app.client.put(url, json=first).status_code == 428
    assert app.client.put(url, json=first, headers={"if-none-match": "*"}).status_code == 412
    assert app.client.put(url, json=first, headers={"if-match": "*"}).status_code == 200


def _creations(app: App) -> dict[str, dict[str, Any]]:
    return {
        "connections": {"id": "created-once", "name": "Created", "url": app.stack.dynamics.url, **SECRETS},
        "actions": {"id": "created-once", **story.BOOTH},
        "automations": {"id": "created-once", "action": story.ACTION},
    }


@pytest.mark.parametrize("path", ["connections", "actions", "automations"])
def test_creating_takes_a_free_id(app: App, path: str) -> None:
    """POST on a collection answers 201 with its address, and 409 where the id is taken; who sent an Idempotency-Key may
    send the same again, and nothing else.
    """
    body, key = _creations(app)[path], {"idempotency-key": f"once {path}"}
    first, again = (app.client.post(f"/api/v1/{path}", json=body, headers=key) for _ in range(2))
    for created in (first, again):
        assert (created.status_code, created.headers["location"]) == (201, f"/api/v1/{path}/created-once"), created.text
    assert first.headers["etag"] == app.client.get(f"/api/v1/{path}/created-once").headers["etag"]
    for other, headers in ((body, {}), ({**body, "name": "Other"}, key)):
        taken = app.client.post(f"/api/v1/{path}", json=other, headers=headers)
        assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "id")


def test_the_same_connection_may_be_sent_again(app: App) -> None:
    """With the secret that is in use: nothing changes, and no condition is asked for. Another one is a change."""
    path, body = "/api/v1/connections/sent-again", {"name": "Again", "url": app.stack.dynamics.url, **SECRETS}
    first = app.client.put(path, json=body)
    again = app.client.put(path, json=body)
    assert (first.status_code, again.status_code) == (201, 200), again.text
    assert again.headers["etag"] == first.headers["etag"]
    assert app.client.put(path, json={**body, "client_secret": "another"}).status_code == 428
    assert app.client.put(path, json={**body, "secret_expires_on": "2020-01-01"}).status_code == 428
    past = app.client.put(path, json={**body, "secret_expires_on": "2020-01-01"}, headers={"if-match": "*"})
    assert (past.status_code, past.json()["errors"][0]["field"]) == (422, "secret_expires_on")


def test_an_action_is_deleted_when_nothing_needs_it(app: App) -> None:
    """An automation that names it is named; afterwards there is none, and captures are told so."""
    action = app.action("deleted-some-day")
    app.save("automations/needs-it", {"action": action}).raise_for_status()
    needed = app.client.delete(f"/api/v1/actions/{action}")
    assert (needed.status_code, "needs-it" in needed.json()["detail"]) == (409, True)
    assert app.client.delete("/api/v1/automations/needs-it").status_code == 204
    assert app.client.delete(f"/api/v1/actions/{action}").status_code == 204
    assert app.client.delete(f"/api/v1/actions/{action}").status_code == 404
    assert app.client.get(f"/api/v1/actions/{action}").status_code == 404


def test_lists_of_configuration_are_paged(app: App) -> None:
    """By cursor, in the order of their ids; versions the newest first."""
    app.save("connections/paged", {"name": "Paged", "url": app.stack.dynamics.url, **SECRETS}).raise_for_status()
    for number in range(3):
        app.action(f"paged-{number}")
        rows = [{"source": "LastName", "column": "lastname", "default": f"({number})"}]
        app.save("connections/paged/mappings/contact", {"rows": rows}).raise_for_status()
    for path in ("actions", "connections/paged/mappings/contact/versions", "connections/paged/tables/lead/columns"):
        whole = app.client.get(f"/api/v1/{path}", params={"limit": 100}).json()
        first = app.client.get(f"/api/v1/{path}", params={"limit": 2}).json()
        rest = app.client.get(f"/api/v1/{path}", params={"limit": 2, "cursor": first["cursor"]}).json()
        assert [*first["items"], *rest["items"]] == whole["items"][:4]
