"""Which Dynamics row is this person? (product.md, section 4)

Links first; then e-mails through the tables in their order; only then, where the rule says so, names. Look-ups fetch
rows of every state, and everything is judged here again: the server's comparison is wider than ours (it ignores
accents and trailing blanks), and only active, unmerged rows are candidates.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from core.domain.action import MatchTables, OnDuplicate, SyncAction
from core.domain.email_address import normal_email
from core.domain.mapping import FieldMapping, MappingRow, Sources, row_value
from core.domain.prospect import Prospect
from core.domain.references import can_be_asked_for
from core.domain.row import Row, RowKey, read_name
from core.domain.table import EMAIL_COLUMNS, LOOKUP_TYPES, id_column
from core.domain.values import FieldValue, as_text, is_missing, normal_name

By = Literal["email", "name"]
Name = tuple[str, str]  # first, last

_WAYS: tuple[By, ...] = ("email", "name")
_REDIRECTS_MOST = 8  # a chain of merges longer than this is a loop

# Every look-up asks for these beside the mapped columns.
STATE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lead": ("createdon", "modifiedon", "statecode", "merged", "_masterid_value", "_parentcontactid_value"),
    "contact": ("createdon", "modifiedon", "statecode", "merged", "_masterid_value"),
}
_NAME_COLUMNS = {"firstname": "FirstName", "lastname": "LastName"}
KEY_COLUMNS = (*EMAIL_COLUMNS, "firstname", "lastname")
_QUALIFIED = 1  # lead.statecode


@dataclass(frozen=True, slots=True)
class MatchKeys:
    """What a person is searched by: e-mails, the main one first; and the name where both parts are there, as it is said
    and, where a mapping makes another one of it, as it is written.
    """

    emails: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.emails or self.names)


@dataclass(frozen=True, slots=True)
class LookUp:
    """Rows of one table to be read: by id, by any of these e-mails, or by any of these names."""

    table: str
    ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The row that is the person, why, and the candidates that lost the tie."""

    row: Row
    by: Literal["link", "email", "name"]
    table: str  # the table of the rule whose rows hit; the row itself may be where one of them redirects
    lost: tuple[Row, ...] = ()
    rests_on_name: bool = False  # nothing but a name has ever said that the row is this person


def match_keys(person: Prospect, sources: Sources, mappings: Iterable[FieldMapping], action: SyncAction) -> MatchKeys:
    """Everything that is searched for, and everything that may be written into an e-mail column."""
    mappings = tuple(mappings)
    mapped = (row for mapping in mappings for row in mapping.rows if row.column in EMAIL_COLUMNS)
    said = (sources["Email"], *(row_value(row, sources).value for row in mapped))
    emails = tuple(dict.fromkeys(email for value in said if not is_missing(value) and (email := _email(value))))
    return MatchKeys(emails, full_names(person, sources, mappings) if action.matches_by_name else ())


def _email(value: FieldValue) -> str:
    return normal_email(as_text(value))


def full_names(person: Prospect, sources: Sources, mappings: Iterable[FieldMapping]) -> tuple[Name, ...]:
    """First and last name, where both are known and can be searched by."""
    return tuple(name for name in said_names(person, sources, mappings) if all(map(can_be_asked_for, name)))


def said_names(person: Prospect, sources: Sources, mappings: Iterable[FieldMapping]) -> tuple[Name, ...]:
    """The name as it was said, in Captello's own fields, else in what is mapped to the columns; and what stands in the
    columns afterwards, which the next one finds.
    """
    written = [_named(mapping.rows, sources) for mapping in mappings]
    either = {column: value for each in written for column, value in each.items()}
    said = {column: person.value(field) or either.get(column) for column, field in _NAME_COLUMNS.items()}
    names: dict[tuple[str, ...], Name] = {}
    for name in filter(None, map(_full_name, (said, *written))):
        names.setdefault(tuple(map(normal_name, name)), name)
    return tuple(names.values())


def _named(rows: Iterable[MappingRow], sources: Sources) -> dict[str, FieldValue]:
    """What a mapping makes of the names."""
    return {row.column: row_value(row, sources).value for row in rows if row.source and row.column in _NAME_COLUMNS}


def _full_name(values: Mapping[str, FieldValue]) -> Name | None:
    said = (values.get(column) for column in _NAME_COLUMNS)
    first, last = ("" if is_missing(value) else as_text(value) for value in said)
    return (first, last) if first and last else None


def look_ups(action: SyncAction, keys: MatchKeys, links: Mapping[str, str]) -> tuple[LookUp, ...]:
    """What to read from Dynamics before anything can be decided; tables that nothing is known for are left out."""
    searched = action.match.tables.in_order
    asked = (_look_up(table, keys if table in searched else MatchKeys(), links) for table in action.tables)
    return tuple(look_up for look_up in asked if look_up.ids or look_up.emails or look_up.names)


def _look_up(table: str, keys: MatchKeys, links: Mapping[str, str]) -> LookUp:
    return LookUp(table, ids=(links[table],) if table in links else (), emails=keys.emails, names=keys.names)


def redirects_to_read(rows: Mapping[RowKey, Row | None]) -> tuple[LookUp, ...]:
    """Survivors of merges and contacts of qualified leads that have not been read yet."""
    targets = {target for row in rows.values() if row and (target := redirect(row)) and target not in rows}
    return tuple(LookUp(table, ids=(row_id,)) for table, row_id in sorted(targets))


def redirect(row: Row) -> RowKey | None:
    """The survivor of a merge, or the contact that a qualified lead became."""
    if row.columns.get("merged") and (survivor := row.columns.get("_masterid_value")):
        return row.table, survivor
    if row.table == "lead" and row.columns.get("statecode") == _QUALIFIED:
        contact = row.columns.get("_parentcontactid_value")
        return ("contact", contact) if contact else None
    return None


def match_row(
    action: SyncAction, keys: MatchKeys, links: Mapping[str, str], rows: Mapping[RowKey, Row | None]
) -> Match | None:
    """The row that is the person. `rows` holds everything read so far; None stands for a row that is gone."""
    for table in action.tables:
        row = _end(rows.get((table, links[table])), rows, action) if table in links else None
        if row and (row.is_active or _may_open(row, action)):
            return Match(row, "link", table)
    return next(_hits(action, keys, rows), None)


def _hits(action: SyncAction, keys: MatchKeys, rows: Mapping[RowKey, Row | None]) -> Iterator[Match]:
    """E-mails first, through all tables: an e-mail in the second table is better evidence than a name in the first.
    Closed rows come after the active ones that fit as well, where the action opens them again.
    """
    for by in _WAYS:
        fitting = {table: _fitting(table, keys, by, rows) for table in action.match.tables.in_order}
        ends = [(table, _ends(hits, rows, action)) for table, hits in fitting.items()]
        active = [(table, [row for row in found if row.is_active]) for table, found in ends]
        closed = [(table, [row for row in found if _may_open(row, action)]) for table, found in ends]
        for table, candidates in (*active, *closed):
            if candidates:
                chosen, *lost = _ranked(candidates, action.on_duplicate)
                yield Match(chosen, by, table, tuple(lost), rests_on_name=by == "name")


def _fitting(table: str, keys: MatchKeys, by: By, rows: Mapping[RowKey, Row | None]) -> list[Row]:
    return [row for row in rows.values() if row and row.table == table and _fits(row, keys, by)]


def _ends(hits: Iterable[Row], rows: Mapping[RowKey, Row | None], action: SyncAction) -> Iterable[Row]:
    """The rows that the hits are, or lead to, each once."""
    return {end.key: end for hit in hits if (end := _end(hit, rows, action))}.values()


def _may_open(row: Row, action: SyncAction) -> bool:
    """Closed, and the action opens it again; not merged away or qualified, which that would not undo."""
    is_qualified = row.table == "lead" and row.columns.get("statecode") == _QUALIFIED
    is_over = bool(row.columns.get("merged")) or is_qualified
    return action.match.inactive == "reactivate" and not row.is_active and not is_over


def _fits(row: Row, keys: MatchKeys, by: By) -> bool:
    if by == "email":
        return bool(row_emails(row) & set(keys.emails))
    name = (row.columns.get("firstname") or "", row.columns.get("lastname") or "")
    return any(_same_name(name, each) for each in keys.names)


def _same_name(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return tuple(map(normal_name, one)) == tuple(map(normal_name, other))


def fitting_ways(row: Row, keys: MatchKeys, links: Mapping[str, str]) -> list[str]:
    """All that says the row is the person."""
    linked = ["link"] if links.get(row.table) == row.id else []
    return linked + [by for by in _WAYS if _fits(row, keys, by)]


def row_emails(row: Row) -> set[str]:
    return {normal_email(row.columns.get(column) or "") for column in EMAIL_COLUMNS} - {""}


def _end(row: Row | None, rows: Mapping[RowKey, Row | None], action: SyncAction) -> Row | None:
    """The row itself, or where it redirects, open or closed; None when that is gone, or in no table of the action. With
    match off, a lead that has become a contact is its submission's own all the same.
    """
    tables = (*action.tables, *(("contact",) if action.match.tables is MatchTables.OFF else ()))
    for _ in range(_REDIRECTS_MOST):
        if row is None or row.table not in tables:
            return None
        target = redirect(row)
        if target is None:
            return row
        row = rows.get(target)
    return None


def _ranked(rows: Iterable[Row], on_duplicate: OnDuplicate) -> list[Row]:
    """The chosen row first. Equal dates are settled by id, so the order in which rows came in never matters."""
    dated = sorted(rows, key=lambda row: (row.table, row.id))
    return sorted(
        dated, key=lambda row: str(row.columns.get(on_duplicate.column) or ""), reverse=on_duplicate.newest_wins
    )


def columns_to_read(mapping: FieldMapping | None, table: str, linked: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns a look-up selects: what matching and redirecting need, what the mapping may change, and `linked`
    lookup columns that the action may set.
    """
    mapped = (
        [_read_name(mapping, row.column) for row in mapping.rows if row.column in mapping.columns] if mapping else []
    )
    links = map(read_name, linked)
    return tuple(dict.fromkeys((id_column(table), *STATE_COLUMNS[table], *KEY_COLUMNS, *mapped, *links)))


def _read_name(mapping: FieldMapping, column: str) -> str:
    return read_name(column) if mapping.columns[column].type in LOOKUP_TYPES else column
