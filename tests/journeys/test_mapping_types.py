"""Columns of every plain type, from the mapping that is saved to what stands in Dynamics."""

from typing import Any

import httpx
import pytest

from infra.local import story
from infra.local.entra import DEMO
from tests.journeys.conftest import App, Person

CONNECTION = "types"
GUID = "1f0e3dad-9990-4c4f-8a1b-0123456789ab"

# What leads do not have of their own.
CUSTOM: tuple[dict[str, Any], ...] = (
    {"name": "cap_visits", "type": "BigInt"},
    {"name": "cap_score", "type": "Decimal", "minimum": -10, "maximum": 10, "precision": 3},
    {"name": "cap_meeting", "type": "DateTime", "behavior": "UserLocal"},
    {"name": "cap_doors", "type": "DateTime", "behavior": "TimeZoneIndependent"},
    {"name": "cap_newsletter", "type": "Boolean"},
    {
        "name": "cap_topics",
        "type": "MultiSelectPicklist",
        "options": [
            {"value": 1, "label": "Scanners", "labels": {"1031": "Lesegeräte"}},
            {"value": 2, "label": "Kiosks"},
            {"value": 3, "label": "Badges"},
        ],
    },
)
TYPED: tuple[dict[str, Any], ...] = (
    {"source": "Staff", "column": "numberofemployees"},
    {"source": "Visits", "column": "cap_visits"},
    {"source": "Revenue", "column": "revenue"},
    {"source": "Score", "column": "cap_score", "transform": "decimal_comma"},
    {"source": "Latitude", "column": "address1_latitude"},
    {"source": "DoNotEmail", "column": "donotemail"},
    {"source": "Newsletter", "column": "cap_newsletter", "choices": {"Yes, please send it": "Yes"}},
    {"source": "CloseBy", "column": "estimatedclosedate", "transform": "day_first"},
    {"source": "Meeting", "column": "cap_meeting"},
    {"source": "Doors", "column": "cap_doors"},
    {"source": "Topics", "column": "cap_topics", "choices": {"self-service": "Kiosks"}},
    {"source": "Stage", "column": "stageid"},
)


@pytest.fixture(scope="module")
def action(app: App) -> str:
    """An action on a connection of its own, in Berlin, with a column of each type in its mapping for leads."""
    orders = [{"do": "add_column", "table": "lead", **column} for column in CUSTOM]
    httpx.post(f"{app.stack.dynamics.url}/_control/customizations", json=orders).raise_for_status()
    connection = {
        "name": "Types",
        "url": app.stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
        "time_zone": "Europe/Berlin",
    }
    app.save(f"connections/{CONNECTION}", connection).raise_for_status()
    rows = [*story.PERSON, {"constant": "Expo 26", "column": "subject"}, *TYPED]
    saved = app.save(f"connections/{CONNECTION}/mappings/lead", {"rows": rows})
    assert saved.status_code == 201, saved.text
    birthday = [*story.PERSON, {"source": "Born", "column": "birthdate"}]
    app.save(f"connections/{CONNECTION}/mappings/contact", {"rows": birthday}).raise_for_status()
    return app.action("types", connection=CONNECTION)


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {mapped["column"]: row.get(mapped["column"]) for mapped in TYPED}


GOOD = {
    "Staff": 1200,
    "Visits": 9_007_199_254_740_993,
    "Revenue": 1234.56,
    "Score": -2.125,
    "Latitude": 52.52001,
    "DoNotEmail": True,
    "Newsletter": False,
    "CloseBy": "2026-06-30",
    "Meeting": "2026-05-04T13:05:00Z",
    "Doors": "2026-05-04T09:00:00",
    "Topics": ["1", "3"],
    "Stage": GUID,
}
STANDS = {
    "numberofemployees": 1200,
    "cap_visits": 9_007_199_254_740_993,
    "revenue": 1234.56,
    "cap_score": -2.125,
    "address1_latitude": 52.52001,
    "donotemail": True,
    "cap_newsletter": False,
    "estimatedclosedate": "2026-06-30",
    "cap_meeting": "2026-05-04T13:05:00Z",
    "cap_doors": "2026-05-04T09:00:00Z",
    "cap_topics": "1,3",
    "stageid": GUID,
}
# The same as people write it.
ODD = {
    "Staff": "1 200",
    "Visits": "9.007.199.254.740.993",
    "Revenue": "1.234,56 €",
    "Score": "−2,125",
    "Latitude": " +52.52001 ",
    "DoNotEmail": "do not allow",
    "Newsletter": "Nein",
    "CloseBy": "30/06/2026",
    "Meeting": "4. Mai 2026, 15:05 Uhr",
    "Doors": "May 4, 2026 at 9:00 am",
    "Topics": "badges; Lesegeräte",
    "Stage": f"{{{GUID.upper()}}}",
}


@pytest.mark.parametrize("said", [GOOD, ODD], ids=["good", "odd"])
def test_each_type_stands_in_dynamics(app: App, person: Person, action: str, said: dict[str, Any]) -> None:
    """As systems send it and as people write it, without a warning; the same again writes nothing."""
    first = app.capture(person.capture(**said), action=action).json()
    assert (first["outcome"], first["warnings"]) == ("created", [])
    (lead,) = app.rows("lead", leadid=first["record_id"])
    assert _typed(lead) == STANDS
    again = person.capture(activity=person.activity + 500_000, **(ODD if said is GOOD else GOOD))
    second = app.capture(again, action=action).json()
    assert (second["outcome"], second["record_id"]) == ("unchanged", first["record_id"])


def test_decided_and_rounded_values_are_told(app: App, person: Person, action: str) -> None:
    """What could be read another way, and what lost something, is written with a warning that names the column."""
    said: dict[str, Any] = {
        "Revenue": "1,234",
        "Score": "1.23456",
        "Newsletter": ["I would like the newsletter"],
        "CloseBy": "03/04/2026 10:00",
        "Topics": "self-service;Robots",
    }
    answer = app.capture(person.capture(**said), action=action).json()
    (lead,) = app.rows("lead", leadid=answer["record_id"])
    assert {name: value for name, value in _typed(lead).items() if value not in (None, lead["donotemail"])} == {
        "revenue": 1234,
        "cap_score": 1.235,
        "cap_newsletter": True,
        "estimatedclosedate": "2026-04-03",
        "cap_topics": "2",
    }
    for column in ("revenue", "cap_score", "cap_newsletter", "estimatedclosedate", "cap_topics"):
        assert [column in warning for warning in answer["warnings"]].count(True) == 1


def test_bad_values_never_lose_the_lead(app: App, person: Person, action: str) -> None:
    """Each is left out with a warning that names question, value and column; the person stands in Dynamics."""
    bad: dict[str, Any] = {
        "Staff": "2000000",
        "Visits": "many",
        "Revenue": "-1",
        "Score": "11",
        "Latitude": "north",
        "DoNotEmail": "perhaps",
        "Newsletter": "I would like the newsletter",
        "CloseBy": "soon",
        "Meeting": "03/04/2026",
        "Doors": "04.05.26",
        "Topics": "Robots",
        "Stage": "12",
    }
    answer = app.capture(person.capture(**bad), action=action).json()
    assert answer["outcome"] == "created"
    (lead,) = app.rows("lead", emailaddress1=person.email)
    assert lead["lastname"] == person.fields["LastName"]
    assert {name for name, value in _typed(lead).items() if value} == set()
    assert len(answer["warnings"]) == len(bad)
    for mapped, warning in zip(TYPED, answer["warnings"], strict=True):
        assert all(told in warning for told in (mapped["source"], bad[mapped["source"]], mapped["column"]))


def test_a_birthday_never_shifts(app: App, person: Person, action: str) -> None:
    """A contact's birthdate is the day that was said, though it is another day in UTC; zones do not count."""
    contact = app.seed("contact", emailaddress1=person.email, lastname="Lovelace")
    said = app.capture(person.capture(Born="1815-12-10T00:30:00+02:00"), action=action).json()
    assert (said["outcome"], said["record_id"]) == ("updated", contact["contactid"])
    (row,) = app.rows("contact", contactid=contact["contactid"])
    assert row["birthdate"] == "1815-12-10"


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("customerid", "account or contact"),
        ("msdyn_leadkpiid", "to which table"),
        ("owningteam", "Dynamics fills it"),
        ("statecode", "decided in Dynamics"),
        ("statuscode", "create_only"),
        ("entityimage", "picture"),
        ("leadid", "gives each row its id"),
    ],
)
def test_what_cannot_be_mapped_is_refused_with_the_reason(app: App, action: str, column: str, words: str) -> None:
    """When the mapping is saved; the one before stays."""
    rows = [*story.PERSON, {"constant": "Expo 26", "column": "subject"}, {"source": "X", "column": column}]
    refused = app.save(f"connections/{CONNECTION}/mappings/lead", {"rows": rows})
    assert refused.status_code == 422
    assert words in refused.json()["detail"]
    kept = app.client.get(f"/api/v1/connections/{CONNECTION}/mappings/lead").json()
    assert kept["version"] == 1


# --- Links ------------------------------------------------------------------------------------------------------------

LINKS: tuple[dict[str, Any], ...] = (
    {"source": "form.event", "column": "campaignid", "policy": "clear_if_blank"},
    {"source": "Employer", "column": "customerid", "policy": "clear_if_blank", "lookup": {"table": "account"}},
    {"source": "Region", "column": "parentaccountid", "lookup": {"by": "accountnumber", "on_many": "first"}},
    {"source": "Status", "column": "statuscode", "policy": "create_only"},
    {"source": "Seller", "column": "ownerid", "policy": "create_only"},
)


@pytest.fixture(scope="module")
def linking(app: App, action: str) -> str:
    """An action whose mapping for leads holds every kind of link."""
    connection = {
        "name": "Links",
        "url": app.stack.dynamics.url,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
    }
    app.save("connections/links", connection).raise_for_status()
    rows = [*story.PERSON, {"constant": "Expo", "column": "subject"}, *LINKS]
    saved = app.save("connections/links/mappings/lead", {"rows": rows})
    assert saved.status_code == 201, saved.text
    return app.action("linking", connection="links", match={"tables": "leads", "by": "email"})


def _seller(app: App, email: str) -> dict[str, Any]:
    """A user with a role, for who may not read leads cannot own them."""
    user = app.seed("systemuser", fullname="Ann Seller", internalemailaddress=email)
    control = f"{app.stack.dynamics.url}/_control"
    httpx.post(f"{control}/roles", json={"name": email, "privileges": "all"}).raise_for_status()
    (role,) = app.rows("role", name=email)
    app.seed("systemuserroles", systemuserid=user["systemuserid"], roleid=role["roleid"])
    return user


def test_links_are_found_by_name(app: App, person: Person, linking: str) -> None:
    """A campaign, a customer, an account by its number, an owner and a state reason, in one capture."""
    campaign = app.seed("campaign", name=f"Expo {person.number}")
    employer = app.seed("account", name=f"Engines {person.number}")
    regions = [app.seed("account", name="North", accountnumber=f"N-{person.number}") for _ in range(2)]
    seller = _seller(app, f"seller{person.number}@c.example")
    body = person.capture(
        Employer=employer["name"].upper(),
        Region=f"n-{person.number}",
        Status="Contacted",
        Seller=seller["internalemailaddress"],
    )
    body["form"]["event"] = campaign["name"]
    answer = app.capture(body, action=linking).json()
    (lead,) = app.rows("lead", leadid=answer["record_id"])
    assert lead["_campaignid_value"] == campaign["campaignid"]
    assert lead["_customerid_value"] == employer["accountid"]
    assert lead["_parentaccountid_value"] == min(region["accountid"] for region in regions)
    assert (lead["statuscode"], lead["_ownerid_value"]) == (2, seller["systemuserid"])
    assert len(answer["warnings"]) == 1
    assert "2 rows of account" in answer["warnings"][0]
    again = app.capture(body | {"submission": {"activity_id": person.activity + 600_000}}, action=linking).json()
    assert (again["outcome"], again["record_id"]) == ("unchanged", answer["record_id"])


def test_a_blank_takes_links_away(app: App, person: Person, linking: str) -> None:
    """By the policy that says so; a customer's link too."""
    employer = app.seed("account", name=f"Engines {person.number}")
    first = app.capture(person.capture(Employer=employer["name"]), action=linking).json()
    second = app.capture(person.capture(activity=person.activity + 700_000, Employer=""), action=linking).json()
    assert (second["outcome"], second["record_id"]) == ("updated", first["record_id"])
    (lead,) = app.rows("lead", leadid=first["record_id"])
    assert lead.get("_customerid_value") is None


def test_links_that_lead_nowhere_lose_nobody(app: App, person: Person, linking: str) -> None:
    """Left out with what would be accepted; an id of no row too, which only Dynamics knows."""
    said = person.capture(Employer=GUID, Region="nowhere", Seller="nobody@c.example", Status="Lost")
    answer = app.capture(said, action=linking).json()
    assert answer["outcome"] == "created"
    (lead,) = app.rows("lead", leadid=answer["record_id"])
    assert [lead.get(name) for name in ("_customerid_value", "_parentaccountid_value", "statuscode")] == [None, None, 1]
    told = " ".join(answer["warnings"])
    for word in ("customerid", "nowhere", "parentaccountid", "nobody@c.example", "ownerid", "Lost", "New (1)"):
        assert word in told
