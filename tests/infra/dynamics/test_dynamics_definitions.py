"""EntityDefinitions: what clients read about tables, and how it follows what a customer changes."""

from typing import Any

import pytest

from tests.infra.dynamics.simulator import Crm, error

_LEAD = "EntityDefinitions(LogicalName='lead')"
_CRM = "Microsoft.Dynamics.CRM."


def _value(crm: Crm, path: str) -> list[dict[str, Any]]:
    answer = crm.api.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


def test_a_table_is_found_by_its_logical_name(crm: Crm) -> None:
    """This is what Microsoft's client asks first."""
    names = "LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute"
    (table,) = _value(crm, f"EntityDefinitions?$select={names}&$filter=LogicalName eq 'campaignresponse'")
    assert (table["EntitySetName"], table["PrimaryIdAttribute"]) == ("campaignresponses", "activityid")
    assert set(table) == {"MetadataId", *names.split(",")}


_TABLES = ("lead", "contact", "account", "campaign", "list", "systemuser", "campaignresponse", "team", "annotation")
_SMALL_TABLES = ("transactioncurrency", "businessunit", "role", "privilege", "opportunity", "organization")


@pytest.mark.parametrize("name", [*_TABLES, *_SMALL_TABLES])
def test_tables_that_are_there(crm: Crm, name: str) -> None:
    """Each has a definition, columns and rows to query."""
    table = crm.api.get(f"EntityDefinitions(LogicalName='{name}')?$select=EntitySetName,PrimaryIdAttribute").json()
    attributes = _value(crm, f"EntityDefinitions(LogicalName='{name}')/Attributes?$select=LogicalName")
    assert table["PrimaryIdAttribute"] in {attribute["LogicalName"] for attribute in attributes}
    assert crm.api.get(f"{table['EntitySetName']}?$top=1").status_code == 200


def test_a_table_by_its_metadata_id(crm: Crm) -> None:
    """The id stands for the name."""
    table = crm.api.get(f"{_LEAD}?$select=MetadataId").json()
    assert crm.api.get(f"EntityDefinitions({table['MetadataId']})?$select=LogicalName").json()["LogicalName"] == "lead"


def test_an_unknown_table(crm: Crm) -> None:
    """By key it is a 404, by filter an empty list."""
    assert crm.api.get("EntityDefinitions(LogicalName='nothing')").status_code == 404
    assert _value(crm, "EntityDefinitions?$select=LogicalName&$filter=LogicalName eq 'nothing'") == []


def test_columns(crm: Crm) -> None:
    """Type, requirement, validity and label of each."""
    select = "LogicalName,AttributeType,RequiredLevel,IsValidForCreate,IsValidForUpdate,DisplayName"
    columns = {column["LogicalName"]: column for column in _value(crm, f"{_LEAD}/Attributes?$select={select}")}
    assert columns["lastname"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert columns["subject"]["DisplayName"]["UserLocalizedLabel"]["Label"] == "Topic"
    assert (columns["fullname"]["IsValidForCreate"], columns["leadid"]["IsValidForUpdate"]) == (False, False)
    types = {name: columns[name]["AttributeType"] for name in ("ownerid", "statecode", "revenue", "donotemail")}
    assert types == {"ownerid": "Owner", "statecode": "State", "revenue": "Money", "donotemail": "Boolean"}


@pytest.mark.parametrize(
    ("table", "cast", "column", "expected"),
    [
        ("lead", "StringAttributeMetadata", "mobilephone", {"MaxLength": 20}),
        ("contact", "StringAttributeMetadata", "mobilephone", {"MaxLength": 50}),
        ("lead", "MemoAttributeMetadata", "description", {"MaxLength": 2000}),
        ("lead", "IntegerAttributeMetadata", "numberofemployees", {"MinValue": 0, "MaxValue": 1000000}),
        ("lead", "MoneyAttributeMetadata", "revenue", {"Precision": 2}),
        ("lead", "DoubleAttributeMetadata", "address1_latitude", {"MinValue": -90}),
        ("contact", "DateTimeAttributeMetadata", "birthdate", {"DateTimeBehavior": {"Value": "DateOnly"}}),
        ("lead", "LookupAttributeMetadata", "customerid", {"Targets": ["account", "contact"]}),
        ("lead", "BooleanAttributeMetadata", "donotemail", {"DefaultValue": False}),
    ],
)
def test_facts_that_need_a_cast(crm: Crm, table: str, cast: str, column: str, expected: dict[str, Any]) -> None:
    """Only the column's own type tells them."""
    path = f"EntityDefinitions(LogicalName='{table}')/Attributes/{_CRM}{cast}"
    found = _value(crm, f"{path}?$select=LogicalName,{','.join(expected)}&$filter=LogicalName eq '{column}'")
    assert [{name: one[name] for name in expected} for one in found] == [expected]
    alone = crm.api.get(f"EntityDefinitions(LogicalName='{table}')/Attributes(LogicalName='{column}')/{_CRM}{cast}")
    assert {name: alone.json()[name] for name in expected} == expected


def test_a_typed_fact_without_its_cast(crm: Crm) -> None:
    """It is refused, as a property that columns in general have not."""
    assert error(crm.api.get(f"{_LEAD}/Attributes?$select=MaxLength")) == (400, "0x80060888")


@pytest.mark.parametrize(
    ("cast", "column", "value", "labels"),
    [
        ("PicklistAttributeMetadata", "leadsourcecode", 7, {1033: "Trade Show", 1031: "Messe"}),
        ("StatusAttributeMetadata", "statuscode", 1, {1033: "New", 1031: "Neu"}),
        ("StateAttributeMetadata", "statecode", 2, {1033: "Disqualified", 1031: "Disqualifiziert"}),
        ("EnumAttributeMetadata", "statecode", 0, {1033: "Open", 1031: "Offen"}),
    ],
)
def test_options_have_labels_in_two_languages(
    crm: Crm, cast: str, column: str, value: int, labels: dict[int, str]
) -> None:
    """The user's label is the English one."""
    expand = "$expand=OptionSet($select=Options),GlobalOptionSet"
    query = f"$select=LogicalName&{expand}&$filter=LogicalName eq '{column}'"
    (found,) = _value(crm, f"{_LEAD}/Attributes/{_CRM}{cast}?{query}")
    assert found["GlobalOptionSet"] is None
    option = next(one for one in found["OptionSet"]["Options"] if one["Value"] == value)
    assert {one["LanguageCode"]: one["Label"] for one in option["Label"]["LocalizedLabels"]} == labels
    assert option["Label"]["UserLocalizedLabel"]["Label"] == labels[1033]


def test_status_options_know_their_state(crm: Crm) -> None:
    """And states know their default status."""
    (status,) = _value(crm, f"{_LEAD}/Attributes/{_CRM}StatusAttributeMetadata?$expand=OptionSet")
    assert {one["Value"]: one["State"] for one in status["OptionSet"]["Options"]}[4] == 2
    (state,) = _value(crm, f"{_LEAD}/Attributes/{_CRM}StateAttributeMetadata?$expand=OptionSet")
    assert [one["DefaultStatus"] for one in state["OptionSet"]["Options"]] == [1, 3, 4]


def test_options_of_yes_and_no(crm: Crm) -> None:
    """A boolean has two options, each with a label of its own."""
    query = "$select=LogicalName&$expand=OptionSet&$filter=LogicalName eq 'donotemail'"
    (found,) = _value(crm, f"{_LEAD}/Attributes/{_CRM}BooleanAttributeMetadata?{query}")
    assert found["OptionSet"]["TrueOption"]["Label"]["UserLocalizedLabel"]["Label"] == "Do Not Allow"
    assert found["OptionSet"]["FalseOption"]["Value"] == 0


def test_a_filter_with_an_enumeration(crm: Crm) -> None:
    """Enumerations are written with their type."""
    level = f"RequiredLevel/Value eq {_CRM}AttributeRequiredLevel'SystemRequired'"
    found = _value(crm, f"{_LEAD}/Attributes?$select=LogicalName&$filter={level}")
    assert {one["LogicalName"] for one in found} == {"leadid", "ownerid", "statecode"}


def test_relationships(crm: Crm) -> None:
    """They tell the names to bind with, from either side."""
    select = "$select=ReferencingAttribute,ReferencingEntityNavigationPropertyName,ReferencedEntity"
    found = _value(crm, f"{_LEAD}/ManyToOneRelationships?{select}&$filter=ReferencingAttribute eq 'customerid'")
    names = {one["ReferencedEntity"]: one["ReferencingEntityNavigationPropertyName"] for one in found}
    assert names == {"account": "customerid_account", "contact": "customerid_contact"}
    children = _value(crm, "EntityDefinitions(LogicalName='campaign')/OneToManyRelationships?$select=SchemaName")
    assert "campaign_leads" in {one["SchemaName"] for one in children}
    many = _value(crm, "EntityDefinitions(LogicalName='list')/ManyToManyRelationships?$select=SchemaName")
    assert "listlead_association" in {one["SchemaName"] for one in many}


def test_keys(crm: Crm) -> None:
    """They are listed with their columns and whether they can be used."""
    assert _value(crm, f"{_LEAD}/Keys") == []
    crm.order("customizations", {"do": "add_column", "table": "lead", "name": "cap_id"})
    key = {"do": "add_key", "table": "lead", "name": "cap_id", "columns": ["cap_id"], "status": "InProgress"}
    crm.order("customizations", key)
    (found,) = _value(crm, f"{_LEAD}/Keys?$select=LogicalName,KeyAttributes,EntityKeyIndexStatus")
    assert (found["KeyAttributes"], found["EntityKeyIndexStatus"]) == (["cap_id"], "InProgress")


def test_change_tracking_is_told(crm: Crm) -> None:
    """A client can check it before it counts on it."""
    path = f"{_LEAD}?$select=ChangeTrackingEnabled"
    assert crm.api.get(path).json()["ChangeTrackingEnabled"] is True
    crm.order("customizations", {"do": "change_table", "table": "lead", "has_change_tracking": False})
    assert crm.api.get(path).json()["ChangeTrackingEnabled"] is False
    refused = crm.api.get("leads", headers={"Prefer": "odata.track-changes"})
    assert error(refused) == (400, "0x80072491")


def test_bulk_messages_are_listed(crm: Crm) -> None:
    """Where they can be had; UpsertMultiple never is."""
    for message, count in (("CreateMultiple", 1), ("UpdateMultiple", 1), ("UpsertMultiple", 0)):
        filter_ = f"sdkmessageid/name eq '{message}' and primaryobjecttypecode eq 'lead'"
        assert len(_value(crm, f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={filter_}")) == count


# --- what customers change -------------------------------------------------------------------------------------------


def test_columns_of_the_customers_own(crm: Crm) -> None:
    """Of every kind: they are described, written, read and filtered."""
    options = [{"value": 100000000, "label": "Gold"}, {"value": 100000001, "label": "Silver"}]
    columns: list[dict[str, Any]] = [
        {"name": "cap_text", "type": "String", "max_length": 5},
        {"name": "cap_choice", "type": "Picklist", "options": options},
        {"name": "cap_choices", "type": "MultiSelectPicklist", "options": options},
        {"name": "cap_day", "type": "DateTime", "behavior": "DateOnly"},
        {"name": "cap_campaign", "schema_name": "cap_Campaign", "type": "Lookup", "targets": ["campaign"]},
    ]
    crm.order("customizations", [{"do": "add_column", "table": "lead", **column} for column in columns])
    campaign_id = crm.seed("campaign", name="Expo")["campaignid"]
    values = {"cap_text": "abc", "cap_choice": 100000001, "cap_choices": "100000001,100000000", "cap_day": "2026-05-04"}
    row_id = crm.create("leads", **values, **{"cap_Campaign@odata.bind": f"/campaigns({campaign_id})"})
    row = crm.row("lead", row_id)
    assert (row["cap_choices"], row["_cap_campaign_value"]) == ("100000000,100000001", campaign_id)
    contain = f"{_CRM}ContainValues(PropertyName='cap_choices',PropertyValues=[\"100000000\"])"
    for filter_ in ("cap_text eq 'ABC'", "cap_choice eq 100000001", "cap_day eq 2026-05-04", contain):
        assert len(_value(crm, f"leads?$filter={filter_}")) == 1
    for bad in ({"cap_text": "abcdef"}, {"cap_choice": 1}, {"cap_choices": "1"}, {"cap_campaign@odata.bind": "/x(1)"}):
        assert crm.api.post("leads", json=bad).status_code == 400


def test_an_option_that_was_added_and_one_removed(crm: Crm) -> None:
    """What is told and what is taken agree."""
    option = {"value": 100000000, "label": "Booth", "labels": {1031: "Stand"}}
    crm.order("customizations", {"do": "add_option", "table": "lead", "column": "leadsourcecode", "option": option})
    change = {"do": "change_column", "table": "lead", "column": "leadsourcecode", "removed_options": [7]}
    crm.order("customizations", change)
    assert crm.api.post("leads", json={"leadsourcecode": 100000000}).status_code == 204
    assert error(crm.api.post("leads", json={"leadsourcecode": 7})) == (400, "0x8004431a")


def test_a_length_and_a_label_that_were_changed(crm: Crm) -> None:
    """They hold at once; a label can be missing altogether."""
    change = {"do": "change_column", "table": "lead", "column": "jobtitle"}
    crm.order("customizations", {**change, "max_length": 5, "label": "Role"})
    assert error(crm.api.post("leads", json={"jobtitle": "Buyers"})) == (400, "0x80044331")
    path = f"{_LEAD}/Attributes(LogicalName='jobtitle')?$select=DisplayName"
    assert crm.api.get(path).json()["DisplayName"]["UserLocalizedLabel"]["Label"] == "Role"
    crm.order("customizations", {**change, "without_label": True})
    assert crm.api.get(path).json()["DisplayName"]["UserLocalizedLabel"] is None
