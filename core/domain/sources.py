"""Where a mapping's values come from: the person as known, what this capture says, and templates over both."""

import re
from collections.abc import Mapping
from functools import lru_cache

from core.domain.capture import Capture
from core.domain.prospect import Prospect, field_name
from core.domain.transforms import is_inline, transformed
from core.domain.values import FieldValue, as_text, is_blank, is_missing, is_placeholder

_HIDDEN = "{{hidden}}"  # a question this capture does not hold; a placeholder like any other
_TEMPLATE_FIELD = re.compile(r"\{([^{}]+)\}")


class Sources:
    """Everything a mapping may name: the merged person's fields, then what this capture says, by name in any case."""

    def __init__(self, person: Prospect, capture: Capture) -> None:
        self._said = {field_name(name): value for name, value in capture.values()}
        self._fields = person.fields
        self._found: dict[str, FieldValue] = {}  # each is asked for many times
        self._titles: Mapping[str, str | None] = {
            field_name(f"q.{answer.id}"): answer.title for answer in capture.answers if answer.id
        }

    def __getitem__(self, source: str) -> FieldValue:
        """The value of a source or template; of a template without any of its values, None."""
        names = source_names(source)
        if names == (source,):
            return self._value(source)
        if all(is_missing(self._value(name)) for name in names):
            return None
        return _collapsed(_TEMPLATE_FIELD.sub(lambda match: self._text(match[1]), source))

    def label(self, source: str) -> str:
        """The source as a person knows it: a question by its words, too."""
        title = self._titles.get(field_name(source))
        return f"{title} ({source})" if title else source

    def placeholders(self, source: str) -> list[FieldValue]:
        """What stands where the source or the parts of a template should."""
        return [value for name in source_names(source) if is_placeholder(value := self._value(name))]

    def is_left_blank(self, source: str) -> bool:
        """Whether the last that was heard of the source, or of every part of a template, is a blank."""
        return all(map(self._is_blank, source_names(source)))

    def is_left_blank_here(self, source: str) -> bool:
        """Whether this capture leaves the source, or every part of a template, blank; a question that was hidden, or a
        placeholder, is no blank.
        """
        return all(is_blank(self._said.get(field_name(name), _HIDDEN)) for name in source_names(source))

    def is_said(self, source: str) -> bool:
        """Whether this capture gives the source, or a part of a template, a value."""
        return any(not is_missing(self._said.get(field_name(name))) for name in source_names(source))

    def _value(self, name: str) -> FieldValue:
        if name not in self._found:
            known = self._fields.get(field_name(name))
            is_known = known is not None and not is_missing(known.value)
            self._found[name] = known.value if known and is_known else self._said.get(field_name(name))
        return self._found[name]

    def _is_blank(self, name: str) -> bool:
        known = self._fields.get(field_name(name))
        return is_blank(self._said.get(field_name(name))) if known is None else known.is_taken_back

    def _text(self, part: str) -> str:
        name, steps = _part(part)
        value = transformed(self._value(name), steps).value
        return "" if is_missing(value) else as_text(value)


@lru_cache(maxsize=1024)
def source_names(source: str) -> tuple[str, ...]:
    """The names that a source, or the parts of a template, stand for."""
    return tuple(_part(part)[0] for part in _TEMPLATE_FIELD.findall(source)) or (source,)


def _part(part: str) -> tuple[str, tuple[str, ...]]:
    """`LastName|upper` is a name and its steps; a bar before anything else belongs to the name."""
    name, *steps = part.split("|")
    steps = [step.strip() for step in steps]
    return (name, tuple(steps)) if all(map(is_inline, steps)) else (part, ())


def _collapsed(text: str) -> str:
    """Where a value was missing in a template, its blanks and dangling separators go as well."""
    return re.sub(r"\s+", " ", text).strip(" ,;:-–|/")
