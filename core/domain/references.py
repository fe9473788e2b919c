"""Rows of other tables that a text names: what is asked for, and which of the answers are meant.

Duty: the question and the judging of its answers. Asking, and remembering what was answered, is the adapter's; what
none or several hits mean, everybody decides who asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.domain.row import Row, RowKey
from core.domain.values import normal_name

NAME_MOST = 400  # characters; no name is as long, and an address holds only so many

# What is read beside the name, to tell who can be meant at all.
_FACTS: Mapping[str, tuple[str, ...]] = {
    "account": ("statecode", "merged"),
    "contact": ("statecode", "merged"),
    "lead": ("statecode", "merged"),
    "campaign": ("statecode",),
    "list": ("statecode", "type", "createdfromcode", "lockstatus"),
    "systemuser": ("isdisabled", "accessmode", "applicationid"),
    "team": ("teamtype",),
}


@dataclass(frozen=True, slots=True)
class ReferenceQuery:
    """Rows of a table whose text column `by` holds `value`. A `fresh` answer is never taken from memory."""

    table: str
    set_name: str
    by: str
    value: str
    fresh: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.by, *_FACTS.get(self.table, ()))))


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """Dynamics refused the question, for this reason: whether there are such rows is not known."""

    why: str


Answer = tuple[Row, ...] | NotAnswered
References = Mapping[ReferenceQuery, Answer]


@dataclass(frozen=True, slots=True)
class Found:
    """All that was read for one delivery: rows by their key (None: gone), and what names stand for."""

    rows: Mapping[RowKey, Row | None] = field(default_factory=dict)
    references: References = field(default_factory=dict)

    def and_then(self, more: "Found") -> "Found":
        return Found({**self.rows, **more.rows}, {**self.references, **more.references})


def can_be_asked_for(name: str) -> bool:
    """Whether a search for the name fits into an address, however many bytes its characters take."""
    return len(name) <= NAME_MOST


def named_rows(query: ReferenceQuery, references: References) -> Answer:
    """The rows that bear the name and can be meant, by id. The server's comparison is wider than ours: it ignores
    accents, so it is made here again.
    """
    answer = references.get(query, ())
    if isinstance(answer, NotAnswered):
        return answer
    wanted = normal_name(query.value)
    rows = (row for row in answer if normal_name(str(row.columns.get(query.by) or "")) == wanted)
    return tuple(sorted((row for row in rows if _can_be_meant(row)), key=lambda row: row.id))


def _can_be_meant(row: Row) -> bool:
    """Neither closed nor merged into another row."""
    columns: Mapping[str, Any] = row.columns
    return not columns.get("statecode") and not columns.get("merged")
