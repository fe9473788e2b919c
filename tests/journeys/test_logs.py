"""What became of each delivery, as an operator finds and reads it."""

import httpx

from infra.local import story
from tests.journeys.conftest import App, Person


def test_a_drill_down_tells_why_and_what_was_asked_of_dynamics(app: App, person: Person) -> None:
    """By receipt or by id: the match, the attempt, each request with its parts, and nobody's name."""
    answer = app.capture(person.capture()).json()
    detail = app.client.get(f"/api/v1/logs/{answer['receipt']}").json()
    assert detail == app.client.get(f"/api/v1/logs/{detail['id']}").json() | {"state": "done"}
    assert detail["outcome"] == "created"
    assert detail["person"].startswith("A. L.")
    assert detail["explain"]["rule"]["tables"] == "contacts_then_leads"
    (attempt,) = detail["tried"]
    look_up, write = attempt["calls"]
    assert look_up["parts"] == ["GET WhoAmI 200", "GET contacts 200", "GET leads 200"]
    assert (write["method"], write["status"]) == ("PATCH", 204)
    assert write["request_id"]
    assert person.email not in str(detail)


def test_a_drill_down_is_told_in_plain_words(app: App, person: Person) -> None:
    """For whoever asks for text: what came, what became of it, which row and why, what stood there, what was tried."""
    seeded = {app.seed("contact", emailaddress1=person.email, jobtitle="CFO")["contactid"] for _ in range(2)}
    answer = app.capture(person.capture(Title="CEO")).json()
    receipt, chosen = answer["receipt"], answer["record_id"]
    (other,) = seeded - {chosen}
    asked = app.client.get(f"/api/v1/logs/{receipt}", headers={"accept": "text/plain"})
    assert asked.headers["content-type"] == "text/plain; charset=utf-8"
    told = asked.text
    for line in (
        f"Delivery {receipt}\n  of A. L. ",
        "form 42 (Booth), event Expo 26, submission",
        f"What became of it\n  updated contact {chosen}",
        "rule: contacts_then_leads by email; closed rows: ignore",
        "asked contact: by 1 address in emailaddress1, emailaddress2, emailaddress3",
        f"- contact {chosen} (fits by email, created",
        f"- contact {other} (fits by email, created",
        "lost the tie: ",
        "on_duplicate: most_recently_updated; on_match: update; create: lead; without_key: create",
        "What stood there before\n  firstname: (empty)",
        "1. ",
        "       GET contacts 200",
    ):
        assert line in told, told
    assert person.email not in told
    clear = app.client.get(f"/api/v1/logs/{receipt}", params={"reveal": "1"}, headers={"accept": "text/plain"}).text
    assert f"of Ada Lovelace {person.number} <{person.email}>" in clear


def test_no_cache_keeps_an_answer(app: App, person: Person) -> None:
    """It may hold people; nor does a browser take it for a page. Refusals are no exception."""
    answers = [app.client.get(f"/api/v1/{path}") for path in ("logs", "audit", "logs/nobody", "openapi.json")]
    for answer in (*answers, app.capture(person.capture(), test="1"), app.capture({}, action="nobody")):
        told = answer.headers["cache-control"], answer.headers["x-content-type-options"]
        assert told == ("no-store", "nosniff"), answer.url


def test_revealing_is_asked_for_and_kept(app: App, person: Person) -> None:
    """Masked by default; in clear on request; and who asked stands in the table Audit."""
    receipt = app.capture(person.capture(whatsapp="+49 170 1234567")).json()["receipt"]
    listed = app.client.get("/api/v1/logs", params={"email": person.email}).json()["items"]
    assert [item["delivery"] for item in listed] == [receipt]
    assert person.email not in str(listed)
    clear = app.client.get(
        "/api/v1/logs", params={"email": person.email, "reveal": "1"}, headers={"user-agent": "console"}
    ).json()["items"]
    assert clear[0]["person"] == f"Ada Lovelace {person.number} <{person.email}>"
    seen = app.client.get(f"/api/v1/prospects/{100_000 + person.number}").json()
    assert {field["name"]: field["value"] for field in seen["fields"]} == {
        "firstname": "A.",
        "lastname": f"L. {str(person.number)[0]}.",
        "email": f"p***@{person.email.partition('@')[2]}",
        "company": "Engines",
        "whatsapp": "***67",
    }
    audit = app.client.get("/api/v1/audit").json()["items"]
    assert ("console", 1) in {(entry["who"].split()[-1], entry["people"]) for entry in audit}


def test_who_saw_a_person_can_be_answered(app: App, person: Person) -> None:
    """By address, id and receipt, with the filters that were asked for; the address stands nowhere in clear."""
    receipt = app.capture(person.capture()).json()["receipt"]
    app.client.get("/api/v1/logs", params={"email": person.email, "outcome": "created", "reveal": "1"})
    app.client.get(f"/api/v1/prospects/{100_000 + person.number}", params={"reveal": "1"})
    for about in ({"email": person.email}, {"prospect": str(100_000 + person.number)}):
        seen = app.client.get("/api/v1/audit", params=about).json()["items"]
        assert [each["what"].split()[0] for each in seen] == ["prospect", "log,"]
        assert "outcome=created email=" in seen[1]["what"]
        assert person.email not in str(seen)
    (told,) = app.client.get("/api/v1/audit", params={"receipt": receipt}).json()["items"]
    assert f"delivery|{receipt}" in told["shown"]
    assert app.client.get("/api/v1/audit", params={"email": "nobody@x.example"}).json()["items"] == []


def test_filters_without_an_index_narrow_too(app: App, person: Person) -> None:
    """What brought it in, its submission, and the mapping's version."""
    receipt = app.capture(person.capture()).json()["receipt"]
    row = app.client.get(f"/api/v1/logs/{receipt}").json()
    for name, other in (("trigger", "bulk"), ("activity", "none such"), ("mapping_version", 9999)):
        about = {"prospect": str(100_000 + person.number)}
        found = app.client.get("/api/v1/logs", params={**about, name: row[name]}).json()["items"]
        assert [each["delivery"] for each in found] == [receipt], name
        assert app.client.get("/api/v1/logs", params={**about, name: other}).json()["items"] == [], name


def test_attempts_that_did_not_end_it_are_told_too(app: App, person: Person) -> None:
    """Each with its requests."""
    faults = f"{app.stack.dynamics.url}/_control/faults"
    httpx.post(faults, json=[{"kind": "reset_before", "times": 1}]).raise_for_status()
    receipt = app.capture(person.capture()).json()["receipt"]
    app.settles([receipt])
    detail = app.client.get(f"/api/v1/logs/{receipt}").json()
    first, last = detail["tried"]
    assert (first["calls"][0]["status"], last["happened"]) == (0, "It ended as created.")
    assert detail["attempts"] == 2


def test_a_cursor_is_good_for_its_own_question_only(app: App, person: Person) -> None:
    """Two problems that name it; and the right one goes on."""
    for activity in range(2):
        app.capture(person.capture(activity=910_000 + person.number * 10 + activity), wait="1")
    page = app.client.get("/api/v1/logs", params={"email": person.email, "limit": "1"}).json()
    other = app.client.get("/api/v1/logs", params={"limit": "1", "cursor": page["cursor"]})
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "cursor")
    nonsense = app.client.get("/api/v1/logs", params={"cursor": "x"})
    assert nonsense.status_code == 422
    following = app.client.get(
        "/api/v1/logs", params={"email": person.email, "limit": "1", "cursor": page["cursor"]}
    ).json()
    assert following["items"][0]["id"] != page["items"][0]["id"]
    assert following["items"][0]["action"] == story.ACTION
