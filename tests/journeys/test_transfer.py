"""Mappings and actions out of one deployment and into another, as one file."""

import json
from typing import Any

import httpx
import pytest

from core.api import yaml_document
from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App

ROWS: list[dict[str, Any]] = [
    {"column": "lastname", "source": "LastName", "default": "(unknown)"},
    {"column": "jobtitle", "source": "Title", "policy": "fill_if_empty", "transform": [{"translate": {"CEO": "Boss"}}]},
]
ACTION: dict[str, Any] = {"connection": "moved-from", "match": {"tables": "contacts"}, "create": "contact"}


@pytest.fixture(scope="module")
def connections(app: App) -> None:
    """Two, of which the first has a mapping and an action."""
    for name in ("moved-from", "moved-to"):
        connection = {
            "name": name,
            "url": app.stack.dynamics.url,
            "tenant_id": DEMO.tenant_id,
            "client_id": DEMO.client_id,
            "client_secret": DEMO.client_secret,
        }
        app.save(f"connections/{name}", connection).raise_for_status()
    app.save("connections/moved-from/mappings/contact", {"rows": ROWS}).raise_for_status()
    app.save("actions/moved", ACTION).raise_for_status()


def _exported(app: App, format_: str = "yaml") -> Any:
    answer = app.client.get("/api/v1/export", params={"format": format_})
    assert answer.headers["content-type"].startswith(f"application/{format_}")
    return yaml_document.read(answer.text) if format_ == "yaml" else json.loads(answer.text)


def _own(document: dict[str, Any]) -> dict[str, Any]:
    """Of everything that the tests of this session saved: what is this file's."""
    mappings = [each for each in document["mappings"] if each["connection"] == "moved-from"]
    actions = [each for each in document["actions"] if each["id"] == "moved"]
    return document | {"mappings": mappings, "actions": actions, "automations": []}


def _imported(app: App, document: Any, **params: str) -> httpx.Response:
    text = document if isinstance(document, str) else yaml_document.written(document)
    return app.client.post("/api/v1/import", content=text.encode(), params=params)


def test_a_file_holds_everything_and_no_secret(app: App, connections: None) -> None:
    """As YAML and as JSON; what only repeats a default is left out."""
    document = _exported(app)
    assert document == _exported(app, "json")
    own = _own(document)
    assert own["mappings"] == [{"connection": "moved-from", "table": "contact", "rows": ROWS}]
    (action,) = own["actions"]
    assert (action["connection"], action["match"]) == ("moved-from", {"tables": "contacts"})
    for secret in (DEMO.client_secret, DEMO.client_id, DEMO.tenant_id):
        assert secret not in json.dumps(document)


def test_the_same_file_changes_nothing(app: App, connections: None) -> None:
    """No new version is made of what is there already."""
    answer = _imported(app, _own(_exported(app)))
    assert answer.status_code == 200, answer.text
    assert {change["change"] for change in answer.json()["changes"]} == {"same"}
    assert app.client.get("/api/v1/connections/moved-from/mappings/contact").json()["version"] == 1


def test_into_another_connection(app: App, connections: None) -> None:
    """A dry run tells what would come, and saves nothing; the import does exactly that, and repeated, nothing."""
    document = _own(_exported(app)) | {"connections": {"moved-from": "moved-to"}}
    document["actions"][0]["id"] = "moved-2"
    planned = _imported(app, json.dumps(document), dry_run="1").json()
    assert planned["dry_run"] is True
    assert [(each["kind"], each["id"], each["change"]) for each in planned["changes"]] == [
        ("mapping", "moved-to/contact", "new"),
        ("action", "moved-2", "new"),
    ]
    assert app.client.get("/api/v1/connections/moved-to/mappings/contact").status_code == 404
    assert _imported(app, document).json()["changes"] == planned["changes"]
    assert app.client.get("/api/v1/connections/moved-to/mappings/contact").json()["rows"][1]["source"] == "Title"
    assert app.client.get("/api/v1/actions/moved-2").json()["connection"] == "moved-to"
    assert {change["change"] for change in _imported(app, document).json()["changes"]} == {"same"}
    document["mappings"][0]["rows"] = [ROWS[0] | {"default": "?"}, {"column": "firstname", "source": "FirstName"}]
    document["actions"][0]["name"] = "Another"
    mapping, action = _imported(app, document).json()["changes"]
    assert mapping["details"] == ["lastname: changed", "jobtitle: removed", "firstname: added"]
    assert action["details"] == ["name: added"]
    assert app.client.get("/api/v1/connections/moved-to/mappings/contact").json()["version"] == 2


def test_an_old_file_undoes_nobodys_edit(app: App, connections: None) -> None:
    """What was changed since is named, and nothing is saved; who means it says so. Elsewhere it is just a file."""
    action = {**ACTION, "connection": "moved-to"}
    app.save("actions/edited", action).raise_for_status()
    document = _exported(app)
    document |= {
        "mappings": [],
        "automations": [],
        "actions": [each for each in document["actions"] if each["id"] == "edited"],
    }
    assert {each["change"] for each in _imported(app, document).json()["changes"]} == {"same"}
    app.save("actions/edited", {**action, "name": "Ann's"}).raise_for_status()
    (foreseen,) = _imported(app, document, dry_run="1").json()["changes"]
    assert (foreseen["change"], foreseen["details"]) == ("conflict", ["name: removed"])
    refused = _imported(app, document)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (412, "actions.0")
    assert app.client.get("/api/v1/actions/edited").json()["name"] == "Ann's"
    (done,) = _imported(app, document, overwrite="1").json()["changes"]
    assert (done["change"], app.client.get("/api/v1/actions/edited").json()["name"]) == ("changed", "")
    app.save("actions/edited", {**action, "name": "Ann's"}).raise_for_status()
    elsewhere = document | {"exported": {**document["exported"], "deployment": "another"}}
    assert _imported(app, elsewhere).json()["changes"][0]["change"] == "changed"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"mappings": [{"connection": "nowhere", "table": "lead", "rows": []}]}, "mappings.1.connection", "nowhere"),
    (
        {"mappings": [{"connection": "moved-to", "table": "contact", "rows": [*ROWS, {"column": "x", "source": "A"}]}]},
        "mappings.1.rows.2.column",
        "no column x",
    ),
    ({"mappings": [{"connection": "moved-from", "table": "contact", "rows": ROWS}]}, "mappings.1", "twice"),
    ({"actions": [ACTION | {"id": "other", "connection": "nowhere"}]}, "actions.0.connection", "nowhere"),
    ({"actions": [ACTION | {"id": "other", "create": "nobody"}]}, "actions.0.create", "lead"),
    (
        {"mappings": [{"connection": "moved-to", "table": "lead", "rows": [{"column": "x"}]}]},
        "mappings.1.rows.0",
        "source",
    ),
    ({"format": "other/1"}, "format", "captello-dynamics/1"),
    ({"secrets": []}, "secrets", "not permitted"),
]


@pytest.mark.parametrize(("wrong", "field", "words"), WRONG, ids=[field for _, field, _ in WRONG])
def test_one_mistake_refuses_the_whole_file(
    app: App, connections: None, wrong: dict[str, Any], field: str, words: str
) -> None:
    """Item and field are named, and what was right in it is not saved either."""
    good = {"connection": "moved-from", "table": "contact", "rows": [ROWS[0] | {"default": "never"}]}
    document = {"mappings": [good, *wrong.get("mappings", [])]} | {k: v for k, v in wrong.items() if k != "mappings"}
    for params in ({"dry_run": "1"}, {}):
        answer = _imported(app, document, **params)
        assert answer.status_code == 422
        assert field in [error["field"] for error in answer.json()["errors"]]
        assert words in answer.json()["detail"]
    assert app.client.get("/api/v1/connections/moved-from/mappings/contact").json()["rows"][0]["default"] == "(unknown)"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff\xfe", b"a: &a [x]\nb: *a", b"a: [", b'{"mappings": 1}', b"\x00"], ids=str
)
def test_what_is_no_such_file_is_refused(app: App, body: bytes) -> None:
    """As a problem that says so."""
    answer = app.client.post("/api/v1/import", content=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_the_demonstration_moves_whole(app: App) -> None:
    """What people try first can be taken along."""
    document = _exported(app)
    assert any(each["connection"] == story.CONNECTION for each in document["mappings"])
    assert any(each["id"] == story.ACTION for each in document["actions"])
