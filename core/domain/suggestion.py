"""A mapping to begin with: which field belongs to which column, why, and how sure that is.

First what Captello's standard fields are in Dynamics; then, for a customer's own fields, columns of the same name or
label, and of nearly the same. Whatever is suggested could be saved as it is: `findings` has nothing against it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from core.domain.findings import findings
from core.domain.mapping_row import MappingRow, Policy
from core.domain.standard_fields import COLUMN_OF, FIELD_BY_NAME, FROM_THE_CAPTURE, POLICIES, STANDARD, plain_name
from core.domain.table import LOOKUP_TYPES, TEXT_TYPES, Column, Table

_SAME_NAME, _SAME_LABEL, _KNOWN, _CALLED_SO = 0.95, 0.9, 0.98, 0.85
_NEAR_LEAST, _NEAR_WORTH = 0.82, 0.8
_SHORTEST = 4  # letters; shorter names are near to everything
_DEFAULTS = {"lastname": "(unknown)"}


class Suggestion(BaseModel):
    """One row, why it is suggested, and how sure that is: from 0 to 1."""

    row: MappingRow
    reason: str
    confidence: float


def suggested(table: Table, fields: Iterable[str] = ()) -> list[Suggestion]:
    """The surest first; every column once, every field once."""
    names = dict.fromkeys([*STANDARD, *(name for each in fields if (name := each.strip()))])
    possible = [each for name in names for each in _for_field(name, table)]
    possible += _from_the_capture(table)
    chosen: dict[str, Suggestion] = {}
    sources: set[str | None] = set()
    for each in sorted(possible, key=lambda suggestion: -suggestion.confidence):
        source = each.row.source and each.row.source.lower()
        if each.row.column not in chosen and (source is None or source not in sources) and _can_be_saved(each, table):
            chosen[each.row.column] = each
            sources.add(source)
    return list(chosen.values())


def _can_be_saved(suggestion: Suggestion, table: Table) -> bool:
    return not [found for found in findings((suggestion.row,), table) if found.field != "rows"]


def _for_field(name: str, table: Table) -> Iterable[Suggestion]:
    """What is known by its name goes where it belongs or nowhere: `contact.company` is a phone number."""
    known = FIELD_BY_NAME.get(plain_name(name))
    if known is None:
        for column in table.columns.values():
            yield from _by_name(name, column)
    elif (column_name := COLUMN_OF.get(table.name, {}).get(known, "")) in table.columns:
        reason = f"{name} is {_shown(table.columns[column_name])} in Dynamics."
        sure = _KNOWN if known.lower() == plain_name(name) else _CALLED_SO
        yield _suggestion(name, table.columns[column_name], reason, sure, POLICIES.get(known, Policy.FILL_IF_EMPTY))


def _by_name(name: str, column: Column) -> Iterable[Suggestion]:
    wanted, own, label = plain_name(name), plain_name(_without_prefix(column.name)), plain_name(column.label)
    if wanted in (own, plain_name(column.name)):
        yield _suggestion(name, column, f"The column {column.name} has the same name.", _SAME_NAME)
    elif label and wanted == label:
        yield _suggestion(name, column, f'The column {column.name} is labelled "{column.label}".', _SAME_LABEL)
    elif near := max(_nearness(wanted, own), _nearness(wanted, label)):
        yield _suggestion(name, column, f"{_shown(column)} is nearly the same name.", round(near * _NEAR_WORTH, 2))


def _nearness(one: str, other: str) -> float:
    """How much of two names is the same; 0 for what is too short or too different to tell."""
    import difflib  # noqa: PLC0415  # needed only for suggestions

    if min(len(one), len(other)) < _SHORTEST:
        return 0.0
    matcher = difflib.SequenceMatcher(None, one, other)
    if matcher.real_quick_ratio() < _NEAR_LEAST or matcher.quick_ratio() < _NEAR_LEAST:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= _NEAR_LEAST else 0.0


def _without_prefix(name: str) -> str:
    """Custom columns begin with their publisher's prefix, such as `new_` or `cr1a2_`."""
    return re.sub(r"^[a-z][a-z0-9]{1,7}_", "", name)


def _suggestion(
    name: str, column: Column, reason: str, confidence: float, policy: Policy = Policy.FILL_IF_EMPTY
) -> Suggestion:
    settings: dict[str, Any] = {"source": name, "column": column.name, "policy": policy}
    if column.type == "Status":
        settings["policy"] = Policy.CREATE_ONLY
    if column.type in LOOKUP_TYPES and len(column.targets) > 1:
        settings["lookup"] = {"table": column.targets[0].table}
    if column.name in _DEFAULTS and column.type in TEXT_TYPES:
        settings["default"] = _DEFAULTS[column.name]
    return Suggestion(row=MappingRow(**settings), reason=reason, confidence=confidence)


def _from_the_capture(table: Table) -> Iterable[Suggestion]:
    offered: Mapping[str, tuple[dict[str, Any], str, float]] = FROM_THE_CAPTURE.get(table.name, {})
    for column, (row, reason, confidence) in offered.items():
        if column in table.columns:
            yield Suggestion(row=MappingRow(column=column, **row), reason=reason, confidence=confidence)


def _shown(column: Column) -> str:
    return f"{column.name} ({column.label})" if column.label else column.name
