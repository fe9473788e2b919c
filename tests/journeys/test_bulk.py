"""Bulk actions, from the request or the message to the rows in Dynamics and the batch's own account of them."""

import base64
import json
import os
import time
from typing import Any

import httpx
import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from core.domain.capture import digest
from core.storage.names import BULK_CONTAINER, BULK_POISON_QUEUE, BULK_QUEUE
from infra.local import story
from infra.local.entra import DEMO
from infra.local.stack import Stack
from tests.faults.fault import At, Fault, Kind
from tests.faults.hosts import victim
from tests.faults.nursery import Nursery
from tests.journeys.conftest import SETTLES_SECONDS, App, Person

MANY = int(os.environ.get("BULK_PEOPLE", "150"))  # more on request


@pytest.fixture
def action(app: App) -> str:
    return app.action("bulk", match={"tables": "leads", "by": "email"})


def is_over(app: App, batch: str) -> dict[str, Any]:
    """The batch, once everything of it is over."""
    deadline = time.monotonic() + SETTLES_SECONDS
    while (seen := app.client.get(f"/api/v1/bulk/{batch}").json()).get("state") not in ("done", "cancelled"):
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
    assert {row["trigger"] for row in app.logs(batch=batch)} == {"bulk"}


def test_somebody_without_an_id_of_captellos_goes_to_his_own_row(app: App, action: str) -> None:
    """Known by a name of ours, also once the address that it was made of has changed."""
    person = Person(40_050)
    body = person.capture()
    del body["prospect"]["id"]
    app.capture(body, action=action)
    (known,) = app.client.get("/api/v1/prospects", params={"email": person.email}).json()["items"]
    assert known["id"].startswith("email~")
    body["prospect"]["fields"]["Email"] = "new-address@journeys.example"
    app.capture(body, action=action)
    begun = app.client.post("/api/v1/bulk", json={"action": action, "prospect_ids": [known["id"]]})
    seen = is_over(app, begun.json()["batch"])
    assert seen["outcomes"] == {"unchanged": 1}
    (row,) = app.logs(batch=seen["batch"])
    assert row["record_id"] == known["links"][0]["record_id"]
    assert len(app.rows("lead", lastname="Lovelace 40050")) == 1


@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "base64"])
def test_a_message_brings_people_in(app: App, action: str, *, encoded: bool) -> None:
    """As plain JSON or base64; a batch left out is called like the message."""
    some = people(40_100 + 10 * encoded, 3)
    message = {"action": action, "prospects": [person.capture() for person in some]}
    seen = is_over(app, drop(app, message, encoded=encoded))
    assert seen["outcomes"] == {"created": 3}
    assert len(leads_of(app, some)) == 3


def table_of(some: list[Person], *, delimiter: str = ";") -> str:
    rows = [["Vorname", "Last Name", "E-Mail", "Prospect ID"]]
    rows += [["Ada", f"Lovelace {each.number}", each.email, str(100_000 + each.number)] for each in some]
    return "\r\n".join(delimiter.join(row) for row in rows) + "\r\n"


def upload(app: App, action: str, content: str | bytes, *, batch: str = "", **headers: str) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    send = app.client.put if batch else app.client.post
    path = f"/api/v1/bulk/{batch}" if batch else "/api/v1/bulk"
    return send(path, params={"action": action}, content=raw, headers=headers)


def test_many_people_by_a_table_stand_in_dynamics_once(app: App, action: str) -> None:
    """In Excel's own UTF-16 and semicolons; two of the lines are one person, one cannot be read."""
    some = people(41_000, MANY)
    text = table_of([*some, some[7]]) + "Ada;Nobody;x@x.example;1;too much\r\n"
    begun = upload(app, action, b"\xff\xfe" + text.encode("utf-16-le"), **{"content-type": "text/csv"})
    assert (begun.status_code, begun.headers["location"]) == (202, f"/api/v1/bulk/{begun.json()['batch']}")
    seen = is_over(app, begun.json()["batch"])
    assert (seen["received"], seen["open"], seen["unreadable"]) == (MANY + 2, 0, 1)
    assert seen["outcomes"] == {"created": MANY, "unchanged": 1, "failed": 1}
    assert seen["sources"][0]["columns"]["Vorname"] == "FirstName"
    leads = [row["emailaddress1"] for row in leads_of(app, some)]
    assert len(leads) == len(set(leads)) == MANY


def test_a_batch_is_begun_once_under_its_name(app: App, action: str) -> None:
    """By PUT, Idempotency-Key or the body's own word; other content under the same name is refused."""
    order = {"batch": "expo-day-0", "action": action, "prospects": [people(45_020, 1)[0].capture()]}
    begun = [app.client.post("/api/v1/bulk", json=order) for _ in range(2)]
    assert [(each.status_code, each.json()["batch"]) for each in begun] == [(202, "expo-day-0")] * 2
    text = table_of(people(45_000, 2))
    key = {"idempotency-key": "one click"}
    assert len({upload(app, action, text, **key).json()["batch"] for _ in range(2)}) == 1
    assert {upload(app, action, text, batch="expo-day-1").status_code for _ in range(2)} == {202}
    other = upload(app, action, table_of(people(45_010, 2)), batch="expo-day-1")
    assert (other.status_code, other.json()["errors"][0]["field"]) == (409, "batch")
    assert is_over(app, "expo-day-1")["received"] == 2


def test_parts_are_joined_wherever_the_file_was_cut(app: App, action: str) -> None:
    """A missing one is named; once begun, nothing can be added."""
    some = people(45_100, 40)
    raw = table_of(some, delimiter=",").encode()
    cut = [raw[:333], raw[333:777], raw[777:]]
    for number in (1, 3):
        part = app.client.put(f"/api/v1/bulk/in-parts/parts/{number}", content=cut[number - 1])
        assert part.json() == {"batch": "in-parts", "part": number, "bytes": len(cut[number - 1])}
    missing = app.client.post("/api/v1/bulk/in-parts", params={"action": action})
    assert (missing.status_code, "missing: 2" in missing.json()["detail"]) == (409, True)
    app.client.put("/api/v1/bulk/in-parts/parts/2", content=cut[1]).raise_for_status()
    for _ in range(2):
        begun = app.client.post("/api/v1/bulk/in-parts", params={"action": action, "parts": 3})
        assert begun.status_code == 202
    assert is_over(app, "in-parts")["outcomes"] == {"created": 40}
    assert app.client.put("/api/v1/bulk/in-parts/parts/4", content=b"x").status_code == 409
    assert len(leads_of(app, some)) == 40


@pytest.mark.parametrize("by_message", [False, True], ids=["request", "message"])
def test_a_blob_is_read_from_the_container(app: App, action: str, *, by_message: bool) -> None:
    """And from nowhere else."""
    some = people(45_200 + 10 * by_message, 3)
    lines = "\n".join(json.dumps(person.capture()) for person in some)
    with ContainerClient.from_connection_string(app.stack.storage.connection_string, BULK_CONTAINER) as container:
        container.upload_blob(f"expo-{by_message}.ndjson", lines, overwrite=True)
    order = {"action": action, "blob": f"bulk/expo-{by_message}.ndjson"}
    batch = drop(app, order) if by_message else app.client.post("/api/v1/bulk", json=order).json()["batch"]
    assert is_over(app, batch)["outcomes"] == {"created": 3}
    for name in ("other/x.csv", "bulk/../x.csv", "bulk/batches/x/parts/1", "x.csv"):
        refused = app.client.post("/api/v1/bulk", json={"action": action, "blob": name})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "blob")


def test_a_blob_that_is_not_there_is_told(app: App, action: str) -> None:
    """The batch says so."""
    begun = app.client.post("/api/v1/bulk", json={"action": action, "blob": "bulk/nowhere.csv"})
    deadline = time.monotonic() + SETTLES_SECONDS
    while (seen := app.client.get(begun.headers["location"]).json())["state"] != "refused":
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)  # another function is at work
    assert "nowhere.csv" in seen["warnings"][0]
    (row,) = app.logs(batch=seen["batch"])
    assert (row["outcome"], "nowhere.csv" in row["reason"]) == ("failed", True)


def test_a_filter_chooses_among_the_prospects_that_are_here(app: App, action: str) -> None:
    """Whoever fits is synced again, nobody else."""
    some = people(45_300, 3)
    for number, person in enumerate(some):
        app.capture(person.capture(Badge=f"filtered-{number % 2}"))
    chosen = {"all": [{"field": "Badge", "equals": "filtered-0"}]}
    batch = app.client.post("/api/v1/bulk", json={"action": action, "filter": chosen}).json()["batch"]
    assert is_over(app, batch)["outcomes"] == {"unchanged": 2}
    chosen["all"] += [{"about": "event", "equals": "expo 26"}, {"about": "form", "equals": "42"}]
    chosen["any"] = [{"about": "last_outcome", "equals": "unchanged"}]
    batch = app.client.post("/api/v1/bulk", json={"action": action, "filter": chosen}).json()["batch"]
    assert is_over(app, batch)["outcomes"] == {"unchanged": 2}
    assert {row["form_event"] for row in app.logs(batch=batch)} == {"Expo 26"}
    for condition in ({"field": "q.12", "equals": "A"}, {"field": "Badge", "changed": True}):
        refused = app.client.post("/api/v1/bulk", json={"action": action, "filter": {"all": [condition]}})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "filter")


def test_messages_that_name_one_batch_are_one_batch(app: App, action: str) -> None:
    """A sender whose list is too long for one message."""
    for first in (45_400, 45_410):
        captures = [person.capture() for person in people(first, 3)]
        drop(app, {"action": action, "batch": "from-two", "prospects": captures})
    deadline = time.monotonic() + SETTLES_SECONDS
    while (seen := app.client.get("/api/v1/bulk/from-two").json()).get("outcomes") != {"created": 6}:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)  # other functions are at work
    assert len(leads_of(app, [*people(45_400, 3), *people(45_410, 3)])) == 6


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("no json", "neither JSON nor base64"),
        ('{"action": "unheard-of", "prospects": []}', "There is no action"),
        ('{"action": "bulk", "prospects": [], "blob": "bulk/x"}', "give one of"),
        ('{"prospects": []}', "names no action"),
    ],
)
def test_a_message_that_cannot_succeed_ends_in_the_poison_queue_with_the_reason(
    app: App, action: str, message: str, reason: str
) -> None:
    """At once, and as it was; and in the log, that of the connection where it names a known action."""
    sent = drop(app, message)
    deadline = time.monotonic() + SETTLES_SECONDS
    with QueueClient.from_connection_string(app.stack.storage.connection_string, BULK_POISON_QUEUE) as poison:
        while True:
            for each in poison.receive_messages(visibility_timeout=1):
                told = json.loads(each.content)
                if told["message"] == message:
                    assert reason in told["refused"]
                    poison.delete_message(each)
                    (row,) = [row for row in app.logs(text=reason) if row["delivery"] == digest("message", sent)]
                    assert row["connection"] == ("contoso" if f'"{action}"' in message else "-")
                    return
            assert time.monotonic() < deadline
            time.sleep(0.1)  # the host is at work


def test_what_is_no_file_of_people_is_refused_at_once(app: App, action: str) -> None:
    """By field, with what would be accepted; an unknown action is 404."""
    assert upload(app, "unheard-of", table_of(people(45_500, 1))).status_code == 404
    assert upload(app, action, b"PK\x03\x04xxxx").status_code == 415
    assert upload(app, action, b"mara@x.example,Mara\n").status_code == 422
    assert upload(app, action, b"LastName,Email\n").status_code == 422
    assert upload(app, action, b"Mara,OHara\nAnn,Lee\n").status_code == 422
    assert upload(app, action, b"x", **{"content-encoding": "gzip"}).status_code == 415
    large = upload(app, action, b"LastName\n" + b"x\n" * (4 * 1024 * 1024 + 10))
    assert (large.status_code, "parts" in large.json()["detail"]) == (413, True)


def test_what_failed_is_mended_and_sent_again(app: App) -> None:
    """The file holds the failed rows only, safe to open; mended and sent as it is, all stand there once."""
    row = {"source": "rating", "column": "leadqualitycode", "choices": {"=hot": "Hot"}, "on_unknown": "fail"}
    rows = [
        {"source": "LastName", "column": "lastname"},
        {"source": "Email", "column": "emailaddress1"},
        {"constant": "Mended", "column": "subject"},
        {**row, "source": "Interest"},
    ]
    connection = app.client.get("/api/v1/connections/contoso").json()
    app.save("connections/mending", {"url": connection["url"], **_secrets()}).raise_for_status()
    app.save("connections/mending/mappings/lead", {"rows": rows}).raise_for_status()
    action = app.action("mending", connection="mending", match={"tables": "leads", "by": "email"})
    text = "LastName,Email,Interest\nA,mend1@x.example,'=hot\nB,mend2@x.example,=hut\nC,mend3@x.example,=hit\n"
    seen = is_over(app, upload(app, action, text).json()["batch"])
    assert seen["outcomes"] == {"created": 1, "failed": 2}
    failed = app.client.get(f"/api/v1/bulk/{seen['batch']}/failed.csv")
    lines = failed.text.removeprefix("\ufeff").splitlines()
    assert lines[0] == "failed.line,failed.reason,LastName,Email,Interest"
    assert [line.rsplit(",", 3)[1:] for line in lines[1:]] == [
        ["B", "mend2@x.example", "'=hut"],
        ["C", "mend3@x.example", "'=hit"],
    ]
    mended = failed.content.replace(b"hut", b"hot").replace(b"hit", b"hot")
    again = is_over(app, upload(app, action, mended).json()["batch"])
    assert again["outcomes"] == {"created": 2}
    assert len(app.rows("lead", subject="Mended")) == 3
    (asked,) = [each for each in app.client.get("/api/v1/audit").json()["items"] if seen["batch"] in each["what"]]
    assert asked["people"] == 2


def _secrets() -> dict[str, str]:
    return {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}


def test_batches_are_listed_newest_first(app: App, action: str) -> None:
    """Page by page."""
    named = [upload(app, action, table_of(people(45_600, 1)), batch=f"listed-{number}") for number in range(3)]
    assert {each.status_code for each in named} == {202}
    first = app.client.get("/api/v1/bulk", params={"limit": 2}).json()
    second = app.client.get("/api/v1/bulk", params={"limit": 2, "cursor": first["cursor"]}).json()
    assert [each["batch"] for each in first["items"] + second["items"]][:3] == ["listed-2", "listed-1", "listed-0"]


def test_a_cancelled_batch_writes_nothing_more(app: App) -> None:
    """What had not begun is not taken; asked again, the answer is the same."""
    connection = app.client.get("/api/v1/connections/contoso").json()
    app.save("connections/stopping", {"url": connection["url"], **_secrets()}).raise_for_status()
    app.save("connections/stopping/mappings/lead", {"rows": story.MAPPINGS["lead"]}).raise_for_status()
    action = app.action("stopping", connection="stopping", match={"tables": "leads", "by": "email"})
    revoked = app.client.post("/api/v1/connections/stopping/revoke", json={"confirm": "stopping"})
    revoked.raise_for_status()
    some = people(46_000, 700)
    batch = upload(app, action, table_of(some)).json()["batch"]
    deadline = time.monotonic() + SETTLES_SECONDS
    while not (seen := app.client.get(f"/api/v1/bulk/{batch}").json())["sources"][0]["is_read"]:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)  # another function is at work
    assert (seen["state"], seen["open"]) == ("running", 700)
    assert "revoked" in seen["warnings"][0]
    for _ in range(2):
        assert app.client.post(f"/api/v1/bulk/{batch}/cancel").status_code == 202
    seen = is_over(app, batch)
    assert (seen["state"], seen["not_taken"], seen["outcomes"]) == ("cancelled", 700, {})
    assert leads_of(app, some) == []
    assert app.client.post("/api/v1/bulk/unheard-of/cancel").status_code == 404


def test_a_host_that_dies_over_a_batch_loses_and_doubles_nobody(app: App, hosts: Nursery, running: Stack) -> None:
    """Killed in the middle of reading, and in the middle of a chunk: another host goes on."""
    action = app.action("dying", match={"tables": "leads", "by": "email"})
    some = people(47_000, 120)
    settings = {"AzureWebJobs.wake.Disabled": "true", "AzureWebJobs.deliver.Disabled": "true"}
    with victim(running, hosts, settings) as place:
        batches = [upload(app, action, table_of(some[at : at + 60])).json()["batch"] for at in range(0, 120, 60)]
        for effects in (4, 15):
            with place.host(At(Fault(Kind.KILL_BEFORE), effects, on="^(POST|PUT|MERGE|DELETE) ")) as host:
                deadline = time.monotonic() + 3  # there may be nothing left for it to do
                while host.is_alive() and time.monotonic() < deadline:
                    time.sleep(0.05)
    seen = [is_over(app, batch) for batch in batches]
    assert [each["outcomes"] for each in seen] == [{"created": 60}] * 2
    assert len(leads_of(app, some)) == 120
