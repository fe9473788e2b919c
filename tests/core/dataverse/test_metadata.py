"""A table read out of Dataverse's answers."""

from typing import Any

import pytest

from core.dataverse.metadata import table_of
from core.domain.table import Choice, Column, Table


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


def _table(
    *attributes: dict[str, Any],
    lengths: dict[str, int | None] | None = None,
    choices: list[dict[str, Any]] | None = None,
) -> Table:
    texts = [{"LogicalName": name, "MaxLength": most} for name, most in (lengths or {}).items()]
    return table_of("lead", [{"value": list(attributes)}, {"value": texts}, {"value": []}, {"value": choices or []}])


def test_a_text_column() -> None:
    """Name, type, label, length, and what may be done with it."""
    table = _table(_attribute("lastname", level="ApplicationRequired"), lengths={"lastname": 50})
    assert table.name == "lead"
    assert table.columns["lastname"] == Column(
        name="lastname", type="String", label="Last Name", required=True, max_length=50
    )


def test_memos_have_lengths_too() -> None:
    """They come in an answer of their own."""
    memo = [{"LogicalName": "description", "MaxLength": 2000}]
    answers: list[dict[str, Any]] = [{"value": [_attribute("description", "Memo")]}, {}, {"value": memo}, {}]
    assert table_of("lead", answers).columns["description"].max_length == 2000


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
    column = _table(_attribute("leadqualitycode", "Picklist"), choices=choices).columns["leadqualitycode"]
    assert column.choices == (Choice(value=1, labels=labels), Choice(value=100_000_000, labels=("Custom",)))


def test_a_choice_without_options() -> None:
    """Takes nothing, and breaks nothing."""
    choices: list[dict[str, Any]] = [
        {"LogicalName": "a", "OptionSet": None, "GlobalOptionSet": None},
        {"LogicalName": "b", "OptionSet": {}},
    ]
    table = _table(_attribute("a", "Picklist"), _attribute("b", "Picklist"), choices=choices)
    assert all(column.choices == () for column in table.columns.values())
