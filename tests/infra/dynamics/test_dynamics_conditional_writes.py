"""The table of conditional requests: what exists, what the condition says, what comes of it."""

from typing import Any

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id

_OWN = "own etag"


def _etag(crm: Crm, row: dict[str, Any]) -> str:
    tag: str = crm.api.get(f"leads({row['leadid']})?$select=leadid").headers["ETag"]
    return tag


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"If-Match": "*"}, 204),
        ({"If-Match": _OWN}, 204),
        ({"If-Match": 'W/"1"'}, 412),
        ({"If-None-Match": "*"}, 412),
        ({"If-None-Match": "null"}, 204),
        ({"Prefer": "return=representation"}, 200),
    ],
)
def test_patch_of_a_row_that_exists(crm: Crm, headers: dict[str, str], status: int) -> None:
    """It is changed, unless the condition forbids it; then it stays as it was."""
    row = crm.seed("lead", lastname="Before")
    named = {name: _etag(crm, row) if value == _OWN else value for name, value in headers.items()}
    answer = crm.api.patch(f"leads({row['leadid']})", json={"lastname": "After"}, headers=named)
    assert answer.status_code == status
    after = crm.row("lead", row["leadid"])
    assert after["lastname"] == ("Before" if status == 412 else "After")
    assert (after["@odata.etag"] == row["@odata.etag"]) == (status == 412)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"If-Match": "*"}, 404),
        ({"If-Match": 'W/"1"'}, 404),
        ({"If-None-Match": "*"}, 204),
        ({"Prefer": "return=representation"}, 201),
    ],
)
def test_patch_of_a_row_that_is_missing(crm: Crm, headers: dict[str, str], status: int) -> None:
    """It is made, unless the condition wants it to exist: an upsert is the default."""
    row_id = new_id()
    answer = crm.api.patch(f"leads({row_id})", json={"lastname": "New"}, headers=headers)
    assert answer.status_code == status
    assert [row["leadid"] for row in crm.rows("lead")] == ([] if status == 404 else [row_id])


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 204), ({"If-Match": "*"}, 204), ({"If-Match": _OWN}, 204), ({"If-Match": 'W/"1"'}, 412)],
)
def test_delete_of_a_row_that_exists(crm: Crm, headers: dict[str, str], status: int) -> None:
    """It goes, unless its etag is not the one that was read."""
    row = crm.seed("lead", lastname="A")
    named = {name: _etag(crm, row) if value == _OWN else value for name, value in headers.items()}
    assert crm.api.delete(f"leads({row['leadid']})", headers=named).status_code == status
    assert len(crm.rows("lead")) == (1 if status == 412 else 0)


def test_delete_of_a_row_that_is_missing(crm: Crm) -> None:
    """A second delete is a 404."""
    assert error(crm.api.delete(f"leads({new_id()})")) == (404, "0x80040217")


def test_a_deleted_row_is_revived_by_a_patch_without_condition(crm: Crm) -> None:
    """That is why updates must be guarded."""
    row_id = crm.seed("lead", lastname="A")["leadid"]
    crm.api.delete(f"leads({row_id})")
    assert error(crm.api.get(f"leads({row_id})")) == (404, "0x80040217")
    assert crm.api.patch(f"leads({row_id})", json={"jobtitle": "B"}).status_code == 204
    assert crm.row("lead", row_id)["jobtitle"] == "B"


def test_get_of_an_unchanged_row(crm: Crm) -> None:
    """With the etag that is current a read answers 304; not so with annotations or expanded rows."""
    row = crm.seed("lead", lastname="A")
    unchanged = {"If-None-Match": _etag(crm, row)}
    address = f"leads({row['leadid']})"
    assert crm.api.get(address, headers=unchanged).status_code == 304
    prefer = {"Prefer": 'odata.include-annotations="*"'}
    assert crm.api.get(address, headers={**unchanged, **prefer}).status_code == 200
    assert crm.api.get(f"{address}?$expand=campaignid", headers=unchanged).status_code == 200
    crm.api.patch(address, json={"jobtitle": "B"})
    assert crm.api.get(address, headers=unchanged).status_code == 200


def test_an_update_that_changes_nothing_is_a_change(crm: Crm) -> None:
    """Sending a value again gives a new etag and modification date: send only what differs."""
    row = crm.seed("lead", lastname="A", createdon="2020-01-01T00:00:00Z", modifiedon="2020-01-01T00:00:00Z")
    crm.api.patch(f"leads({row['leadid']})", json={"lastname": "A"})
    after = crm.row("lead", row["leadid"])
    assert after["@odata.etag"] != row["@odata.etag"]
    assert (after["createdon"], after["modifiedon"] > "2020-01-01T00:00:00Z") == ("2020-01-01T00:00:00Z", True)


def test_a_table_without_optimistic_concurrency(crm: Crm) -> None:
    """Where it is not enabled, an etag is refused; `*` is not."""
    crm.order("customizations", {"do": "change_table", "table": "lead", "has_concurrency": False})
    row = crm.seed("lead", lastname="A")
    address = f"leads({row['leadid']})"
    refused = crm.api.patch(address, json={"jobtitle": "B"}, headers={"If-Match": row["@odata.etag"]})
    assert error(refused) == (400, "0x8006088d")
    assert crm.api.patch(address, json={"jobtitle": "B"}, headers={"If-Match": "*"}).status_code == 204


def test_a_wrong_method(crm: Crm) -> None:
    """What an address cannot do is a 405."""
    row_id = crm.seed("lead", lastname="A")["leadid"]
    assert crm.api.put(f"leads({row_id})", json={}).status_code == 405
    assert crm.api.delete("leads").status_code == 405


# --- alternate keys --------------------------------------------------------------------------------------------------


def _key(crm: Crm, *columns: str, name: str = "cap_key", status: str = "Active") -> None:
    for column in columns:
        if column.startswith("cap_"):
            crm.order("customizations", {"do": "add_column", "table": "lead", "name": column})
    order = {"do": "add_key", "table": "lead", "name": name, "columns": columns, "status": status}
    crm.order("customizations", order)


def test_a_row_is_read_and_changed_by_its_key(crm: Crm) -> None:
    """An alternate key addresses a row as its id does; case does not matter."""
    _key(crm, "cap_id")
    row_id = crm.create("leads", lastname="A", cap_id="k7")
    assert crm.api.get("leads(cap_id='K7')?$select=leadid").json()["leadid"] == row_id
    assert crm.api.patch("leads(cap_id='k7')", json={"jobtitle": "B"}, headers={"If-Match": "*"}).status_code == 204
    assert crm.row("lead", row_id)["jobtitle"] == "B"
    assert crm.api.delete("leads(cap_id='k7')").status_code == 204


def test_no_row_with_that_key(crm: Crm) -> None:
    """It has a code of its own."""
    _key(crm, "cap_id")
    assert error(crm.api.get("leads(cap_id='nobody')")) == (404, "0x80060891")
    refused = crm.api.patch("leads(cap_id='nobody')", json={"jobtitle": "B"}, headers={"If-Match": "*"})
    assert error(refused) == (404, "0x80060891")


def test_a_key_of_several_columns(crm: Crm) -> None:
    """Also with a number and with a lookup, named as it is read."""
    _key(crm, "cap_id", "leadsourcecode", "campaignid")
    campaign_id = crm.seed("campaign", name="Expo")["campaignid"]
    address = f"leads(cap_id='a',leadsourcecode=7,_campaignid_value={campaign_id})"
    assert crm.api.patch(address, json={"lastname": "A"}).status_code == 204
    (row,) = crm.rows("lead")
    assert (row["cap_id"], row["leadsourcecode"], row["_campaignid_value"]) == ("a", 7, campaign_id)


def test_rows_with_null_in_a_key_column_are_not_compared(crm: Crm) -> None:
    """Uniqueness begins where every column has a value."""
    _key(crm, "cap_id")
    for _ in range(2):
        crm.create("leads", lastname="A")
    assert len(crm.rows("lead")) == 2


def test_a_key_taken_by_an_update(crm: Crm) -> None:
    """A row cannot be changed into another one's key; its own it may keep."""
    _key(crm, "cap_id")
    crm.create("leads", lastname="A", cap_id="k1")
    row_id = crm.create("leads", lastname="B", cap_id="k2")
    assert error(crm.api.patch(f"leads({row_id})", json={"cap_id": "K1"})) == (412, "0x80060892")
    assert crm.api.patch(f"leads({row_id})", json={"cap_id": "k2"}).status_code == 204


def test_the_key_in_the_body_of_an_upsert(crm: Crm) -> None:
    """On an update it is dropped; on a create a differing body wins."""
    _key(crm, "cap_id")
    crm.create("leads", lastname="A", cap_id="k1")
    crm.api.patch("leads(cap_id='k1')", json={"cap_id": "k9", "jobtitle": "B"})
    crm.api.patch("leads(cap_id='k2')", json={"cap_id": "k3", "lastname": "C"})
    assert sorted(row["cap_id"] for row in crm.rows("lead")) == ["k1", "k3"]


@pytest.mark.parametrize("character", list("/<>*%&:\\?+"))
def test_characters_that_break_keys(crm: Crm, character: str) -> None:
    """Such key values cannot be addressed, however they are encoded."""
    _key(crm, "cap_id")
    encoded = "".join(f"%{byte:02X}" for byte in character.encode())
    assert crm.api.get(httpx.URL(f"{crm.api.base_url}leads(cap_id='a{encoded}b')")).status_code in {400, 404}


def test_a_key_whose_index_is_not_built(crm: Crm) -> None:
    """Until its status is Active a key cannot be used."""
    _key(crm, "cap_id", status="Pending")
    assert crm.api.get("leads(cap_id='a')").status_code == 400


def test_a_column_that_is_no_key(crm: Crm) -> None:
    """Rows cannot be addressed by just any column."""
    assert error(crm.api.get("leads(lastname='A')")) == (400, "0x80060888")


# --- duplicate rules -------------------------------------------------------------------------------------------------


def test_duplicate_rules_on_an_update(crm: Crm) -> None:
    """They are asked for by header there too."""
    crm.seed("contact", lastname="A", emailaddress1="a@x.example")
    row_id = crm.seed("contact", lastname="B")["contactid"]
    on = {"MSCRM.SuppressDuplicateDetection": "false"}
    refused = crm.api.patch(f"contacts({row_id})", json={"emailaddress1": "A@x.example"}, headers=on)
    assert error(refused) == (412, "0x80040333")
    assert crm.api.patch(f"contacts({row_id})", json={"emailaddress1": "a@x.example"}).status_code == 204


def test_duplicate_rules_can_be_changed(crm: Crm) -> None:
    """An environment has the rules that it was given."""
    crm.control.put("duplicate_rules", json=[{"table": "lead", "columns": ["lastname", "companyname"]}])
    on = {"MSCRM.SuppressDuplicateDetection": "false"}
    body = {"lastname": "A", "companyname": "C", "emailaddress1": "a@x.example"}
    assert crm.api.post("leads", json=body, headers=on).status_code == 204
    assert crm.api.post("leads", json={**body, "companyname": "D"}, headers=on).status_code == 204
    assert error(crm.api.post("leads", json=body, headers=on)) == (412, "0x80040333")
