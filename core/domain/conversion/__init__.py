"""One value into what its column takes. `convert` is the one entrance; each kind of column has a file.

A value that does not fit is a `Misfit` with a sentence that says what would be accepted; nothing is raised, because
one bad field never loses the lead.
"""

from collections.abc import Callable, Mapping

from core.domain.conversion.booleans import as_boolean
from core.domain.conversion.choices import as_choice, as_choices
from core.domain.conversion.dates import as_date
from core.domain.conversion.identifiers import as_identifier
from core.domain.conversion.lookups import as_lookup, lookup_target, reference_queries
from core.domain.conversion.numbers import as_number
from core.domain.conversion.outcome import Content, Converted, LookupRule, Misfit, Rules, Transform, quoted
from core.domain.conversion.sameness import is_same
from core.domain.conversion.text import as_column_text, truncated, utf16_length
from core.domain.table import LOOKUP_TYPES, Column
from core.domain.values import FieldValue

__all__ = [
    "SUPPORTED_TYPES",
    "Content",
    "Converted",
    "LookupRule",
    "Misfit",
    "Rules",
    "Transform",
    "convert",
    "is_same",
    "lookup_target",
    "quoted",
    "reference_queries",
    "truncated",
    "utf16_length",
]

_CONVERTERS: Mapping[str, Callable[[Column, FieldValue, Rules], Converted | Misfit]] = {
    "String": as_column_text,
    "Memo": as_column_text,
    "Picklist": as_choice,
    "Status": as_choice,
    "MultiSelectPicklist": as_choices,
    "Boolean": as_boolean,
    "DateTime": as_date,
    "Uniqueidentifier": as_identifier,
    **dict.fromkeys(LOOKUP_TYPES, as_lookup),
    **dict.fromkeys(("Integer", "BigInt", "Decimal", "Double", "Money"), as_number),
}
SUPPORTED_TYPES = tuple(_CONVERTERS)


def convert(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The value as the column takes it over the wire."""
    return _CONVERTERS[column.type](column, value, rules)
