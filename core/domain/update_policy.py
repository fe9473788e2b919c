"""What an existing row keeps: the five policies of a mapping row, and what a late capture may still do."""

from typing import assert_never

from core.domain.mapping import ColumnValue, Policy

ColumnContent = str | int | float | bool | None


def is_empty(content: ColumnContent) -> bool:
    return content is None or content == ""


def updated(content: ColumnContent, value: ColumnValue, *, late: bool) -> ColumnContent:
    """What the column holds after the update; equal to `content` when nothing is to be written.

    A late capture, older than what is known already, only fills blanks; what it appends is news all the same.
    """
    if is_empty(value.value):
        return None if value.policy is Policy.CLEAR_IF_BLANK and not late else content
    if late and value.policy is not Policy.APPEND:
        return value.value if is_empty(content) and value.policy is not Policy.CREATE_ONLY else content
    match value.policy:
        case Policy.OVERWRITE | Policy.CLEAR_IF_BLANK:
            return value.value
        case Policy.FILL_IF_EMPTY:
            return value.value if is_empty(content) else content
        case Policy.APPEND:
            return _appended(content, value.value)
        case Policy.CREATE_ONLY:
            return content
        case _:
            assert_never(value.policy)


def _appended(content: ColumnContent, value: ColumnContent) -> ColumnContent:
    """The text in lines of its own; what stands there already is not said twice."""
    if is_empty(content):
        return value
    there, new = str(content).splitlines(), str(value).splitlines()
    is_there = any(there[start : start + len(new)] == new for start in range(len(there)))
    return content if is_there else f"{content}\n{value}"
