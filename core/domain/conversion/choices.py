"""Choices: by value or label, in any case and any installed language, or through the row's own translations."""

from collections.abc import Mapping

from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.table import Choice, Column
from core.domain.values import FieldValue, as_text

_NAMED_MOST = 12


def as_choice(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The one option that the value names."""
    said = as_text(value)
    option = chosen(column, said, rules.choices)
    if option is None:
        return Misfit(f"{quoted(said)} is not an option of {column.name}; it takes {accepted(column)}.")
    return Converted(option.value)


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
