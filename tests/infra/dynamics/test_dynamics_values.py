"""What columns take, how they refuse, and what the platform adds."""

import json
from typing import Any

import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id


@pytest.mark.parametrize(
    ("table", "column", "value", "code"),
    [
        ("leads", "lastname", 5, "0x80048d19"),
        ("leads", "lastname", "x" * 51, "0x80044331"),
        ("leads", "lastname", "a\u0000b", "0x80040278"),
        ("leads", "lastname", "a\ud800", "0x80040278"),
        ("leads", "description", "x" * 2001, "0x80044331"),
        ("leads", "numberofemployees", "5", "0x80048d19"),
        ("leads", "numberofemployees", 1.5, "0x80048d19"),
        ("leads", "numberofemployees", True, "0x80048d19"),
        ("leads", "numberofemployees", 2**31, "0x80048d19"),
        ("leads", "numberofemployees", -1, "0x8004432f"),
        ("leads", "revenue", -1, "0x80044330"),
        ("leads", "address1_latitude", 91, "0x80044330"),
        ("leads", "revenue", "5", "0x80048d19"),
        ("leads", "leadsourcecode", 42, "0x8004431a"),
        ("leads", "leadsourcecode", "Trade Show", "0x80048d19"),
        ("leads", "leadsourcecode", "7", "0x80048d19"),
        ("leads", "donotemail", 1, "0x80048d19"),
        ("leads", "donotemail", "true", "0x80048d19"),
        ("leads", "estimatedclosedate", "2026-05-04T00:00:00Z", "0x80048d19"),
        ("leads", "schedulefollowup_qualify", "tomorrow", "0x80048d19"),
        ("leads", "schedulefollowup_qualify", "2026-05-04", "0x80048d19"),
        ("leads", "schedulefollowup_qualify", "2026-05-04T13:00:00", "0x80048d19"),
        ("leads", "schedulefollowup_qualify", "1700-05-04T13:00:00Z", "0x80040239"),
        ("leads", "stageid", "no guid", "0x80048d19"),
        ("leads", "_campaignid_value", "2d6b1c70-77f0-ef11-be20-000d3aa80a01", "0x80060888"),
        ("leads", "campaignid", "2d6b1c70-77f0-ef11-be20-000d3aa80a01", "0x80048d19"),
        ("leads", "LastName", "A", "0x80048d19"),
        ("leads", "customerid@odata.bind", "/accounts(2d6b1c70-77f0-ef11-be20-000d3aa80a01)", "0x80048d19"),
        ("contacts", "birthdate", "04.05.2026", "0x80048d19"),
    ],
)
def test_a_value_that_does_not_fit(crm: Crm, table: str, column: str, value: Any, code: str) -> None:
    """Each misfit has its documented code, and nothing is made."""
    body = json.dumps({column: value}).encode()
    assert error(crm.api.post(table, content=body, headers={"Content-Type": "application/json"})) == (400, code)
    assert crm.rows(table) == []


@pytest.mark.parametrize(
    ("column", "sent", "shown"),
    [
        ("lastname", "Ünal 🎉", "Ünal 🎉"),
        ("description", "a\r\nb\tc", "a\r\nb\tc"),
        ("lastname", "x" * 50, "x" * 50),
        ("numberofemployees", 0, 0),
        ("revenue", 1000.456, 1000.46),
        ("donotemail", True, True),
        ("leadsourcecode", 7, 7),
        ("estimatedclosedate", "2026-05-04", "2026-05-04"),
        ("schedulefollowup_qualify", "2026-05-04T13:05:00.75+02:00", "2026-05-04T11:05:00Z"),
        ("jobtitle", "", None),
        ("jobtitle", None, None),
        ("leadsourcecode", None, None),
    ],
)
def test_a_value_that_fits(crm: Crm, column: str, sent: Any, shown: Any) -> None:
    """It is shown as it was sent, or as Dataverse keeps it."""
    row_id = crm.create("leads", **{column: sent})
    assert crm.api.get(f"leads({row_id})?$select={column}").json()[column] == shown


def test_length_counts_utf16_units(crm: Crm) -> None:
    """An emoji is two characters to .NET and SQL Server."""
    assert crm.api.post("leads", json={"lastname": "🎉" * 25}).status_code == 204
    assert error(crm.api.post("leads", json={"lastname": "🎉" * 26})) == (400, "0x80044331")


def test_columns_that_forms_require_are_not_required_here(crm: Crm) -> None:
    """Business-required columns are the forms' affair: an empty lead can be made."""
    assert crm.api.post("leads", json={}).status_code == 204


def test_columns_that_the_system_requires(crm: Crm) -> None:
    """Those are enforced."""
    assert error(crm.api.post("lists", json={"createdfromcode": 4, "type": False})) == (400, "0x80040200")


def test_read_only_columns_are_ignored(crm: Crm) -> None:
    """Setting what cannot be set is no error; it does nothing."""
    body = {"lastname": "A", "createdon": "2020-01-01T00:00:00Z", "statecode": 2, "merged": True, "fullname": "Z"}
    row = crm.row("lead", crm.create("leads", **body))
    assert (row["createdon"] > "2020-01-02", row["statecode"], row["merged"], row["fullname"]) == (True, 0, False, "A")


def test_create_only_columns_stay_as_they_were_made(crm: Crm) -> None:
    """An update of them does nothing."""
    row_id = crm.create("campaigns", name="Expo", codename="EXPO")
    crm.api.patch(f"campaigns({row_id})", json={"codename": "OTHER"})
    assert crm.row("campaign", row_id)["codename"] == "EXPO"


def test_the_creation_date_can_be_brought_along(crm: Crm) -> None:
    """Overriddencreatedon becomes createdon, and itself keeps when the row really came."""
    crm.order("clock", {"now": "2026-05-04T13:05:11Z", "stopped": True})
    row = crm.row("lead", crm.create("leads", lastname="A", overriddencreatedon="2020-01-01T08:00:00Z"))
    assert (row["createdon"], row["overriddencreatedon"]) == ("2020-01-01T08:00:00Z", "2026-05-04T13:05:11Z")


def test_what_the_platform_adds(crm: Crm) -> None:
    """Owner, creator, unit, currency, state, defaults and the full name are there without being sent."""
    user_id = crm.api.get("WhoAmI").json()["UserId"]
    row = crm.row("contact", crm.create("contacts", firstname="Li", lastname="Wen"))
    assert row["fullname"] == "Li Wen"
    assert {row[f"_{name}_value"] for name in ("ownerid", "owninguser", "createdby", "modifiedby")} == {user_id}
    assert (row["statecode"], row["statuscode"], row["donotemail"], row["merged"]) == (0, 1, False, False)
    assert "_owningbusinessunit_value" in row


def test_the_full_name_follows(crm: Crm) -> None:
    """Changing one part changes it."""
    row_id = crm.create("leads", firstname="Li", lastname="Wen")
    crm.api.patch(f"leads({row_id})", json={"lastname": "Zhao"})
    assert crm.row("lead", row_id)["fullname"] == "Li Zhao"


def test_money_has_a_currency_and_a_base(crm: Crm) -> None:
    """The organisation's currency is taken, and the amount is kept in it too."""
    row = crm.row("account", crm.create("accounts", name="A", revenue=1000))
    assert (row["revenue"], row["revenue_base"], row["exchangerate"]) == (1000, 1000, 1)
    assert "_transactioncurrencyid_value" in row


# --- lookups ---------------------------------------------------------------------------------------------------------


def test_a_lookup_of_several_tables(crm: Crm) -> None:
    """Each table has its own bind name; the other one's row does not fit."""
    account, contact = crm.seed("account", name="A")["accountid"], crm.seed("contact", lastname="B")["contactid"]
    fits = {"parentcustomerid_contact@odata.bind": f"contacts({contact})"}
    row = crm.row("contact", crm.create("contacts", lastname="C", **fits))
    assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    wrong = {"parentcustomerid_contact@odata.bind": f"/accounts({account})"}
    assert error(crm.api.post("contacts", json={"lastname": "C", **wrong})) == (400, "0x80048d19")


@pytest.mark.parametrize("form", ["/campaigns({})", "campaigns({})", "{url}/api/data/v9.2/campaigns({})"])
def test_forms_of_a_bind(crm: Crm, form: str) -> None:
    """With a slash, without, or as a whole URL."""
    campaign_id = crm.seed("campaign", name="Expo")["campaignid"]
    bind = {"campaignid@odata.bind": form.format(campaign_id, url=crm.url)}
    assert crm.row("lead", crm.create("leads", **bind))["_campaignid_value"] == campaign_id


def test_a_bind_by_alternate_key(crm: Crm) -> None:
    """The other row may be named by its key."""
    crm.order("customizations", {"do": "add_key", "table": "campaign", "name": "by_code", "columns": ["codename"]})
    campaign_id = crm.seed("campaign", name="Expo", codename="EXPO")["campaignid"]
    row = crm.row("lead", crm.create("leads", **{"campaignid@odata.bind": "/campaigns(codename='EXPO')"}))
    assert row["_campaignid_value"] == campaign_id


def test_a_lookup_is_emptied(crm: Crm) -> None:
    """By binding null, by null as its value, or by deleting its reference."""
    bind = {"campaignid@odata.bind": f"/campaigns({crm.seed('campaign', name='Expo')['campaignid']})"}
    first, second, third = (crm.create("leads", **bind) for _ in range(3))
    assert crm.api.patch(f"leads({third})", json={"campaignid": None}).status_code == 204
    assert crm.api.patch(f"leads({first})", json={"campaignid@odata.bind": None}).status_code == 204
    assert crm.api.delete(f"leads({second})/campaignid/$ref").status_code == 204
    assert all("_campaignid_value" not in row for row in crm.rows("lead"))


def test_an_owner_that_is_given(crm: Crm) -> None:
    """A team or another user may own a row; somebody disabled may not."""
    team_id = crm.rows("team")[0]["teamid"]
    row = crm.row("lead", crm.create("leads", **{"ownerid@odata.bind": f"/teams({team_id})"}))
    assert (row["_ownerid_value"], row["_owningteam_value"]) == (team_id, team_id)
    assert "_owninguser_value" not in row
    disabled = crm.seed("systemuser", lastname="Gone", isdisabled=True)["systemuserid"]
    refused = crm.api.post("leads", json={"ownerid@odata.bind": f"/systemusers({disabled})"})
    assert error(refused) == (400, "0x80040225")


def test_an_owner_that_is_none(crm: Crm) -> None:
    """A row of another table cannot own anything."""
    account_id = crm.seed("account", name="A")["accountid"]
    assert error(crm.api.post("leads", json={"ownerid@odata.bind": f"/accounts({account_id})"})) == (400, "0x80040229")


def test_rows_within_rows(crm: Crm) -> None:
    """A body may hold the parent, and the children, that are made along with it."""
    contact_id = crm.create(
        "contacts",
        lastname="A",
        parentcustomerid_account={"name": "Made along"},
        Contact_Annotation=[{"subject": "S", "notetext": "N"}],
    )
    (account,), (note,) = crm.rows("account"), crm.rows("annotation")
    assert crm.row("contact", contact_id)["_parentcustomerid_value"] == account["accountid"]
    assert (note["_objectid_value"], note["objecttypecode"]) == (contact_id, "contact")


def test_rows_within_rows_are_one_transaction(crm: Crm) -> None:
    """A bad child, and nothing is made."""
    refused = crm.api.post("contacts", json={"lastname": "A", "Contact_Annotation": [{"nothing": 1}]})
    assert error(refused) == (400, "0x80048d19")
    assert crm.rows("contact") == []


# --- states ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        ({"statecode": 2}, (2, 4)),
        ({"statecode": 2, "statuscode": 6}, (2, 6)),
        ({"statuscode": 2}, (0, 2)),
        ({"statecode": 0}, (0, 1)),
    ],
)
def test_state_and_status(crm: Crm, changes: dict[str, int], after: tuple[int, int]) -> None:
    """A state without a reason gets its default one."""
    row_id = crm.create("leads", lastname="A")
    assert crm.api.patch(f"leads({row_id})", json=changes).status_code == 204
    row = crm.row("lead", row_id)
    assert (row["statecode"], row["statuscode"]) == after


@pytest.mark.parametrize("changes", [{"statuscode": 4}, {"statecode": 2, "statuscode": 1}])
def test_state_and_status_that_disagree(crm: Crm, changes: dict[str, int]) -> None:
    """A reason of another state is refused."""
    row_id = crm.create("leads", lastname="A")
    assert error(crm.api.patch(f"leads({row_id})", json=changes)) == (400, "0x80048408")


def test_a_new_row_has_the_first_state(crm: Crm) -> None:
    """A state is ignored on create, so that a reason of another one does not fit."""
    assert error(crm.api.post("leads", json={"statecode": 2, "statuscode": 4})) == (400, "0x80048408")


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b'{"revenue": NaN}', b"[" * 100_000])
def test_a_body_that_is_no_object(crm: Crm, body: bytes) -> None:
    """It is refused as a payload error, never a crash."""
    answer = crm.api.post("leads", content=body, headers={"Content-Type": "application/json"})
    assert error(answer) == (400, "0x80048d19")


@pytest.mark.parametrize("children", [None, "text", [None], [1], {"subject": "S"}])
def test_children_that_are_no_rows(crm: Crm, children: Any) -> None:
    """They are refused as a payload error, never a crash."""
    assert error(crm.api.post("leads", json={"Lead_Annotation": children})) == (400, "0x80048d19")


def test_a_chosen_id(crm: Crm) -> None:
    """In the body of a POST it is taken; one that is no guid is refused."""
    row_id = new_id()
    assert crm.create("leads", leadid=row_id.upper(), lastname="A") == row_id
    assert error(crm.api.post("leads", json={"leadid": "1"})) == (400, "0x80048d19")
