"""What an update changes in a row: only the columns that differ, with what stood there before.

E-mail columns have rules of their own: an address the row holds in any of them is not written again, and a row that
was found by name only keeps its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.domain.conversion import is_same, utf16_length
from core.domain.email_address import normal_email
from core.domain.mapping import ColumnValue, Policy
from core.domain.matching import Match, row_emails
from core.domain.row import Row
from core.domain.table import EMAIL_COLUMNS, Column, Target
from core.domain.update_policy import is_empty, updated

_ACTIVE = 0  # statecode
_KEEPING = (Policy.FILL_IF_EMPTY, Policy.CREATE_ONLY)


@dataclass(slots=True)
class Changes:
    """Columns that differ, with their new values and with what stood there before."""

    values: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    for_note: list[str] = field(default_factory=list)
    is_in_doubt: bool = False  # a column that is full may be longer by now
    kept: dict[str, str] = field(default_factory=dict)  # columns that hold something else and keep it, and why

    def set(self, column: str, content: Any, before: Any) -> None:
        self.values[column] = content
        self.before[column] = before


def changes_to(
    match: Match, values: Sequence[ColumnValue], columns: Mapping[str, Column], *, late: bool, has_note: bool = True
) -> Changes:
    """What these values change in the matched row; one that is closed is opened again, unless this comes late."""
    changes = Changes()
    for value in values:
        if why := _why_kept(match.row, value, columns[value.column], late=late):
            changes.kept[value.column] = why
    writable = [value for value in values if columns[value.column].updatable]
    emails = [value for value in writable if value.column in EMAIL_COLUMNS]
    for value in writable:
        if value not in emails:
            _change(changes, match.row, value, columns[value.column], late=late)
    _change_emails(changes, match, emails, late=late, has_note=has_note)
    if not match.row.is_active and not late:
        changes.set("statecode", _ACTIVE, match.row.content("statecode"))
        changes.warnings.append("The row was closed in Dynamics and was opened again.")
    return changes


def _why_kept(row: Row, value: ColumnValue, column: Column, *, late: bool) -> str:
    """Why the column does not take the value; "" where it does, or the row holds it already."""
    content, is_email = row.content(value.column), value.column in EMAIL_COLUMNS
    if is_empty(content) or is_same(column, value.value, content) or value.policy is Policy.APPEND:
        return ""
    if is_email and normal_email(str(value.value or "")) in row_emails(row):
        return ""
    if not column.updatable:
        return "not updatable"
    return "late" if late else value.policy.value if value.policy in _KEEPING else ""


def _change(changes: Changes, row: Row, value: ColumnValue, column: Column, *, late: bool) -> None:
    before = row.content(value.column)
    after = updated(before, value, late=late)
    if is_same(column, after, before) or (is_empty(after) and is_empty(before)):
        return
    most = column.max_length
    if value.policy is Policy.APPEND and most is not None and utf16_length(str(after)) > most:
        changes.warnings.append(f"{value.column} is full ({most} characters): the new text is left to the note.")
        changes.for_note.append(f"{value.column}: {value.value}")
        changes.is_in_doubt = True
        return
    changes.set(value.column, after, before)
    if value.target is not None:
        changes.targets[value.column] = value.target


def _change_emails(changes: Changes, match: Match, values: list[ColumnValue], *, late: bool, has_note: bool) -> None:
    """Whether a column is written can hang on what another one holds by then, so they are gone through until the row
    stands still; whom there was no column for comes last.
    """
    keeps = match.rests_on_name or late
    for _ in EMAIL_COLUMNS:
        for value in values:
            before = match.row.columns.get(value.column)
            if _is_there(changes, match, value) or (keeps and not is_empty(before)):
                continue
            after = updated(before, value, late=late)
            if after != before and not (is_empty(after) and is_empty(before)):
                changes.set(value.column, after, before)
    for value in values:
        if keeps and value.value is not None and not _is_there(changes, match, value):
            _displace(changes, match, value, has_note=has_note)


def _is_there(changes: Changes, match: Match, value: ColumnValue) -> bool:
    """Whether the row will hold the address in any of its columns."""
    if value.value is None:
        return False
    held = (changes.values.get(name, match.row.columns.get(name)) for name in EMAIL_COLUMNS)
    return normal_email(str(value.value)) in {normal_email(str(address or "")) for address in held}


def _displace(changes: Changes, match: Match, value: ColumnValue, *, has_note: bool) -> None:
    """The address goes to an empty e-mail column, where there is one; the row keeps its own. What only fills an empty
    column would have been left out in time, so it is when it comes late.
    """
    columns = match.row.columns
    only_fills = value.policy is Policy.FILL_IF_EMPTY and not match.rests_on_name
    if value.policy is Policy.CREATE_ONLY or only_fills:
        return
    empty = next((name for name in EMAIL_COLUMNS if is_empty(columns.get(name)) and name not in changes.values), None)
    if empty:
        changes.set(empty, value.value, columns.get(empty))
    elif has_note:
        changes.for_note.append(f"{value.column}: {value.value}")
    else:
        changes.kept.setdefault(value.column, "found by name only")
    why = "was found by its name only" if match.rests_on_name else "knows a newer one"
    nowhere = "the address is left to the note" if has_note else "no e-mail column is free, so the address was not kept"
    where = f"the address went to {empty}" if empty else nowhere
    changes.warnings.append(f"The row {why} and keeps its {value.column}; {where}.")
