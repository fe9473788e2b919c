"""One person is erased everywhere here, and nobody else."""

import json
from typing import Any

import httpx
from azure.data.tables import TableServiceClient

from core.storage.names import TABLES
from tests.journeys.conftest import App, Person


def _everything(app: App) -> str:
    """Whatever stands in the app's tables, as text."""
    with TableServiceClient.from_connection_string(app.stack.storage.connection_string) as service:
        entities = [dict(each) for table in TABLES for each in service.get_table_client(table).list_entities()]
    return json.dumps(entities, default=str)


def _erase(app: App, prospect: str) -> dict[str, Any]:
    answer = app.client.post(f"/api/v1/prospects/{prospect}/erase", json={"confirm": prospect})
    assert answer.status_code == 200, answer.text
    erased: dict[str, Any] = answer.json()
    return erased


def test_a_person_is_erased_everywhere(app: App, person: Person) -> None:
    """Prospect, deliveries with and without an id, log, indexes: no name and no address is left in any table."""
    named = app.capture(person.capture()).json()
    anonymous = person.capture(activity=930_000 + person.number)
    anonymous["prospect"]["id"] = None
    assert app.capture(anonymous).json()["outcome"] in ("updated", "unchanged")
    other = app.capture(Person(person.number + 60_000).capture()).json()
    surname = f"Lovelace {person.number}"
    assert person.email in _everything(app)
    done = _erase(app, str(100_000 + person.number))
    assert (done["deliveries"], done["is_all"], done["same_address"]) == (2, True, [])
    assert [row["record_id"] for row in done["in_dynamics"]] == [named["record_id"]]
    left = _everything(app)
    assert person.email not in left
    assert f'"{surname}"' not in left
    assert app.client.get(f"/api/v1/prospects/{100_000 + person.number}").status_code == 404
    assert app.client.get("/api/v1/logs", params={"email": person.email}).json()["items"] == []
    row = app.client.get(f"/api/v1/logs/{named['receipt']}", params={"reveal": "1"}).json()
    assert (row["outcome"], row["person"], row["prospect"], row["record_id"]) == ("created", "", "", "")
    assert row["explain"] == {}
    kept = app.client.get(f"/api/v1/logs/{other['receipt']}").json()
    assert kept["person"]
    assert len(app.rows("lead", emailaddress1=person.email)) == 1  # Dynamics is not ours to erase
    told = {entry["what"] for entry in app.client.get("/api/v1/audit").json()["items"]}
    assert f"erased prospect {100_000 + person.number}" in told


def test_a_repeat_does_not_bring_an_erased_person_back(app: App, person: Person) -> None:
    """It is known for a repeat by what it was, and is not kept; nor can what was erased be replayed."""
    receipt = app.capture(person.capture()).json()["receipt"]
    _erase(app, str(100_000 + person.number))
    again = app.capture(person.capture()).json()
    assert (again["receipt"], again["outcome"], again["record_id"]) == (receipt, "created", None)
    assert person.email not in _everything(app)
    tried = app.client.post("/api/v1/replays", json={"receipts": [receipt], "dry_run": True}).json()
    assert tried["verdicts"] == {"gone": 1}


def test_a_held_capture_of_an_erased_person_ends(app: App, person: Person) -> None:
    """Nothing waits for a release any more."""
    body = person.capture()
    body["submission"]["hold_request_id"] = f"erased-{person.number}"
    receipt = app.capture(body).json()["receipt"]
    assert _erase(app, str(100_000 + person.number))["deliveries"] == 1
    row = app.client.get(f"/api/v1/logs/{receipt}").json()
    assert (row["outcome"], row["reason"]) == ("skipped", "The person was erased while this was held.")


def test_erasing_is_confirmed_and_waits_for_what_is_on_its_way(app: App, person: Person) -> None:
    """422 without the id, 404 for nobody, 409 while a capture goes on by itself."""
    prospect = str(100_000 + person.number)
    nobody = app.client.post(f"/api/v1/prospects/{prospect}/erase", json={"confirm": prospect})
    assert nobody.status_code == 404
    app.capture(person.capture()).raise_for_status()
    unsure = app.client.post(f"/api/v1/prospects/{prospect}/erase", json={"confirm": "yes"})
    assert (unsure.status_code, unsure.json()["errors"][0]["field"]) == (422, "confirm")
    faults = f"{app.stack.dynamics.url}/_control/faults"
    httpx.post(faults, json=[{"kind": "reset_before", "times": None}]).raise_for_status()
    receipt = app.capture(person.capture(activity=940_000 + person.number), wait="0").json()["receipt"]
    early = app.client.post(f"/api/v1/prospects/{prospect}/erase", json={"confirm": prospect})
    httpx.delete(faults).raise_for_status()
    app.settles([receipt])
    assert early.status_code == 409
    assert _erase(app, prospect)["deliveries"] == 2


def test_without_matching_each_submission_is_erased(app: App, person: Person) -> None:
    """Where every submission is somebody new: all of them, by Captello's id, with the rows that they made."""
    booth = app.action("erase-off", match={"tables": "off"}, note=False)
    made = [app.capture(person.capture(activity=950_000 + number), action=booth).json() for number in (1, 2)]
    done = _erase(app, str(100_000 + person.number))
    assert {row["record_id"] for row in done["in_dynamics"]} == {each["record_id"] for each in made}
    assert done["deliveries"] == 2
    assert person.email not in _everything(app)
