"""What is secret, and who people are, stands nowhere but where it belongs: looked for in all that was said and kept."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from infra.local import story
from infra.local.entra import DEMO
from infra.local.stack import ROOT, functions_host
from tests.journeys.conftest import App, Person

WRONG_SECRET = "wrong~secret~that~nobody~else~has~8Q"  # it opens nothing
SIGNING_SECRET = "signing-secret-of-this-journey-0123456789"  # as above


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("leaks") / "log"


@pytest.fixture(scope="module")
def told(app: App, log_file: Path) -> Iterator[App]:
    """Another host of the app, all of whose words are kept."""
    with log_file.open("w") as log:
        host = functions_host(ROOT, port=0, key=app.stack.key, settings=app.stack.settings, log=log)
        with host as url, httpx.Client(base_url=url, headers={"x-functions-key": app.stack.key}, timeout=30) as client:
            yield App(client, app.stack)


def everything_kept(app: App) -> str:
    """All tables, and all messages that wait, as text."""
    texts: list[str] = []
    with TableServiceClient.from_connection_string(app.stack.storage.connection_string) as tables:
        for table in tables.list_tables():
            rows = tables.get_table_client(table.name).list_entities()
            texts += [json.dumps(dict(row), default=str) for row in rows]
    with QueueServiceClient.from_connection_string(app.stack.storage.connection_string) as queues:
        for queue in queues.list_queues():
            seen = queues.get_queue_client(queue.name).peek_messages(max_messages=32)
            texts += [str(message.content) for message in seen]
    return "\n".join(texts)


def test_secrets_are_nowhere(told: App, log_file: Path, person: Person) -> None:
    """Right ones, wrong ones and refused ones: not in tables, queues, answers or the log."""
    answers: list[httpx.Response] = []
    connection = {"name": "Leaks", "url": told.stack.dynamics.url, "tenant_id": DEMO.tenant_id}
    connection |= {"client_id": DEMO.client_id, "client_secret": WRONG_SECRET, "environment": "sandbox"}
    answers.append(told.save("connections/leaks", connection))
    answers.append(told.client.post("/api/v1/connections/leaks/check"))
    answers.append(told.save("connections/leaks", {**connection, "url": "https://evil.example"}))
    answers.append(told.client.put("/api/v1/connections/leaks", content=json.dumps(connection)[:-2]))
    told.action("leaks", connection="leaks", match={"tables": "off"})
    answers.append(told.client.put("/api/v1/actions/leaks/signature-secret", json={"secret": SIGNING_SECRET}))
    answers.append(told.capture(person.capture(), action="leaks"))
    answers.append(told.capture(person.capture(activity=990_001)))
    answers += [told.client.get(f"/api/v1/{path}") for path in ("connections", "connections/leaks", "export", "logs")]
    answers += [told.client.get("/api/v1/failures"), told.client.get("/api/v1/actions/leaks")]
    said = "\n".join([log_file.read_text(), everything_kept(told), *(answer.text for answer in answers)])
    assert "leaks" in said
    secrets = [WRONG_SECRET, SIGNING_SECRET, DEMO.client_secret, told.stack.key, told.stack.dynamics_token]
    assert [secret for secret in secrets if secret in said] == []


def test_the_log_names_nobody(told: App, log_file: Path, person: Person) -> None:
    """Neither when all goes well nor when a body cannot be read, Dynamics refuses, or an id is hostile."""
    told.capture(person.capture(Title="x" * 5000))
    told.client.post(f"/api/capture/{story.ACTION}", content=json.dumps(person.capture())[:-3])
    told.client.post(f"/api/capture/{person.email}%0AERROR%20forged", json=person.capture())
    told.client.post("/api/v1/bulk", params={"action": story.ACTION}, json=[person.capture()])
    log = log_file.read_text()
    said = [person.email, f"Lovelace {person.number}", "ERROR forged"]
    assert [word for word in said if word in log] == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_compressed_body_is_never_unpacked(app: App, encoding: str) -> None:
    """A hundred megabytes in a hundred kilobytes stay a hundred kilobytes: kept whole, as unreadable."""
    bomb = gzip.compress(b" " * 100 * 1024 * 1024)
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["outcome"]) == (202, "quarantined")
    assert app.client.post("/api/v1/import", content=bomb, headers=headers).status_code in (400, 413, 415, 422)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 40_000,
        b"[" * 100_000,
        b'{"prospect": {"fields": {"Email": ' + b"9" * 5000 + b"}}}",
        b'{"prospect": {"id": 1e400, "fields": {"LastName": "Huge"}}}',
    ],
    ids=["deep objects", "deep lists", "huge number", "endless number"],
)
def test_a_body_made_to_hurt_is_no_500(app: App, body: bytes) -> None:
    """It is a capture, or kept whole with the reason."""
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 202)


@pytest.mark.parametrize(
    "name", ["__proto__", "constructor", "__class__", "toString", "{{7*7}}", "${jndi:x}", "' or 1=1"]
)
def test_fields_named_like_parts_of_a_language_are_fields(app: App, person: Person, name: str) -> None:
    """They are kept and mean nothing."""
    answer = app.capture(person.capture() | {"prospect": {"fields": person.fields | {name: {"x": 1}}}})
    assert answer.json()["outcome"] in ("created", "unchanged", "updated")


def test_of_a_name_said_twice_the_last_counts(app: App, person: Person) -> None:
    """Everywhere the same one: who checks and who writes cannot be told different things."""
    text = json.dumps(person.capture())
    doubled = text.replace('"LastName":', '"LastName": "First", "LastName":')
    answer = app.client.post(f"/api/capture/{story.ACTION}", content=doubled)
    assert answer.json()["outcome"] == "created"
    (row,) = app.rows("lead", emailaddress1=person.email)
    assert row["lastname"] == f"Lovelace {person.number}"


@pytest.mark.parametrize(("size", "status"), [(256 * 1024 - 200, 202), (256 * 1024 + 1, 413), (3 * 1024 * 1024, 413)])
def test_a_body_has_a_bound(app: App, size: int, status: int) -> None:
    """Before anything of it is read."""
    assert app.client.post(f"/api/capture/{story.ACTION}", content=b"{" + b"x" * size).status_code == status


def test_a_body_without_a_length_is_refused(app: App) -> None:
    """The host hands it over empty, and so it holds no field."""

    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 1024 * 1024] * 3

    answer = app.client.post(f"/api/capture/{story.ACTION}", content=pieces())
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "blob",
    ["bulk/../SyncState", "../x.csv", "bulk//x", "/etc/passwd", "other/../../x", "bulk/..", "https://evil.example/x"],
)
def test_a_blob_is_one_of_the_container(app: App, blob: str) -> None:
    """No way leads out of it."""
    answer = app.client.post("/api/v1/bulk", json={"action": story.ACTION, "blob": blob})
    problem: dict[str, Any] = answer.json()
    assert answer.status_code in (404, 422), problem
