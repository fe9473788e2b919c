"""What the columns of a row hold after somebody has said something, by the policies of product.md, section 3."""

from collections.abc import Sequence
from typing import Any

from tests.core.sync.reference_words import address, name_of

Key = tuple[str, str]  # table, row id
Columns = dict[str, Any]
Wanted = tuple[str, str | None, str]  # column, text (None erases), policy

EMAILS = ("emailaddress1", "emailaddress2", "emailaddress3")


def content_after(before: str | None, text: str | None, policy: str, *, is_late: bool) -> str | None:
    """What a column holds afterwards. What comes late only fills blanks; appending takes nothing away."""
    if policy == "create_only":
        return before
    if text is None:
        return before if is_late else None
    if not before:
        return text
    if policy == "append":
        return before if text in before.split("\n") else f"{before}\n{text}"
    return before if is_late or policy == "fill_if_empty" else text


def put_emails(row: Columns, wanted: Sequence[Wanted], *, by_name: bool, is_late: bool) -> list[str]:
    """An address that stands in one of the columns already goes to no other. A row that is known by name only, or is
    ahead of this capture, keeps its own: the other address goes to an empty column, if there is one, unless all it
    was to do was to fill a column that is empty. Answers with lines about those that found no column.
    """
    homeless = []
    keeps = by_name or is_late
    for _ in EMAILS:  # an address can make room for another
        for column, text, policy in wanted:
            is_kept = keeps and row.get(column)
            if not is_kept and (text is None or address(text) not in addresses_in(row)):
                row[column] = content_after(row.get(column), text, policy, is_late=is_late)
    for column, text, policy in wanted:
        is_moving = policy != "create_only" and (by_name or policy != "fill_if_empty")
        if not (keeps and is_moving) or text is None or address(text) in addresses_in(row):
            continue
        if empty := [name for name in EMAILS if not row.get(name)]:
            row[empty[0]] = text
        else:
            homeless.append(f"{column}: {text}")
    return homeless


def addresses_in(row: Columns) -> set[str]:
    return {address(row.get(column) or "") for column in EMAILS} - {""}


def full_name_in(row: Columns) -> tuple[str, str]:
    return name_of(row.get("firstname") or ""), name_of(row.get("lastname") or "")
