"""What one delivery does to what is there: the pure middle, which the promise and the protocol share.

The promise gives it the whole world, the protocol only what its turn has read: whether that was enough, and still
true when it was written, is what the search is about.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tests.protocol.captures import Delivery, Prospect, merged
from tests.protocol.rows import Match, Note, Row, Rows, matched, table_of, with_values


class View(NamedTuple):
    """Everything that a decision rests on."""

    rows: Rows
    notes: Mapping[str, Note]
    missing: frozenset[str] = frozenset()  # columns that Dynamics does not have


class Join(NamedTuple):
    """A campaign response or a list membership."""

    kind: str
    name: str
    id: str
    row: str


class Effect(NamedTuple):
    outcome: str
    row_id: str
    row: Row | None  # as it is to be
    account: str  # the id of an account to be created
    note: Note | None
    joins: tuple[Join, ...]
    person: Prospect


def effect_of(delivery: Delivery, known: Prospect, view: View, *, prospect_key: str, new_id: str) -> Effect:
    """What becomes of the row that is the person. `new_id` is for the row and the account, if they are created."""
    person, action = merged(known, delivery), delivery.action
    match = matched(action, person, view.rows)
    if match is None and (not action.create or (action.skips_without_key and action.tables and not _has_key(person))):
        return Effect("skipped", "", None, "", None, (), person)
    row_id = match.row_id if match else f"{action.create}/{new_id}"
    late = known.last_said_at > delivery.said_at and match is not None
    before = view.rows[row_id] if match else Row()
    after = _rewritten(before, match, person, delivery, late=late)
    account = _account(delivery, person, view, new_id)
    if account and (not before.account or not late):
        after = after._replace(account=account)
    after = after._replace(**{name: getattr(before, name) for name in view.missing})
    created = account if account == after.account and account not in view.rows else ""
    outcome = "matched" if match else "created"
    joins = _joins(delivery, person, prospect_key, row_id)
    there = view.notes.get(note_id(delivery, prospect_key))
    note = _note(delivery, there, row_id, late=known.last_said_at > delivery.said_at)
    return Effect(outcome, row_id, after, created, note, joins, _linked(person, row_id, match, joins))


def _has_key(person: Prospect) -> bool:
    return bool(person.emails or person.name.value)


def _rewritten(row: Row, match: Match | None, person: Prospect, delivery: Delivery, *, late: bool) -> Row:
    """A late capture only fills blanks; a row found by its name keeps its own e-mail."""
    keeps = late or (match is not None and match.rests_on_name)
    for column in ("email", "email2"):
        row = _with_email(row, column, getattr(person, column).value, keeps=keeps)
    for column in ("name", "title"):
        value = getattr(person, column).value
        if value and (not getattr(row, column) or not late):
            row = with_values(row, {column: value})
    if delivery.remark and delivery.remark not in row.remarks:
        row = row._replace(remarks=(*row.remarks, delivery.remark))
    return row._replace(is_active=row.is_active or not late)


def _with_email(row: Row, column: str, address: str, *, keeps: bool) -> Row:
    if not address or address in (row.email, row.email2):
        return row
    if not getattr(row, column) or not keeps:
        return with_values(row, {column: address})
    empty = [name for name in ("email", "email2") if not getattr(row, name)]
    return with_values(row, {empty[0]: address}) if empty else row


def _account(delivery: Delivery, person: Prospect, view: View, new_id: str) -> str:
    """The one account of that name; a new one when there is none and the action creates; "" otherwise."""
    if not (delivery.action.account and person.company.value):
        return ""
    named = [i for i, row in view.rows.items() if table_of(i) == "account" and row.name == person.company.value]
    if not named and delivery.action.account == "create":
        return f"account/{new_id}"
    return named[0] if len(named) == 1 else ""


def _joins(delivery: Delivery, person: Prospect, prospect_key: str, row_id: str) -> tuple[Join, ...]:
    """Each once for a prospect and its row, however often it is synced."""
    wanted = {"response": delivery.action.campaign, "membership": delivery.action.marketing_list}
    return tuple(
        Join(kind, name, f"{name}|{prospect_key if kind == 'response' else row_id}", row_id)
        for kind, name in wanted.items()
        if name and (name, row_id) not in person.joined
    )


def note_id(delivery: Delivery, prospect_key: str) -> str:
    """One a submission. With the prospect in it, whoever may write the note is kept apart by the prospect's claim."""
    return f"note|{prospect_key}|{delivery.submission}" if delivery.submission and delivery.answers else ""


def _note(delivery: Delivery, there: Note | None, row_id: str, *, late: bool) -> Note | None:
    """An edit rewrites it; an older capture leaves it alone."""
    if not (delivery.submission and delivery.answers):
        return None
    if there is None:
        return Note(row_id, delivery.answers, 0)
    return None if late or there.text == delivery.answers else there._replace(text=delivery.answers)


def _linked(person: Prospect, row_id: str, match: Match | None, joins: tuple[Join, ...]) -> Prospect:
    table = table_of(row_id)
    by_name = {name for name in person.linked_by_name if name != table}
    by_name |= {table} if match and match.rests_on_name else set()
    return person._replace(
        links=tuple(sorted({**dict(person.links), table: row_id}.items())),
        linked_by_name=tuple(sorted(by_name)),
        joined=tuple(sorted({*person.joined, *((join.name, row_id) for join in joins)})),
    )
