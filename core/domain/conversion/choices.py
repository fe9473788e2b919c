"""Choices: by value or label, in any case and any installed language, or through the row's own translations."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.table import Choice, Column
from core.domain.values import FieldValue, as_text

_NAMED_MOST = 12
_UNKNOWN_MOST = 5
_NUMBERS = re.compile(r"\s*-?\d+\s*(?:,\s*-?\d+\s*)+")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Which option of a column some words name, once translated; in any case."""

    options: Mapping[str, Choice]
    translations: Mapping[str, str]

    def option(self, said: str) -> Choice | None:
        return self.options.get(self.translated(said))

    def translated(self, said: str) -> str:
        """What the row's table makes of the words; themselves, where it has no entry."""
        key = _key(said)
        return self.translations.get(key, key)


def vocabulary(column: Column, rules: Rules) -> Vocabulary:
    """Values before labels, so that it does not matter in which order metadata lists the options."""
    values = {str(option.value): option for option in column.choices}
    labels = {_key(label): option for option in reversed(column.choices) for label in option.labels}
    return Vocabulary(labels | values, {_key(said): _key(str(to)) for said, to in rules.choices.items()})


def translation(said: str, rules: Rules) -> str:
    """What the row's table makes of a text, as it stands there; the text, where it has no entry."""
    return next((str(to) for each, to in rules.choices.items() if _key(each) == _key(said)), said)


def _key(text: str) -> str:
    return text.strip().casefold()


def as_choice(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The one option that the value names."""
    said = as_text(value)
    option = vocabulary(column, rules).option(said)
    if option is None:
        return Misfit(f"{quoted(said)} is not an option of {column.name}; it takes {accepted(column)}.")
    return Converted(option.value)


def as_choices(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """Every option that the value names, as Dataverse writes several: `1,3`, in ascending order."""
    words = vocabulary(column, rules)
    found = {part: words.option(part) for part in _parts(value, words)}
    unknown = [part for part, option in found.items() if option is None]
    values = sorted({option.value for option in found.values() if option})
    named = ", ".join(map(quoted, unknown[:_UNKNOWN_MOST])) or quoted(as_text(value))
    message = f"{named} is not among the options of {column.name}; it takes {accepted(column)}."
    if not values or (unknown and rules.on_unknown == "fail"):
        return Misfit(message)
    return Converted(",".join(map(str, values)), message if unknown else "")


def _parts(value: FieldValue, words: Vocabulary) -> list[str]:
    """A list as it is; a text whole, where it names an option, else by `;`, or by `,` between numbers."""
    if isinstance(value, list):
        return [part for item in value for part in _parts(item, words)]
    said = as_text(value)
    if words.option(said):
        return [said]
    separator = "," if _NUMBERS.fullmatch(said) else ";"
    return [part for each in said.split(separator) if (part := each.strip())]


def accepted(column: Column) -> str:
    """The options by name, a dozen at most."""
    named = [
        f"{option.labels[0]} ({option.value})" if option.labels else str(option.value) for option in column.choices
    ]
    more = len(named) - _NAMED_MOST
    return ", ".join(named[:_NAMED_MOST]) + (f" and {more} more" if more > 0 else "")
