"""Live metadata of a table, read out of Dataverse's answers. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.domain.table import Choice, Column, Table

_REQUIRED_LEVELS = {"SystemRequired", "ApplicationRequired"}
# Dynamics fills these by itself although it calls them required.
_FILLED_BY_DYNAMICS = {"Owner", "State", "Status", "Uniqueidentifier", "EntityName"}


def table_of(name: str, answers: Sequence[Mapping[str, Any]]) -> Table:
    """The table from the answers to `protocol.table_metadata`, in its order."""
    attributes, strings, memos, picklists = (answer.get("value", []) for answer in answers)
    lengths = {each["LogicalName"]: each.get("MaxLength") for each in (*strings, *memos)}
    choices = {each["LogicalName"]: tuple(_choices(each)) for each in picklists}
    columns = (_column(each, lengths, choices) for each in attributes)
    return Table(name=name, columns={column.name: column for column in columns})


def _column(
    attribute: Mapping[str, Any], lengths: Mapping[str, int | None], choices: Mapping[str, tuple[Choice, ...]]
) -> Column:
    name, kind = attribute["LogicalName"], attribute["AttributeType"]
    level = (attribute.get("RequiredLevel") or {}).get("Value")
    creatable = bool(attribute.get("IsValidForCreate"))
    return Column(
        name=name,
        type=kind,
        label=next(iter(_labels(attribute.get("DisplayName"))), ""),
        required=level in _REQUIRED_LEVELS and creatable and kind not in _FILLED_BY_DYNAMICS,
        creatable=creatable,
        updatable=bool(attribute.get("IsValidForUpdate")),
        max_length=lengths.get(name),
        choices=choices.get(name, ()),
    )


def _choices(attribute: Mapping[str, Any]) -> Iterable[Choice]:
    option_set = attribute.get("OptionSet") or attribute.get("GlobalOptionSet") or {}
    for option in option_set.get("Options", ()):
        yield Choice(value=option["Value"], labels=tuple(_labels(option.get("Label"))))


def _labels(label: Mapping[str, Any] | None) -> list[str]:
    """The user's language first, then every other installed one. Each may be missing."""
    if not label:
        return []
    found = [label.get("UserLocalizedLabel"), *(label.get("LocalizedLabels") or ())]
    return list(dict.fromkeys(each["Label"] for each in found if each and each.get("Label")))
