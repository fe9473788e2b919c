"""A table read out of Dataverse's answers."""

from typing import Any

import pytest

from core.dataverse.metadata import (
    has_precision_elsewhere,
    precisions_of,
    table_of,
    target_tables,
    targets_of,
)
from core.domain.owner import TEAM, USER
from core.domain.table import Choice, Column, Table, Target


def _label(*labels: str | None, own: str | None = None) -> dict[str, Any]:
    localized = [{"Label": label, "LanguageCode": 1033 + n, "IsManaged": True} for n, label in enumerate(labels)]
    return {"LocalizedLabels": localized, "UserLocalizedLabel": {"Label": own, "LanguageCode": 1033} if own else None}


def _attribute(name: str, kind: str = "String", level: str = "None", **facts: Any) -> dict[str, Any]:
    return {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}AttributeMetadata",
        "LogicalName": name,
        "AttributeType": kind,
        "DisplayName": _label("Last Name", "Nachname", own="Last Name"),
        "RequiredLevel": {"Value": level, "CanBeChanged": False},
        "IsValidForCreate": True,
        "IsValidForUpdate": True,
        **facts,
    }


def _table(*attributes: dict[str, Any], typed: list[dict[str, Any]] | None = None) -> Table:
    return table_of("lead", [{"value": list(attributes)}, {"value": []}, {}, {"value": typed or []}], {})


def test_a_text_column() -> None:
    """Name, type, label, length, and what may be done with it."""
    table = _table(
        _attribute("lastname", level="ApplicationRequired"), typed=[{"LogicalName": "lastname", "MaxLength": 50}]
    )
    assert table.name == "lead"
    assert table.columns["lastname"] == Column(
        name="lastname", type="String", label="Last Name", required=True, max_length=50
    )


MIN_MAX = {"MinValue": 0, "MaxValue": 1_000_000}


@pytest.mark.parametrize(
    ("kind", "said", "facts"),
    [
        ("Memo", {"MaxLength": 2000}, {"max_length": 2000}),
        ("Integer", MIN_MAX, {"minimum": 0, "maximum": 1_000_000}),
        ("Decimal", {**MIN_MAX, "Precision": 4}, {"minimum": 0, "maximum": 1_000_000, "precision": 4}),
        ("Money", {"MinValue": -0.5, "MaxValue": None, "Precision": 0}, {"minimum": -0.5, "precision": 0}),
        ("DateTime", {"DateTimeBehavior": {"Value": "DateOnly"}}, {"date_behavior": "DateOnly"}),
        ("DateTime", {"DateTimeBehavior": {"Value": "UserLocal"}}, {"date_behavior": "UserLocal"}),
        ("DateTime", {"DateTimeBehavior": None}, {}),
        ("Double", {}, {}),
    ],
)
def test_facts_of_one_type(kind: str, said: dict[str, Any], facts: dict[str, Any]) -> None:
    """Lengths, ranges, precision, behaviour of dates: each in the answer of its own type; each may be missing."""
    table = _table(_attribute("x", kind), typed=[{"LogicalName": "x", **said}])
    assert table.columns["x"] == Column(name="x", type=kind, label="Last Name", **facts)


@pytest.mark.parametrize(
    ("type_name", "kind"),
    [
        ({"Value": "MultiSelectPicklistType"}, "MultiSelectPicklist"),
        ({"Value": "ImageType"}, "Image"),
        ({"Value": "FileType"}, "File"),
        ({"Value": "VirtualType"}, "Virtual"),
        ({"Value": None}, "Virtual"),
        (None, "Virtual"),
    ],
)
def test_what_is_virtual_is_told_by_its_type_name(type_name: dict[str, Any] | None, kind: str) -> None:
    """A multi-select choice can be mapped, an image cannot; AttributeType calls both Virtual."""
    assert _table(_attribute("x", "Virtual", AttributeTypeName=type_name)).columns["x"].type == kind


def test_labels_of_yes_and_no() -> None:
    """They are options with the values 1 and 0, in every language; either may be missing."""
    options = {
        "TrueOption": {"Value": 1, "Label": _label("Do Not Allow", "Nicht zulassen")},
        "FalseOption": {"Value": 0, "Label": _label("Allow", "Zulassen")},
    }
    allow, refuse = (
        Choice(value=0, labels=("Allow", "Zulassen")),
        Choice(value=1, labels=("Do Not Allow", "Nicht zulassen")),
    )
    donotemail = _attribute("donotemail", "Boolean")
    assert _table(donotemail, typed=[{"LogicalName": "donotemail", "OptionSet": options}]).columns[
        "donotemail"
    ].choices == (refuse, allow)
    half = {"LogicalName": "donotemail", "OptionSet": options | {"TrueOption": None}}
    assert _table(donotemail, typed=[half]).columns["donotemail"].choices == (allow,)


@pytest.mark.parametrize(
    ("name", "kind", "level", "creatable", "required"),
    [
        ("lastname", "String", "ApplicationRequired", True, True),
        ("subject", "String", "SystemRequired", True, True),
        ("jobtitle", "String", "Recommended", True, False),
        ("jobtitle", "String", "None", True, False),
        ("customeridname", "String", "ApplicationRequired", False, False),
        ("leadid", "Uniqueidentifier", "SystemRequired", True, False),
        ("ownerid", "Owner", "SystemRequired", True, False),
        ("owneridtype", "EntityName", "SystemRequired", True, False),
        ("statecode", "State", "SystemRequired", False, False),
        ("statuscode", "Status", "SystemRequired", True, False),
    ],
)
def test_required_is_what_somebody_has_to_give(
    name: str, kind: str, level: str, *, creatable: bool, required: bool
) -> None:
    """Columns that Dynamics fills itself are not asked for, whatever their level says."""
    table = _table(_attribute(name, kind, level, IsValidForCreate=creatable))
    assert table.columns[name].required is required
    assert table.columns[name].creatable is creatable


@pytest.mark.parametrize("missing", ["RequiredLevel", "DisplayName", "IsValidForCreate", "IsValidForUpdate"])
def test_parts_may_be_null(missing: str) -> None:
    """Nothing breaks; what is not said to be writable is not."""
    column = _table(_attribute("lastname") | {missing: None}).columns["lastname"]
    assert column.creatable is (missing != "IsValidForCreate")
    assert column.updatable is (missing != "IsValidForUpdate")
    assert column.label == ("" if missing == "DisplayName" else "Last Name")


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        (_label("Hot", "Heiß", own="Heiß"), ("Heiß", "Hot")),
        (_label("Hot", "Heiß"), ("Hot", "Heiß")),
        (_label(own="Hot"), ("Hot",)),
        (_label(None, "Heiß"), ("Heiß",)),
        (_label(), ()),
        ({"LocalizedLabels": None, "UserLocalizedLabel": None}, ()),
        ({}, ()),
        (None, ()),
    ],
)
@pytest.mark.parametrize("where", ["OptionSet", "GlobalOptionSet"])
def test_options_with_their_labels(label: dict[str, Any] | None, labels: tuple[str, ...], where: str) -> None:
    """The user's language first, every other one after it; any of them may be null. Global choices are choices."""
    options = {"Options": [{"Value": 1, "Label": label}, {"Value": 100_000_000, "Label": _label("Custom")}]}
    other = "GlobalOptionSet" if where == "OptionSet" else "OptionSet"
    choices: list[dict[str, Any]] = [{"LogicalName": "leadqualitycode", where: options, other: None}]
    column = _table(_attribute("leadqualitycode", "Picklist"), typed=choices).columns["leadqualitycode"]
    assert column.choices == (Choice(value=1, labels=labels), Choice(value=100_000_000, labels=("Custom",)))


def test_a_choice_without_options() -> None:
    """Takes nothing, and breaks nothing."""
    choices: list[dict[str, Any]] = [
        {"LogicalName": "a", "OptionSet": None, "GlobalOptionSet": None},
        {"LogicalName": "b", "OptionSet": {}},
    ]
    table = _table(_attribute("a", "Picklist"), _attribute("b", "Picklist"), typed=choices)
    assert all(column.choices == () for column in table.columns.values())


def _relationship(column: str, navigation: str, target: str) -> dict[str, str]:
    return {
        "ReferencingAttribute": column,
        "ReferencingEntityNavigationPropertyName": navigation,
        "ReferencedEntity": target,
    }


RELATIONSHIPS = {
    "value": [
        _relationship("customerid", "customerid_account", "account"),
        _relationship("customerid", "customerid_contact", "contact"),
        _relationship("campaignid", "campaignid", "campaign"),
        _relationship("slaid", "sla_lead_sla", "sla"),
        _relationship("ownerid", "ownerid", "owner"),
    ]
}
DEFINITIONS = {
    "value": [
        {"LogicalName": "account", "EntitySetName": "accounts", "PrimaryNameAttribute": "name"},
        {"LogicalName": "contact", "EntitySetName": "contacts", "PrimaryNameAttribute": "fullname"},
        {"LogicalName": "campaign", "EntitySetName": "campaigns", "PrimaryNameAttribute": None},
        {"LogicalName": "sla", "EntitySetName": None, "PrimaryNameAttribute": "name"},
    ]
}


def test_where_lookups_lead() -> None:
    """Each target with its address, the property that a bind names, and the column that names its rows."""
    assert target_tables(RELATIONSHIPS) == {"account", "contact", "campaign", "sla", "owner"}
    assert targets_of(RELATIONSHIPS, DEFINITIONS) == {
        "customerid": (
            Target(table="account", set_name="accounts", navigation="customerid_account", name_column="name"),
            Target(table="contact", set_name="contacts", navigation="customerid_contact", name_column="fullname"),
        ),
        "campaignid": (Target(table="campaign", set_name="campaigns", navigation="campaignid"),),
    }


def test_a_lookup_keeps_its_targets_and_an_owner_is_a_user_or_a_team() -> None:
    """Whatever table Dynamics calls the owner's."""
    targets = targets_of(RELATIONSHIPS, DEFINITIONS)
    answer = {"value": [_attribute("customerid", "Customer"), _attribute("ownerid", "Owner"), _attribute("x")]}
    columns = table_of("lead", [answer], targets).columns
    assert columns["customerid"].targets == targets["customerid"]
    assert columns["ownerid"].targets == (USER, TEAM)
    assert columns["x"].targets == ()


def test_state_reasons_of_new_rows() -> None:
    """A row is made open: the reasons of its other states cannot be given to a new one."""
    options = [{"Value": 1, "State": 0, "Label": _label("New")}, {"Value": 3, "State": 1, "Label": _label("Qualified")}]
    table = _table(
        _attribute("statuscode", "Status"), typed=[{"LogicalName": "statuscode", "OptionSet": {"Options": options}}]
    )
    assert table.columns["statuscode"].choices == (Choice(value=1, labels=("New",)),)


def test_the_format_of_a_text() -> None:
    """An e-mail address or a phone number is not cut as other texts are."""
    typed = [{"LogicalName": "x", "MaxLength": 100, "FormatName": {"Value": "Email"}}]
    assert _table(_attribute("x"), typed=typed).columns["x"].format == "Email"


def _organization(pricing: int | None, currency: int | None) -> dict[str, Any]:
    base = None if currency is None else {"currencyprecision": currency}
    return {"value": [{"pricingdecimalprecision": pricing, "basecurrencyid": base}]}


@pytest.mark.parametrize(
    ("source", "told", "precision"),
    [
        (0, _organization(3, 0), 4),
        (1, _organization(3, 0), 3),
        (2, _organization(3, 0), 0),
        (None, _organization(3, 0), 4),
        (1, _organization(None, 0), 4),
        (2, _organization(3, None), 4),
        (2, {"value": []}, 4),
        (2, {}, 4),
    ],
)
def test_the_decimals_of_money(source: int | None, told: dict[str, Any], precision: int) -> None:
    """The column's own, those of prices, or those of the currency; where these cannot be read, its own."""
    typed = [{"LogicalName": "revenue", "Precision": 4, "PrecisionSource": source}]
    answers = [{"value": [_attribute("revenue", "Money")]}, {"value": typed}]
    assert has_precision_elsewhere(answers) is bool(source)
    assert table_of("lead", answers, {}, precisions_of(told)).columns["revenue"].precision == precision
