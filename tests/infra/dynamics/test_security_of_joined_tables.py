"""What stands behind a lookup or a collection needs the privilege to read, and the reach, of its own table."""

import pytest

from tests.infra.dynamics.simulator import Crm, error


def _lead_of_campaign(crm: Crm) -> dict[str, str]:
    campaign = crm.create("campaigns", name="Expo")
    lead = crm.create("leads", lastname="A", **{"campaignid@odata.bind": f"/campaigns({campaign})"})
    return {"campaign": campaign, "lead": lead}


@pytest.mark.parametrize(
    ("privilege", "path"),
    [
        ("prvReadCampaign", "leads?$select=lastname&$expand=campaignid($select=name)"),
        ("prvReadCampaign", "leads({lead})?$select=lastname&$expand=campaignid($select=name)"),
        ("prvReadCampaign", "leads?$select=lastname&$filter=campaignid/name eq 'Expo'"),
        ("prvReadCampaign", "leads?$select=lastname&$orderby=campaignid/name"),
        ("prvReadCampaign", "leads({lead})/campaignid"),
        ("prvReadLead", "campaigns?$select=name&$expand=campaign_leads($select=lastname)"),
        ("prvReadLead", "campaigns({campaign})/campaign_leads?$select=lastname"),
        ("prvReadLead", "campaigns?$select=name&$filter=campaign_leads/any(l:l/lastname eq 'A')"),
        ("prvReadLead", "leads({lead})/campaignid"),
        ("prvReadLead", "leads({lead})/lastname"),
        ("prvReadLead", "leads/$count"),
    ],
)
def test_each_table_of_a_query_is_checked(crm: Crm, privilege: str, path: str) -> None:
    """Nobody reads around a missing privilege; with it the same query is answered."""
    address = path.format(**_lead_of_campaign(crm))
    refused = crm.limited(without=(privilege,)).get(address)
    assert error(refused) == (403, "0x80040220")
    assert f"is missing {privilege} privilege" in refused.json()["error"]["message"]
    assert crm.limited().get(address).status_code == 200


def test_the_check_needs_no_rows(crm: Crm) -> None:
    """An empty table is no way to find the query allowed."""
    refused = crm.limited(without=("prvReadCampaign",)).get("leads?$expand=campaignid($select=name)")
    assert error(refused) == (403, "0x80040220")


@pytest.mark.parametrize("expand", ["nothing", "campaignid($select=nothing)", "campaignid($expand=nothing)"])
def test_unknown_names_need_no_rows_either(crm: Crm, expand: str) -> None:
    """A misspelt $expand is refused on an empty table too."""
    assert error(crm.api.get(f"leads?$select=lastname&$expand={expand}")) == (400, "0x80060888")


def test_whether_a_row_exists_is_not_told(crm: Crm) -> None:
    """Without the privilege to read, a missing row is answered like one that is there."""
    client = crm.limited(without=("prvReadLead",))
    assert error(client.get("leads(00000000-0000-4000-8000-000000000000)/campaignid")) == (403, "0x80040220")


def test_a_returned_row_is_read(crm: Crm) -> None:
    """return=representation needs the privilege to read; without it nothing is created [K]."""
    client, wanted = crm.limited(without=("prvReadLead",)), {"Prefer": "return=representation"}
    assert error(client.post("leads", json={"lastname": "A"}, headers=wanted)) == (403, "0x80040220")
    assert crm.rows("lead") == []
    assert client.post("leads", json={"lastname": "A"}).status_code == 204


def test_rows_out_of_reach_are_not_seen_through_others(crm: Crm) -> None:
    """With user depth they are missing from collections, empty behind lookups, and never found by path."""
    campaign = crm.create("campaigns", name="Foreign")
    client = crm.limited(depth="basic")
    own_campaign = client.post("campaigns", json={"name": "Own"}).headers["OData-EntityId"].rpartition("(")[2][:-1]
    crm.create("leads", lastname="Foreign", **{"campaignid@odata.bind": f"/campaigns({own_campaign})"})
    bind = {"campaignid@odata.bind": f"/campaigns({campaign})"}
    own = client.post("leads", json={"lastname": "Own", **bind}).headers["OData-EntityId"].rpartition("(")[2][:-1]
    assert client.get(f"campaigns({own_campaign})/campaign_leads").json()["value"] == []
    expanded = client.get(f"campaigns({own_campaign})?$expand=campaign_leads($select=lastname)").json()
    assert expanded["campaign_leads"] == []
    assert client.get(f"leads({own})?$expand=campaignid($select=name)").json()["campaignid"] is None
    assert client.get("leads?$filter=campaignid/name eq 'Foreign'").json()["value"] == []
    assert client.get("campaigns?$filter=campaign_leads/any(l:l/lastname eq 'Foreign')").json()["value"] == []
