"""The event's balance, and the people behind it, as an operator reads them."""

import httpx

from tests.journeys.conftest import App, Person

ENDED = ("created", "updated", "unchanged", "skipped", "held", "failed", "withdrawn")
ENDINGS = (*ENDED, "quarantined", "on_the_way")


def test_everything_captured_is_accounted_for(app: App, person: Person) -> None:
    """By outcome, with what waits counted as on its way; and a list says what never arrived."""
    event = f"Balance {person.number}"
    people = [Person(1_000_000 + person.number * 10 + number) for number in range(3)]
    bodies = [each.capture() for each in people]
    for body in bodies:
        body["form"] = {"id": f"balance-{person.number}", "name": "Booth", "event": event}
    bodies[1]["submission"]["hold_request_id"] = f"balance-{person.number}"
    outcomes = [app.capture(body).json()["outcome"] for body in bodies]
    assert outcomes == ["created", "held", "created"]
    edit = {**bodies[0], "event": "updated", "answers": [{"id": 1, "title": "Notes", "value": "x"}]}
    assert app.capture(edit).json()["outcome"] in ("unchanged", "updated")
    for asked in ({"event": event}, {"form": f"balance-{person.number}"}):
        told = app.client.get("/api/v1/balance", params=asked).json()
        (line,) = told["items"]
        assert (line["captured"], line["submissions"], line["created"], line["held"]) == (4, 3, 2, 1)
        assert line["captured"] == sum(line[name] for name in ENDINGS) == told["total"]["captured"]
        assert line["held_since"]
        assert line["held_since"] == told["total"]["held_since"]
    activities = [str(each.activity) for each in people]
    listed = "\n".join(["activity_id", *activities, "never-came"])
    said = app.client.post("/api/v1/balance/expected", params={"event": event}, content=listed).json()
    assert (said["expected"], said["missing"], said["not_expected"], said["is_all"]) == (4, ["never-came"], [], True)
    assert sum(said["arrived"].values()) == 3


def test_what_could_not_be_read_is_accounted_for_too(app: App, person: Person) -> None:
    """It came in, and nobody knows from which form."""
    before = app.client.get("/api/v1/balance").json()["total"]
    body, kind = f'{{"broken {person.number}', {"content-type": "application/json"}
    app.client.post("/api/capture/booth", content=body, headers=kind).raise_for_status()
    total = app.client.get("/api/v1/balance").json()["total"]
    assert total["quarantined"] == before["quarantined"] + 1
    assert total["captured"] == sum(total[name] for name in ENDINGS)


def test_what_waits_is_on_its_way(app: App, person: Person) -> None:
    """Dynamics is down: the capture is not lost from the balance."""
    httpx.post(
        f"{app.stack.dynamics.url}/_control/faults", json=[{"kind": "reset_before", "times": 1}]
    ).raise_for_status()
    body = person.capture()
    body["form"] = {"id": f"waits-{person.number}", "name": "Booth", "event": "Expo"}
    receipt = app.capture(body).json()["receipt"]
    (line,) = app.client.get("/api/v1/balance", params={"form": f"waits-{person.number}"}).json()["items"]
    assert (line["captured"], line["on_the_way"] + line["created"]) == (1, 1)
    app.settles([receipt])
    (line,) = app.client.get("/api/v1/balance", params={"form": f"waits-{person.number}"}).json()["items"]
    assert (line["captured"], line["created"]) == (1, 1)


def test_a_prospect_is_found_and_shown_masked(app: App, person: Person) -> None:
    """By id or address: fields with their times, the linked row, the deliveries; in clear only when asked for."""
    said = app.capture(person.capture()).json()
    number = str(100_000 + person.number)
    (found,) = app.client.get("/api/v1/prospects", params={"email": person.email}).json()["items"]
    assert (found["id"], found["links"][0]["record_id"]) == (number, said["record_id"])
    detail = app.client.get(f"/api/v1/prospects/{number}").json()
    fields = {field["name"]: field["value"] for field in detail["fields"]}
    assert (fields["firstname"], fields["email"]) == ("A.", f"p***@{person.email.partition('@')[2]}")
    assert [row["delivery"] for row in detail["deliveries"]] == [said["receipt"]]
    assert person.email not in str((found, detail))
    clear = app.client.get(f"/api/v1/prospects/{number}", params={"reveal": "1"}).json()
    assert person.email in str(clear["fields"])
    assert f"prospect {number}" in {entry["what"] for entry in app.client.get("/api/v1/audit").json()["items"]}
    page = app.client.get("/api/v1/prospects", params={"limit": "1"}).json()
    following = app.client.get("/api/v1/prospects", params={"limit": "1", "cursor": page["cursor"]}).json()
    assert following["items"][0]["id"] > page["items"][0]["id"]
