"""Automations from end to end: whom they select, when they run, and that nobody runs twice for one thing said."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.faults.fault import At, Fault, Kind
from tests.faults.hosts import Victim
from tests.journeys.conftest import App, Person
from tests.journeys.test_bulk import is_over


@pytest.fixture(scope="module")
def name(app: App) -> Iterator[str]:
    """An action of its own, so that its log rows can be told apart. Its automations would run beside later tests."""
    yield app.action("automated", match={"tables": "leads", "by": "email"}, create="lead")
    for each in app.client.get("/api/v1/automations").json()["items"]:
        app.client.delete(f"/api/v1/automations/{each['id']}").raise_for_status()


def _save(app: App, automation: str, **settings: Any) -> None:
    app.save(f"automations/{automation}", settings).raise_for_status()


def _run(app: App, automation: str) -> dict[str, Any]:
    answer = app.client.post(f"/api/v1/automations/{automation}/run")
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()["items"][0]
    return run


def _ended(app: App, action: str, batches: list[str]) -> dict[str, str]:
    """Outcomes by prospect, once the batches are over."""
    for batch in batches:
        is_over(app, batch)
    every = [row for batch in batches for row in app.logs(batch=batch) if row["action"] == action]
    return {row["prospect"]: row["outcome"] for row in every}


def test_an_automation_runs_for_whom_its_preview_named_and_once_for_what_each_has_said(app: App, name: str) -> None:
    """A first run for all who fit; then for those who changed; a second run finds nobody; a draft runs for nobody."""
    hot, cold, later = Person(61_001), Person(61_002), Person(61_003)
    for person, colour in ((hot, "red"), (cold, "blue"), (later, "blue")):
        app.capture(person.capture(Colour=colour)).raise_for_status()
    criteria = {"all": [{"field": "Colour", "equals": "red"}]}
    _save(app, "reds", action=name, criteria=criteria)
    preview = app.client.get("/api/v1/automations/reds/preview").json()
    assert preview["affected"] == 1
    assert preview["looked_at"] == 1 + sum(each["count"] for each in preview["ignored"])
    assert hot.email not in str(preview)
    assert app.client.post("/api/v1/automations/reds/run").status_code == 409  # a draft

    assert app.client.post("/api/v1/automations/reds/activate").json()["state"] == "active"
    first = _run(app, "reds")
    assert first["selected"] == 1
    assert _ended(app, name, first["batches"]) == {str(100_000 + hot.number): "unchanged"}
    again = _run(app, "reds")
    assert (again["selected"], again["batches"]) == (0, [])

    app.capture(later.capture(activity=610_031, Colour="red")).raise_for_status()
    app.capture(cold.capture(activity=610_021, Title="Countess")).raise_for_status()
    second = _run(app, "reds")
    assert second["selected"] == 1
    assert list(_ended(app, name, second["batches"])) == [str(100_000 + later.number)]
    assert _run(app, "reds")["selected"] == 0


def test_changed_is_about_what_was_said_since_the_last_run(app: App, name: str) -> None:
    """A field that says something new; that others did is not enough."""
    person = Person(61_010)
    app.capture(person.capture()).raise_for_status()
    criteria = {"all": [{"field": "Title", "changed": True}, {"field": "Email", "equals": person.email}]}
    _save(app, "titles", action=name, criteria=criteria)
    app.client.post("/api/v1/automations/titles/activate").raise_for_status()
    assert _run(app, "titles")["selected"] == 0  # a first run knows of no change
    app.capture(person.capture(activity=610_101, Phone="+44 20 7946 0000")).raise_for_status()
    assert _run(app, "titles")["selected"] == 0  # something has changed, but not that
    app.capture(person.capture(activity=610_102, Title="Lady")).raise_for_status()
    assert _run(app, "titles")["selected"] == 1


def test_what_is_said_through_one_action_reaches_rows_of_another(app: App, name: str) -> None:
    """Constant updating: whoever has a row already gets what is new; whoever has none does not get one."""
    person, stranger = Person(61_020), Person(61_021)
    app.capture(person.capture(), action=name).raise_for_status()
    nothing = app.action("kept-quiet", match={"tables": "contacts", "by": "email"}, create="none")
    _save(app, "kept", action=name, kind="keep_updated")
    app.client.post("/api/v1/automations/kept/activate").raise_for_status()
    _ended(app, name, _run(app, "kept")["batches"])
    app.capture(person.capture(activity=610_201, Title="Countess"), action=nothing).raise_for_status()
    app.capture(stranger.capture(), action=nothing).raise_for_status()
    run = _run(app, "kept")
    ended = _ended(app, name, run["batches"])
    assert ended[str(100_000 + person.number)] == "updated"
    assert str(100_000 + stranger.number) not in ended
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["jobtitle"] == "Countess"
    assert not app.rows("lead", emailaddress1=stranger.email)


def test_two_editors_of_an_automation_hear_of_each_other(app: App, name: str) -> None:
    """As with all configuration; and what makes no sense is refused by the name of its field."""
    made = app.client.post("/api/v1/automations", json={"id": "edited", "action": name})
    assert (made.status_code, made.json()["state"]) == (201, "draft")
    assert app.client.post("/api/v1/automations", json={"id": "edited", "action": name}).status_code == 409
    other = {"action": name, "schedule": {"every_minutes": 30}}
    assert app.client.put("/api/v1/automations/edited", json=other).status_code == 428
    tag = {"if-match": made.headers["etag"]}
    assert app.client.put("/api/v1/automations/edited", json=other, headers=tag).status_code == 200
    assert app.client.put("/api/v1/automations/edited", json=other, headers=tag).status_code == 412
    wrong = app.client.put("/api/v1/automations/wrong", json={"action": name, "schedule": {"time_zone": "Berlin"}})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "schedule.time_zone"
    assert (
        app.client.put("/api/v1/automations/wrong", json={"action": "nobody"}).json()["errors"][0]["field"] == "action"
    )
    assert app.client.delete("/api/v1/automations/edited").status_code == 204
    assert app.client.get("/api/v1/automations/edited").status_code == 404


def test_automations_move_with_the_file(app: App, name: str) -> None:
    """Into another deployment as drafts; over one that is there, without switching it off or on."""
    _save(app, "moving", action=name, schedule={"every_minutes": 60})
    app.client.post("/api/v1/automations/moving/activate").raise_for_status()
    file = app.client.get("/api/v1/export", params={"format": "json"}).json()
    (moved,) = (each for each in file["automations"] if each["id"] == "moving")
    assert moved == {"id": "moving", "action": name, "schedule": {"every_minutes": 60}}
    document = {"format": file["format"], "automations": [{**moved, "name": "Hourly"}, {**moved, "id": "moved-copy"}]}
    answer = app.client.post("/api/v1/import", json=document)
    answer.raise_for_status()
    changes = {each["id"]: each["change"] for each in answer.json()["changes"]}
    assert changes == {"moving": "changed", "moved-copy": "new"}
    states = {each["id"]: each["state"] for each in app.client.get("/api/v1/automations").json()["items"]}
    assert (states["moving"], states["moved-copy"]) == ("active", "draft")
    unknown = {"format": file["format"], "automations": [{"id": "lost", "action": "nobody"}]}
    refused = app.client.post("/api/v1/import", json=unknown)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "automations.0.action")


def test_constant_updating_leaves_alone_what_people_mended(app: App, name: str) -> None:
    """A company that Sales corrected stays, while a title reaches the row, by capture, by bulk and by the API; what was
    said while it was paused comes afterwards.
    """
    person = Person(61_030)
    app.capture(person.capture(Company="Acme"), action=name).raise_for_status()
    (lead,) = app.rows("lead", emailaddress1=person.email)
    _mended(app, lead["leadid"], companyname="Acme Ltd")
    quiet = app.action("quiet-edits", match={"tables": "contacts", "by": "email"}, create="none")
    _save(app, "tidy-kept", action=name, kind="keep_updated")
    app.client.post("/api/v1/automations/tidy-kept/activate").raise_for_status()
    app.capture(person.capture(activity=610_301, Title="Countess", Company="Acme"), action=quiet).raise_for_status()
    _ended(app, name, _run(app, "tidy-kept")["batches"])
    assert _lead(app, person) == ("Countess", "Acme Ltd")
    app.client.post("/api/v1/automations/tidy-kept/pause").raise_for_status()
    line = [{"prospect": {"id": 100_000 + person.number, "fields": {"Title": "Duchess"}}}]
    is_over(app, app.client.post(f"/api/v1/bulk?action={quiet}", json=line).json()["batch"])
    app.client.post("/api/v1/automations/tidy-kept/activate").raise_for_status()
    _ended(app, name, _run(app, "tidy-kept")["batches"])
    assert _lead(app, person) == ("Duchess", "Acme Ltd")
    path = f"/api/v1/prospects/{100_000 + person.number}"
    tag = {"if-match": app.client.get(path).headers["etag"]}
    edit = {"action": quiet, "fields": {"Title": "Queen"}}
    assert (
        app.client.patch(path, json=edit, headers=tag).json()["outcome"] == "skipped"
    )  # that action has no row of hers
    _ended(app, name, _run(app, "tidy-kept")["batches"])
    assert _lead(app, person) == ("Queen", "Acme Ltd")


def _mended(app: App, lead: str, **columns: str) -> None:
    """By somebody at work in Dynamics."""
    authorization = {"authorization": f"Bearer {app.stack.dynamics_token}"}
    path = f"{app.stack.dynamics.url}/api/data/v9.2/leads({lead})"
    httpx.patch(path, json=columns, headers=authorization).raise_for_status()


def _lead(app: App, person: Person) -> tuple[str, str]:
    (lead,) = app.rows("lead", emailaddress1=person.email)
    return lead["jobtitle"], lead["companyname"]


def test_a_person_is_edited_on_condition_and_once(app: App, name: str) -> None:
    """Through an action, so the row is written at once, and only there; a repeat is one, a late editor hears of it."""
    person = Person(61_040)
    app.capture(person.capture(Title="Duke"), action=name).raise_for_status()
    path, edit = f"/api/v1/prospects/{100_000 + person.number}", {"action": name, "fields": {"Title": "Earl"}}
    assert app.client.patch(path, json=edit).status_code == 428
    tag = {"if-match": app.client.get(path).headers["etag"]}
    first = app.client.patch(path, json=edit, headers=tag).json()
    assert (first["outcome"], first["table"]) == ("updated", "lead")
    assert app.rows("lead", emailaddress1=person.email)[0]["jobtitle"] == "Earl"
    assert app.client.patch(path, json=edit, headers=tag).status_code == 412
    (logged,) = app.log_of(first["receipt"])
    assert (logged["trigger"], logged["outcome"]) == ("edit", "updated")
    for wrong, status in (({**edit, "action": "nobody"}, 404), ({**edit, "fields": {}}, 422), ({"fields": {}}, 422)):
        assert app.client.patch(path, json=wrong, headers=tag).status_code == status
    assert app.client.patch("/api/v1/prospects/nobody", json=edit, headers=tag).status_code == 404


def test_a_host_that_is_killed_in_a_run_leaves_it_to_the_next(app: App, name: str, proxied_host: Victim) -> None:
    """Killed when it had handed over and had not said so: the next run finds the same batch, and nobody runs twice."""
    person = Person(61_050)
    app.capture(person.capture()).raise_for_status()
    _save(app, "killed", action=name, criteria={"all": [{"field": "Email", "equals": person.email}]})
    app.client.post("/api/v1/automations/killed/activate").raise_for_status()
    key = {"x-functions-key": app.stack.key}
    saving = At(Fault(Kind.KILL_BEFORE), 1, on="^(POST|PUT) .*/Configuration")
    with proxied_host.host(saving) as host, pytest.raises(httpx.TransportError):
        httpx.post(f"{host.url}/api/v1/automations/killed/run", headers=key, timeout=20)
    assert app.client.get("/api/v1/automations/killed/runs").json()["items"] == []
    run = _run(app, "killed")
    assert run["selected"] == 1
    assert _ended(app, name, run["batches"]) == {str(100_000 + person.number): "unchanged"}
    (batch,) = run["batches"]
    assert len(app.logs(batch=batch)) == 1
    assert [each["batch"] for each in _batches(app, "killed")] == [batch]


def _batches(app: App, automation: str) -> list[dict[str, Any]]:
    items = app.client.get("/api/v1/bulk", params={"limit": 100}).json()["items"]
    return [each for each in items if each["asked_by"] == f"automation {automation}"]


def test_what_was_read_can_be_sent_back(app: App, name: str) -> None:
    """With its state, which is not changed that way. A draft has nothing to pause, and one for nobody is refused."""
    _save(app, "read", action=name)
    read = app.client.get("/api/v1/automations/read")
    tag = {"if-match": read.headers["etag"]}
    assert app.client.put("/api/v1/automations/read", json=read.json(), headers=tag).status_code == 200
    refused = app.client.put("/api/v1/automations/read", json={**read.json(), "state": "active"}, headers=tag)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "state")
    assert app.client.post("/api/v1/automations/read/pause").status_code == 409
    criteria = {"all": [{"field": "form.name", "equals": "Booth"}]}
    refused = app.client.put("/api/v1/automations/unfit", json={"action": name, "criteria": criteria})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "criteria.all.0.field")
