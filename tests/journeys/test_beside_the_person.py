"""Company, owner, campaigns and note: in the same two requests as the person, and never at the person's cost."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local import story
from tests.journeys.conftest import App, Person

OWNER = "ann@beside.example"


@pytest.fixture
def dynamics(app: App) -> Iterator[httpx.Client]:
    """The simulator's control interface; kind again afterwards."""
    with httpx.Client(base_url=f"{app.stack.dynamics.url}/_control/") as control:
        yield control
        control.delete("faults").raise_for_status()


@pytest.fixture(scope="module")
def expo(app: App) -> dict[str, Any]:
    """A campaign, a list of each kind, an owner, and an action that uses them all."""
    _owner(app)
    campaign = app.seed("campaign", name="Beside 26")
    for kind, code in (("contact", 2), ("lead", 4)):
        app.seed("list", listname=f"Beside {kind}s", type=False, createdfromcode=code)
    app.save(f"connections/{story.CONNECTION}/mappings/account", {"rows": [{"source": "Company", "column": "name"}]})
    for create in ("contact", "lead"):
        _action(app, f"beside-{create}", create)
    return campaign


def _owner(app: App) -> None:
    user = app.seed("systemuser", fullname="Ann Beside", internalemailaddress=OWNER, domainname=OWNER)
    app.give_role(user["systemuserid"])


def _action(app: App, name: str, create: str, **settings: Any) -> str:
    usual = {
        "create": create,
        "account": {"by": "name", "on_missing": "create"},
        "owner": {"by": "captello_owner", "table": {"Ann Lee": OWNER}},
        "campaigns": [
            {"name": "Beside 26", "as": "source"},
            {"name": "Beside 26", "as": "response"},
            {"name": f"Beside {create}s", "as": "list"},
        ],
        "note": True,
    }
    return app.action(name, **{**usual, **settings})


def _said(person: Person, *, activity: int | None = None, answer: str = "A demo", **fields: Any) -> dict[str, Any]:
    body = person.capture(activity=activity, **{"Company": f"Beside {person.number} Ltd", **fields})
    body["prospect"]["owner"] = "Ann Lee"
    body["answers"] = [{"id": 12, "title": "Wishes", "type": "text", "value": answer}]
    return body


def _beside(app: App, table: str, row_id: str) -> tuple[list[str], int]:
    """The texts of the row's notes, and on how many marketing lists it is."""
    notes = [note["notetext"] for note in app.rows("annotation", _objectid_value=row_id)]
    return notes, len(app.rows("listmember", _entityid_value=row_id) or app.rows("listmember", entityid=row_id))


def _requests(dynamics: httpx.Client) -> list[str]:
    return [
        f"{each['method']} {each['path'].partition('(')[0]}" for each in dynamics.get("requests").json()["requests"]
    ]


@pytest.mark.parametrize("table", ["contact", "lead"])
def test_everything_beside_a_new_person_is_there_once(
    app: App, dynamics: httpx.Client, expo: dict[str, Any], person: Person, table: str
) -> None:
    """Account, owner, campaigns and note take two requests together; syncing again adds nothing, an edit updates."""
    action = f"beside-{table}"
    app.capture(_said(Person(person.number + 170_000)), action=action).raise_for_status()  # names are remembered now
    before = len(_requests(dynamics))
    said = app.capture(_said(person), action=action).json()
    assert (said["outcome"], said["warnings"]) == ("created", _expected_warnings(table))
    assert _requests(dynamics)[before:] == ["POST /api/data/v9.2/$batch"] * 2
    (row,) = app.rows(table, emailaddress1=person.email)
    (account,) = app.rows("account", name=f"Beside {person.number} Ltd")
    link = {"contact": "_parentcustomerid_value", "lead": "_parentaccountid_value"}[table]
    (owner,) = app.rows("systemuser", internalemailaddress=OWNER)
    assert (row[link], row["_ownerid_value"]) == (account["accountid"], owner["systemuserid"])
    if table == "lead":
        assert row["_campaignid_value"] == expo["campaignid"]
    assert _beside(app, table, row[f"{table}id"]) == (["Expo 26 · Booth\nWishes: A demo"], 1)
    assert len(_responses(app, row[f"{table}id"])) == 1
    again = app.capture(_said(person, answer="Two demos"), action=action).json()
    assert again["outcome"] == "updated"
    assert _beside(app, table, row[f"{table}id"]) == (["Expo 26 · Booth\nWishes: Two demos"], 1)
    assert len(_responses(app, row[f"{table}id"])) == 1
    assert len(app.rows("account", name=f"Beside {person.number} Ltd")) == 1


def _expected_warnings(table: str) -> list[str]:
    return [] if table == "lead" else ["Beside 26: only leads have a source campaign; the contact was not added."]


def _responses(app: App, row_id: str) -> list[dict[str, Any]]:
    """Campaign responses in which the row is the customer."""
    parties = app.rows("activityparty", _partyid_value=row_id)
    answered = {party["_activityid_value"] for party in parties}
    return [row for row in app.rows("campaignresponse") if row["activityid"] in answered]


def test_colleagues_share_one_account(app: App, expo: dict[str, Any], person: Person) -> None:
    """The second finds the first one's company; a company of which there are two is linked to nobody."""
    one, other = _said(person), _said(Person(person.number + 171_000), Company=f"beside {person.number} LTD")
    for body in (one, other):
        assert app.capture(body, action="beside-contact").json()["outcome"] == "created"
    (account,) = [row for row in app.rows("account") if row["name"].lower() == f"beside {person.number} ltd"]
    linked = app.rows("contact", _parentcustomerid_value=account["accountid"])
    assert len(linked) == 2
    app.seed("account", name=account["name"])
    third = _said(Person(person.number + 172_000), Company=account["name"])
    said = app.capture(third, action="beside-contact").json()
    assert any("2 accounts" in warning for warning in said["warnings"])
    assert len(app.rows("contact", _parentcustomerid_value=account["accountid"])) == 2


@pytest.mark.parametrize(
    ("refused", "words", "missing"),
    [
        ("annotation", "The note was left out", "note"),
        ("campaignresponse", "The campaign response was left out", "response"),
        ("account", "written without", "account"),
    ],
)
def test_a_refused_part_never_costs_the_person(
    app: App, dynamics: httpx.Client, expo: dict[str, Any], person: Person, refused: str, words: str, missing: str
) -> None:
    """A change set fails as a whole, so the parts go one by one; what is refused for good is a warning."""
    method = "POST" if refused == "campaignresponse" else "PATCH"
    rule = {"kind": "error", "table": refused, "method": method, "times": None, "status": 400, "code": "0x80040265"}
    dynamics.post("faults", json=[rule | {"in_batch": inside} for inside in (True, False)]).raise_for_status()
    said = app.capture(_said(person), action="beside-lead").json()
    assert said["outcome"] == "created"
    assert any(words in warning for warning in said["warnings"]), said["warnings"]
    (row,) = app.rows("lead", emailaddress1=person.email)
    notes, lists = _beside(app, "lead", row["leadid"])
    assert (len(notes), lists) == (0 if missing == "note" else 1, 1)
    assert len(_responses(app, row["leadid"])) == (0 if missing == "response" else 1)
    assert len(app.rows("account", name=f"Beside {person.number} Ltd")) == (0 if missing == "account" else 1)


def test_the_fallback_owns_what_the_first_owner_may_not(app: App, expo: dict[str, Any], person: Person) -> None:
    """Who may not read leads cannot own one; nobody would look at what the application user owns."""
    weak = f"weak{person.number}@beside.example"
    app.seed("systemuser", fullname="Weak", internalemailaddress=weak, domainname=weak)
    rule = {"by": "captello_owner", "table": {"Ann Lee": weak}, "fallback": OWNER}
    said = app.capture(_said(person), action=_action(app, "beside-weak", "lead", owner=rule, campaigns=[])).json()
    assert any("the fallback owns the row" in warning for warning in said["warnings"]), said
    (row,) = app.rows("lead", emailaddress1=person.email)
    (owner,) = app.rows("systemuser", internalemailaddress=OWNER)
    assert row["_ownerid_value"] == owner["systemuserid"]


def test_a_table_that_may_not_be_read_never_costs_the_person(
    app: App, dynamics: httpx.Client, expo: dict[str, Any], person: Person
) -> None:
    """A privilege is lacking for campaigns alone: the person is made with everything else, in two requests, the
    warning names the campaign, and the connection does not pause.
    """
    rule = {"kind": "error", "table": "campaign", "method": "GET", "times": None, "status": 403, "code": "0x80040220"}
    dynamics.post("faults", json=[rule | {"in_batch": inside} for inside in (True, False)]).raise_for_status()
    action = _action(app, "beside-denied", "lead", campaigns=[{"name": "Beside denied", "as": "response"}])
    before = len(_requests(dynamics))
    said = app.capture(_said(person), action=action).json()
    assert said["outcome"] == "created", said
    assert len(_requests(dynamics)) - before == 2
    (warning,) = said["warnings"]
    assert all(words in warning for words in ("Beside denied", "could not be looked up", "lacks a privilege"))
    assert len(app.rows("account", name=f"Beside {person.number} Ltd")) == 1
    assert app.client.get(f"/api/v1/connections/{story.CONNECTION}").json()["state"] == "active"


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "truncated"])
def test_a_lost_reply_to_a_change_set_doubles_nothing(
    app: App, dynamics: httpx.Client, expo: dict[str, Any], person: Person, kind: str
) -> None:
    """Everything has an id that was chosen before, so whoever goes on finds what has landed."""
    app.capture(_said(Person(person.number + 173_000)), action="beside-lead").raise_for_status()
    dynamics.post("faults", json=[{"kind": kind, "method": "POST", "path": "batch", "call": 2}])
    said = app.capture(_said(person), action="beside-lead").json()
    app.settles([said["receipt"]])
    (log,) = app.log_of(said["receipt"])
    (row,) = app.rows("lead", emailaddress1=person.email)
    assert (log["outcome"], log["record_id"]) == ("created", row["leadid"])
    notes, lists = _beside(app, "lead", row["leadid"])
    assert (len(notes), lists, len(_responses(app, row["leadid"]))) == (1, 1, 1)
    assert len(app.rows("account", name=f"Beside {person.number} Ltd")) == 1


def test_who_cannot_be_found_is_a_warning(app: App, expo: dict[str, Any], person: Person) -> None:
    """An unknown owner falls back, an unknown campaign adds nobody; the lead is there."""
    owner = {"by": "captello_owner", "fallback": OWNER}
    action = _action(app, "beside-unknown", "lead", owner=owner, campaigns=[{"name": "Nowhere 99", "as": "response"}])
    said = app.capture(_said(person), action=action).json()
    assert said["outcome"] == "created"
    assert said["warnings"] == [
        'The owner "Ann Lee" is not known in Dynamics.',
        "Nowhere 99: no campaign of this name is in Dynamics.",
    ]
    (row,) = app.rows("lead", emailaddress1=person.email)
    (fallback,) = app.rows("systemuser", internalemailaddress=OWNER)
    assert row["_ownerid_value"] == fallback["systemuserid"]


def test_an_owner_that_dynamics_refuses_costs_nothing_else(app: App, expo: dict[str, Any], person: Person) -> None:
    """A user without a role cannot own a lead: it is written without that owner, but with its company and campaign."""
    app.seed("systemuser", fullname="No Role", internalemailaddress="no@beside.example")
    action = _action(app, "beside-no-role", "lead", owner={"by": "fixed", "fallback": "no@beside.example"})
    said = app.capture(_said(person), action=action).json()
    assert (said["outcome"], len(said["warnings"])) == ("created", 1)
    assert "Dynamics refused ownerid, so the row was written without" in said["warnings"][0]
    (row,) = app.rows("lead", emailaddress1=person.email)
    assert row["_campaignid_value"] == expo["campaignid"]
    assert row["_parentaccountid_value"]
    assert len(_beside(app, "lead", row["leadid"])[0]) == 1


def test_a_closed_row_is_opened_again_where_the_action_says_so(app: App, person: Person) -> None:
    """By default it is ignored, and a new lead made; with `reactivate` it is the person, open, with what was said."""
    app.seed("lead", emailaddress1=person.email, lastname="Old", subject="Expo", statecode=2, statuscode=4)
    action = app.action("beside-reactivate", match={"tables": "leads", "by": "email", "inactive": "reactivate"})
    said = app.capture(person.capture(), action=action).json()
    assert said["outcome"] == "updated"
    (row,) = app.rows("lead", emailaddress1=person.email)
    assert (row["statecode"], row["lastname"]) == (0, person.fields["LastName"])


def test_an_edit_that_changes_the_address_stays_with_its_row(app: App, person: Person) -> None:
    """Captello gave the person no id: the submission remembers whose it is."""
    first = person.capture()
    del first["prospect"]["id"]
    made = app.capture(first).json()
    second = person.capture(Email=f"new.{person.email}")
    del second["prospect"]["id"]
    edited = app.capture(second).json()
    assert (edited["outcome"], edited["record_id"]) == ("updated", made["record_id"])
