"""Columns that come, change and go while it runs: what is described, what is stored, what is refused."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.dynamics import dynamics
from tests.infra.dynamics.simulator import CLIENT_ID, Crm, error, verify

_CRM = "Microsoft.Dynamics.CRM."
_ATTRIBUTES = "EntityDefinitions(LogicalName='lead')/Attributes"


def _order(crm: Crm, do: str, **facts: Any) -> httpx.Response:
    return crm.control.post("customizations", json={"do": do, "table": "lead", **facts})


def _described(crm: Crm, column: str, cast: str = "", query: str = "") -> httpx.Response:
    path = f"{_ATTRIBUTES}(LogicalName='{column}')"
    return crm.api.get(f"{path}/{_CRM}{cast}{query}" if cast else path)


_OPTIONS = [{"value": 1, "label": "Gold", "labels": {"1031": "Gold (de)"}}, {"value": 2, "label": "Tin"}]


@pytest.mark.parametrize(
    ("facts", "good", "bad", "code"),
    [
        ({"type": "String", "max_length": 3}, "abc", "abcd", "0x80044331"),
        ({"type": "Memo", "max_length": 4}, "a\nbc", "abcde", "0x80044331"),
        ({"type": "Integer", "minimum": 0, "maximum": 9}, 9, 10, "0x8004432f"),
        ({"type": "BigInt"}, 2**40, "many", "0x80048d19"),
        ({"type": "Decimal", "precision": 2, "maximum": 5}, 1.25, 5.5, "0x80044330"),
        ({"type": "Double"}, 1.5, "one", "0x80048d19"),
        ({"type": "Money", "minimum": 0}, 12.5, -1, "0x80044330"),
        ({"type": "Boolean"}, True, 1, "0x80048d19"),
        ({"type": "DateTime"}, "2026-05-04T13:05:00Z", "4 May", "0x80048d19"),
        ({"type": "DateTime", "behavior": "DateOnly"}, "2026-05-04", "2026-05-04T13:05:00Z", "0x80048d19"),
        ({"type": "Picklist", "options": _OPTIONS}, 2, 3, "0x8004431a"),
        ({"type": "MultiSelectPicklist", "options": _OPTIONS}, "1,2", "1,3", "0x8004431a"),
    ],
)
def test_every_kind(crm: Crm, facts: dict[str, Any], good: Any, bad: Any, code: str) -> None:
    """It is described, takes what it can hold, gives it back, and refuses the rest with the documented code."""
    assert _order(crm, "add_column", name="cap_new", **facts).status_code == 204
    described = _described(crm, "cap_new").json()
    assert (described["AttributeTypeName"]["Value"], described["IsCustomAttribute"]) == (f"{facts['type']}Type", True)
    row_id = crm.create("leads", cap_new=good)
    assert crm.api.get(f"leads({row_id})?$select=cap_new").json()["cap_new"] == good
    assert error(crm.api.patch(f"leads({row_id})", json={"cap_new": bad})) == (400, code)


def test_a_lookup_of_two_tables(crm: Crm) -> None:
    """Each target has a navigation property of its own, and its own rows only."""
    assert _order(crm, "add_column", name="cap_for", schema_name="cap_For", type="Customer").status_code == 204
    account_id = crm.create("accounts", name="Expo")
    row_id = crm.create("leads", **{"cap_For_account@odata.bind": f"/accounts({account_id})"})
    row = crm.row("lead", row_id)
    assert row["_cap_for_value"] == account_id
    assert row["_cap_for_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    assert _described(crm, "cap_for", "LookupAttributeMetadata").json()["Targets"] == ["account", "contact"]
    wrong = crm.api.post("leads", json={"cap_For@odata.bind": f"/accounts({account_id})"})
    assert error(wrong) == (400, "0x80048d19")


def test_yes_and_no_need_no_options(crm: Crm) -> None:
    """A boolean has both, in both languages."""
    _order(crm, "add_column", name="cap_flag", type="Boolean")
    found = _described(crm, "cap_flag", "BooleanAttributeMetadata", "?$expand=OptionSet").json()["OptionSet"]
    labels = {one["LanguageCode"]: one["Label"] for one in found["TrueOption"]["Label"]["LocalizedLabels"]}
    assert labels == {1033: "Yes", 1031: "Ja"}


def test_an_option_without_a_label(crm: Crm) -> None:
    """The user's label is null; the option can be chosen all the same."""
    option = {"value": 99, "label": None}
    assert _order(crm, "add_option", column="leadsourcecode", option=option).status_code == 204
    query = "?$select=LogicalName&$expand=OptionSet"
    found = _described(crm, "leadsourcecode", "PicklistAttributeMetadata", query).json()["OptionSet"]["Options"]
    assert {one["Value"]: one["Label"]["UserLocalizedLabel"] for one in found}[99] is None
    assert crm.api.post("leads", json={"leadsourcecode": 99}).status_code == 204


def test_a_range_that_was_changed(crm: Crm) -> None:
    """It holds at once."""
    assert _order(crm, "change_column", column="numberofemployees", maximum=10).status_code == 204
    assert error(crm.api.post("leads", json={"numberofemployees": 11})) == (400, "0x8004432f")
    found = _described(crm, "numberofemployees", "IntegerAttributeMetadata").json()
    assert (found["MinValue"], found["MaxValue"]) == (0, 10)


# --- removed ----------------------------------------------------------------------------------------------------------


def test_a_column_that_was_removed(crm: Crm) -> None:
    """Neither described nor read, filtered or written, as if it had never been."""
    _order(crm, "add_column", name="cap_id")
    crm.create("leads", cap_id="k7")
    assert len(crm.api.get("leads?$filter=cap_id eq 'k7'").json()["value"]) == 1
    assert _order(crm, "remove_column", column="cap_id").status_code == 204
    assert _described(crm, "cap_id").status_code == 404
    assert error(crm.api.get("leads?$select=cap_id")) == (400, "0x80060888")
    assert error(crm.api.get("leads?$filter=cap_id eq 'k7'")) == (400, "0x80060888")
    assert error(crm.api.post("leads", json={"cap_id": "k8"})) == (400, "0x80048d19")
    assert "cap_id" not in crm.rows("lead")[0]


def test_a_lookup_that_was_removed(crm: Crm) -> None:
    """Its navigation property goes with it, on both sides."""
    _order(crm, "add_column", name="cap_event", schema_name="cap_Event", type="Lookup", targets=["campaign"])
    crm.create("leads", lastname="A")
    _order(crm, "remove_column", column="cap_event")
    assert crm.api.get("leads?$expand=cap_Event").status_code == 400
    filter_ = "$filter=ReferencingAttribute eq 'cap_event'"
    relations = crm.api.get(f"EntityDefinitions(LogicalName='lead')/ManyToOneRelationships?{filter_}")
    assert relations.json()["value"] == []


def test_another_type_after_removal(crm: Crm) -> None:
    """The name is free again, and nothing of the old values is left."""
    _order(crm, "add_column", name="cap_id")
    row_id = crm.create("leads", cap_id="k7")
    assert _order(crm, "add_column", name="cap_id", type="Integer").status_code == 400
    _order(crm, "remove_column", column="cap_id")
    assert _order(crm, "add_column", name="cap_id", type="Integer").status_code == 204
    assert crm.api.get(f"leads({row_id})?$select=cap_id").json()["cap_id"] is None
    assert crm.api.patch(f"leads({row_id})", json={"cap_id": 7}).status_code == 204


def test_a_column_of_a_key_stays(crm: Crm) -> None:
    """First the key goes, then the column."""
    _order(crm, "add_column", name="cap_id")
    _order(crm, "add_key", name="cap_key", columns=["cap_id"])
    assert _order(crm, "remove_column", column="cap_id").status_code == 400
    _order(crm, "remove_key", name="cap_key")
    assert _order(crm, "remove_column", column="cap_id").status_code == 204


def test_what_came_back_survives_a_restart(tmp_path: Path) -> None:
    """A column removed and made anew, under a key made anew, keeps the values it has now."""
    file = tmp_path / "dynamics.sqlite"
    column = {"do": "add_column", "table": "leads", "name": "cap_id"}
    key = {"do": "add_key", "table": "lead", "name": "cap_key", "columns": ["cap_id"]}
    orders = [column, key, {"do": "remove_key", "table": "lead", "name": "cap_key"}]
    orders += [{"do": "remove_column", "table": "lead", "column": "cap_id"}, column]
    with dynamics(verify, client_ids=(CLIENT_ID,), database=file) as first:
        httpx.post(f"{first.url}/_control/customizations", json=orders).raise_for_status()
        httpx.post(f"{first.url}/_control/rows/lead", json={"cap_id": "k7"}).raise_for_status()
    with dynamics(verify, client_ids=(CLIENT_ID,), database=file) as second:
        (row,) = httpx.get(f"{second.url}/_control/rows/lead").json()["rows"]
        assert row["cap_id"] == "k7"


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "facts"),
    [
        ("add_column", {"name": "cap_x", "type": "Nonsense"}),
        ("add_column", {"name": "cap_x", "type": "Status"}),
        ("add_column", {"name": "noprefix"}),
        ("add_column", {"name": 'cap_"; --'}),
        ("add_column", {"name": "address1_city"}),
        ("add_column", {"name": "cap_x", "type": "Lookup"}),
        ("add_column", {"name": "cap_x", "type": "Lookup", "targets": ["nothing"]}),
        ("add_column", {"name": "cap_x", "targets": ["campaign"]}),
        ("add_column", {"name": "cap_x", "options": _OPTIONS}),
        ("add_column", {"name": "cap_x", "max_length": 4001}),
        ("add_column", {"name": "cap_x", "required": "Sometimes"}),
        ("change_column", {"column": "leadsourcecode", "max_length": 5}),
        ("change_column", {"column": "nothing", "max_length": 5}),
        ("remove_column", {"column": "lastname"}),
        ("remove_column", {"column": "nothing"}),
    ],
)
def test_orders_that_no_customer_could_give(crm: Crm, do: str, facts: dict[str, Any]) -> None:
    """They are refused, and the table is as it was."""
    before = crm.api.get(_ATTRIBUTES).json()
    assert _order(crm, do, **facts).status_code == 400
    assert crm.api.get(_ATTRIBUTES).json() == before
