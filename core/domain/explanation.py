"""Why this row: the rule, what was asked, every candidate with its fate. Holds no e-mail and no name."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.domain.action import SyncAction
from core.domain.matching import Match, fitting_ways, redirect
from core.domain.row import Row, RowKey
from core.domain.subject import Subject
from core.domain.table import EMAIL_COLUMNS, PEOPLE

_CANDIDATES_MOST = 50


def explained(subject: Subject, match: Match | None, rows: Mapping[RowKey, Row | None]) -> dict[str, Any]:
    """The match for a person who asks; plain values, in the order of thought."""
    rule = subject.action.match
    told: dict[str, Any] = {
        "rule": {"tables": rule.tables.value, "by": rule.by, "inactive": rule.inactive},
        "queries": list(_queries(subject)),
        "candidates": list(_candidates(subject, match, rows))[:_CANDIDATES_MOST],
    }
    if match:
        told |= {"matched_by": match.by, "in": match.table, "chosen": f"{match.row.table} {match.row.id}"}
    if match and match.lost:
        told["tie_break"] = subject.action.on_duplicate.value
    return told


def _queries(subject: Subject) -> Iterator[dict[str, Any]]:
    """One for each table: all of what was asked goes in one query."""
    for look_up in subject.look_ups():
        if look_up.table in PEOPLE:
            yield {
                "table": look_up.table,
                "link": bool(look_up.ids),
                "emails": len(look_up.emails),
                "email_columns": list(EMAIL_COLUMNS) if look_up.emails else [],
                "name": look_up.name is not None,
            }


def _candidates(subject: Subject, match: Match | None, rows: Mapping[RowKey, Row | None]) -> Iterator[dict[str, Any]]:
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


def _fate(row: Row, match: Match | None, action: SyncAction, ways: list[str]) -> str:
    target = redirect(row)
    if match and row.key == match.row.key:
        return "chosen"
    if match and row in match.lost:
        return f"lost the tie: {action.on_duplicate.value.replace('_', ' ')} decides"
    if target:
        return f"leads on to {target[0]} {target[1]} ({'merged' if row.columns.get('merged') else 'qualified'})"
    if not row.is_active:
        return "closed or inactive, so no candidate"
    if not ways:
        return "was read, but does not fit when compared exactly"
    return "an earlier table, or better evidence, decided"
