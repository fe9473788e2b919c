"""Live metadata of a table, read out of Dataverse's answers. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.domain.owner import TEAM, USER
from core.domain.table import Choice, Column, Table, Target

_REQUIRED_LEVELS = {"SystemRequired", "ApplicationRequired"}
# Dynamics fills these by itself although it calls them required.
_FILLED_BY_DYNAMICS = {"Owner", "State", "Status", "Uniqueidentifier", "EntityName"}


Targets = Mapping[str, tuple[Target, ...]]  # of each lookup column
# Where a money column's decimals come from, besides itself: from prices or from its row's currency.
# https://learn.microsoft.com/power-apps/developer/component-framework/reference/moneyprecisionsource
_OF_PRICES, _OF_CURRENCY = 1, 2
Precisions = Mapping[int, int]
_NOTHING_KNOWN: Precisions = {}


def table_of(
    name: str,
    answers: Sequence[Mapping[str, Any]],
    targets: Targets,
    precisions: Precisions = _NOTHING_KNOWN,
) -> Table:
    """The table from the answers to `protocol.table_metadata`: all columns, then what each type tells of its own."""
    attributes, *typed = (answer.get("value") or () for answer in answers)
    facts = {each["LogicalName"]: _facts(each, precisions) for answer in typed for each in answer}
    for column, where in targets.items():
        facts.setdefault(column, {})["targets"] = where
    columns = (_column(each, facts.get(each["LogicalName"], {})) for each in attributes)
    return Table(name=name, columns={column.name: column for column in columns})


def target_tables(relationships: Mapping[str, Any]) -> set[str]:
    """The tables that any lookup leads to."""
    return {each["ReferencedEntity"] for each in relationships.get("value") or ()}


def targets_of(relationships: Mapping[str, Any], tables: Mapping[str, Any]) -> Targets:
    """Where each lookup column may lead, from the many-to-one relationships and the definitions of their targets."""
    named = {each["LogicalName"]: each for each in tables.get("value") or ()}
    found: dict[str, dict[str, Target]] = {}
    for each in relationships.get("value") or ():
        table = named.get(each["ReferencedEntity"])
        if table and table.get("EntitySetName"):
            target = _target(each, table)
            found.setdefault(each["ReferencingAttribute"], {}).setdefault(target.table, target)
    return {column: tuple(targets.values()) for column, targets in found.items()}


def _target(relationship: Mapping[str, Any], table: Mapping[str, Any]) -> Target:
    return Target(
        table=table["LogicalName"],
        set_name=table["EntitySetName"],
        navigation=relationship["ReferencingEntityNavigationPropertyName"],
        name_column=table.get("PrimaryNameAttribute") or "",
    )


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
        secured=bool(attribute.get("IsSecured")),
        **{**facts, **({"targets": (USER, TEAM)} if kind == "Owner" else {})},
    )


def _kind(attribute: Mapping[str, Any]) -> str:
    """Multi-select choices, images and files are all Virtual; only the type's name tells them apart."""
    kind = str(attribute["AttributeType"])
    if kind != "Virtual":
        return kind
    name = (attribute.get("AttributeTypeName") or {}).get("Value") or kind
    return str(name).removesuffix("Type")


def has_precision_elsewhere(answers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any money column takes its decimals from prices or the currency."""
    return any(each.get("PrecisionSource") for answer in answers for each in answer.get("value") or ())


def precisions_of(organizations: Mapping[str, Any]) -> Precisions:
    """From the answer to `protocol.money_precisions`. A row in another currency may have others: Dynamics rounds it."""
    organization: Mapping[str, Any] = next(iter(organizations.get("value") or ()), {})
    currency = organization.get("basecurrencyid") or {}
    told = {
        _OF_PRICES: organization.get("pricingdecimalprecision"),
        _OF_CURRENCY: currency.get("currencyprecision"),
    }
    return {source: digits for source, digits in told.items() if digits is not None}


def _facts(attribute: Mapping[str, Any], precisions: Precisions) -> dict[str, Any]:
    """What the answer about one type says of a column of it."""
    return {
        "format": (attribute.get("FormatName") or {}).get("Value") or "",
        "max_length": attribute.get("MaxLength"),
        "minimum": attribute.get("MinValue"),
        "maximum": attribute.get("MaxValue"),
        "precision": precisions.get(attribute.get("PrecisionSource") or 0, attribute.get("Precision")),
        "date_behavior": (attribute.get("DateTimeBehavior") or {}).get("Value") or "",
        "choices": tuple(_choices(attribute)),
    }


def _choices(attribute: Mapping[str, Any]) -> Iterable[Choice]:
    option_set = attribute.get("OptionSet") or attribute.get("GlobalOptionSet") or {}
    of_yes_and_no = (option_set.get("TrueOption"), option_set.get("FalseOption"))
    for option in (*(option_set.get("Options") or ()), *filter(None, of_yes_and_no)):
        if option.get("State"):
            continue  # a state reason of closed rows, which no new row can have
        yield Choice(value=option["Value"], labels=tuple(_labels(option.get("Label"))))


def _labels(label: Mapping[str, Any] | None) -> list[str]:
    """The user's language first, then every other installed one. Each may be missing."""
    if not label:
        return []
    found = [label.get("UserLocalizedLabel"), *(label.get("LocalizedLabels") or ())]
    return list(dict.fromkeys(each["Label"] for each in found if each and each.get("Label")))
