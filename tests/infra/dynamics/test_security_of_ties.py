"""Tying and untying rows: append on the one side, append to on the other; and what a refusal gives away."""

import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id

_CRM = "Microsoft.Dynamics.CRM."
_TIE = "campaigns({campaign})/campaignlist_association/$ref"
_UNTIE = "campaigns({campaign})/campaignlist_association({list})/$ref"
_ADD_ITEM = f"campaigns({{campaign}})/{_CRM}AddItemCampaign"
_ITEM = {"EntityName": "list", "EntityId": "{list}"}
_ADD_MEMBER = f"lists({{list}})/{_CRM}AddMemberList"


@pytest.mark.parametrize(
    ("privilege", "method", "path", "body"),
    [
        ("prvAppendToCampaign", "POST", _TIE, {"@odata.id": "lists({list})"}),
        ("prvAppendList", "POST", _TIE, {"@odata.id": "lists({list})"}),
        ("prvAppendToCampaign", "DELETE", _UNTIE, None),
        ("prvAppendList", "DELETE", _UNTIE, None),
        ("prvAppendToCampaign", "POST", _ADD_ITEM, _ITEM),
        ("prvAppendList", "POST", _ADD_ITEM, _ITEM),
        ("prvWriteList", "POST", _ADD_MEMBER, {"EntityId": "{lead}"}),
        ("prvAppendToList", "POST", _ADD_MEMBER, {"EntityId": "{lead}"}),
        ("prvAppendLead", "POST", _ADD_MEMBER, {"EntityId": "{lead}"}),
        ("prvAppendLead", "PUT", "leads({lead})/campaignid/$ref", {"@odata.id": "campaigns({campaign})"}),
        ("prvAppendToLead", "POST", "annotations", {"objectid_lead@odata.bind": "/leads({lead})"}),
    ],
)
def test_each_side_is_checked(crm: Crm, privilege: str, method: str, path: str, body: dict[str, str] | None) -> None:
    """However the tie is made or ended, the missing privilege is named; with it all is well."""
    names = {
        "lead": crm.create("leads", lastname="A"),
        "campaign": crm.create("campaigns", name="Expo"),
        "list": crm.seed("list", listname="Visitors", createdfromcode=4, type=False)["listid"],
    }
    filled = {name: value.format(**names) for name, value in body.items()} if body else None
    refused = crm.limited(without=(privilege,)).request(method, path.format(**names), json=filled)
    assert error(refused) == (403, "0x80040220")
    assert f"is missing {privilege} privilege" in refused.json()["error"]["message"]
    assert crm.limited().request(method, path.format(**names), json=filled).is_success


def test_a_missing_row_is_not_given_away(crm: Crm) -> None:
    """Without the privilege to write, an update of a missing row is refused like any other [K]."""
    client, guard = crm.limited(without=("prvWriteLead",)), {"If-Match": "*"}
    assert error(client.patch(f"leads({new_id()})", json={"lastname": "A"}, headers=guard)) == (403, "0x80040220")
    assert error(crm.api.patch(f"leads({new_id()})", json={"lastname": "A"}, headers=guard)) == (404, "0x80040217")
