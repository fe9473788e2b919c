"""Rows of Dynamics, and which of them is the person."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tests.protocol.captures import Action, Prospect

REDIRECTS_MOST = 4
Changes = tuple[tuple[str, Any], ...]


class Row(NamedTuple):
    """A lead, a contact or an account; which one, its id says (`lead/…`)."""

    email: str = ""
    email2: str = ""
    name: str = ""
    title: str = ""
    remarks: tuple[str, ...] = ()
    account: str = ""
    is_active: bool = True
    goes_to: str = ""  # the survivor of a merge, the contact of a qualified lead
    modified: int = 0
    etag: int = 1


VALUES = ("email", "email2", "name", "title", "remarks", "account", "is_active")
Rows = Mapping[str, Row]


class Note(NamedTuple):
    row: str
    text: str
    etag: int = 1


class Match(NamedTuple):
    row_id: str
    rests_on_name: bool


def table_of(row_id: str) -> str:
    return row_id.partition("/")[0]


def with_values(row: Row, values: Mapping[str, Any]) -> Row:
    return row._replace(**values)


def difference(before: Row, after: Row) -> Changes:
    return tuple((name, getattr(after, name)) for name in VALUES if getattr(before, name) != getattr(after, name))


def holds(row: Row, changes: Changes) -> bool:
    return all(getattr(row, name) == value for name, value in changes)


def matched(action: Action, person: Prospect, rows: Rows) -> Match | None:
    """Links first; then e-mails through the tables in their order; only then names."""
    links = dict(person.links)
    for table in action.own_tables:
        if table in links and (row_id := _final(links[table], rows, action)):
            return Match(row_id, table in person.linked_by_name)
    return next(_searched(action, person, rows), None)


def _searched(action: Action, person: Prospect, rows: Rows) -> Iterator[Match]:
    for by_name in (False, True):
        for table in action.tables:
            hits = [
                row_id for row_id in rows if table_of(row_id) == table and _fits(rows[row_id], person, by_name=by_name)
            ]
            finals = {_final(row_id, rows, action) for row_id in hits} - {""}
            if finals and (action.by_name or not by_name):
                yield Match(_preferred(finals, rows, newest_wins=action.newest_wins), by_name)


def _fits(row: Row, person: Prospect, *, by_name: bool) -> bool:
    if by_name:
        return bool(person.name.value) and row.name == person.name.value
    return bool({row.email, row.email2} & set(person.emails))


def _final(row_id: str, rows: Rows, action: Action) -> str:
    """The row itself or where it redirects; "" when that is no candidate."""
    tables = (*action.own_tables, *(() if action.tables else ("contact",)))
    for _ in range(REDIRECTS_MOST):
        row = rows.get(row_id)
        if row is None or table_of(row_id) not in tables:
            return ""
        if not row.goes_to:
            return row_id if row.is_active or action.reactivates else ""
        row_id = row.goes_to
    return ""


def _preferred(row_ids: Iterable[str], rows: Rows, *, newest_wins: bool) -> str:
    """Active rows before those that have to be reactivated, then by date, then by id."""
    ranked = sorted(row_ids)
    ranked.sort(key=lambda row_id: rows[row_id].modified, reverse=newest_wins)
    return min(ranked, key=lambda row_id: not rows[row_id].is_active)
