"""Unique identifiers, as Dataverse writes them: lower-case, with hyphens, without braces."""

import re

from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.table import Column
from core.domain.values import FieldValue, as_text

_HEX = r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})"
_GUID = re.compile(rf"{_HEX}|\{{{_HEX}\}}|\({_HEX}\)", re.ASCII)


def as_identifier(column: Column, value: FieldValue, _rules: Rules) -> Converted | Misfit:
    """The identifier, with or without braces and hyphens, in any case."""
    said = as_text(value)
    normal = normal_identifier(said)
    if normal is None:
        return Misfit(
            f"{quoted(said)} is no unique identifier; {column.name} takes one such as "
            "1f0e3dad-9990-4c4f-8a1b-0123456789ab."
        )
    return Converted(normal)


def normal_identifier(text: str) -> str | None:
    found = _GUID.fullmatch(text.strip().lower())
    return "-".join(filter(None, found.groups())) if found else None
