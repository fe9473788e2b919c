"""What stands in Dynamics after a history, in the words of the reference model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.histories.arena import Arena
from tests.histories.history import EXPO

TABLES = ("lead", "contact")
_ACCOUNT = {"lead": "_parentaccountid_value", "contact": "_parentcustomerid_value"}
_CUSTOMER = 11  # activityparty.participationtypemask

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows by table and id, each with its company and source campaign by name; and what stands beside them."""

    rows: dict[tuple[str, str], dict[str, Any]]
    beside: dict[str, list[Any]]


def standing(arena: Arena, tag: str) -> Standing:
    """Of one history: everything of it bears its tag, or belongs to a row that does."""
    accounts = {row["accountid"]: row["name"] for row in arena.rows("account") if tag in row["name"]}
    rows = {(table, row[f"{table}id"]): row for table, row in _people(arena, tag)}
    for (table, _), row in rows.items():
        row["account"] = accounts.get(row.get(_ACCOUNT[table]), "").strip().lower()
        row["campaign"] = EXPO if row.get("_campaignid_value") else ""
    ids = {row_id for _, row_id in rows}
    notes = [row for row in arena.rows("annotation") if row.get("_objectid_value") in ids]
    parties = [row for row in arena.rows("activityparty") if row.get("participationtypemask") == _CUSTOMER]
    beside = {
        "accounts": sorted(accounts.values()),
        "notes": sorted((row["_objectid_value"], row["notetext"]) for row in notes),
        "responses": sorted(row["_partyid_value"] for row in parties if row["_partyid_value"] in ids),
        "members": sorted(row["entityid"] for row in arena.rows("listmember") if row["entityid"] in ids),
    }
    return Standing(rows, beside)


def _people(arena: Arena, tag: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for table in TABLES:
        yield from ((table, row) for row in arena.rows(table) if f"{tag}." in repr(row) or f" {tag}'" in repr(row))
