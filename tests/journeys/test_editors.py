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


def test_creating_takes_a_free_id(app: App) -> None:
    """POST on a collection answers 201 with its address, and 409 where the id is taken."""
    body = {"id": "created-once", **story.BOOTH}
    created = app.client.post("/api/v1/actions", json=body)
    assert (created.status_code, created.headers["location"]) == (201, "/api/v1/actions/created-once")
    taken = app.client.post("/api/v1/actions", json=body)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "id")
