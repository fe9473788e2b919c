"""One value into what its column takes: text, memo and choice columns.

A value that does not fit is a `Misfit` with a sentence that says what would be accepted; nothing is raised, because
one bad field never loses the lead.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.table import Choice, Column
from core.domain.values import FieldValue, as_text

SUPPORTED_TYPES = ("String", "Memo", "Picklist")
_CHOICES_NAMED = 12
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Misfit:
    """The value cannot stand in the column; the message names what would be accepted."""

    message: str


@dataclass(frozen=True, slots=True)
class Converted:
    """What goes over the wire, and a warning where something was lost on the way."""

    value: str | int
    warning: str = ""


def convert(
    column: Column, value: FieldValue, *, choices: Mapping[str, int | str], too_long: str
) -> Converted | Misfit:
    """The value as the column takes it. `choices` translates what the form says to an option's value or label."""
    if column.type == "Picklist":
        return _choice(column, value, choices)
    return _text(column, value, too_long)


def _text(column: Column, value: FieldValue, too_long: str) -> Converted | Misfit:
    text = as_text(value)
    most = column.max_length
    if most is None or utf16_length(text) <= most:
        return Converted(text)
    if too_long == "fail":
        return Misfit(f"The text has {utf16_length(text)} characters; {column.name} takes {most}.")
    return Converted(truncated(text, most), f"The text for {column.name} was cut to its {most} characters.")


def utf16_length(text: str) -> int:
    """The length as Dataverse counts it: SQL Server's nvarchar counts UTF-16 units, so an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncated(text: str, most: int) -> str:
    """The text within `most` UTF-16 units, the last of them an ellipsis."""
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)].decode("utf-16-le", "ignore")
    return cut.rstrip() + _ELLIPSIS


def _choice(column: Column, value: FieldValue, choices: Mapping[str, int | str]) -> Converted | Misfit:
    said = as_text(value)
    translated = {known.strip().casefold(): to for known, to in choices.items()}.get(said.casefold(), said)
    for option in column.choices:
        if _names(option, str(translated)):
            return Converted(option.value)
    return Misfit(f'"{said[:60]}" is not an option of {column.name}; it takes {_accepted(column)}.')


def _names(option: Choice, said: str) -> bool:
    said = said.strip().casefold()
    return said == str(option.value) or said in {label.strip().casefold() for label in option.labels}


def _accepted(column: Column) -> str:
    named = [
        f"{option.labels[0]} ({option.value})" if option.labels else str(option.value) for option in column.choices
    ]
    more = len(named) - _CHOICES_NAMED
    return ", ".join(named[:_CHOICES_NAMED]) + (f" and {more} more" if more > 0 else "")
