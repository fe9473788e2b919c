"""Who may what: application users, roles, privileges, and rows out of reach."""

from typing import Any

import httpx
import pytest

from tests.infra.dynamics.simulator import API, LIMITED_ID, Crm, error, new_id


def test_an_application_that_is_no_user(crm: Crm) -> None:
    """A good token is not enough: the application must be a user of this environment."""
    assert error(crm.signed_in(new_id()).get("WhoAmI")) == (403, "0x80072560")


def test_an_application_without_roles(crm: Crm) -> None:
    """A user that was given no role can do nothing."""
    crm.order("users", {"client_id": LIMITED_ID, "roles": []})
    assert error(crm.signed_in(LIMITED_ID).get("WhoAmI")) == (403, "0x80042f09")


def test_a_user_that_was_disabled(crm: Crm) -> None:
    """It is refused at once, and let in again when it is enabled."""
    client = crm.limited()
    crm.order("users", {"client_id": LIMITED_ID, "disabled": True})
    assert error(client.get("WhoAmI")) == (403, "0x80040225")
    crm.order("users", {"client_id": LIMITED_ID, "disabled": False})
    assert client.get("WhoAmI").status_code == 200


def test_a_token_for_another_environment(crm: Crm) -> None:
    """The audience is the environment's own address."""
    headers = {"Authorization": "Bearer aaaaaaaa-0000-4000-8000-000000000001|http://127.0.0.1:1"}
    assert httpx.get(f"{crm.url}{API}WhoAmI", headers=headers).status_code == 401


@pytest.mark.parametrize("header", ["CallerObjectId", "MSCRMCallerID"])
def test_asking_for_another_user(crm: Crm, header: str) -> None:
    """It is not simulated, and says so instead of answering for the wrong one."""
    assert crm.api.get("WhoAmI", headers={header: new_id()}).status_code == 501


_BIND = {"campaignid@odata.bind": "/campaigns({campaign})"}


@pytest.mark.parametrize(
    ("privilege", "method", "path", "body"),
    [
        ("prvReadLead", "GET", "leads", None),
        ("prvReadLead", "GET", "leads({lead})", None),
        ("prvCreateLead", "POST", "leads", {"lastname": "B"}),
        ("prvCreateLead", "PATCH", "leads({new})", {"lastname": "B"}),
        ("prvWriteLead", "PATCH", "leads({lead})", {"lastname": "B"}),
        ("prvDeleteLead", "DELETE", "leads({lead})", None),
        ("prvAppendLead", "PATCH", "leads({lead})", _BIND),
        ("prvAppendToCampaign", "PATCH", "leads({lead})", _BIND),
        ("prvAssignLead", "PATCH", "leads({lead})", {"ownerid@odata.bind": "/teams({team})"}),
        ("prvReadUser", "GET", "systemusers", None),
        ("prvCreateNote", "POST", "annotations", {"subject": "A"}),
        ("prvCreateActivity", "POST", "campaignresponses", {"subject": "A"}),
    ],
)
def test_each_privilege_is_needed(
    crm: Crm, privilege: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    """Without it the request is refused by name, and nothing happens; with it all is well."""
    names = {
        "lead": crm.create("leads", lastname="A"),
        "campaign": crm.create("campaigns", name="Expo"),
        "team": crm.rows("team")[0]["teamid"],
        "new": new_id(),
    }
    filled = {name: value.format(**names) for name, value in body.items()} if body else None
    refused = crm.limited(without=(privilege,)).request(method, path.format(**names), json=filled)
    assert error(refused) == (403, "0x80040220")
    assert f"is missing {privilege} privilege" in refused.json()["error"]["message"]
    assert crm.limited().request(method, path.format(**names), json=filled).is_success


def test_privileges_hold_inside_batches_and_bulk_messages(crm: Crm) -> None:
    """There is no way around them."""
    client = crm.limited(without=("prvCreateLead",))
    body = {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "lastname": "A"}]}
    for message in ("CreateMultiple", "UpsertMultiple"):
        body["Targets"][0]["leadid"] = new_id()
        refused = client.post(f"leads/Microsoft.Dynamics.CRM.{message}", json=body)
        assert error(refused) == (403, "0x80040220")


def test_privileges_are_told(crm: Crm) -> None:
    """RetrieveUserPrivileges lists what the roles add up to, with its depth."""
    client = crm.limited(privileges=("prvReadLead", "prvReadUser"), depth="basic")
    user_id = client.get("WhoAmI").json()["UserId"]
    answer = client.get(f"systemusers({user_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()").json()
    assert answer["@odata.context"].endswith("RetrieveUserPrivilegesResponse")
    held = {one["PrivilegeName"]: one["Depth"] for one in answer["RolePrivileges"]}
    assert held == {"prvReadLead": "Basic", "prvReadUser": "Basic"}


def test_roles_can_be_read(crm: Crm) -> None:
    """As rows, and from the user that has them."""
    user_id = crm.api.get("WhoAmI").json()["UserId"]
    roles = crm.api.get(f"systemusers({user_id})?$select=fullname&$expand=systemuserroles_association($select=name)")
    assert [role["name"] for role in roles.json()["systemuserroles_association"]] == ["System Administrator"]


def _basic(crm: Crm) -> tuple[httpx.Client, str, str]:
    """A client with user depth, a row of its own, and somebody else's."""
    client = crm.limited(depth="basic")
    foreign = crm.create("leads", lastname="Foreign")
    own = client.post("leads", json={"lastname": "Own"}).headers["OData-EntityId"].rpartition("(")[2].removesuffix(")")
    return client, own, foreign


def test_rows_out_of_reach_are_left_out_of_queries(crm: Crm) -> None:
    """In silence: with user depth only own rows are found, and counted."""
    client, own, _ = _basic(crm)
    answer: Any = client.get("leads?$select=leadid&$count=true").json()
    assert ([row["leadid"] for row in answer["value"]], answer["@odata.count"]) == ([own], 1)
    assert client.get("leads/$count").text == "1"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_rows_out_of_reach_are_refused_one_by_one(crm: Crm, method: str) -> None:
    """Asked for by id, they are an access error; own rows are not."""
    client, own, foreign = _basic(crm)
    body = {"jobtitle": "B"} if method == "PATCH" else None
    assert error(client.request(method, f"leads({foreign})", json=body)) == (403, "0x80048306")
    assert client.request(method, f"leads({own})", json=body).is_success
