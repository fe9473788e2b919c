"""Live metadata of a table, read out of Dataverse's answers. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.domain.table import Choice, Column, Table

_REQUIRED_LEVELS = {"SystemRequired", "ApplicationRequired"}
# Dynamics fills these by itself although it calls them required.
_FILLED_BY_DYNAMICS = {"Owner", "State", "Status", "Uniqueidentifier", "EntityName"}


def table_of(name: str, answers: Sequence[Mapping[str, Any]]) -> Table:
    """The table from the answers to `protocol.table_metadata`: all columns, then what each type tells of its own."""
    attributes, *typed = (answer.get("value") or () for answer in answers)
    facts = {each["LogicalName"]: _facts(each) for answer in typed for each in answer}
    columns = (_column(each, facts.get(each["LogicalName"], {})) for each in attributes)
    return Table(name=name, columns={column.name: column for column in columns})


def _column(attribute: Mapping[str, Any], facts: Mapping[str, Any]) -> Column:
    kind = _kind(attribute)
    level = (attribute.get("RequiredLevel") or {}).get("Value")
    creatable = bool(attribute.get("IsValidForCreate"))
    return Column(
        name=attribute["LogicalName"],
        type=kind,
        label=next(iter(_labels(attribute.get("DisplayName"))), ""),
        required=level in _REQUIRED_LEVELS and creatable and kind not in _FILLED_BY_DYNAMICS,
        creatable=creatable,
        updatable=bool(attribute.get("IsValidForUpdate")),
        **facts,
    )


def _kind(attribute: Mapping[str, Any]) -> str:
    """Multi-select choices, images and files are all Virtual; only the type's name tells them apart."""
    kind = str(attribute["AttributeType"])
    if kind != "Virtual":
        return kind
    name = (attribute.get("AttributeTypeName") or {}).get("Value") or kind
    return str(name).removesuffix("Type")


def _facts(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """What the answer about one type says of a column of it."""
    return {
        "max_length": attribute.get("MaxLength"),
        "minimum": attribute.get("MinValue"),
        "maximum": attribute.get("MaxValue"),
        "precision": attribute.get("Precision"),
        "date_behavior": (attribute.get("DateTimeBehavior") or {}).get("Value") or "",
        "choices": tuple(_choices(attribute)),
    }


def _choices(attribute: Mapping[str, Any]) -> Iterable[Choice]:
    option_set = attribute.get("OptionSet") or attribute.get("GlobalOptionSet") or {}
    of_yes_and_no = (option_set.get("TrueOption"), option_set.get("FalseOption"))
    for option in (*(option_set.get("Options") or ()), *filter(None, of_yes_and_no)):
        yield Choice(value=option["Value"], labels=tuple(_labels(option.get("Label"))))


def _labels(label: Mapping[str, Any] | None) -> list[str]:
    """The user's language first, then every other installed one. Each may be missing."""
    if not label:
        return []
    found = [label.get("UserLocalizedLabel"), *(label.get("LocalizedLabels") or ())]
    return list(dict.fromkeys(each["Label"] for each in found if each and each.get("Label")))
