"""Texts: as they are, and no longer than their column."""

from core.domain.conversion.outcome import Converted, Misfit, Rules
from core.domain.table import Column
from core.domain.values import FieldValue, as_text

_ELLIPSIS = "…"


def as_column_text(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The text, cut to its column's length unless the row says to fail."""
    text = as_text(value)
    most = column.max_length
    if most is None or utf16_length(text) <= most:
        return Converted(text)
    if rules.too_long == "fail":
        return Misfit(f"The text has {utf16_length(text)} characters; {column.name} takes {most}.")
    return Converted(truncated(text, most), f"The text for {column.name} was cut to its {most} characters.")


def utf16_length(text: str) -> int:
    """The length as Dataverse counts it: SQL Server's nvarchar counts UTF-16 units, so an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncated(text: str, most: int) -> str:
    """The text within `most` UTF-16 units, the last of them an ellipsis."""
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)].decode("utf-16-le", "ignore")
    return cut.rstrip() + _ELLIPSIS
