"""Why this row: the rule, what was asked, every candidate with its fate. Holds no e-mail and no name."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.domain.action import SyncAction
from core.domain.matching import Match, fitting_ways, redirect
from core.domain.references import ReferenceQuery
from core.domain.row import Row, RowKey
from core.domain.subject import Subject
from core.domain.table import EMAIL_COLUMNS, PEOPLE

_CANDIDATES_MOST = 50
Rows = Mapping[RowKey, Row | None]


def explained(
    subject: Subject, match: Match | None, rows: Rows, asked: Iterable[ReferenceQuery] = ()
) -> dict[str, Any]:
    """The match for a person who asks; plain values, in the order of thought. `asked`: about other tables."""
    candidates = sorted(_candidates(subject, match, rows), key=lambda each: _interest(each, match))
    told: dict[str, Any] = {
        "rule": _rule(subject.action),
        "queries": [*_queries(subject), *_redirects(subject, rows), *_references(asked)],
        "candidates": candidates[:_CANDIDATES_MOST],
    }
    if left_out := len(candidates[_CANDIDATES_MOST:]):
        told["candidates_left_out"] = left_out
    if match:
        told |= {"matched_by": match.by, "in": match.table, "chosen": f"{match.row.table} {match.row.id}"}
    if match and match.lost:
        told["tie_break"] = subject.action.on_duplicate.value
    if subject.is_late:
        times = {"said_at": subject.delivery.said_at, "newest_said_at": subject.known.last_said_at}
        told["late"] = {name: time.isoformat() for name, time in times.items()}
    return told


def _rule(action: SyncAction) -> dict[str, str]:
    rule = action.match
    return {
        "tables": rule.tables.value,
        "by": rule.by,
        "inactive": rule.inactive,
        "without_key": rule.without_key,
        "on_duplicate": action.on_duplicate.value,
        "on_match": action.on_match,
        "create": action.create,
    }


# --- What was asked ---------------------------------------------------------------------------------------------------


def _queries(subject: Subject) -> Iterator[dict[str, Any]]:
    """One for each table: all of what was asked goes in one query."""
    for look_up in subject.look_ups():
        yield {
            "table": look_up.table,
            "link": bool(look_up.ids),
            "emails": len(look_up.emails),
            "email_columns": list(EMAIL_COLUMNS) if look_up.emails else [],
            "name": bool(look_up.names),
        }


def _redirects(subject: Subject, rows: Rows) -> Iterator[dict[str, Any]]:
    """Survivors of merges and contacts of qualified leads, which were read by their ids."""
    linked = set(subject.known.links.items())
    targets = {target for row in rows.values() if row and (target := redirect(row))}
    for table in PEOPLE:
        if followed := sum(target[0] == table for target in targets & rows.keys() - linked):
            yield {"table": table, "redirects": followed}


def _references(asked: Iterable[ReferenceQuery]) -> Iterator[dict[str, Any]]:
    """Company, owner, campaigns, lookups: what they were sought by, not the words."""
    for table, by in dict.fromkeys((query.table, query.by) for query in asked):
        yield {"table": table, "by": by}


# --- Who was found ----------------------------------------------------------------------------------------------------


def _candidates(subject: Subject, match: Match | None, rows: Rows) -> Iterator[dict[str, Any]]:
    for (table, row_id), row in rows.items():
        if table not in PEOPLE:
            continue
        told = {"table": table, "row_id": row_id}
        if row is None:
            yield told | {"fate": "gone: it was linked, but is not in Dynamics any more"}
            continue
        dates = {name: row.columns.get(name) for name in ("createdon", "modifiedon")}
        ways = fitting_ways(row, subject.keys, subject.known.links)
        yield told | dates | {"fits_by": ways, "fate": _fate(row, match, subject.action, ways)}


def _interest(told: Mapping[str, Any], match: Match | None) -> int:
    """The chosen one first, then who lost the tie, then whoever fits; few read further."""
    key = (told["table"], told["row_id"])
    if match and key == match.row.key:
        return 0
    if match and any(key == lost.key for lost in match.lost):
        return 1
    return 2 if told.get("fits_by") else 3


def _fate(row: Row, match: Match | None, action: SyncAction, ways: list[str]) -> str:
    target = redirect(row)
    if match and row.key == match.row.key:
        return "chosen"
    if match and row in match.lost:
        return f"lost the tie: {_tie_break(row, match.row, action)} decides"
    if target:
        return f"leads on to {target[0]} {target[1]} ({'merged' if row.columns.get('merged') else 'qualified'})"
    if not row.is_active:
        return "closed or inactive, so no candidate"
    if not ways:
        return "was read, but does not fit when compared exactly"
    return "an earlier table, or better evidence, decided"


def _tie_break(row: Row, chosen: Row, action: SyncAction) -> str:
    column = action.on_duplicate.column
    if row.columns.get(column) == chosen.columns.get(column):
        return f"with the same {column}, the lower id"
    return action.on_duplicate.value.replace("_", " ")
