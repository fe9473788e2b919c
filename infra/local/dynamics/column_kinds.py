"""What kinds of columns a customer can add, and what they are like unless the customer says otherwise.

https://learn.microsoft.com/power-apps/maker/data-platform/types-of-fields
"""

from collections.abc import Mapping
from typing import Final, Literal

from infra.local.dynamics import errors
from infra.local.dynamics.metadata_files import ENGLISH, GERMAN
from infra.local.dynamics.schema import CHOICE_KINDS, Option

AddedKind = Literal[
    "String",
    "Memo",
    "Integer",
    "BigInt",
    "Decimal",
    "Double",
    "Money",
    "Boolean",
    "DateTime",
    "Picklist",
    "MultiSelectPicklist",
    "Lookup",
    "Customer",
]
_LENGTHS: Final = {"String": 100, "Memo": 2000}
_LONGEST: Final = {"String": 4000, "Memo": 1_048_576}
_YES_AND_NO: Final = (Option(1, {ENGLISH: "Yes", GERMAN: "Ja"}), Option(0, {ENGLISH: "No", GERMAN: "Nein"}))


def length_of(kind: str, wanted: int | None) -> int | None:
    if wanted is None:
        return _LENGTHS.get(kind)
    if not 1 <= wanted <= _LONGEST.get(kind, 0):
        raise errors.invalid_argument(f"A column of the type {kind} cannot have the maximum length {wanted}.")
    return wanted


def options_of(kind: str, wanted: tuple[Option, ...]) -> tuple[Option, ...]:
    if wanted and kind not in CHOICE_KINDS:
        raise errors.invalid_argument(f"A column of the type {kind} has no options.")
    return wanted or (_YES_AND_NO if kind == "Boolean" else ())


def targets_of(kind: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    if kind == "Customer" and not wanted:
        return ("account", "contact")
    if bool(wanted) != (kind in {"Lookup", "Customer"}):
        raise errors.invalid_argument(f"A column of the type {kind} points at {', '.join(wanted) or 'nothing'}.")
    return wanted


def navigation_names(schema_name: str, targets: tuple[str, ...]) -> Mapping[str, str]:
    """Target to navigation property: the schema name with its capitals; with the target behind it among several [K]."""
    if len(targets) == 1:
        return {targets[0]: schema_name}
    return {target: f"{schema_name}_{target}" for target in targets}
