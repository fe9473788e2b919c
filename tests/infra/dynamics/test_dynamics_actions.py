"""Qualify, merge, marketing lists, campaigns, associations, notes, and what a delete leaves behind."""

from typing import Any

import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id

_CRM = "Microsoft.Dynamics.CRM."


def _qualify(crm: Crm, lead_id: str, **wanted: Any) -> Any:
    body = {"CreateAccount": True, "CreateContact": True, "CreateOpportunity": False, "Status": 3, **wanted}
    return crm.api.post(f"leads({lead_id})/{_CRM}QualifyLead", json=body)


def test_a_qualified_lead_becomes_a_contact_and_an_account(crm: Crm) -> None:
    """They hold what the lead held, point back at it, and it at them."""
    lead_id = crm.create(
        "leads", firstname="Li", lastname="Wen", companyname="Northwind", emailaddress1="li@x.example", donotemail=True
    )
    made = _qualify(crm, lead_id, CreateOpportunity=True).json()["value"]
    assert [row["@odata.type"].rpartition(".")[2] for row in made] == ["account", "contact", "opportunity"]
    (contact,), (account,), lead = crm.rows("contact"), crm.rows("account"), crm.row("lead", lead_id)
    assert (contact["fullname"], contact["emailaddress1"], contact["donotemail"]) == ("Li Wen", "li@x.example", True)
    assert (contact["_originatingleadid_value"], contact["_parentcustomerid_value"]) == (lead_id, account["accountid"])
    assert (lead["statecode"], lead["statuscode"]) == (1, 3)
    assert (lead["_parentcontactid_value"], account["name"]) == (contact["contactid"], "Northwind")


def test_a_lead_is_qualified_once(crm: Crm) -> None:
    """A closed one is refused."""
    lead_id = crm.create("leads", lastname="Wen")
    assert _qualify(crm, lead_id, CreateAccount=False).status_code == 200
    assert _qualify(crm, lead_id).status_code == 400
    assert len(crm.rows("contact")) == 1


def test_a_lead_with_a_contact_gets_no_second_one(crm: Crm) -> None:
    """What it is tied to is not made again."""
    contact_id = crm.seed("contact", lastname="Wen")["contactid"]
    lead_id = crm.create("leads", lastname="Wen", **{"parentcontactid@odata.bind": f"/contacts({contact_id})"})
    assert _qualify(crm, lead_id).json()["value"] == []
    assert len(crm.rows("contact")) == 1


def _merge(crm: Crm, table: str, winner: str, loser: str, **content: Any) -> Any:
    kind = {"@odata.type": f"{_CRM}{table}"}
    body: dict[str, Any] = {"Target": {**kind, f"{table}id": winner}, "Subordinate": {**kind, f"{table}id": loser}}
    if content:
        body["UpdateContent"] = {**kind, **content}
    return crm.api.post("Merge", json={**body, "PerformParentingChecks": False})


@pytest.mark.parametrize(("table", "state"), [("contact", 1), ("account", 1), ("lead", 2)])
def test_a_merged_row_stays_readable_and_points_at_its_survivor(crm: Crm, table: str, state: int) -> None:
    """It is inactive, marked, and no longer counts as a row of its own."""
    winner, loser = crm.seed(table)[f"{table}id"], crm.seed(table)[f"{table}id"]
    assert _merge(crm, table, winner, loser, telephone1="555").status_code == 204
    gone = crm.api.get(f"{table}s({loser})?$select=merged,statecode,_masterid_value").json()
    assert (gone["merged"], gone["statecode"], gone["_masterid_value"]) == (True, state, winner)
    assert crm.row(table, winner)["telephone1"] == "555"


def test_what_belonged_to_the_merged_row_belongs_to_the_survivor(crm: Crm) -> None:
    """Notes and rows that pointed at it are moved."""
    winner, loser = crm.create("contacts", lastname="A"), crm.create("contacts", lastname="B")
    crm.create("annotations", subject="N", **{"objectid_contact@odata.bind": f"/contacts({loser})"})
    lead_id = crm.create("leads", **{"parentcontactid@odata.bind": f"/contacts({loser})"})
    _merge(crm, "contact", winner, loser)
    assert crm.rows("annotation")[0]["_objectid_value"] == winner
    assert crm.row("lead", lead_id)["_parentcontactid_value"] == winner


def test_merges_that_are_refused(crm: Crm) -> None:
    """With itself, with what was merged away, with another table's row, with nobody."""
    first, second = crm.create("contacts", lastname="A"), crm.create("contacts", lastname="B")
    assert _merge(crm, "contact", first, first).status_code == 400
    assert _merge(crm, "contact", first, new_id()).status_code == 404
    assert _merge(crm, "contact", first, second).status_code == 204
    assert _merge(crm, "contact", first, second).status_code == 400


# --- marketing lists and campaigns -----------------------------------------------------------------------------------


def _list(crm: Crm, **facts: Any) -> str:
    row_id: str = crm.seed("list", **{"listname": "Visitors", "createdfromcode": 2, "type": False, **facts})["listid"]
    return row_id


@pytest.mark.parametrize("facts", [{"type": True}, {"lockstatus": True}])
def test_lists_that_take_no_members(crm: Crm, facts: dict[str, Any]) -> None:
    """A dynamic list finds its members by itself; a locked one keeps those it has."""
    contact_id = crm.create("contacts", lastname="A")
    address = f"lists({_list(crm, **facts)})/{_CRM}AddMemberList"
    assert error(crm.api.post(address, json={"EntityId": contact_id})) == (400, "0x80040301")


def test_a_member_comes_and_goes(crm: Crm) -> None:
    """AddMemberList tells the membership's id; RemoveMemberList ends it."""
    list_id, contact_id = _list(crm), crm.create("contacts", lastname="A")
    answer = crm.api.post(f"lists({list_id})/{_CRM}AddMemberList", json={"EntityId": contact_id})
    assert answer.json()["Id"] == crm.rows("listmember")[0]["listmemberid"]
    lists = crm.api.get(f"contacts({contact_id})?$select=lastname&$expand=listcontact_association($select=listname)")
    assert [row["listname"] for row in lists.json()["listcontact_association"]] == ["Visitors"]
    crm.api.post(f"lists({list_id})/{_CRM}RemoveMemberList", json={"EntityId": contact_id}).raise_for_status()
    assert crm.rows("listmember") == []


def test_members_are_added_all_or_none(crm: Crm) -> None:
    """One that is missing, and nobody is added."""
    kind = {"@odata.type": f"{_CRM}contact"}
    members = [{**kind, "contactid": crm.create("contacts", lastname="A")}, {**kind, "contactid": new_id()}]
    body = {"List": {"@odata.type": f"{_CRM}list", "listid": _list(crm)}, "Members": members}
    assert error(crm.api.post("AddListMembersList", json=body)) == (404, "0x80040217")
    assert crm.rows("listmember") == []


def test_a_list_is_tied_to_a_campaign(crm: Crm) -> None:
    """By reference or by AddItemCampaign; tying twice is one tie; untying ends it."""
    list_id, campaign_id = _list(crm), crm.create("campaigns", name="Expo")
    address = f"campaigns({campaign_id})/campaignlist_association"
    for _ in range(2):
        tied = crm.api.post(f"{address}/$ref", json={"@odata.id": f"{crm.url}/api/data/v9.2/lists({list_id})"})
        assert tied.status_code == 204
    body = {"EntityId": list_id, "EntityName": "list"}
    assert crm.api.post(f"campaigns({campaign_id})/{_CRM}AddItemCampaign", json=body).json()["CampaignItemId"]
    assert [row["listid"] for row in crm.api.get(f"{address}?$select=listid").json()["value"]] == [list_id]
    assert crm.api.delete(f"{address}({list_id})/$ref").status_code == 204
    assert crm.rows("campaignitem") == []


def test_a_child_is_tied_through_its_parent(crm: Crm) -> None:
    """A one-to-many collection takes references too, and gives them up by `$id`."""
    account_id, contact_id = crm.create("accounts", name="A"), crm.create("contacts", lastname="B")
    address = f"accounts({account_id})/contact_customer_accounts/$ref"
    crm.api.post(address, json={"@odata.id": f"contacts({contact_id})"}).raise_for_status()
    assert crm.row("contact", contact_id)["_parentcustomerid_value"] == account_id
    crm.api.delete(f"{address}?$id={crm.url}/api/data/v9.2/contacts({contact_id})").raise_for_status()
    assert "_parentcustomerid_value" not in crm.row("contact", contact_id)


def test_rows_behind_a_row(crm: Crm) -> None:
    """A lookup and a collection can be read at their own address; an empty lookup is 204."""
    account_id = crm.create("accounts", name="A")
    contact_id = crm.create(
        "contacts", lastname="B", **{"parentcustomerid_account@odata.bind": f"/accounts({account_id})"}
    )
    parent = crm.api.get(f"contacts({contact_id})/parentcustomerid_account?$select=name").json()
    children = crm.api.get(f"accounts({account_id})/contact_customer_accounts?$select=lastname").json()
    assert (parent["name"], [row["lastname"] for row in children["value"]]) == ("A", ["B"])
    assert crm.api.get(f"contacts({contact_id})/parentcustomerid_contact").status_code == 204


def test_a_campaign_response_keeps_its_campaign(crm: Crm) -> None:
    """What it is about is fixed once it is made; its parties cannot be of just any table."""
    first, second = crm.create("campaigns", name="A"), crm.create("campaigns", name="B")
    about = "regardingobjectid_campaign_campaignresponse@odata.bind"
    row_id = crm.create("campaignresponses", subject="S", **{about: f"/campaigns({first})"})
    crm.api.patch(f"campaignresponses({row_id})", json={about: f"/campaigns({second})"}).raise_for_status()
    row = crm.row("campaignresponse", row_id)
    assert (row["_regardingobjectid_value"], row["activitytypecode"]) == (first, "campaignresponse")
    party = {"partyid_campaign@odata.bind": f"/campaigns({first})", "participationtypemask": 11}
    refused = crm.api.post("campaignresponses", json={"campaignresponse_activity_parties": [party]})
    assert error(refused) == (400, "0x80048d19")


# --- notes and deletes -----------------------------------------------------------------------------------------------


def test_a_note_with_a_file(crm: Crm) -> None:
    """It says that it is one, and how large."""
    lead_id = crm.create("leads", lastname="A")
    body = {"subject": "Card", "filename": "a.txt", "mimetype": "text/plain", "documentbody": "aGVsbG8h"}
    row = crm.row("annotation", crm.create("annotations", **body, **{"objectid_lead@odata.bind": f"/leads({lead_id})"}))
    assert (row["isdocument"], row["filesize"], row["objecttypecode"]) == (True, 6, "lead")
    expand = "$expand=Lead_Annotation($select=subject)"
    assert crm.api.get(f"leads({lead_id})?$select=leadid&{expand}").json()["Lead_Annotation"][0]["subject"] == "Card"


def test_what_a_delete_leaves_behind(crm: Crm) -> None:
    """Notes go along, lookups are emptied, memberships end."""
    campaign_id, lead_id = crm.create("campaigns", name="A"), crm.create("leads", lastname="B")
    crm.create("annotations", subject="N", **{"objectid_lead@odata.bind": f"/leads({lead_id})"})
    other = crm.create("leads", lastname="C", **{"campaignid@odata.bind": f"/campaigns({campaign_id})"})
    list_id = _list(crm, createdfromcode=4)
    crm.api.post(f"lists({list_id})/{_CRM}AddMemberList", json={"EntityId": lead_id}).raise_for_status()
    crm.api.delete(f"leads({lead_id})").raise_for_status()
    crm.api.delete(f"campaigns({campaign_id})").raise_for_status()
    assert (crm.rows("annotation"), crm.rows("listmember")) == ([], [])
    assert "_campaignid_value" not in crm.row("lead", other)


@pytest.mark.parametrize("path", ["leads({})/Microsoft.Dynamics.CRM.Nothing", "NoSuchAction", "leads({})/nothing"])
def test_unknown_actions(crm: Crm, path: str) -> None:
    """They are segments that nobody knows."""
    row_id = crm.create("leads", lastname="A")
    assert error(crm.api.post(path.format(row_id), json={})) == (404, "0x80060888")


def test_bulk_messages_where_there_are_none(crm: Crm) -> None:
    """Campaigns and lists are not known to have them."""
    body = {"Targets": [{"@odata.type": f"{_CRM}campaign", "name": "A"}]}
    assert error(crm.api.post(f"campaigns/{_CRM}CreateMultiple", json=body)) == (400, "0x80040216")


@pytest.mark.parametrize(
    "targets",
    [
        [],
        [{"lastname": "no type"}],
        [{"@odata.type": f"{_CRM}contact", "lastname": "wrong table"}],
        [{"@odata.type": f"{_CRM}lead"}],
        "nothing",
    ],
)
def test_targets_that_are_refused(crm: Crm, targets: Any) -> None:
    """Each needs its type, all the same one, and for an update the primary key."""
    assert crm.api.post(f"leads/{_CRM}UpdateMultiple", json={"Targets": targets}).status_code == 400


def test_an_update_of_many_is_all_or_nothing(crm: Crm) -> None:
    """A missing row, and none is changed."""
    row_id = crm.create("leads", lastname="A")
    kind = {"@odata.type": f"{_CRM}lead", "jobtitle": "B"}
    body = {"Targets": [{**kind, "leadid": row_id}, {**kind, "leadid": new_id()}]}
    assert error(crm.api.post(f"leads/{_CRM}UpdateMultiple", json=body)) == (404, "0x80040217")
    assert "jobtitle" not in crm.row("lead", row_id)


@pytest.mark.parametrize("table", ["systemuser", "businessunit", "transactioncurrency"])
def test_rows_that_are_never_deleted(crm: Crm, table: str) -> None:
    """What everything else hangs on stays."""
    row = crm.rows(table)[0]
    sets = {
        "systemuser": "systemusers",
        "businessunit": "businessunits",
        "transactioncurrency": "transactioncurrencies",
    }
    assert error(crm.api.delete(f"{sets[table]}({row[f'{table}id']})")) == (405, "0x80040227")


@pytest.mark.parametrize("set_name", ["listmembers", "activityparties", "privileges", "sdkmessages"])
def test_rows_that_only_come_with_others(crm: Crm, set_name: str) -> None:
    """Members, parties and the like cannot be made by themselves."""
    assert error(crm.api.post(set_name, json={})) == (400, "0x80040800")
