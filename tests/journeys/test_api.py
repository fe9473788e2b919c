"""The API as an engineer meets it: configuration saved and read back, mistakes named, secrets never shown."""

from typing import Any
from urllib.parse import quote

import pytest

from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App


def _connection(app: App, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Contoso",
        "url": app.stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
        **changes,
    }


def test_a_connection_is_saved_checked_and_read_back_without_its_secret(app: App) -> None:
    """PUT creates (201), PUT again changes (200); the organisation is learnt; the secret is write-only."""
    first = app.save("connections/api-one", _connection(app))
    again = app.save("connections/api-one", _connection(app, name="Renamed"))
    assert (first.status_code, again.status_code) == (201, 200)
    read = app.client.get("/api/v1/connections/api-one")
    assert read.json() == again.json()
    assert (read.json()["state"], read.json()["organization_id"]) == ("active", app.stack.dynamics.organization_id)
    assert "api-one" in {each["id"] for each in app.client.get("/api/v1/connections").json()["items"]}
    for answer in (first, again, read):
        assert DEMO.client_secret not in answer.text
        assert not {"client_secret", "client_certificate", "secret_version"} & answer.json().keys()


def test_an_address_that_is_no_text_is_nothing(app: App) -> None:
    """404 as a problem, whatever its bytes are."""
    for path in ("connections/%FF", "actions/%ED%A0%80"):
        answer = app.client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-05-04T08:00:00"])
def test_the_calendar_may_end_within_a_filter(app: App, moment: str) -> None:
    """Moments that UTC's calendar does not know, and those without an offset, are taken as near as can be."""
    for path in ("logs", "failures", "balance"):
        answer = app.client.get(f"/api/v1/{path}", params={"from": moment, "to": moment})
        assert answer.status_code == 200, answer.text
    order = {"filter": {"from": moment}, "dry_run": True}
    assert app.client.post("/api/v1/replays", json=order).status_code == 200


def test_a_person_is_found_by_whatever_id_captello_gave(app: App) -> None:
    """With blanks and signs in it, in the address; with slashes too, as a parameter."""
    for number, captello_id in enumerate(("a b#c?d~\u00fc", "a b/c#d?\u00fc")):
        body = {"prospect": {"id": captello_id, "fields": {"LastName": "Odd", "Email": f"odd{number}@odd.example"}}}
        assert app.capture(body).json()["outcome"] == "created"
        asked = {"prospect": captello_id, "reveal": "1"}
        (found,) = app.client.get("/api/v1/prospects", params=asked).json()["items"]
        assert found["captello_id"] == captello_id
        name = found["id"] if "/" in captello_id else quote(captello_id, safe="")
        detail = app.client.get(f"/api/v1/prospects/{name}").json()
        assert (detail["id"], len(detail["deliveries"])) == (found["id"], 1)


def test_versions_of_an_unknown_connection_are_none(app: App) -> None:
    """404, not an empty list."""
    assert app.client.get("/api/v1/connections/nope/mappings/lead/versions").status_code == 404


def test_a_secret_that_is_left_out_stays(app: App) -> None:
    """Renaming a connection needs no secret."""
    app.save("connections/api-two", _connection(app))
    without = _connection(app)
    del without["client_secret"]
    assert app.save("connections/api-two", without).json()["state"] == "active"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "https://evil.example/"}, "url"),
        ({"url": "https://contoso.crm.dynamics.com.evil.example/"}, "url"),
        ({"tenant_id": "contoso"}, "tenant_id"),
        ({"client_secret": None}, "client_secret"),
        ({"time_zone": "Middle-earth/Shire"}, "time_zone"),
        ({"environment": "test"}, "environment"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_bad_connection_is_refused_by_field(app: App, changes: dict[str, Any], field: str) -> None:
    """The problem names the field, in the standard shape."""
    answer = app.save("connections/api-bad", _connection(app, **changes))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert DEMO.client_secret not in answer.text


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"client_secret": "wrong"}, "secret's value"),
        ({"tenant_id": "99999999-9999-4999-8999-999999999999"}, "tenant"),
        ({"client_id": "99999999-9999-4999-8999-999999999999"}, "application"),
    ],
)
def test_credentials_that_do_not_work_pause_the_connection(app: App, changes: dict[str, Any], finding: str) -> None:
    """The connection is kept, paused, with the reason in plain words."""
    saved = app.save("connections/api-paused", _connection(app, **changes)).json()
    assert saved["state"] == "paused"
    assert finding in saved["pause"]["reason"]


def test_a_mapping_is_read_back_as_it_was_saved(app: App) -> None:
    """Each save is a new version."""
    app.save("connections/api-three", _connection(app))
    rows = story.MAPPINGS["lead"]
    first = app.save("connections/api-three/mappings/lead", {"rows": rows}).json()
    second = app.save("connections/api-three/mappings/lead", {"rows": rows}).json()
    assert (first["version"], second["version"]) == (1, 2)
    read = app.client.get("/api/v1/connections/api-three/mappings/lead").json()
    assert read == second
    assert [row["column"] for row in read["rows"]] == [row["column"] for row in rows]


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"source": "X", "column": "lastnam"}, "rows.2.column", "Did you mean lastname"),
        ({"source": "X", "column": "fullname"}, "rows.2.column", "cannot be written"),
        ({"source": "X", "column": "customerid"}, "rows.2.lookup.table", "account or contact"),
        ({"source": "X", "column": "campaignid", "lookup": {"by": "codenaem"}}, "rows.2.lookup.by", "codename"),
        ({"source": "X", "column": "leadsourcecode", "default": "Fair"}, "rows.2.default", "Trade Show (7)"),
        ({"source": "X", "column": "subject"}, "rows.2.column", "twice"),
        ({"column": "jobtitle"}, "rows.2", "source"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_with_the_reason(
    app: App, row: dict[str, Any], field: str, words: str
) -> None:
    """Held against the live table: wrong name, not writable, impossible type or option, mapped twice."""
    app.save("connections/api-refused", _connection(app)).raise_for_status()
    good = [{"source": "LastName", "column": "lastname"}, {"constant": "Expo", "column": "subject"}]
    answer = app.save("connections/api-refused/mappings/lead", {"rows": [*good, row]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000"], ids=["half a character", "control character"])
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        (
            "PUT",
            "connections/contoso/mappings/lead",
            '{"rows": [{"constant": "%s", "column": "a"}]}',
            "rows.0.constant",
        ),
        ("PUT", "actions/odd", '{"name": "%s"}', "name"),
        ("POST", "actions", '{"campaigns": [{"name": "x%s"}]}', "campaigns.0.name"),
        ("POST", "import", '{"actions": [{"id": "odd", "name": "%s"}]}', "actions.0.name"),
    ],
)
def test_characters_that_no_setting_holds_are_refused(
    app: App, method: str, path: str, body: str, field: str, odd: str
) -> None:
    """They could not be stored, or would be refused by Dynamics at every capture; the field is named."""
    headers = {"content-type": "application/json"}
    answer = app.client.request(method, f"/api/v1/{path}", content=body.replace("%s", odd), headers=headers)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_required_column_must_be_mapped(app: App) -> None:
    """The apps' forms require a topic of every lead, so the mapping must give one."""
    app.save("connections/api-refused", _connection(app)).raise_for_status()
    rows = [{"source": "LastName", "column": "lastname"}]
    answer = app.save("connections/api-refused/mappings/lead", {"rows": rows})
    assert answer.status_code == 422
    assert "lead.subject (Topic) is required" in answer.json()["detail"]


def test_a_suggestion_can_be_saved_as_it_is(app: App) -> None:
    """For each table; a customer's own fields find a column of nearly the same name, or are said to have none."""
    app.save("connections/api-suggested", _connection(app)).raise_for_status()
    for table in ("lead", "contact", "account"):
        path = f"connections/api-suggested/mappings/{table}"
        asked = app.client.get(f"/api/v1/{path}/suggestion", params={"field": ["Job Title", "Shoe size"]}).json()
        assert asked["still_required"] == []
        assert "Shoe size" in asked["not_placed"]
        assert app.save(path, {"rows": asked["rows"]}).status_code == 201
        assert all(item["reason"] and 0 < item["confidence"] <= 1 for item in asked["items"])


def test_every_version_can_be_read_and_saved_again(app: App) -> None:
    """What a log row ran under can be shown; going back makes a new version of the old rows."""
    app.save("connections/api-versions", _connection(app)).raise_for_status()
    path = "connections/api-versions/mappings/contact"
    for default in ("A", "B"):
        app.save(path, {"rows": [{"source": "LastName", "column": "lastname", "default": default}]}).raise_for_status()
    first = app.client.get(f"/api/v1/{path}/versions/1").json()
    assert (first["version"], first["rows"][0]["default"]) == (1, "A")
    assert app.save(path, first).json()["version"] == 3
    versions = app.client.get(f"/api/v1/{path}/versions").json()["items"]
    assert [(each["version"], each["rows"][0]["default"]) for each in versions] == [(3, "A"), (2, "B"), (1, "A")]
    assert all(each["saved_at"] for each in versions)
    assert app.client.get(f"/api/v1/{path}/versions/4").status_code == 404


def test_an_action_has_the_documented_defaults(app: App) -> None:
    """Only connection, match and create must be given."""
    body = {"connection": story.CONNECTION, "match": {"tables": "leads", "by": "email"}, "create": "lead"}
    saved = app.save("actions/api-small", body)
    assert saved.status_code == 201
    read = app.client.get("/api/v1/actions/api-small").json()
    assert (read["on_duplicate"], read["on_match"], read["late"]) == ("most_recently_updated", "update", "fill_blanks")
    assert read["match"]["without_key"] == "create"


def test_the_documented_action_is_accepted_whole(app: App) -> None:
    """The whole shape of the product's description is stored; nothing of it is dropped in silence."""
    body = {
        "id": "api-whole",
        "name": "Booth leads",
        "connection": story.CONNECTION,
        "enabled": True,
        "match": {
            "tables": "contacts_then_leads",
            "by": "email_or_name",
            "inactive": "ignore",
            "without_key": "create",
        },
        "on_duplicate": "most_recently_updated",
        "on_match": "update",
        "create": "lead",
        "account": {"by": "name", "on_missing": "create", "on_many": "leave"},
        "owner": {
            "by": "captello_owner",
            "table": {"Ann Lee": "ann@x.example"},
            "fallback": "s@x.example",
            "when": "create",
        },
        "campaigns": [{"name": "Expo 26", "as": "response"}],
        "late": "fill_blanks",
        "note": True,
        "filter": {"all": []},
        "signature": "optional",
    }
    saved = app.save("actions/api-whole", body).json()
    assert {name: saved[name] for name in body if name != "filter"} == {n: v for n, v in body.items() if n != "filter"}
    assert saved["warnings"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"match": {"tables": "off"}, "create": "none"}, "nothing would ever happen"),
        ({"match": {"tables": "everything"}}, "contacts_then_leads"),
        ({"create": "account"}, "contact"),
        ({"connection": "nowhere"}, "no connection nowhere"),
        ({"signature": "sometimes"}, "signature"),
        ({"filter": {"all": [{"field": "Country", "equal": "DE"}]}}, "filter.all.0"),
        ({"id": "other"}, "leave `id` out"),
    ],
)
def test_a_bad_action_is_refused_with_the_reason(app: App, changes: dict[str, Any], words: str) -> None:
    """What would be accepted stands in the answer."""
    answer = app.save("actions/api-bad", {**story.BOOTH, **changes})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_what_is_not_there_is_404(app: App) -> None:
    """As a problem document, with the name of what was asked for."""
    for path in (
        "connections/nowhere",
        "actions/nothing",
        "connections/nowhere/mappings/lead",
        "nothing",
    ):
        answer = app.client.get(f"/api/v1/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_openapi_names_every_operation(app: App) -> None:
    """The description can be read by machines, and says which problems to expect."""
    described = app.client.get("/api/v1/openapi.json").json()
    assert "/api/v1/connections/{connection_id}/mappings/{table}" in described["paths"]
    assert "422" in described["paths"]["/api/v1/actions/{action_id}"]["put"]["responses"]
    assert described["paths"]["/api/v1/connections"].keys() == {"get", "post"}
    for name, method in {"check": "post", "revoke": "post", "secret": "put"}.items():
        assert described["paths"][f"/api/v1/connections/{{connection_id}}/{name}"][method]["description"]


def test_columns_are_listed_as_dynamics_describes_them(app: App) -> None:
    """Types, lengths and options, for whoever writes a mapping."""
    items = app.client.get(f"/api/v1/connections/{story.CONNECTION}/tables/lead/columns").json()["items"]
    columns = {item["name"]: item for item in items}
    assert (columns["mobilephone"]["type"], columns["mobilephone"]["max_length"]) == ("String", 20)
    assert columns["customerid"]["targets"] == [
        {"table": "account", "name_column": "name"},
        {"table": "contact", "name_column": "fullname"},
    ]
    assert (columns["lastname"]["required"], columns["lastname"]["mappable"]) == (True, True)
    assert "Dynamics fills it itself" in columns["createdon"]["why_not"]
    (fair,) = (choice for choice in columns["leadsourcecode"]["choices"] if choice["value"] == 7)
    assert fair["labels"][0] == "Trade Show"
    assert "Messe" in fair["labels"]
