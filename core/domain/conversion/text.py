"""Texts: as they are, and no longer than their column.

What a column only shows (a title, a remark) is cut; an address or a number that was cut would be another one.
"""

import re

from core.domain.conversion.outcome import Converted, Misfit, Rules, quoted
from core.domain.email_address import normal_email
from core.domain.table import EMAIL_COLUMNS, Column
from core.domain.values import FieldValue, as_text, has_refused_characters

_ELLIPSIS = "…"
_NEVER_CUT = {"Email": "e-mail address", "Url": "address", "Phone": "phone number"}


def as_column_text(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The text, cut to its column's length unless the row says to fail."""
    text, lost = as_text(value), _lost(column, value)
    if column.name in EMAIL_COLUMNS and not normal_email(text):
        return Misfit(f"{quoted(text)} is not an e-mail address; {column.name} takes one such as ada@contoso.example.")
    most = column.max_length
    if most is None or utf16_length(text) <= most:
        return Converted(text, lost)
    if column.format == "Phone" and utf16_length(compact := _without_layout(text)) <= most:
        return Converted(compact, lost)
    if rules.too_long == "fail" or _never_cut(column):
        what = _never_cut(column) or "text"
        return Misfit(f"The {what} has {utf16_length(text)} characters; {column.name} takes {most}.", "too_long")
    warning = f"The text for {column.name} was cut to its {most} characters."
    return Converted(truncated(text, most), " ".join(filter(None, (warning, lost))), is_cut=True)


def _lost(column: Column, value: FieldValue) -> str:
    if not has_refused_characters(value):
        return ""
    return f"The text for {column.name} held control characters, which Dynamics refuses; they were taken out."


def _never_cut(column: Column) -> str:
    return _NEVER_CUT.get("Email" if column.name in EMAIL_COLUMNS else column.format, "")


def _without_layout(phone: str) -> str:
    """A phone number without what only makes it easier to read."""
    return re.sub(r"(?<=[\d)])[\s()./\u2010-\u2015-]+(?=[\d(])|[()]", "", phone)


def utf16_length(text: str) -> int:
    """The length as Dataverse counts it: SQL Server's nvarchar counts UTF-16 units, so an emoji is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def truncated(text: str, most: int) -> str:
    """The text within `most` UTF-16 units, the last of them an ellipsis."""
    cut = text.encode("utf-16-le", "surrogatepass")[: 2 * (most - 1)].decode("utf-16-le", "ignore")
    return cut.rstrip() + _ELLIPSIS
