"""Choices: by value or label, in any case and any installed language, or through the row's own translations."""

import re
from collections.abc import Mapping

from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.table import Choice, Column
from core.domain.values import FieldValue, as_text

_NAMED_MOST = 12
_UNKNOWN_MOST = 5
_NUMBERS = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)+")


def as_choice(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The one option that the value names."""
    said = as_text(value)
    option = chosen(column, said, rules.choices)
    if option is None:
        return Misfit(f"{quoted(said)} is not an option of {column.name}; it takes {accepted(column)}.")
    return Converted(option.value)


def as_choices(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """Every option that the value names, as Dataverse writes several: `1,3`, in ascending order."""
    parts = _parts(column, value, rules.choices)
    found = {part: chosen(column, part, rules.choices) for part in parts}
    unknown = [part for part, option in found.items() if option is None]
    values = sorted({option.value for option in found.values() if option})
    named = ", ".join(map(quoted, unknown[:_UNKNOWN_MOST])) or quoted(as_text(value))
    message = f"{named} is not among the options of {column.name}; it takes {accepted(column)}."
    if not values or (unknown and rules.on_unknown == "fail"):
        return Misfit(message)
    return Converted(",".join(map(str, values)), message if unknown else "")


def _parts(column: Column, value: FieldValue, choices: Mapping[str, int | str]) -> list[str]:
    """A list as it is; a text whole, where it names an option, else by `;`, or by `,` between numbers."""
    if isinstance(value, list):
        return [part for item in value for part in _parts(column, item, choices)]
    said = as_text(value)
    if chosen(column, said, choices):
        return [said]
    separator = "," if _NUMBERS.fullmatch(said) else ";"
    return [part for each in said.split(separator) if (part := each.strip())]


def chosen(column: Column, said: str, choices: Mapping[str, int | str]) -> Choice | None:
    """The option that these words name, once translated."""
    translated = str(translation(said, choices))
    return next((option for option in column.choices if _names(option, translated)), None)


def translation(said: str, choices: Mapping[str, int | str]) -> int | str:
    """What the row's table makes of it; itself, where the table has no entry."""
    known = {key.strip().casefold(): to for key, to in choices.items()}
    return known.get(said.strip().casefold(), said)


def _names(option: Choice, said: str) -> bool:
    said = said.strip().casefold()
    return said == str(option.value) or said in {label.strip().casefold() for label in option.labels}


def accepted(column: Column) -> str:
    """The options by name, a dozen at most."""
    named = [
        f"{option.labels[0]} ({option.value})" if option.labels else str(option.value) for option in column.choices
    ]
    more = len(named) - _NAMED_MOST
    return ", ".join(named[:_NAMED_MOST]) + (f" and {more} more" if more > 0 else "")
