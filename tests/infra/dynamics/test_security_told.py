"""What a user may, asked by name: how a client checks its own role before it begins."""

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error

_FUNCTION = "Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeName"


def _ask(client: httpx.Client, parameters: str) -> httpx.Response:
    return client.get(f"systemusers({client.get('WhoAmI').json()['UserId']})/{_FUNCTION}{parameters}")


@pytest.mark.parametrize("parameters", ["(PrivilegeName='prvReadLead')", "(PrivilegeName=@p1)?@p1='prvReadLead'"])
def test_a_privilege_that_is_held(crm: Crm, parameters: str) -> None:
    """It is told with its depth, by value or by alias."""
    answer = _ask(crm.limited(depth="basic"), parameters).json()
    (held,) = answer["RolePrivileges"]
    assert answer["@odata.context"].endswith("#Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeNameResponse")
    assert (held["PrivilegeName"], held["Depth"]) == ("prvReadLead", "Basic")
    assert held["BusinessUnitId"] == crm.rows("businessunit")[0]["businessunitid"]


def test_a_privilege_that_is_lacking(crm: Crm) -> None:
    """The collection is empty, and the request that needs it is refused."""
    client = crm.limited(without=("prvCreateLead",))
    assert _ask(client, "(PrivilegeName='prvCreateLead')").json()["RolePrivileges"] == []
    assert error(client.post("leads", json={"lastname": "A"})) == (403, "0x80040220")


@pytest.mark.parametrize("parameters", ["(PrivilegeName='prvFly')", "()", ""])
def test_a_privilege_that_nobody_could_have(crm: Crm, parameters: str) -> None:
    """It is refused, not answered with an empty collection."""
    assert error(_ask(crm.api, parameters)) == (400, "0x80040203")


def test_roles_add_up(crm: Crm) -> None:
    """The widest depth of all roles counts, and a role taken away no longer does."""
    client = crm.limited(privileges=("prvReadLead", "prvReadUser"), depth="basic")
    user_id = client.get("WhoAmI").json()["UserId"]
    crm.order("roles", {"name": "Wide", "privileges": ["prvReadLead"], "depth": "deep"})
    depths = []
    for roles in (["Limited", "Wide"], ["Limited"]):
        crm.order("users", {"systemuserid": user_id, "roles": roles})
        depths.append(_ask(client, "(PrivilegeName='prvReadLead')").json()["RolePrivileges"][0]["Depth"])
    assert depths == ["Deep", "Basic"]


def test_a_depth_for_each_privilege(crm: Crm) -> None:
    """A role that reads everybody's rows and writes its own: the usual one of a salesperson."""
    depths = {"prvReadLead": "global", "prvWriteLead": "basic", "prvCreateLead": "basic", "prvReadUser": "global"}
    client, foreign = crm.limited(privileges=depths), crm.create("leads", lastname="Foreign")
    own = client.post("leads", json={"lastname": "Own"}).headers["OData-EntityId"].rpartition("(")[2][:-1]
    assert len(client.get("leads?$select=lastname").json()["value"]) == 2
    assert client.patch(f"leads({own})", json={"jobtitle": "B"}).status_code == 204
    assert error(client.patch(f"leads({foreign})", json={"jobtitle": "B"})) == (403, "0x80048306")
    assert _ask(client, "(PrivilegeName='prvWriteLead')").json()["RolePrivileges"][0]["Depth"] == "Basic"


@pytest.mark.parametrize(
    "order",
    [
        {"name": "A", "privileges": ["prvFly"]},
        {"name": "A", "privileges": {"prvReadLead": "very"}},
        {"name": "A", "without": ["prvFly"]},
        {"name": "A", "privilege": "all"},
    ],
)
def test_roles_that_could_not_be(crm: Crm, order: dict[str, object]) -> None:
    """A misspelt privilege or depth is refused; a test would prove something else."""
    assert crm.control.post("roles", json=order).status_code == 400
